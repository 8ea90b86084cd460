"""A node on a settled chain: what it makes is what provers derive, message by message and byte by byte."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jovay.native.library import Library
from jovay.tracer.chunk import ChunkExecutor
from rigs.settled_chain import CONFIG, COUNTER, HASHER, ORACLE
from rigs.settled_node import SettledNode, message

from .conftest import Client


@pytest.fixture(scope="module")
def executor(library: Library) -> ChunkExecutor:
    return ChunkExecutor(library, 8 << 30)


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[SettledNode]:
    node = SettledNode(tmp_path)
    yield node
    node.stop()


def at(number: int) -> bytes:
    return number.to_bytes(20, "big")


def word(number: int) -> bytes:
    return number.to_bytes(32, "big")


def test_provers_agree(chain: SettledNode, executor: ChunkExecutor) -> None:
    clients = [Client(chain.node, account) for account in range(3)]
    inbox = chain.sequencer.inbox
    clients[0].send(b"\xde\xad" * 10, 5)
    assert inbox.offer(0, [message(0), message(1)]) == 2
    clients[1].send(at(COUNTER), data=word(7) + word(3))
    clients[0].send(at(ORACLE), data=word(11))
    inbox.offer(2, [message(number) for number in range(2, 7)])
    clients[2].send(at(HASHER), data=word(1))
    clients[1].send(at(COUNTER), data=word(7) + word(2**255))
    chain.wait_for_messages(7)
    visible = chain.sequencer.visible
    found = executor.execute(chain.chunk(1, visible.number).encode())
    assert found.error == ""
    assert (found.last_block_hash, found.post_state_root) == (visible.hash, visible.state_root)
    assert found.last_timestamp == chain.sequencer.block_time_ms(visible.number)
    assert (found.next_l1_message, found.rolling_hash_after) == inbox.position(visible.number)
    assert found.config_hash == CONFIG.hash
    rest = executor.execute(chain.chunk(3, visible.number).encode())  # after a chunk
    assert (rest.error, rest.last_block_hash) == ("", visible.hash)
    assert (rest.first_l1_message, rest.rolling_hash_before) == inbox.position(2)
