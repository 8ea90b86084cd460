"""Parallel execution against serial: generated blocks with any share of hot keys, compared write by write.

The serial side executes the block's final order one transaction at a time in one view, with no prediction, no groups
and no ownership: what the Yellow Paper says a block is.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from jovay.chain import rlp
from jovay.chain.environment import BlockEnvironment
from jovay.chain.types import EMPTY_CODE_HASH
from jovay.kernel.block import changes, system
from jovay.kernel.block.changes import AccountChange, Changes, SlotChange
from jovay.kernel.evm.process import process_transaction
from jovay.kernel.machine import commit, view
from jovay.kernel.machine.status import MISS
from jovay.kernel.protocol.forks import NEWEST
from jovay.kernel.transaction.decode import decode
from jovay.kernel.transaction.record import Transaction
from jovay.native.arena import Buffer
from jovay.native.hashing import keccak256
from jovay.native.library import Library
from jovay.native.records import dtype_of, new_array, new_record, pointers_to
from jovay.sequencer.production.block import ProducedBlock
from jovay.sequencer.production.producer import BlockProducer
from jovay.sequencer.production.wait_limits import WaitLimits
from jovay.state.machine import NativeMachine
from jovay.state.world import NativeWorld
from jovay.state.writes import empty

COINBASE = 0xC01BA5E
WEI = 10**20
#: Nothing is postponed, nor set aside: both sides make blocks of the same transactions.
ENDLESS = WaitLimits(waiting=float("inf"), slice=0)
#: Contracts by address; operands are words of calldata.
CONTRACTS = {
    # slot[a] += b
    0xC0DE01: "602035600035540160003555 00",
    # slot[b] = slot[a] + 1
    0xC0DE02: "600035546001016020355500",
    # slot[slot[a]] += 1: which slot is written is known only after what came before
    0xC0DE03: "600035548054600101905500",
    # slot[a] = balance of the coinbase
    0xC0DE04: "41316000355500",
    # send 7 wei to the address in calldata word a
    0xC0DE05: "6000600060006000600760003561fffff100",
    # log slot[a], then revert if slot[a] is odd
    0xC0DE06: "600035548060005260206000a0600116601757005b60006000fd",
    # create2 of nothing with salt a, keep the address in slot a
    0xC0DE07: "60003560006000 6000f56000355500".replace(" ", ""),
    # slot[a] = balance of the caller's neighbour b
    0xC0DE08: "602035316000355500",
    # slot[a] = number + timestamp
    0xC0DE09: "43420160003555 00",
    # slot[a] = the sender's balance, slot[b] = gas price
    0xC0DE0A: "323160003555 3a60203555 00",
    # slot[a] = randomness, slot[b] = hash of the block before
    0xC0DE0B: "4460003555 60014303 40 60203555 00",
}


@dataclass(frozen=True)
class Difference:
    """Where a block differed."""

    block: int
    what: str
    parallel: Any
    serial: Any


class Side:
    """One world with the same accounts and contracts."""

    def __init__(self, library: Library, senders: int) -> None:
        self.library = library
        self.world = NativeWorld(
            library, accounts=200_000, slots=200_000, code_bytes=1 << 24, history=1 << 16
        )
        codes = {address: bytes.fromhex(code.replace(" ", "")) for address, code in CONTRACTS.items()}
        for code in codes.values():
            self.world.intern(code)
        records = np.zeros(senders + len(codes), dtype_of(AccountChange))
        for i in range(senders):
            self._fill(records[i], 0x5E00000 + i, EMPTY_CODE_HASH[::-1])
        for i, (address, code) in enumerate(codes.items()):
            self._fill(records[senders + i], address, keccak256(library, code)[::-1])
        self.world.insert(records, empty(SlotChange), [])

    def add_contract(self, address: int, code: bytes) -> None:
        """One more contract."""
        self.world.intern(code)
        record = np.zeros(1, dtype_of(AccountChange))
        self._fill(record[0], address, keccak256(self.library, code)[::-1])
        self.world.insert(record, empty(SlotChange), [])

    @staticmethod
    def _fill(record: Any, address: int, code_hash: bytes) -> None:
        record["address"], record["code_hash"] = address.to_bytes(32, "little"), code_hash
        record["balance"], record["exists"] = WEI.to_bytes(32, "little"), 1


class Serial(Side):
    """The reference."""

    def __init__(self, library: Library, senders: int) -> None:
        super().__init__(library, senders)
        self.machine = NativeMachine(library, self.world)
        self._accounts = np.zeros(1 << 16, dtype_of(AccountChange))
        self._slots = np.zeros(1 << 16, dtype_of(SlotChange))

    def execute(
        self, environment: BlockEnvironment, transactions: list[int]
    ) -> tuple[list[tuple[int, int]], Any, Any]:
        """((status, gas) per transaction, account changes, slot changes)."""
        machine, call = self.machine, self.library
        environment.write(machine.block)
        self.world.go_to(environment.number)
        machine.view.isolation.parallel = machine.view.isolation.group = 0
        while call[system.begin_block](machine, int.from_bytes(environment.parent_hash, "big"), 0):
            self.world.load(machine.take_misses())
        results = []
        for transaction in transactions:
            while (how := call[process_transaction](machine, transaction, 1 << 60, machine.result)) == MISS:
                self.world.load(machine.take_misses())
            results.append((how, machine.result.status, machine.result.gas_used))
        if call[commit.commit_view](machine):
            raise MemoryError("the serial world is full")
        found = new_record(Changes, {"accounts": self._accounts, "slots": self._slots})
        call[changes.collect_changes](self.world, environment.number, found)
        call[view.reset_view](machine)
        return (
            [(status if not how else 2, gas) for how, status, gas in results],
            self._accounts[: found.account_count].copy(),
            self._slots[: found.slot_count].copy(),
        )


class Generator:
    """Seeded transactions; ``hot`` is the probability that a key is the one hot key."""

    def __init__(self, library: Library, seed: int, senders: int, hot: float) -> None:
        self.library, self.dice, self.senders, self.hot = library, random.Random(seed), senders, hot
        self.nonces: dict[int, int] = {}

    def block(self, size: int) -> Transactions:
        """``size`` transactions, some of the same senders."""
        raws, senders = [], []
        for _ in range(size):
            sender = 0 if self.dice.random() < self.hot / 2 else self.dice.randrange(self.senders)
            nonce = self.nonces.get(sender, 0)
            self.nonces[sender] = nonce + 1
            raws.append(self._raw(nonce))
            senders.append(0x5E00000 + sender)
        return Transactions(self.library, raws, senders)

    def of(self, sender: int) -> Transactions:
        """The next one of a sender."""
        nonce = self.nonces.get(sender, 0)
        self.nonces[sender] = nonce + 1
        return Transactions(self.library, [self._raw(nonce)], [0x5E00000 + sender])

    def calls(self, sender: int, to: int, gas: int, count: int = 1) -> Transactions:
        """Calls without data, one after the other."""
        raws = []
        for _ in range(count):
            nonce = self.nonces.get(sender, 0)
            self.nonces[sender] = nonce + 1
            fields: list[rlp.Item] = [1, nonce, 1, 100, gas, to.to_bytes(20, "big"), 0, b"", [], 0, 1, 1]
            raws.append(b"\x02" + rlp.encode(fields))
        return Transactions(self.library, raws, [0x5E00000 + sender] * count)

    def _key(self) -> int:
        return 1 if self.dice.random() < self.hot else self.dice.randrange(1, 5000)

    def _raw(self, nonce: int) -> bytes:
        dice = self.dice
        kind = dice.randrange(10)
        value, data, gas = 0, b"", 200_000
        if kind < 2:
            to = 0x5E00000 + (0 if dice.random() < self.hot else dice.randrange(self.senders))
            value = dice.randrange(1000)
        elif kind == 2 and dice.random() < 0.2:
            to, value = COINBASE, 5
        else:
            to = dice.choice(list(CONTRACTS))
            key = 0x5E00000 + self._key() % self.senders if to in (0xC0DE05, 0xC0DE08) else self._key()
            data = key.to_bytes(32, "big") + self._key().to_bytes(32, "big")
            if dice.random() < 0.1:
                gas = dice.randrange(22_000, 60_000)
        fields: list[rlp.Item] = [
            1,
            nonce,
            dice.randrange(5),
            100,
            gas,
            to.to_bytes(20, "big"),
            value,
            data,
            [],
            0,
            1,
            1,
        ]
        return b"\x02" + rlp.encode(fields)


class Transactions:
    """Decoded, unsigned transactions with given senders; keeps their memory alive."""

    def __init__(self, library: Library, raws: list[bytes], senders: list[int]) -> None:
        self.raws = [Buffer(raw, 64) for raw in raws]
        self.records = new_array(Transaction, len(raws))
        scratch = Buffer(1 << 16)
        for i, (raw, sender) in enumerate(zip(raws, senders, strict=True)):
            status = library[decode](self.raws[i], len(raw), self.records[i : i + 1], scratch)
            if status:
                raise ValueError(f"generated transaction does not decode: status {status}")
            self.records[i]["sender"] = sender.to_bytes(20, "big")

    @property
    def addresses(self) -> list[int]:
        """The same as numbers."""
        found: list[int] = self.array().tolist()
        return found

    def array(self) -> npt.NDArray[np.uint64]:
        """Addresses of the records."""
        return pointers_to(self.records)


def compare(
    library: Library,
    blocks: int,
    size: int,
    hot: float,
    workers: int,
    seed: int,
    waits: WaitLimits = ENDLESS,
) -> Difference | None:
    """Produce ``blocks`` blocks in parallel and serially; the first difference, or None."""
    senders = 300
    parallel, serial = Side(library, senders), Serial(library, senders)
    producer = BlockProducer(library, parallel.world, workers, waits=waits)
    generator, parent = Generator(library, seed, senders, hot), bytes(32)
    try:
        for number in range(1, blocks + 1):
            environment = BlockEnvironment(number, 1_000 + number, 10**12, 7, COINBASE, 1, NEWEST, parent)
            transactions = generator.block(size)
            produced = producer.produce(environment, transactions.array())
            if counts := produced.dropped.counts():
                return Difference(number, "transactions dropped, by status", counts, {})
            if len(produced.order) != size:
                return Difference(number, "lost transactions", len(produced.order), size)
            order = [transactions.addresses[i] for i in produced.order]
            if (difference := differs(number, produced, serial.execute(environment, order))) is not None:
                return difference
    finally:
        producer.close()
    return None


def differs(
    number: int, produced: ProducedBlock, expected: tuple[list[tuple[int, int]], Any, Any]
) -> Difference | None:
    """Where a block differs from what ``Serial.execute`` found for it, or None."""
    results, accounts, slots = expected
    mine = list(
        zip(produced.receipts["status"].tolist(), produced.receipts["gas_used"].tolist(), strict=True)
    )
    if mine != results:
        return Difference(number, "results", mine, results)
    for what, ours, theirs in (
        ("accounts", produced.writes.accounts, accounts),
        ("slots", produced.writes.slots, slots),
    ):
        a, b = sorted(r.tobytes() for r in ours), sorted(r.tobytes() for r in theirs)
        if a != b:
            return Difference(
                number, what, [x.hex() for x in a if x not in b], [x.hex() for x in b if x not in a]
            )
    return None
