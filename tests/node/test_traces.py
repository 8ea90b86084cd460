"""What a node of a settled chain tells of its blocks, as the relayer reads it and provers execute it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from jovay.bridge.relayer.blocks import BlockSource, chunk_of
from jovay.cli.app import app
from jovay.native.library import Library
from jovay.prover.witnesses import fetch_witness
from jovay.sequencer.persistence.pruning import Pruner
from jovay.tracer.chunk import ChunkExecutor, ChunkInput
from jovay.tracer.chunk_witness import ChunkWitness
from jovay.tracer.replica import has_write_sets
from rigs.rpc import RpcError
from rigs.settled_chain import CONFIG, COUNTER, HASHER
from rigs.settled_node import SettledNode, message

from .conftest import Client


@pytest.fixture(scope="module")
def executor(library: Library) -> ChunkExecutor:
    return ChunkExecutor(library, 8 << 30)


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[SettledNode]:
    """A dozen blocks, some with messages."""
    node = SettledNode(tmp_path)
    try:
        clients = [Client(node.node, account) for account in range(3)]
        for n in range(4):
            clients[n % 3].send(b"\xde\xad" * 10, 5)
            node.sequencer.inbox.offer(n, [message(n)])
            clients[1].send(word(COUNTER)[12:], data=word(n) + word(3))
            clients[2].send(word(HASHER)[12:], data=word(n + 1))
        node.wait_for_messages(4)
        yield node
    finally:
        node.stop()


def word(number: int) -> bytes:
    return number.to_bytes(32, "big")


def test_blocks_as_the_relayer_reads_them(chain: SettledNode) -> None:
    source, sequencer = BlockSource(Client(chain.node).rpc), chain.sequencer
    blocks, head = source.since(0)
    assert head == sequencer.visible.number > 10
    assert [block.number for block in blocks] == list(range(head + 1))
    for block in blocks[1:]:
        context, published = chain.context(block.number)
        assert block.context == context
        assert block.transactions == b"".join(len(raw).to_bytes(4, "big") + raw for raw in published)
        assert (block.next_l1_message, block.rolling_hash) == sequencer.inbox.position(block.number)
        assert block.hash == sequencer.data.blocks.hash_of(block.number)
    assert sum(block.context.l1_messages for block in blocks) == 4


def test_answers_are_bounded(chain: SettledNode) -> None:
    client, head = Client(chain.node), chain.sequencer.visible.number
    assert [len(client("jovay_getBlockTraces", 1, size)["blocks"]) for size in (0, 1, 2800)] == [1, 1, 2]
    assert client("jovay_getBlockTraces", head + 1) == {"blocks": [], "head": hex(head)}
    for first, last in ((0, 1), (3, head + 1), (5, 4), (1, 1 << 40)):
        with pytest.raises(RpcError):
            client("jovay_getChunkWitness", first, last)


def test_provers_execute_what_they_are_given(
    library: Library, chain: SettledNode, executor: ChunkExecutor
) -> None:
    """From records, or, where there are none, from a second execution, the same witness comes."""
    client, data = Client(chain.node), chain.sequencer.data
    blocks, head = BlockSource(client.rpc).since(1)
    for first, last in ((1, head), (1, 1), (4, 9)):
        witness = bytes.fromhex(client("jovay_getChunkWitness", first, last)[2:])
        published = chunk_of(blocks[first - 1 : last]).encode(2)
        given = ChunkInput(CONFIG.encode(), 2, published, ChunkWitness.decode(witness))
        found = executor.execute(given.encode())
        assert (found.error, found.last_block_hash) == ("", data.blocks.hash_of(last))
        assert (found.next_l1_message, found.rolling_hash_after) == chain.sequencer.inbox.position(last)
        assert bytes.fromhex(client("jovay_getChunkWitness", first, last, True)[2:]) == witness
        data.tracer.append(first, data.blocks.hash_of(first), [b"damaged"])
        assert bytes.fromhex(client("jovay_getChunkWitness", first, last)[2:]) == witness
        lacking = dataclasses.replace(given.witness, multiproof=b"")
        assert executor.execute(dataclasses.replace(given, witness=lacking).encode()).error


def test_where_blocks_are_pruned(chain: SettledNode, executor: ChunkExecutor) -> None:
    """Then a block that is not recorded is executed over the node's own state, led back."""
    client, data = Client(chain.node), chain.sequencer.data
    data.blocks.segment_blocks, data.blocks.recent_bytes = 4, 1
    for n in range(10):
        client.send(word(HASHER)[12:], data=word(n))
    blocks, head = BlockSource(client.rpc).since(1)
    assert Pruner(data, chain.sequencer.persistence, lambda: head, 5).prune() > 0
    assert not has_write_sets(data.blocks)
    for number in range(head - 3, head + 1):
        data.tracer.append(number, data.blocks.hash_of(number), [b"damaged"])
    witness = bytes.fromhex(client("jovay_getChunkWitness", head - 3, head)[2:])
    published = chunk_of(blocks[head - 4 : head]).encode(2)
    given = ChunkInput(CONFIG.encode(), 2, published, ChunkWitness.decode(witness))
    found = executor.execute(given.encode())
    assert (found.error, found.last_block_hash) == ("", data.blocks.hash_of(head))


def test_witnesses_are_bounded_before_they_are_made(chain: SettledNode) -> None:
    client = Client(chain.node)
    blocks, head = client("jovay_getBlockTraces", 1)["blocks"], chain.sequencer.visible.number
    for first, last in ((1, head), (1, 1), (4, 9)):
        bound = sum(int(block["witnessBytes"], 16) for block in blocks[first - 1 : last])
        assert len(client("jovay_getChunkWitness", first, last)) // 2 - 1 <= bound + 1024


def test_large_witnesses_come_in_parts(chain: SettledNode, monkeypatch: pytest.MonkeyPatch) -> None:
    client, head = Client(chain.node), chain.sequencer.visible.number
    whole = bytes.fromhex(client("jovay_getChunkWitness", 1, head)[2:])
    for size in (1000, len(whole), len(whole) // 2):
        for module in ("rpc.methods.tracer", "prover.witnesses", "backend.tracer"):
            monkeypatch.setattr(f"jovay.{module}.PART_BYTES", size)
        assert len(client("jovay_getChunkWitness", 1, head)) == 2 + 2 * size
        assert fetch_witness(client.rpc, 1, head).encode() == whole


def test_full_traces(chain: SettledNode) -> None:
    """As a person asks for them: three chunks, two at a time."""
    head, url = chain.sequencer.visible.number, chain.node.http_url
    found = CliRunner().invoke(app, ["trace", "1", str(head), "--node", url, "--blocks", str(head // 3 + 1)])
    assert found.exit_code == 0, found.output
    assert found.output.count("pass  blocks") == 3
    assert f"to {head}, " in found.output
    found = CliRunner().invoke(app, ["trace", "1", str(head + 1), "--node", url])
    assert found.exit_code == 1
    assert f"the node's newest block is {head}" in found.output


def test_only_where_it_is_recorded(node: object) -> None:
    """A development chain does not record by itself."""
    with pytest.raises(RpcError, match="--record-witnesses"):
        Client(node)("jovay_getBlockTraces", 0)  # type: ignore[arg-type]
