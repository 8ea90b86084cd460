"""Blocks from the node: read, and refused where they are not one chain."""

from __future__ import annotations

from typing import Any

import pytest

from jovay.bridge.errors import WireError
from jovay.bridge.relayer.blocks import Block, BlockSource, chunk_of
from jovay.bridge.relayer.errors import BlocksError
from rigs.l2_blocks import MadeBlocks, fields


def made() -> MadeBlocks:
    chain = MadeBlocks()
    for n in range(5):
        chain.add([chain.transaction() for _ in range(n)], [bytes((n,)) * 32] * (n % 2))
    return chain


def test_blocks_come_as_the_node_has_them() -> None:
    chain = made()
    blocks, head = BlockSource(chain).since(2)
    assert (blocks, head) == (chain.blocks[2:], 5)
    assert BlockSource(chain).since(6) == ([], 5)
    assert blocks[1].parent_hash == blocks[0].hash
    chunk = chunk_of(blocks)
    assert len(chunk.encode(2)) == 4 + sum(block.size for block in blocks)
    assert [len(raws) for _, raws in chunk.by_block()] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "change",
    [
        {"hash": "0x" + "11" * 32},
        {"header": "0xc0"},
        {"transactions": "0x"},
        {"nextL1Message": "0x9"},
    ],
)
def test_a_block_that_does_not_fit_is_refused(
    change: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = made()
    answer = chain.call("jovay_getBlockTraces", "0x2", "0x0")
    answer["blocks"][1] |= change
    monkeypatch.setattr(chain, "call", lambda *_: answer)
    with pytest.raises((BlocksError, WireError)):
        BlockSource(chain).since(2)


def test_blocks_of_another_place_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    chain, other = made(), MadeBlocks(seed=2)
    for _ in range(6):
        other.add([other.transaction()])
    mixed = [*map(fields, chain.blocks[2:4]), *map(fields, other.blocks[4:])]
    for first, blocks in ((1, map(fields, chain.blocks[2:])), (2, mixed)):
        answer = {"blocks": list(blocks), "head": "0x5"}
        monkeypatch.setattr(chain, "call", lambda *_, answer=answer: answer)
        with pytest.raises(BlocksError):
            BlockSource(chain).since(first)


def test_a_block_with_a_length_beyond_its_end() -> None:
    good = fields(made().last)
    with pytest.raises(WireError):
        Block.read(good | {"transactions": good["transactions"][:-2]})
