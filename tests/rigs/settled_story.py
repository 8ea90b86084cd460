"""A settled chain with its L1: blocks on demand by the real sequencer, batches committed and claimed by one account."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from eth_account import Account
from eth_account.signers.local import LocalAccount

from jovay.backend.l1 import RECORD
from jovay.bridge.follower.follower import Follower
from jovay.bridge.genesis import Roles, settled_config
from jovay.bridge.genesis import settled_genesis as genesis_on_l1
from jovay.bridge.l1.client import L1Client
from jovay.bridge.l1.data import BeaconNode
from jovay.bridge.l1.reader import L1Reader
from jovay.bridge.l1.record import Kind, L1Record
from jovay.bridge.l1.watch import L1Watcher
from jovay.bridge.wire.batch_header import BatchHeader
from jovay.bridge.wire.chunk import Chunk
from jovay.bridge.wire.da import DaData
from jovay.bridge.wire.payload import encode_chunks
from jovay.chain.development import DEVELOPMENT_KEYS
from jovay.chain.genesis import Genesis
from jovay.chain.rules import ChainRules
from jovay.chain.settled import SettledConfig
from jovay.chain.settlement import Settlement
from jovay.native import kernel
from jovay.native.hashing import keccak256
from jovay.sequencer.opening import genesis_header
from jovay.state.genesis import genesis_state
from jovay.state.reader import StateReader
from jovay.state.trie import StateTrie
from jovay.storage.frame import Part
from jovay.storage.headers import read_header
from rigs.rollup_scene import RollupScene, creation_address
from rigs.rpc import Rpc
from rigs.settled_node import SettledNode

ETHER = 10**18
CHAIN_ID, BASE_FEE, GAS_LIMIT = 20_257, 10_000_000, 10**8
CONFIG = settled_config(CHAIN_ID, GAS_LIMIT, BASE_FEE)


class Story:
    """``keys`` are accounts that have ether on L2 once ``fund`` was called."""

    def __init__(self, folder: Path, url: str, config: SettledConfig = CONFIG, **settings: Any) -> None:
        self.genesis: Genesis
        self.l1 = RollupScene(url, self._block_0, config)
        self.url = url
        self.l2 = SettledNode(folder, self.genesis, **({"accounts": 200_000, "slots": 800_000} | settings))
        self.sequencer = self.l2.sequencer
        self.sequencer.set_automine(False)
        self.state = StateReader(self.sequencer.world)
        self.reader = L1Reader(self.l1.client, self.l1.settlement, L1Record(None), 0, self.l1.genesis)
        self.watcher = L1Watcher(self.sequencer, self.reader, [BeaconNode(url)], self.sequencer.rewind_to)
        self.keys: list[LocalAccount] = [Account.from_key(key) for key in DEVELOPMENT_KEYS[1:5]]
        self.nonces = [0] * len(self.keys)
        self.batches: list[tuple[BatchHeader, DaData, int, bool]] = []

    def _block_0(self, settlement: Settlement) -> tuple[bytes, bytes]:
        library = kernel.load()
        self.genesis = genesis_on_l1(settlement, Roles(), 1_700_000_000)
        root = StateTrie(library, 10_000).update(genesis_state(library, self.genesis))
        header = genesis_header(ChainRules(self.genesis), root, lambda data: keccak256(library, data))
        return root, header.hash

    def stop(self) -> None:
        self.l2.stop()

    # ---- L2

    def follow(self) -> None:
        """Let the sequencer take in all that L1 says."""
        while self.watcher.step():
            pass

    def fund(self) -> None:
        for key in self.keys:
            self.l1.message(b"", bytes.fromhex(key.address[2:]), 100 * ETHER)
        self.follow()
        self.block()

    def transaction(
        self, sender: int, to: bytes | None, data: bytes = b"", value: int = 0, gas: int = 500_000
    ) -> bytes:
        fields: dict[str, Any] = {
            "chainId": CHAIN_ID, "nonce": self.nonces[sender], "gas": gas, "value": value, "data": data,
            "maxFeePerGas": 10 * BASE_FEE, "maxPriorityFeePerGas": 1,
        }  # fmt: skip
        if to is not None:
            fields["to"] = to
        self.nonces[sender] += 1
        return bytes(self.keys[sender].sign_transaction(fields).raw_transaction)

    def address_of_creation(self, sender: int) -> bytes:
        """Of the contract that an account's next transaction creates."""
        return creation_address(bytes.fromhex(self.keys[sender].address[2:]), self.nonces[sender])

    def block(self, *transactions: bytes) -> int:
        """Make a block of all these transactions and of the messages that wait; its number."""
        ends = np.cumsum([len(raw) for raw in transactions]).astype(np.uint64)
        refused = self.sequencer.pool.add(self.sequencer.portal.decode(b"".join(transactions), ends))
        assert not refused, refused
        made = self.sequencer.make_block()
        assert made is not None
        assert len(made.entries) == len(transactions)
        self.sequencer.drain()
        return made.header.number

    # ---- batches

    def data(self, first: int, last: int, version: int = 2, chunks: int = 1) -> DaData:
        """What is published of blocks."""
        blocks = [self.l2.context(number) for number in range(first, last + 1)]
        size = -(-len(blocks) // chunks)
        parts = [Chunk.of(blocks[at : at + size]) for at in range(0, len(blocks), size)]
        return DaData.of(version, encode_chunks(parts, version))

    def commit(self, last: int | None = None, in_blobs: bool = True, **more: Any) -> BatchHeader:
        """Commit the blocks after the last batch, up to ``last``."""
        last = self.sequencer.visible.number if last is None else last
        da = self.data(self.committed + 1, last, **more)
        header = self.l1.commit(da, self.sequencer.inbox.position(last)[0], in_blobs)
        self.batches.append((header, da, last, in_blobs))
        return header

    @property
    def committed(self) -> int:
        return self.batches[-1][2] if self.batches else 0

    def revert(self, last_batch: int) -> None:
        self.l1.call(self.l1.rollup, "revertBatches", last_batch)
        del self.batches[last_batch:]

    def output(self, index: int) -> tuple[bytes, bytes, bytes, int]:
        """What batch ``index`` leads to."""
        return self.output_of(self.batches[index - 1][2])

    def output_of(self, last: int) -> tuple[bytes, bytes, bytes, int]:
        """What a batch that ends with a block leads to."""
        header = read_header(self.sequencer.data.blocks, last)
        place = self.l1.config.l2_msg_root
        root = self.state.storage(place[0].to_bytes(20, "big"), place[1], last)
        return header.state_root, root.to_bytes(32, "big"), header.hash, self.sequencer.block_time_ms(last)

    def claim(self, index: int, kinds: Sequence[Kind] = (Kind.TEE,)) -> None:
        header, da, _, in_blobs = self.batches[index - 1]
        for kind in kinds:
            self.l1.claim(kind, header, da, self.output(index), in_blobs)


class Copy:
    """A follower's node, which knows nothing but the genesis file and L1."""

    def __init__(self, story: Story, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.node = SettledNode(folder, story.genesis, follow=True, accounts=200_000, slots=800_000)
        self.sequencer = self.node.sequencer
        self.record = L1Record(folder / "data" / RECORD)
        reader = L1Reader(L1Client(story.url), story.l1.settlement, self.record, 0, story.l1.genesis)
        self.follower = Follower(self.sequencer, reader, [BeaconNode(story.url)], self.sequencer.rewind_to)

    def follow(self) -> None:
        while self.follower.step():
            pass


def same(story: Story, copy: Copy, last: int) -> None:
    """The copy ends with block ``last``; hashes, receipts, senders, and how far the L1 messages are, are the same."""
    assert copy.sequencer.visible.number == last
    clients = [Rpc(node.http_url) for node in (copy.node.node, story.l2.node)]
    for number in range(last + 1):
        here, there = copy.sequencer.data.blocks, story.sequencer.data.blocks
        assert here.hash_of(number) == there.hash_of(number)
        for part in (Part.HEADER, Part.TRANSACTIONS, Part.SENDERS, Part.STANDING):
            assert here.read(number, part) == there.read(number, part), (number, part)
        mine, others = (client.call("eth_getBlockReceipts", hex(number)) for client in clients)
        assert mine == others
    for client in clients:
        client.close()
