"""A transaction that takes long is executed beside the blocks: others are in blocks meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jovay.chain.genesis import read
from jovay.config import NodeConfig
from jovay.native import kernel
from jovay.node import Node
from jovay.sequencer.reexecution import Reexecution
from jovay.storage.datadir import DataDirectory
from rigs.assembly import asm
from rigs.slow_contracts import OPENING, openings

from .conftest import SETTINGS, Client, genesis_with, hexed, unhexed

COUNTER, POSITION, RANDOM, RICH, PRICED = (bytes([byte]) * 20 for byte in range(0xA1, 0xA6))
COUNT = asm(0, "sload", 1, "add", 0, "sstore")
#: About 28 openings, 40 ms.
GAS = 1_600_000
RECIPIENT = b"\x71" * 20
#: Without calldata the counter counts, with it it counts after openings.
SHARED = asm("calldatasize", 5 + len(COUNT), "jumpi") + COUNT + asm("stop jumpdest")
CODES = {
    COUNTER: SHARED + openings(before=COUNT, at=len(SHARED)),
    POSITION: openings(before=asm("number", 0, "sstore", "timestamp", 1, "sstore")),
    RANDOM: openings(before=asm("prevrandao", 0, "sstore", 1, "number sub blockhash", 1, "sstore")),
    RICH: openings(before=asm(RECIPIENT, "balance", 0, "sstore")),
    PRICED: openings(before=asm("gasprice", 0, "sstore", "origin balance", 1, "sstore")),
}


@pytest.fixture(scope="module")
def genesis(tmp_path_factory: pytest.TempPathFactory) -> Path:
    alloc = {address: {"balance": "0x0", "code": hexed(code)} for address, code in CODES.items()}
    return genesis_with(tmp_path_factory.mktemp("genesis"), alloc)


def settings(genesis: Path, **changes: Any) -> dict[str, Any]:
    return SETTINGS | {"genesis": genesis, "fee_recipient": hexed(RECIPIENT)} | changes


@pytest.fixture(scope="module")
def node(genesis: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """After all tests, the chain that they made is executed again, serially."""
    folder = tmp_path_factory.mktemp("heavy")
    started = Node(NodeConfig(datadir=folder, **settings(genesis)))
    started.start()
    yield started
    assert started.failure == ""
    assert len(started.sequencer.aside) == 0
    started.stop()
    latest = started.sequencer.executed.number
    with DataDirectory(folder, sync=False) as data:
        assert Reexecution(kernel.load(), data.blocks, read(genesis)).run() == latest


class Others:
    """An account that sends transfers one after the other, or calls, until the block ends."""

    def __init__(self, node: Node, account: int = 1, to: bytes = b"\x33" * 20) -> None:
        self._client, self._to, self._ending = Client(node, account), to, threading.Event()
        self.blocks: list[int] = []
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self._ending.is_set():
            receipt = self._client.send(self._to, gas=100_000)
            self.blocks.append(int(receipt["blockNumber"], 16))

    def __enter__(self) -> Others:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ending.set()
        self._thread.join()


def heavy(client: Client, to: bytes, **changes: int) -> str:
    """Hash of a heavy transaction that is sent."""
    raw = client.raw(to, data=OPENING, **({"gas": GAS} | changes))
    return str(client("eth_sendRawTransaction", hexed(raw)))


def receipt_of(client: Client, digest: str) -> dict[str, Any]:
    until = time.monotonic() + 120
    while (receipt := client("eth_getTransactionReceipt", digest)) is None:
        assert client.node.failure == ""
        assert time.monotonic() < until
    assert receipt["status"] == "0x1"
    return dict(receipt)


def stored(client: Client, of: bytes, slot: int) -> int:
    return client.number("eth_getStorageAt", hexed(of), hex(slot), "latest")


def test_others_are_in_blocks_meanwhile(node: Node, client: Client) -> None:
    first = node.sequencer.executed.number
    with Others(node) as others:
        receipt = receipt_of(client, heavy(client, COUNTER, gas=1 << 24))
    mined = int(receipt["blockNumber"], 16)
    assert len([block for block in others.blocks if first < block < mined]) >= 3
    assert stored(client, COUNTER, 0) == 1
    assert client.next_nonce() == 1


def test_number_and_time_stamp_are_those_of_its_block(node: Node, client: Client) -> None:
    with Others(node):
        receipt = receipt_of(client, heavy(client, POSITION))
    block = client("eth_getBlockByNumber", receipt["blockNumber"], False)
    assert [stored(client, POSITION, slot) for slot in (0, 1)] == [
        int(block[name], 16) for name in ("number", "timestamp")
    ]


def test_it_is_in_a_reserved_block_where_nobody_else_sends(client: Client) -> None:
    number = int(receipt_of(client, heavy(client, POSITION))["blockNumber"], 16)
    assert stored(client, POSITION, 0) == number


@pytest.mark.parametrize("to", [RANDOM, RICH])
def test_what_only_the_block_can_tell_gets_a_block_of_its_own(node: Node, client: Client, to: bytes) -> None:
    node.sequencer.aside.own_block_took(0.0)
    receipt = receipt_of(client, heavy(client, to))
    block = client("eth_getBlockByNumber", receipt["blockNumber"], False)
    assert len(block["transactions"]) == 1
    before = hex(int(receipt["blockNumber"], 16) - 1)
    if to == RANDOM:
        assert stored(client, to, 0) == int(block["mixHash"], 16)
        assert stored(client, to, 1) == int(block["parentHash"], 16)
    else:
        assert stored(client, to, 0) == client.number("eth_getBalance", hexed(RECIPIENT), before)


def test_blocks_of_their_own_are_rare(node: Node, client: Client) -> None:
    """The second one waits for a hundred times as long as the first took; others do not."""
    node.sequencer.aside.own_block_took(0.0)
    receipt_of(client, heavy(client, RANDOM))
    digest = heavy(client, RANDOM)
    other = Client(node, 1)
    for _ in range(20):
        other.send(b"\x33" * 20, value=1)
    assert client("eth_getTransactionReceipt", digest) is None
    assert node.sequencer.aside.next_block_in() > 1.0
    node.sequencer.aside.own_block_took(0.0)
    receipt_of(client, digest)


def test_one_sees_the_price_that_it_pays(client: Client) -> None:
    balance = client.number("eth_getBalance", hexed(client.address), "latest")
    receipt = receipt_of(client, heavy(client, PRICED, tip=3))
    price = int(receipt["effectiveGasPrice"], 16)
    assert stored(client, PRICED, 0) == price
    assert stored(client, PRICED, 1) == balance - price * GAS


def test_the_others_of_its_sender_come_after_it(node: Node, client: Client) -> None:
    """Three heavy ones and a transfer after each, sent at once."""
    nonce, digests = client.next_nonce(), []
    for index in range(6):
        to, gas = (COUNTER, GAS) if index % 2 == 0 else (b"\x33" * 20, 50_000)
        digests.append(heavy(client, to, gas=gas, nonce=nonce + index))
    receipts = [receipt_of(client, digest) for digest in digests]
    places = [(int(r["blockNumber"], 16), int(r["transactionIndex"], 16)) for r in receipts]
    assert places == sorted(places)


def test_keys_that_change_all_the_time_keep_none_out(node: Node, client: Client) -> None:
    """Others count in every block, so that no result stands; after some attempts it has a block of its own."""
    node.sequencer.aside.own_block_took(0.0)
    before = stored(client, COUNTER, 0)
    with Others(node, to=COUNTER) as others:
        receipt_of(client, heavy(client, COUNTER))
    assert stored(client, COUNTER, 0) == before + 1 + len(others.blocks)


def test_a_heavy_one_can_be_replaced(node: Node, client: Client) -> None:
    nonce = client.next_nonce()
    old = heavy(client, COUNTER, nonce=nonce, gas=1 << 24)
    while not len(node.sequencer.aside):
        pass  # it is in a block that is being made
    new = client.raw(b"\x33" * 20, nonce=nonce, tip=100, fee=200 * 10**9)
    receipt_of(client, client("eth_sendRawTransaction", hexed(new)))
    assert client("eth_getTransactionByHash", old) is None


def test_blocks_that_are_asked_for_have_them_at_once(node: Node, client: Client) -> None:
    running = heavy(client, COUNTER)
    client("evm_setAutomine", False)
    try:
        digest = heavy(client, RANDOM)
        client("evm_mine")
        receipt_of(client, running)
        receipt_of(client, digest)
    finally:
        client("evm_setAutomine", True)


def test_a_node_that_stops_gives_up_what_it_executes_beside(genesis: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    node = Node(NodeConfig(datadir=folder, **settings(genesis, sync=True)))
    node.start()
    client, other = Client(node), Client(node, 1)
    digest = heavy(client, COUNTER, gas=1 << 24)
    acknowledged = other.send(b"\x33" * 20, value=1)
    node.stop()
    node = Node(NodeConfig(datadir=folder, **settings(genesis, sync=True)))
    node.start()
    try:
        client = Client(node)
        assert client("eth_getTransactionReceipt", acknowledged["transactionHash"]) == acknowledged
        mined = client("eth_getTransactionReceipt", digest) is not None
        assert stored(client, COUNTER, 0) == int(mined)
        receipt_of(client, heavy(client, COUNTER))
        assert unhexed(acknowledged["transactionHash"])
    finally:
        node.stop()
