"""Blocks that wait for a batch: what is held, and that the node's word is last."""

from __future__ import annotations

import pytest

from jovay.bridge.relayer import backlog as module
from jovay.bridge.relayer.backlog import Backlog
from jovay.bridge.relayer.blocks import BlockSource
from jovay.bridge.relayer.errors import BlocksError, WaitingError
from rigs.l2_blocks import MadeBlocks


def made(count: int) -> tuple[MadeBlocks, Backlog]:
    chain = MadeBlocks(most_at_once=3)
    for _ in range(count):
        chain.add([chain.transaction()])
    return chain, Backlog(BlockSource(chain))


def test_blocks_are_read_as_they_come_and_let_go_when_they_are_in_batches() -> None:
    chain, backlog = made(7)
    genesis = chain.blocks[0].hash
    assert backlog.behind(0, genesis) == chain.blocks[1:]
    assert backlog.head == 7
    chain.add()
    assert backlog.behind(0, genesis) == chain.blocks[1:]
    assert backlog.behind(4, chain.blocks[4].hash) == chain.blocks[5:]
    assert backlog.behind(2, chain.blocks[2].hash) == chain.blocks[3:]  # a batch was reverted
    assert backlog.behind(8, chain.last.hash) == []


@pytest.mark.parametrize(("back_to", "more"), [(7, 0), (5, 2), (5, 3), (5, 4), (1, 9), (0, 3)])
def test_a_node_that_goes_back_is_followed(back_to: int, more: int) -> None:
    chain, backlog = made(8)
    genesis = chain.blocks[0].hash
    backlog.behind(0, genesis)
    chain.rewind(back_to)
    for _ in range(more):
        chain.add([chain.transaction()])
    assert backlog.behind(0, genesis) == chain.blocks[1:]
    assert backlog.has(chain.last.number, chain.last.hash)
    assert not backlog.has(chain.last.number + 1, chain.last.hash)


def test_a_node_that_has_another_block_than_its_batch() -> None:
    chain, backlog = made(8)
    fifth = chain.blocks[5].hash
    chain.rewind(3)
    with pytest.raises(WaitingError, match="has 3 blocks, and 5 are in batches"):
        backlog.behind(5, fifth)
    for _ in range(4):
        chain.add([chain.transaction()])
    with pytest.raises(BlocksError):
        backlog.behind(5, fifth)


def test_no_more_is_held_than_a_batch_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    chain, backlog = made(30)
    monkeypatch.setattr(module, "HELD_BLOCKS", 7)
    assert backlog.behind(0, chain.blocks[0].hash) == chain.blocks[1:10]
    monkeypatch.setattr(module, "HELD_BLOCKS", 1 << 16)
    monkeypatch.setattr(module, "HELD_BYTES", 4 * chain.last.size)
    assert backlog.behind(12, chain.blocks[12].hash) == chain.blocks[13:19]
