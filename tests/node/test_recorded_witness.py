"""Witnesses recorded when the blocks were made, and those of a second execution: the same but for the order."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from jovay.config import NodeConfig
from jovay.native.library import Library
from jovay.node import Node
from jovay.tracer.replica import Replicas
from jovay.tracer.witness import StatelessExecutor
from rigs.rpc import RpcError
from rigs.solidity import load
from rigs.transactions import keccak256

from .conftest import SETTINGS, Client, hexed, unhexed


def start(folder: Path, **changes: Any) -> Node:
    node = Node(NodeConfig(datadir=folder, **(SETTINGS | changes)))
    node.start()
    return node


def make_blocks(client: Client) -> int:
    """A creation, blocks of several calls, an edit of the state, and one that reads thousands of slots; the newest."""
    counter = unhexed(client.send(b"", data=unhexed(load("Counter").bytecode))["contractAddress"])
    for size in (1, 3):
        client("evm_setAutomine", False)
        nonce = client.next_nonce()
        for k in range(size):
            data = keccak256(b"incrementMany(uint256)")[:4] + (size + k).to_bytes(32, "big")
            client("eth_sendRawTransaction", hexed(client.raw(counter, 0, data, nonce=nonce + k)))
        client("evm_mine")
        client("evm_setAutomine", True)
    # for (i = 3000; i > 0; i--) sload(i)
    reader = bytes.fromhex("610bb85b80545060019003806003575b00")
    made = client.send(b"", data=bytes.fromhex("70") + reader + bytes.fromhex("5f526011600ff3"), gas=200_000)
    client("anvil_setBalance", "0x" + "72" * 20, "0x5")
    return int(client.send(unhexed(made["contractAddress"]), gas=9_000_000)["blockNumber"], 16)


def witnesses(client: Client, newest: int) -> dict[int, Any]:
    """Of all blocks but the edited one."""
    found = {}
    for number in range(1, newest + 1):
        if number != newest - 1:
            found[number] = client("debug_executionWitness", hex(number))
    with pytest.raises(RpcError, match="development methods have changed the state"):
        client("debug_executionWitness", hex(newest - 1))
    return found


def forbid_second_executions(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(self: Replicas, header: Any, time_limit: float) -> None:
        raise AssertionError(f"block {header.number} is executed again")

    monkeypatch.setattr(Replicas, "execute", refused)


def test_recorded_witnesses_outlive_the_node_and_equal_those_of_a_second_execution(
    folder: Path, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = start(folder, record_witnesses=True)
    newest = make_blocks(Client(node))
    recorded = witnesses(Client(node), newest)
    node.stop()
    node = start(folder)
    with monkeypatch.context() as patched:
        forbid_second_executions(patched)
        client = Client(node)
        assert {n: client("debug_executionWitness", hex(n)) for n in recorded} == recorded
    node.stop()
    shutil.rmtree(folder / "tracer")
    node = start(folder)
    again = witnesses(Client(node), newest)
    headers = {n: Client(node)("eth_getBlockByNumber", hex(n), False) for n in recorded}
    node.stop()
    executor = StatelessExecutor(library, 1 << 30, huge_pages=False)
    for number, one in recorded.items():
        other = again[number]
        assert one["state"] == other["state"]
        assert sorted(one["keys"]) == sorted(other["keys"])
        assert sorted(one["codes"]) == sorted(other["codes"])
        for found in (one, other):
            result = executor.execute(unhexed(found["witness"]))
            assert hexed(result.state_root) == headers[number]["stateRoot"], result.error
    assert len(recorded[newest]["keys"]) > 3000


def test_a_second_execution_follows_a_chain_that_was_cut(folder: Path) -> None:
    node = start(folder)
    try:
        client = Client(node)
        snapshot = client("evm_snapshot")
        client.send(b"\x71" * 20, 5)
        first = client("debug_executionWitness", "latest")
        client("evm_revert", snapshot)
        client.send(b"\x73" * 20, 6)
        second = client("debug_executionWitness", "latest")
        assert first["headers"] == second["headers"]
        assert first["keys"] != second["keys"]
    finally:
        node.stop()
