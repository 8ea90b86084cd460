"""TxPool: transactions by sender in nonce order; those whose turn it is stand in one queue, first come first served.

The pool itself is kernel code (``kernel.pool``) over arenas of this module: a batch that enters, a block that takes or
settles are one call each. Python sees single transactions only where somebody asks for one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

import numpy as np
import numpy.typing as npt

from jovay.kernel.block.admission import Admission, admit_batch
from jovay.kernel.evm import validity
from jovay.kernel.machine.status import MISS
from jovay.kernel.pool import entries, leave, place
from jovay.kernel.pool.compaction import live_bytes, move_live
from jovay.kernel.pool.record import (
    ALREADY_KNOWN,
    ASIDE,
    BLOBS_NOT_TAKEN,
    BUSY,
    DELEGATED_FULL,
    DELEGATED_GAP,
    FREE,
    GAS_ABOVE_BLOCK,
    OVERDRAWN,
    OVERSIZED,
    POOL_FULL,
    SENDER_FULL,
    UNDERPRICED,
    UNDERPRICED_REPLACEMENT,
    WAITING,
)
from jovay.kernel.state.world import find_account
from jovay.kernel.transaction.record import Transaction
from jovay.native.library import Library
from jovay.native.places import Place
from jovay.native.records import dtype_of
from jovay.sequencer.portal import DecodedBatch
from jovay.sequencer.production.block import Dropped
from jovay.state.world import NativeWorld

from .limits import PoolLimits
from .memory import Batches, Held, Memory
from .pooled import Pooled, Taken

__all__ = [
    "ALREADY_KNOWN",
    "BLOBS_NOT_TAKEN",
    "BUSY",
    "DELEGATED_FULL",
    "DELEGATED_GAP",
    "GAS_ABOVE_BLOCK",
    "OVERDRAWN",
    "OVERSIZED",
    "POOL_FULL",
    "SENDER_FULL",
    "UNDERPRICED",
    "UNDERPRICED_REPLACEMENT",
    "PoolLimits",
    "Pooled",
    "Refusal",
    "Taken",
    "TxPool",
]
#: Names of the reasons why transactions leave, in the order of their numbers.
LEFT = ("settled", "replaced", "evicted", "expired", "no room to wait", "nonce used", "invalid", "requested")
_NO_WORLD, MOST = 0, (1 << 64) - 1
Groups = dict[bytes, list[Pooled]]


class Refusal(NamedTuple):
    """Why the pool does not take a transaction, and what it knows of its sender; words as little-endian bytes."""

    status: int
    nonce: int  # that the sender should use
    balance: bytes = bytes(32)
    spent: bytes = bytes(32)  # the most that its ready transactions cost
    tip: bytes = bytes(32)  # the least that would drive out another, wei per gas above the base fee


class TxPool:
    """Thread-safe. ``on_ready`` is called when there is something to put into a block."""

    def __init__(
        self,
        library: Library,
        world: NativeWorld,
        block: Callable[[], Place],
        limits: PoolLimits | None = None,
        on_ready: Callable[[], None] = lambda: None,
    ) -> None:
        self._library, self._admit, self._find_account = library, library[admit_batch], library[find_account]
        self._first_tables = (
            world.tables
        )  # until records leave it, the accounts of all senders here are in memory
        self._world, self._block, self._on_ready = world, block, on_ready
        self._limits = limits or PoolLimits()
        self._lock = threading.Lock()
        self._memory = Memory(self._limits.transactions)
        self._memory.limit(self._limits)
        self._batches = Batches(self._memory.capacity)
        self._views: WeakValueDictionary[tuple[int, int], Pooled] = WeakValueDictionary()
        self._held = Held()
        self._judged = 0  # how often accounts were judged again

    @property
    def limits(self) -> PoolLimits:
        """In force for what comes."""
        return self._limits

    def limit(self, limits: PoolLimits) -> None:
        """Put other limits in force; that on ``transactions`` can only be lowered."""
        with self._lock:
            self._limits = limits
            self._memory.limit(limits)

    # ---- entering --------------------------------------------------------------------------------------------

    def add(self, batch: DecodedBatch, ready_only: bool = False) -> dict[int, Refusal]:
        """Take a decoded batch. The refused by index."""
        judged = self._judged
        with self._lock:
            has_room = self._held.take(batch, self._limits.memory)
        if not has_room:
            return dict.fromkeys(range(len(batch.statuses)), Refusal(POOL_FULL, 0))
        verdicts = self._judge(batch)
        with self._lock:
            number = self._batches.add(batch)
            is_old = judged != self._judged  # blocks came in between: nonces may have moved on
            with self._accounts(batch) if is_old else nullcontext():
                refused = self._library[place.place_batch](
                    self._memory,
                    self._world if is_old else _NO_WORLD,
                    len(verdicts),
                    batch.first_address,
                    verdicts,
                    number,
                    batch.size,
                    bits_of(time.monotonic()),
                    int(ready_only),
                )
            self._release()
        if len(self):
            self._on_ready()
        if not refused:
            return {}
        rows = np.flatnonzero(verdicts["status"])
        columns = (verdicts[name][rows].tolist() for name in ("status", "nonce", "balance", "spent", "tip"))
        return dict(zip(rows.tolist(), map(Refusal, *columns), strict=True))

    def _judge(self, batch: DecodedBatch) -> npt.NDArray[Any]:
        """Static rules and the senders' accounts, for the whole batch at once; loads senders not in memory."""
        count = len(batch.statuses)
        verdicts = np.zeros(count, dtype_of(Admission))
        arguments = (count, batch.first_address, batch.statuses, verdicts)
        asked = (
            None  # the tables from which nothing was moved since those who are missing in it were asked for
        )
        while True:
            with self._world.lock.read():
                tables = self._world.tables
                missing = self._admit(self._world, self._block(), *arguments)
            if not missing or tables is asked:
                break
            rows = np.flatnonzero(verdicts["status"] == MISS)
            senders = {int.from_bytes(bytes(s), "big") for s in batch.records["sender"][rows]}
            asked = tables if self._world.load_existing(list(senders)) is tables else None
        if not missing:
            return verdicts
        unknown = verdicts["status"] == MISS  # no such account: it can only send what costs nothing
        free = np.frombuffer(verdicts["cost"].tobytes(), np.uint64).reshape(count, 4).any(axis=1) == 0
        verdicts["status"][unknown] = np.where(free, 0, validity.INSUFFICIENT_FUNDS)[unknown]
        return verdicts

    @contextmanager
    def _accounts(self, batch: DecodedBatch) -> Iterator[None]:
        """The world held still, with the senders' accounts in memory: those that exist."""
        world, words, asked = self._world, None, None
        while True:
            with world.lock.read():
                tables, missing = world.tables, []
                if tables is not self._first_tables:
                    words = words or {int.from_bytes(s, "big") for s in batch.records["sender"].tolist()}
                    missing = [word for word in words if not self._is_there(word)]
                if not missing or tables is asked:
                    yield
                    return
            asked = tables if world.load_existing(missing, for_blocks=True) is tables else None

    def _is_there(self, word: int) -> bool:
        return bool(self._find_account(self._world, word))

    def _release(self) -> None:
        """Let go of the memory of batches that have left, and of the most of those of which little is left."""
        self._batches.forget(self._memory.released())
        thin = [number for number in self._memory.thin() if number in self._batches]
        for number in thin:
            self._move(number)
        if thin:
            self._batches.forget(self._memory.released())

    def _move(self, number: int) -> None:
        batch = self._batches[number]
        arguments = self._memory, number, len(batch.records), batch.first_address
        size, count = self._library[live_bytes](*arguments), self._memory.live(number)
        records, raw = np.zeros(count, dtype_of(Transaction)), np.zeros(size + 64, np.uint8)
        left = DecodedBatch(raw, records, np.zeros(count, np.uint64))
        self._held.add(left)
        new = self._batches.add(left)
        self._library[move_live](*arguments, new, left.first_address, raw)

    # ---- leaving ---------------------------------------------------------------------------------------------

    def take(self, most: int, gas: int, size: int = MOST) -> Taken:
        """Ready transactions for a block, in order: at most ``most``, their gas limits within ``gas``, and the bytes
        that L1 gets of them within ``size``.
        """
        with self._lock:
            most = min(most, self.counts()[0])
            if not most:
                return Taken.none(self)
            table, numbers = np.empty((3, most), np.uint64), np.empty(most + 1, np.uint64)
            count = self._library.brief(leave.take)(
                self._memory,
                most,
                min(gas, MOST),
                size,
                *table,
                numbers,
            )
            end = int(np.argmax(numbers == ~np.uint64(0)))
            batches = [self._batches[number] for number in numbers[:end].tolist()]
            return Taken(self, table[:, :count], batches)

    def __len__(self) -> int:
        """Ready transactions, about."""
        return self._memory.queued()

    def executed(self, taken: Taken, dropped: Dropped, accounts: npt.NDArray[Any]) -> None:
        """A block was made of what it took; before the next one takes what follows.

        ``accounts``: AccountChange records of all that it changed. Their transactions are judged again; what is not in
        the block goes, or waits for another turn, as its status says.
        """
        left, now = taken.chosen(dropped.indexes), time.monotonic()
        with self._lock:
            self._judged += 1
            self._library[leave.judge_changed](
                self._memory,
                len(accounts),
                accounts,
                bits_of(now),
                bits_of(max(0.0, now - self._limits.lifetime)),
            )
            if len(left):
                self._library[leave.put_back](
                    self._memory,
                    len(left),
                    left.references,
                    dropped.statuses,
                )
            self._release()
        if len(self):
            self._on_ready()

    def settle(self, included: Sequence[Pooled]) -> None:
        """Forget what became part of a block."""
        gone = included if isinstance(included, Taken) else Taken.of(self, included)
        with self._lock:
            self._library[leave.settle_included](self._memory, len(gone), gone.references, gone.addresses)
            self._release()
        if len(self):
            self._on_ready()

    def is_aside(self, entry: Pooled) -> bool:
        """Whether a transaction is to be executed beside the blocks: a block said so, and it is its sender's next."""
        with self._lock:
            return not entry.gone and bool(self._memory.entry(entry.reference & 0xFFFFFFFF).state == ASIDE)

    def retake(self, entry: Pooled) -> bool:
        """Whether a block may take a transaction that was set aside: it has not left meanwhile."""
        with self._lock:
            return bool(self._library.brief(leave.retake)(self._memory, entry.reference))

    def give_back(self, entry: Pooled) -> None:
        """A transaction that was set aside is the next to be executed in a block."""
        with self._lock:
            self._library.brief(leave.give_back)(self._memory, entry.reference)
        self._on_ready()

    def drop(self, digest: bytes) -> bool:
        """Remove a transaction on request, unless it is in a block already."""
        wanted = np.frombuffer(digest, np.uint8)
        with self._lock:
            found = self._library[leave.drop](self._memory, wanted)
            self._release()
            return bool(found)

    def clear(self) -> None:
        """Empty the pool."""
        with self._lock:
            self._library[leave.clear](self._memory)
            self._release()

    # ---- looking ---------------------------------------------------------------------------------------------

    def get(self, digest: bytes) -> Pooled | None:
        """A pooled transaction by its hash."""
        wanted = np.frombuffer(digest, np.uint8)
        with self._lock:
            found = self._library.brief(entries.find_hash)(self._memory, wanted)
            return self._pooled(found - 1) if found else None

    def _pooled(self, position: int) -> Pooled:
        """The one view of an entry, for as long as somebody has it."""
        entry = self._memory.entry(position)
        reference, address = entry.turn << 32 | position, entry.transaction
        view = self._views.get((reference, address))
        if view is None:
            arrived = float(np.uint64(entry.arrived).view(np.float64))
            view = Pooled(self, reference, address, self._batches[entry.batch], arrived)
            self._views[reference, address] = view
        return view

    def is_gone(self, reference: int) -> bool:
        """Whether an entry left, or waits for another turn, since the reference was made."""
        return bool(self._memory.entry(reference & 0xFFFFFFFF).turn != reference >> 32)

    def counts(self) -> tuple[int, int]:
        """(ready, waiting)."""
        count, waiting = self._memory.counts()
        return count - waiting, waiting

    def left(self) -> dict[str, int]:
        """How many transactions have left so far, by reason."""
        return dict(zip(LEFT, self._memory.left(), strict=True))

    def next_nonce(self, sender: bytes) -> int | None:
        """Nonce after the sender's ready transactions; None if the pool has none of its."""
        with self._lock:
            position = self._find_sender(sender)
            return None if position is None else int(self._memory.sender(position).next_nonce)

    def _find_sender(self, address: bytes) -> int | None:
        wanted = np.frombuffer(address + bytes(12), np.uint8)  # the kernel reads whole words
        found: int = self._library.brief(entries.find_sender)(self._memory, wanted)
        return found - 1 if found else None

    def content(self, sender: bytes | None = None) -> tuple[Groups, Groups]:
        """(ready, waiting) transactions by sender, each list in nonce order."""
        with self._lock:
            table = self._memory.entries()
            chosen = table["state"] != FREE
            if sender is not None:
                position = self._find_sender(sender)
                if position is None:
                    return {}, {}
                chosen &= table["sender"] == position
            rows = np.flatnonzero(chosen)
            rows = rows[np.argsort(table["nonce"][rows], kind="stable")]
            ready: Groups = {}
            waiting: Groups = {}
            for row, state in zip(rows.tolist(), table["state"][rows].tolist(), strict=True):
                entry = self._pooled(row)
                group = waiting if state == WAITING else ready
                group.setdefault(entry.sender, []).append(entry)
            return ready, waiting


def bits_of(seconds: float) -> int:
    """A time as the kernel has it: words of times that are not negative are in the order of the times."""
    return int(np.float64(seconds).view(np.uint64))
