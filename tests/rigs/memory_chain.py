"""A chain in memory: the sequencer's block production over a native world, without pool, trie or storage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from jovay.chain import rlp
from jovay.chain.environment import BlockEnvironment
from jovay.chain.types import EMPTY_CODE_HASH, Header
from jovay.conformance.parallel import ENDLESS, Transactions
from jovay.kernel.block.changes import AccountChange, SlotChange
from jovay.kernel.protocol.forks import OSAKA
from jovay.native.hashing import keccak256
from jovay.native.library import Library
from jovay.native.records import dtype_of
from jovay.sequencer.production.block import ProducedBlock
from jovay.sequencer.production.producer import BlockProducer
from jovay.simulation.source import StoredTransaction
from jovay.state.misses import Misses
from jovay.state.trie import StateTrie
from jovay.state.world import NativeWorld
from jovay.state.writes import WriteSet

CHAIN_ID = 31_337
COINBASE = bytes.fromhex("c01ba5e000000000000000000000000000000000")
ETHER = 10**18


@dataclass
class Pre:
    """An account of the genesis."""

    balance: int = 0
    nonce: int = 0
    code: bytes = b""
    storage: dict[int, int] = field(default_factory=dict)


class PreState:
    """Source of the native state: what is missing in memory is here."""

    def __init__(self, library: Library, accounts: Mapping[bytes, Pre]) -> None:
        self._library, self._accounts = library, accounts
        self.reads = 0

    def read(self, misses: Misses) -> tuple[Any, Any, list[bytes]]:
        """As ``StateSource``."""
        self.reads += 1
        accounts = np.zeros(len(misses.accounts), dtype_of(AccountChange))
        codes = []
        for row, address in zip(accounts, misses.accounts, strict=True):
            pre = self._accounts.get(address.to_bytes(20, "big"))
            code = pre.code if pre else b""
            digest = keccak256(self._library, code) if code else EMPTY_CODE_HASH
            row["address"], row["code_hash"] = address.to_bytes(32, "little"), digest[::-1]
            if pre:
                row["balance"], row["nonce"] = pre.balance.to_bytes(32, "little"), pre.nonce
                row["exists"] = 1
            if code:
                codes.append(code)
        slots = np.zeros(len(misses.slots), dtype_of(SlotChange))
        for row, (address, key) in zip(slots, misses.slots, strict=True):
            pre = self._accounts.get(address.to_bytes(20, "big"))
            value = pre.storage.get(key, 0) if pre else 0
            row["address"], row["key"] = address.to_bytes(32, "little"), key.to_bytes(32, "little")
            row["value"] = value.to_bytes(32, "little")
        return accounts, slots, codes

    def everything(self) -> WriteSet:
        """All of it."""
        words = {address: int.from_bytes(address, "big") for address in self._accounts}
        slots = [(words[address], key) for address, pre in self._accounts.items() for key in pre.storage]
        accounts, records, _ = self.read(Misses(words.values(), slots))
        accounts["code_size"] = [len(pre.code) for pre in self._accounts.values()]
        return WriteSet(accounts, records)


class MemoryRoots:
    """Implements ``StateRoots`` over the write sets of a chain."""

    def __init__(self, library: Library, writes: Sequence[WriteSet]) -> None:
        self._library, self._writes = library, writes

    def expect(self, slots: Sequence[tuple[int, int]]) -> None:
        """Everything is known anyway."""

    def root(self, writes: WriteSet) -> bytes:
        """Root with these changes."""
        trie = StateTrie(self._library, 10_000)
        return [trie.update(one) for one in [*self._writes, writes]][-1]


class FlatRules:
    """One fork from the start, on a chain that does not settle."""

    chain_id = CHAIN_ID
    settled = None

    def __init__(self, fork: int) -> None:
        self._fork = fork

    @property
    def maximum(self) -> int:
        """Blobs of a block."""
        return 9

    def fork(self, number: int, timestamp: int) -> int:
        """The fork."""
        return self._fork

    def blobs(self, number: int, timestamp: int) -> FlatRules:
        """Blob parameters."""
        return self

    def blob_base_fee(self, excess: int, number: int, timestamp: int) -> int:
        """The least price."""
        return 1


class MemoryChain:
    """Implements ``ChainSource``."""

    def __init__(
        self,
        library: Library,
        accounts: Mapping[bytes, Pre],
        fork: int = OSAKA,
        base_fee: int = 1_000_000_000,
        history: int = 1 << 16,
        workers: int = 1,
    ) -> None:
        self.library, self.rules, self.base_fee = library, FlatRules(fork), base_fee
        self.source = PreState(library, accounts)
        self.world = NativeWorld(library, 100_000, 400_000, 1 << 24, history, self.source)
        self.producer = BlockProducer(library, self.world, workers, waits=ENDLESS)
        self.bodies: list[list[StoredTransaction]] = [[]]
        self.writes: list[WriteSet] = []
        self.headers = [self._header(0, bytes(32), 0)]
        self._nonces = {address: pre.nonce for address, pre in accounts.items()}

    def close(self) -> None:
        """Stop the producer."""
        self.producer.close()

    def _header(self, number: int, parent: bytes, gas_used: int) -> Header:
        return Header(
            number=number,
            hash=keccak256(self.library, b"block %d" % number),
            parent_hash=parent,
            coinbase=COINBASE,
            state_root=bytes(32),
            transactions_root=bytes(32),
            receipts_root=bytes(32),
            logs_bloom=bytes(256),
            gas_limit=1_000_000_000,
            gas_used=gas_used,
            timestamp=1_700_000_000 + 2 * number,
            mix_hash=keccak256(self.library, b"randao %d" % number),
            base_fee_per_gas=self.base_fee,
            excess_blob_gas=0,
            parent_beacon_block_root=bytes(32),
        )

    # ---- ChainSource ----

    def header(self, number: int) -> Header | None:
        """A header."""
        return self.headers[number] if 0 <= number < len(self.headers) else None

    def block_hash(self, number: int) -> bytes | None:
        """A hash."""
        return self.headers[number].hash if 0 <= number < len(self.headers) else None

    def stored_transactions(self, number: int) -> Sequence[StoredTransaction]:
        """A body."""
        return self.bodies[number]

    def next_base_fee(self, header: Header) -> int:
        """The same for ever."""
        return self.base_fee

    def roots_after(self, number: int) -> MemoryRoots:
        """Roots over the whole state, built anew each time."""
        return MemoryRoots(self.library, [self.source.everything(), *self.writes[:number]])

    # ---- making blocks ----

    @property
    def head(self) -> int:
        """The newest block."""
        return len(self.headers) - 1

    def transaction(
        self,
        sender: bytes,
        to: bytes | None,
        data: bytes = b"",
        value: int = 0,
        gas: int = 1_000_000,
        tip: int = 1,
    ) -> tuple[bytes, bytes]:
        """(envelope, sender) of the sender's next transaction; nobody checks its signature."""
        nonce = self._nonces.get(sender, 0)
        self._nonces[sender] = nonce + 1
        fields: list[rlp.Item] = [
            CHAIN_ID,
            nonce,
            tip,
            10 * self.base_fee,
            gas,
            to or b"",
            value,
            data,
            [],
            0,
            1,
            1,
        ]
        return b"\x02" + rlp.encode(fields), sender

    def block(self, *transactions: tuple[bytes, bytes]) -> ProducedBlock:
        """Make a block of transactions."""
        parent = self.headers[-1]
        number = parent.number + 1
        header = self._header(number, parent.hash, 0)
        raws = [raw for raw, _ in transactions]
        records = Transactions(self.library, raws, [int.from_bytes(s, "big") for _, s in transactions])
        environment = BlockEnvironment(
            number=number,
            timestamp=header.timestamp,
            gas_limit=header.gas_limit,
            base_fee=self.base_fee,
            coinbase=int.from_bytes(COINBASE, "big"),
            chain_id=CHAIN_ID,
            fork=self.rules.fork(number, header.timestamp),
            parent_hash=parent.hash,
            prevrandao=int.from_bytes(header.mix_hash, "big"),
            max_blobs=9,
        )
        produced = self.producer.produce(environment, records.array())
        assert not produced.dropped, produced.dropped.counts()
        gas = produced.receipts["gas_used"].tolist()
        body = [
            StoredTransaction(transactions[i][0], transactions[i][1], gas[k], 0)
            for k, i in enumerate(produced.order.tolist())
        ]
        self.bodies.append(body)
        self.writes.append(produced.writes)
        self.headers.append(self._header(number, parent.hash, produced.gas_used))
        return produced
