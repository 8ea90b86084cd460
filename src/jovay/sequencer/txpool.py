"""TxPool: transactions by sender in nonce order; those whose turn it is stand in one queue, first come first served."""

from __future__ import annotations

import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from jovay.compiler.native import Library
from jovay.execution.world import NativeWorld
from jovay.kernel.block.admission import Admission, admit_batch
from jovay.kernel.evm import validity
from jovay.kernel.evm.status import ARENA_FULL, MISS
from jovay.kernel.state.world import BaseAccount, find_account
from jovay.kernel.transaction.record import TRANSACTION_SIZE
from jovay.kernel.transaction.status import message as decoding_message
from jovay.records import View, dtype_of, int_of

from .portal import DecodedBatch

#: Codes of the pool's own, beside those of decoding and of ``kernel.evm.validity``.
ALREADY_KNOWN, UNDERPRICED_REPLACEMENT, POOL_FULL, SENDER_FULL = range(512, 516)
OVERSIZED, BLOBS_NOT_TAKEN, UNDERPRICED, GAS_ABOVE_BLOCK = range(516, 520)

MESSAGES = {
    ALREADY_KNOWN: "already known",
    UNDERPRICED_REPLACEMENT: "replacement transaction underpriced",
    POOL_FULL: "txpool is full",
    SENDER_FULL: "account limit exceeded",
    OVERSIZED: "oversized data",
    BLOBS_NOT_TAKEN: "transaction type not supported",
    UNDERPRICED: "transaction underpriced",
    GAS_ABOVE_BLOCK: "exceeds block gas limit",
}


@dataclass(frozen=True)
class PoolLimits:
    """Bounds of the pool. ``price_bump`` in percent; ``per_sender`` bounds what waits and what is ready alike.

    ``waiting`` transactions of all senders may wait for an earlier nonce, so that they cannot keep out those that are
    ready. ``memory`` bounds the bytes of the batches that pooled transactions came in. ``tries``: how many blocks may
    have no room for a transaction before it goes.

    ``transaction_gas`` must not be above the gas limit of blocks: nothing leaves the queue before its first.
    """

    transactions: int = 200_000
    per_sender: int = 16_384
    waiting_per_sender: int = 1_024
    waiting: int = 50_000
    memory: int = 1 << 30
    tries: int = 64
    transaction_bytes: int = 131_072
    transaction_gas: int = 1_000_000_000
    price_bump: int = 10


class Pooled(msgspec.Struct, eq=False, gc=False):
    """One transaction of the pool; ``address`` of its record, which lives as long as ``batch``.

    Hundreds of thousands are made in a second, so it is a Struct, and the collector of cycles does not look at it.
    """

    address: int
    batch: DecodedBatch
    index: int
    sender: bytes
    nonce: int
    gas: int
    hash: bytes
    arrived: float
    taken: bool = False  # into a block that is being made
    gone: bool = False
    tries: int = 0  # blocks that had no room for what it does

    @property
    def max_fee(self) -> int:
        """Wei per gas, at most."""
        return int_of(self.batch.records["max_fee"][self.index])

    @property
    def tip(self) -> int:
        """Wei per gas for the block's maker, at most."""
        return int_of(self.batch.records["max_priority_fee"][self.index])


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
        self._bytes += batch.size
        weakref.finalize(batch, self._ended.append, batch.size).atexit = False
        return True


class Sender(msgspec.Struct, eq=False, gc=False):
    """One sender's transactions. ``next`` is the nonce that would become ready next."""

    next: int
    ready: dict[int, Pooled]
    waiting: dict[int, Pooled]


