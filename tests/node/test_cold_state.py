"""A transaction whose keys lead to each other, none in memory, holds up no block, and is executed all the same."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

from execution.scenes import asm
from jovay.config import NodeConfig
from jovay.node import Node
from jovay.storage.development import CHAIN_ID, development_genesis
from jovay.storage.genesis import to_json
from rigs.transactions import keccak256

from .conftest import SETTINGS, Client, hexed

CHAIN = b"\xcc" * 20
LINKS, SLOTS = 3_000, 36_000
#: key = sload(key), for ever; the gas ends it
FOLLOW = asm(1) + b"\x5b" + asm("sload", 2, "jump")


def with_chain(folder: Path) -> Path:
    """A genesis file with a contract each of whose slots holds the next one's key, and others that fill the tables."""
    keys = [(1).to_bytes(32, "big"), *(keccak256(b"%d" % i) for i in range(LINKS))]
    chain = {hexed(key): hexed(value) for key, value in pairwise(keys)}
    filler = {hexed(keccak256(key)): hexed(key) for key in (b"%32d" % i for i in range(SLOTS // 2))}
    document = to_json(development_genesis(CHAIN_ID))
    document["alloc"][CHAIN.hex()] = {"balance": "0x0", "code": hexed(FOLLOW), "storage": chain}
    document["alloc"]["11" * 20] = {"balance": "0x1", "nonce": "0x1", "storage": filler}
    path = folder / "genesis.json"
    path.write_text(json.dumps(document))
    return path


def test_a_chain_of_cold_keys_holds_up_no_block(tmp_path: Path) -> None:
    tables = {"accounts": 30_000, "slots": SLOTS, "block_gas_limit": 17_000_000}
    node = Node(NodeConfig(datadir=tmp_path / "data", genesis=with_chain(tmp_path), **(SETTINGS | tables)))
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
