"""What the pool lies in: the kernel's records in arenas, and the batches that its entries point into."""

from __future__ import annotations

import secrets
import weakref
from collections import deque
from collections.abc import Sequence
from operator import index
from typing import Any

import numpy as np
import numpy.typing as npt

from jovay.kernel.lang import Record
from jovay.kernel.pool.buckets import MARKS
from jovay.kernel.pool.price import PRICES
from jovay.kernel.pool.record import (
    BATCH_SIZE,
    BUCKET_SIZE,
    ENTRY_SIZE,
    REASONS,
    SENDER_SIZE,
    THIN_PART,
    Batch,
    Entry,
    Pool,
    Sender,
)
from jovay.native.arena import Arena
from jovay.native.records import View, new_record
from jovay.sequencer.portal import DecodedBatch

from .limits import PoolLimits

#: Of the pool's bytes, one in so many may be of transactions that wait.
WAITING_PART = 4


class Memory:
    """The arenas of a pool of ``capacity`` transactions, and the record over them."""

    def __init__(self, capacity: int) -> None:
        capacity = max(1, capacity)
        words = 1 << (2 * capacity).bit_length()
        self.capacity = capacity
        self._arenas = {
            "entries": Arena(capacity * ENTRY_SIZE),
            "senders": Arena((capacity + 1) * SENDER_SIZE),
            "by_hash": Arena(8 * words),
            "by_sender": Arena(8 * words),
            "by_nonce": Arena(8 * words),
            "queue": Arena(8 * words),
            "prices": Arena(2 * PRICES * BUCKET_SIZE),
            "marks": Arena(2 * MARKS * 8),
            "left": Arena(REASONS * 8),
            "batches": Arena((capacity + 1) * BATCH_SIZE),
            "released": Arena(8 * (capacity + 1)),
            "thin": Arena(8 * (capacity + 1)),
        }
        for name, arena in self._arenas.items():
            lay_out = arena.reserve if name in ("entries", "senders") else arena.part
            lay_out(0, arena.size, f"pool.{name}")
        numbers = {"capacity": capacity, "mask": words - 1, "seed": secrets.randbits(64)}
        self.view = new_record(Pool, self._arenas | numbers)
        self._told = {
            name: self._arenas[name].array(np.uint64, capacity + 1) for name in ("released", "thin")
        }
        self._left = self._arenas["left"].array(np.uint64, REASONS)

    def __index__(self) -> int:
        return index(self.view)

    def limit(self, limits: PoolLimits) -> None:
        """Put the limits in force."""
        view, most = self.view, (1 << 64) - 1
        view.most = min(limits.transactions, self.capacity)
        view.most_waiting, view.tries = limits.waiting, limits.tries
        view.per_sender, view.waiting_per_sender = limits.per_sender, limits.waiting_per_sender
        view.per_delegated = limits.per_delegated
        # A batch of which less is left moves; so this much takes no more than ``memory``.
        view.most_bytes = limits.memory // THIN_PART
        view.most_waiting_bytes = view.most_bytes // WAITING_PART
        view.most_size, view.most_gas = limits.transaction_bytes, min(limits.transaction_gas, most)
        view.bump = 100 + limits.price_bump

    def queued(self) -> int:
        """References in the queue."""
        return int(self.view.tail - self.view.head) & ((1 << 64) - 1)

    def counts(self) -> tuple[int, int]:
        """Pooled transactions, and how many of them wait."""
        return self.view.count, self.view.waiting

    def left(self) -> list[int]:
        """How many transactions left so far, by reason."""
        return [int(count) for count in self._left]

    def released(self) -> list[int]:
        """Numbers of the batches that nothing refers to any more; each is told once."""
        found: list[int] = self._told["released"][: self.view.released_count].tolist()
        self.view.released_count = 0
        return found

    def thin(self) -> list[int]:
        """Numbers of the batches of which little is left, if anything; each is told once."""
        found: list[int] = self._told["thin"][: self.view.thin_count].tolist()
        self.view.thin_count = 0
        return found

    def live(self, number: int) -> int:
        """Transactions of a batch that are in the pool."""
        return int(self._record("batches", Batch, number).live)

    def entry(self, position: int) -> View:
        """An entry in place."""
        return self._record("entries", Entry, position)

    def sender(self, position: int) -> View:
        """A sender in place."""
        return self._record("senders", Sender, position)

    def _record(self, table: str, record: type[Record], position: int) -> View:
        arena = self._arenas[table]
        return arena.record(record, arena.address + position * record.size)

    def entries(self) -> npt.NDArray[Any]:
        """All entries that were ever used, in place."""
        return self._arenas["entries"].array(Entry, self.view.entries_used)


class Held:
    """Counts the bytes of batches for as long as something refers to them. One thread at a time may ``take``."""

    def __init__(self) -> None:
        self._bytes = 0
        # Batches end on any thread, at any moment; a lock here could be held by the very thread that is interrupted.
        self._ended: deque[int] = deque()

    def take(self, batch: DecodedBatch, most: int) -> bool:
        """Count a batch until nobody refers to it; False if that would be more than ``most`` bytes in all."""
        while self._ended:
            self._bytes -= self._ended.popleft()
        if self._bytes + batch.size > most:
            return False
        self.add(batch)
        return True

    def add(self, batch: DecodedBatch) -> None:
        """Count a batch, be it too much."""
        self._bytes += batch.size
        weakref.finalize(batch, self._ended.append, batch.size).atexit = False


class Batches:
    """Decoded batches by the numbers that the kernel knows them by, alive as long as it needs them."""

    def __init__(self, capacity: int) -> None:
        self._batches: dict[int, DecodedBatch] = {}
        self._free: list[int] = []
        self._capacity = capacity

    def add(self, batch: DecodedBatch) -> int:
        """The number of a batch from now on."""
        number = self._free.pop() if self._free else len(self._batches)
        assert number <= self._capacity
        self._batches[number] = batch
        return number

    def forget(self, numbers: Sequence[int]) -> None:
        """These batches are not needed any more."""
        for number in numbers:
            del self._batches[number]
        self._free += numbers

    def __getitem__(self, number: int) -> DecodedBatch:
        return self._batches[number]

    def __contains__(self, number: int) -> bool:
        return number in self._batches