class TxPool:
    """Thread-safe. ``on_ready`` is called when there is something to put into a block."""

    def __init__(
        self,
        library: Library,
        world: NativeWorld,
        block: Callable[[], int],
        limits: PoolLimits | None = None,
        on_ready: Callable[[], None] = lambda: None,
    ) -> None:
        self._admit, self._find_account = library[admit_batch], library[find_account]
        self._world, self._block, self.limits, self._on_ready = world, block, limits or PoolLimits(), on_ready
        self._lock = threading.Lock()
        self._senders: dict[bytes, Sender] = {}
        self._by_hash: dict[bytes, Pooled] = {}
        self._queue: deque[Pooled] = deque()
        self._waiting = 0
        self._held = Held()
        self._settled = 0  # how often ``settle`` was called

    # ---- entering --------------------------------------------------------------------------------------------

    def add(self, batch: DecodedBatch, ready_only: bool = False) -> dict[int, tuple[int, int]]:
        """Take a decoded batch. The refused: index → (status, nonce that the sender should use)."""
        settled = self._settled
        with self._lock:
            has_room = self._held.take(batch, self.limits.memory)
        if not has_room:
            return dict.fromkeys(range(len(batch.statuses)), (POOL_FULL, 0))
        verdicts = self._judge(batch)
        refused: dict[int, tuple[int, int]] = {}
        records = batch.records
        statuses = verdicts["status"].tolist()
        first, count = batch.first_address, len(statuses)
        columns = zip(
            range(count),
            range(first, first + count * TRANSACTION_SIZE, TRANSACTION_SIZE),
            statuses,
            verdicts["nonce"].tolist(),
            records["sender"].tolist(),
            records["nonce"].tolist(),
            records["gas_limit"].tolist(),
            records["hash"].tolist(),
            records["raw_size"].tolist(),
            strict=True,
        )
        now, limits = time.monotonic(), self.limits
        with self._lock:
            senders, known, enqueue = self._senders, self._by_hash, self._queue.append
            is_old = settled != self._settled  # blocks came in between: nonces may have moved on
            for i, address, status, expected, sender, nonce, gas, digest, size in columns:
                if status == 0:
                    entry = Pooled(address, batch, i, sender, nonce, gas, digest, now)
                    if sender not in senders:
                        if is_old:
                            expected = self._nonce_now(sender)
                        if (  # what nearly all are: the only one of their sender, and at once ready
                            nonce == expected
                            and digest not in known
                            and size <= limits.transaction_bytes
                            and gas <= limits.transaction_gas
                            and len(known) < limits.transactions
                            and limits.per_sender
                        ):
                            senders[sender] = Sender(nonce + 1, {nonce: entry}, {})
                            known[digest] = entry
                            enqueue(entry)
                            continue
                    status, expected = self._place(entry, expected, size, ready_only)
                if status:
                    refused[i] = (status, expected)
        if self._queue:
            self._on_ready()
        return refused

    def _judge(self, batch: DecodedBatch) -> npt.NDArray[Any]:
        """Static rules and the senders' accounts, for the whole batch at once; loads senders not in memory."""
        count = len(batch.statuses)
        verdicts = np.zeros(count, dtype_of(Admission))
        arguments = (count, batch.first_address, batch.statuses.ctypes.data, verdicts.ctypes.data)
        for _ in range(2):
            with self._world.lock.read():
                missing = self._admit(self._world.address, self._block(), *arguments)
            if not missing:
                break
            rows = np.flatnonzero(verdicts["status"] == MISS)
            senders = {int.from_bytes(bytes(s), "big") for s in batch.records["sender"][rows]}
            self._world.load_existing(list(senders))
        unknown = verdicts["status"] == MISS  # no such account: it can only send what costs nothing
        free = np.frombuffer(verdicts["cost"].tobytes(), np.uint64).reshape(count, 4).any(axis=1) == 0
        verdicts["status"][unknown] = np.where(free, 0, validity.INSUFFICIENT_FUNDS)[unknown]
        return verdicts

    def _place(self, entry: Pooled, account_nonce: int, size: int, ready_only: bool) -> tuple[int, int]:
        """Put one transaction where it belongs; (status, expected nonce)."""
        if entry.hash in self._by_hash:
            return ALREADY_KNOWN, account_nonce
        if size > self.limits.transaction_bytes:
            return OVERSIZED, account_nonce
        if entry.gas > self.limits.transaction_gas:
            return GAS_ABOVE_BLOCK, account_nonce
        sender = self._senders.get(entry.sender)
        if sender is None:
            sender = Sender(account_nonce, {}, {})
        elif sender.next < account_nonce:
            self._catch_up(sender, account_nonce)
        if entry.nonce < account_nonce:
            return validity.NONCE_TOO_LOW, sender.next
        older = sender.ready.get(entry.nonce) or sender.waiting.get(entry.nonce)
        if older is not None:
            return self._replace(sender, older, entry), sender.next
        if entry.nonce < sender.next:  # taken into a block that is being made
            return validity.NONCE_TOO_LOW, sender.next
        if len(self._by_hash) >= self.limits.transactions:
            return POOL_FULL, sender.next
        if len(sender.ready) + len(sender.waiting) >= self.limits.per_sender:
            return SENDER_FULL, sender.next
        if entry.nonce == sender.next:
            self._make_ready(sender, entry)
            self._promote(sender)
        elif ready_only:
            return validity.NONCE_TOO_HIGH, sender.next
        elif len(sender.waiting) >= self.limits.waiting_per_sender:
            return SENDER_FULL, sender.next
        elif self._waiting >= self.limits.waiting:
            return POOL_FULL, sender.next
        else:
            sender.waiting[entry.nonce] = entry
            self._waiting += 1
        self._senders[entry.sender] = sender
        self._by_hash[entry.hash] = entry
        return 0, sender.next

    def _make_ready(self, sender: Sender, entry: Pooled) -> None:
        sender.ready[entry.nonce] = entry
        sender.next = entry.nonce + 1
        self._queue.append(entry)

    def _nonce_now(self, address: bytes) -> int:
        """Nonce of an account that is in memory."""
        with self._world.lock.read():
            found = self._find_account(self._world.address, int.from_bytes(address, "big"))
            return int(View(BaseAccount, found).nonce) if found else 0

    def _catch_up(self, sender: Sender, nonce: int) -> None:
        """Go on from ``nonce``, the account's, which may rise without the pool (EIP-7702 does that)."""
        for old in [n for n in sender.waiting if n < nonce]:
            self._remove(sender.waiting[old])
        sender.next = nonce
        self._promote(sender)

    def _promote(self, sender: Sender) -> None:
        while sender.waiting and (entry := sender.waiting.pop(sender.next, None)) is not None:
            self._waiting -= 1
            self._make_ready(sender, entry)

    def _replace(self, sender: Sender, older: Pooled, entry: Pooled) -> int:
        """A transaction with the same nonce must pay ``price_bump`` percent more in both prices."""
        bump = 100 + self.limits.price_bump
        if older.taken:
            return validity.NONCE_TOO_LOW
        if entry.max_fee * 100 < older.max_fee * bump or entry.tip * 100 < older.tip * bump:
            return UNDERPRICED_REPLACEMENT
        del self._by_hash[older.hash]
        for name in Pooled.__struct_fields__:  # in place, so that it keeps the old one's turn
            setattr(older, name, getattr(entry, name))
        self._by_hash[older.hash] = older
        return 0

    # ---- leaving ---------------------------------------------------------------------------------------------

    def take(self, most: int, gas: int) -> list[Pooled]:
        """Ready transactions for a block, in order: at most ``most``, their gas limits within ``gas``."""
        taken: list[Pooled] = []
        with self._lock:
            queue = self._queue
            while queue and len(taken) < most:
                entry = queue[0]
                if not entry.gone:
                    if entry.gas > gas:
                        break
                    gas -= entry.gas
                    entry.taken = True
                    taken.append(entry)
                queue.popleft()
        return taken

    def __len__(self) -> int:
        """Ready transactions, about."""
        return len(self._queue)

    def settle(self, included: Iterable[Pooled], dropped: Iterable[tuple[Pooled, int]]) -> None:
        """Forget what became part of a block; what did not goes with its status, or waits for its turn again."""
        with self._lock:
            self._settled += 1
            forget, senders = self._by_hash.pop, self._senders
            for entry in included:
                entry.gone = True
                if (pooled := forget(entry.hash, entry)) is not entry:  # it was made to wait again meanwhile
                    self._remove(pooled)
                    continue
                sender = senders.get(entry.sender)
                if sender is not None and sender.ready.get(entry.nonce) is entry:
                    del sender.ready[entry.nonce]
                    if not sender.ready and not sender.waiting:
                        del senders[entry.sender]
            dropped = list(dropped)
            again = self._crowded_out(dropped)
            self._queue.extendleft(reversed(again))
            for entry, status in dropped:
                if entry.gone or not entry.taken:  # it waits already, or has its turn again
                    continue
                if status not in (validity.NONCE_TOO_HIGH, validity.POSTPONED):
                    self._remove(entry)
                if status != validity.NONCE_TOO_LOW:
                    self._wait_again(entry.sender, entry.nonce)
        if self._queue:
            self._on_ready()

    def _crowded_out(self, dropped: Sequence[tuple[Pooled, int]]) -> list[Pooled]:
        """Those whose logs or changes found no room beside a block's others, and what their senders sent after them.

        They are the next to be executed. One that is left out again and again fits into no block.
        """
        again: list[Pooled] = []
        senders: set[bytes] = set()
        for entry, status in dropped:
            crowded = status == ARENA_FULL and entry.tries < self.limits.tries
            follows = status == validity.NONCE_TOO_HIGH and entry.sender in senders
            if entry.gone or not (crowded or follows):
                continue
            senders.add(entry.sender)
            entry.taken = False
            entry.tries += crowded
            again.append(entry)
        return again

    def _remove(self, entry: Pooled) -> None:
        entry.gone = True
        self._by_hash.pop(entry.hash, None)
        sender = self._senders.get(entry.sender)
        if sender is None:
            return
        if sender.ready.get(entry.nonce) is entry:
            del sender.ready[entry.nonce]
        elif sender.waiting.get(entry.nonce) is entry:
            del sender.waiting[entry.nonce]
            self._waiting -= 1
        if not sender.ready and not sender.waiting:
            del self._senders[entry.sender]

    def _wait_again(self, address: bytes, nonce: int) -> None:
        """The sender's transactions from ``nonce`` on wait for one with that nonce."""
        sender = self._senders.get(address)
        if sender is None:
            return
        sender.next = min(sender.next, nonce)
        for later in [n for n in sender.ready if n >= nonce]:
            entry = sender.ready.pop(later)
            entry.gone = True  # where it stands in the queue, or in a block that is being made
            copy = msgspec.structs.replace(entry, gone=False, taken=False)
            self._by_hash[copy.hash] = copy
            sender.waiting[later] = copy
            self._waiting += 1
        if not sender.ready:
            self._catch_up(sender, self._nonce_now(address))
        else:
            self._promote(sender)

    def drop(self, digest: bytes) -> bool:
        """Remove a transaction on request."""
        with self._lock:
            entry = self._by_hash.get(digest)
            if entry is None:
                return False
            self._remove(entry)
            self._wait_again(entry.sender, entry.nonce)
            return True

    def clear(self) -> None:
        """Empty the pool."""
        with self._lock:
            self._senders.clear()
            self._by_hash.clear()
            self._queue.clear()
            self._waiting = 0

    # ---- looking ---------------------------------------------------------------------------------------------

    def get(self, digest: bytes) -> Pooled | None:
        """A pooled transaction by its hash."""
        return self._by_hash.get(digest)

    def counts(self) -> tuple[int, int]:
        """(ready, waiting)."""
        return len(self._by_hash) - self._waiting, self._waiting

    def next_nonce(self, sender: bytes) -> int | None:
        """Nonce after the sender's ready transactions; None if the pool has none of its."""
        with self._lock:
            found = self._senders.get(sender)
            return None if found is None else found.next

    def content(
        self, sender: bytes | None = None
    ) -> tuple[dict[bytes, list[Pooled]], dict[bytes, list[Pooled]]]:
        """(ready, waiting) transactions by sender, each list in nonce order."""
        with self._lock:
            chosen = (
                self._senders if sender is None else {s: q for s, q in self._senders.items() if s == sender}
            )
            ready = {s: [q.ready[n] for n in sorted(q.ready)] for s, q in chosen.items() if q.ready}
            waiting = {s: [q.waiting[n] for n in sorted(q.waiting)] for s, q in chosen.items() if q.waiting}
            return ready, waiting


def describe(kind: int, status: int) -> str:
    """geth's words for a refusal."""
    return MESSAGES.get(status) or validity.MESSAGES.get(status) or decoding_message(kind, status)
