"""A transaction whose every look-up leads to others finds no way to fill the tables: it waits, and is executed."""

from __future__ import annotations

from pathlib import Path

from jovay.config import NodeConfig
from jovay.node import Node
from rigs.assembly import asm

from .conftest import SETTINGS, SMALL_TABLES, Client, genesis_with, hexed

WALK = b"\xcc" * 20
SLOTS, FORKS, GAS = SMALL_TABLES["slots"], 40, 16_700_000
#: key = 3 · key + sload(key) + 1, for ever; the gas ends it
FOLLOW = asm(1) + b"\x5b" + asm("dup1 sload", 1, "add swap1", 3, "mul add", 2, "jump")


def with_walk(folder: Path) -> Path:
    """A genesis whose contract goes another way at each of its first slots than it would if they were empty."""
    key, storage = 1, {}
    for value in range(1, FORKS):
        storage[hexed(key.to_bytes(32, "big"))] = hexed(value.to_bytes(32, "big"))
        key = 3 * key + value + 1
    filler = {hexed((2**255 + i).to_bytes(32, "big")): "0x01" for i in range(SLOTS // 2)}
    walker = {"balance": "0x0", "code": hexed(FOLLOW), "storage": storage | filler}
    return genesis_with(folder, {WALK: walker})


def test_guesses_do_not_fill_the_tables(tmp_path: Path) -> None:
    settings = SETTINGS | SMALL_TABLES
    node = Node(NodeConfig(datadir=tmp_path / "data", genesis=with_walk(tmp_path), **settings))
    node.start()
    try:
        client, other = Client(node), Client(node, 1)
        digest = client("eth_sendRawTransaction", hexed(client.raw(WALK, gas=GAS)))
        assert other.send(b"\x33" * 20, value=1)["status"] == "0x1"
        while (receipt := client("eth_getTransactionReceipt", digest)) is None:
            assert node.failure == ""
        assert receipt["gasUsed"] == hex(GAS)
    finally:
        node.stop()
