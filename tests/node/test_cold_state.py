"""A transaction whose keys lead to each other, none in memory, holds up no block, and is executed all the same."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from jovay.config import NodeConfig
from jovay.node import Node
from rigs.assembly import asm
from rigs.transactions import keccak256

from .conftest import SETTINGS, SMALL_TABLES, Client, genesis_with, hexed

CHAIN = b"\xcc" * 20
LINKS, SLOTS = 3_000, SMALL_TABLES["slots"]
#: key = sload(key), for ever; the gas ends it
FOLLOW = asm(1) + b"\x5b" + asm("sload", 2, "jump")


def with_chain(folder: Path) -> Path:
    """A genesis file with a contract each of whose slots holds the next one's key, and others that fill the tables."""
    keys = [(1).to_bytes(32, "big"), *(keccak256(b"%d" % i) for i in range(LINKS))]
    chain = {hexed(key): hexed(value) for key, value in pairwise(keys)}
    filler = {hexed(keccak256(key)): hexed(key) for key in (b"%32d" % i for i in range(SLOTS // 2))}
    follower = {"balance": "0x0", "code": hexed(FOLLOW), "storage": chain}
    return genesis_with(
        folder, {CHAIN: follower, b"\x11" * 20: {"balance": "0x1", "nonce": "0x1", "storage": filler}}
    )


def test_a_chain_of_cold_keys_holds_up_no_block(tmp_path: Path) -> None:
    settings = SETTINGS | SMALL_TABLES
    node = Node(NodeConfig(datadir=tmp_path / "data", genesis=with_chain(tmp_path), **settings))
    node.start()
    waits: list[float] = []
    node.sequencer.listen(
        lambda blocks: waits.extend(block.produced.statistics.seconds["execution"] for block in blocks)
    )
    try:
        client, other = Client(node), Client(node, 1)
        digest = client("eth_sendRawTransaction", hexed(client.raw(CHAIN, gas=2_100 * LINKS + 30_000)))
        receipts = [other.send(b"\x33" * 20, value=1) for _ in range(3)]
        assert all(receipt["status"] == "0x1" for receipt in receipts)
        while (receipt := client("eth_getTransactionReceipt", digest)) is None:
            assert node.failure == ""
        assert receipt["gasUsed"] == hex(2_100 * LINKS + 30_000)
        assert int(receipt["blockNumber"], 16) > 1  # it came first, and was postponed
        assert max(waits) < 5
    finally:
        node.stop()
