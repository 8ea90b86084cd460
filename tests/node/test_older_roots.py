"""Simulated roots and witnesses while the chain goes on, and after the state has left memory."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from jovay.config import NodeConfig
from jovay.node import Node

from .conftest import SETTINGS, Client, hexed
from .test_eviction import SMALL, Sheet, start


def simulate(client: Client, block: dict[str, Any], at: str) -> dict[str, Any]:
    made: dict[str, Any] = client("eth_simulateV1", {"blockStateCalls": [block]}, at)[0]
    return made


def test_roots_while_blocks_are_made(folder: Path) -> None:
    """A simulation gives the same root again when many blocks have come after the one that it started from."""
    node = Node(NodeConfig(datadir=folder, **SETTINGS))
    node.start()
    done, sent = threading.Event(), 0
    failures: list[BaseException] = []

    def send() -> None:
        nonlocal sent
        client = Client(node, 1)
        try:
            while not done.is_set():
                nonce = client.next_nonce()
                for k in range(20):
                    to = (sent + k + 1).to_bytes(2, "big") * 10
                    client("eth_sendRawTransaction", hexed(client.raw(to, 1, nonce=nonce + k)))
                sent += 20
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        client = Client(node)
        found = []
        for k in range(60):
            call = {"from": hexed(client.address), "to": hexed(bytes([k + 1, k % 7]) * 10), "value": "0x5"}
            block = {"calls": [call], "blockOverrides": {"time": hex(1 << 40)}}
            found.append((block, simulate(client, block, "latest")))
        bases = [int(made["number"], 16) - 1 for _, made in found]
        assert len(set(bases)) > 10
        for (block, made), base in zip(found, bases, strict=True):
            assert simulate(client, block, hex(base)) == made
        for base in sorted(set(bases))[::5]:
            if base:
                client("debug_executionWitness", hex(base))  # the node compares the roots that come of it
    finally:
        done.set()
        thread.join()
        node.stop()
    assert failures == []


def test_roots_after_the_state_has_left_memory(folder: Path) -> None:
    node = start(folder, **SMALL)
    try:
        client = Client(node)
        sheet = Sheet(client)
        sheet.write(0, 600, 9)
        turn = 0
        while node.sequencer.housekeeping.evictions < 2:
            turn += 1
            sheet.sum(10**6 * turn, 6_000)
        zeros = {hexed(key.to_bytes(32, "big")): hexed(bytes(32)) for key in sheet.model}
        result = {hexed((1 << 255).to_bytes(32, "big")): hexed(bytes(32))}
        one_by_one, replaced, kept = (
            simulate(client, {"stateOverrides": {hexed(sheet.address): override}}, "latest")["stateRoot"]
            for override in ({"stateDiff": zeros | result}, {"state": {}}, {"stateDiff": result})
        )
        assert one_by_one == replaced != kept
        sheet.sum(0, 600)
        assert len(client("debug_executionWitness", "latest")["keys"]) > 600
    finally:
        node.stop()
