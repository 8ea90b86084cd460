"""The pool's rules in dictionaries, one transaction after the other: what the kernel's pool is compared with."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from jovay.kernel.evm.status import ARENA_FULL
from jovay.kernel.evm.validity import NONCE_TOO_HIGH, NONCE_TOO_LOW, POSTPONED
from jovay.sequencer.txpool import (
    ALREADY_KNOWN,
    GAS_ABOVE_BLOCK,
    OVERSIZED,
    POOL_FULL,
    SENDER_FULL,
    UNDERPRICED_REPLACEMENT,
    PoolLimits,
)


@dataclass(eq=False)
class Item:
    """A transaction at one turn."""

    sender: int
    nonce: int
    fee: int
    tip: int
    gas: int
    size: int
    hash: bytes
    taken: bool = False
    gone: bool = False
    tries: int = 0


@dataclass(eq=False)
class Queue:
    """One sender's transactions."""

    next: int
    ready: dict[int, Item] = field(default_factory=dict)
    waiting: dict[int, Item] = field(default_factory=dict)


class PlainPool:
    """The same operations as ``TxPool``; ``nonce_of`` reads an account."""

    def __init__(self, nonce_of: Callable[[int], int], limits: PoolLimits) -> None:
        self.nonce_of, self.limits = nonce_of, limits
        self.senders: dict[int, Queue] = {}
        self.known: dict[bytes, Item] = {}
        self.queue: deque[Item] = deque()

    def place(self, item: Item, ready_only: bool) -> tuple[int, int]:
        """(status, nonce that the sender should use); the account has been judged."""
        account, limits = self.nonce_of(item.sender), self.limits
        if item.hash in self.known:
            return ALREADY_KNOWN, account
        if item.size > limits.transaction_bytes:
            return OVERSIZED, account
        if item.gas > limits.transaction_gas:
            return GAS_ABOVE_BLOCK, account
        own = self.senders.get(item.sender) or Queue(account)
        if own.next < account:
            self.catch_up(own, account)
        older = own.ready.get(item.nonce) or own.waiting.get(item.nonce)
        if older is not None:
            return self.replace(own, older, item), own.next
        if item.nonce < own.next:
            return NONCE_TOO_LOW, own.next
        if len(self.known) >= limits.transactions:
            return POOL_FULL, own.next
        if len(own.ready) + len(own.waiting) >= limits.per_sender:
            return SENDER_FULL, own.next
        if item.nonce == own.next:
            self.make_ready(own, item)
            self.promote(own)
        elif ready_only:
            return NONCE_TOO_HIGH, own.next
        elif len(own.waiting) >= limits.waiting_per_sender:
            return SENDER_FULL, own.next
        elif sum(len(other.waiting) for other in self.senders.values()) >= limits.waiting:
            return POOL_FULL, own.next
        else:
            own.waiting[item.nonce] = item
        self.senders[item.sender], self.known[item.hash] = own, item
        return 0, own.next

    def make_ready(self, own: Queue, item: Item) -> None:
        own.ready[item.nonce] = item
        own.next = item.nonce + 1
        self.queue.append(item)

    def promote(self, own: Queue) -> None:
        while (item := own.waiting.pop(own.next, None)) is not None:
            self.make_ready(own, item)

    def catch_up(self, own: Queue, nonce: int) -> None:
        for old in [n for n in own.waiting if n < nonce]:
            self.remove(own.waiting[old])
        own.next = nonce
        self.promote(own)

    def replace(self, own: Queue, older: Item, item: Item) -> int:
        bump = 100 + self.limits.price_bump
        if older.taken:
            return NONCE_TOO_LOW
        if item.fee * 100 < older.fee * bump or item.tip * 100 < older.tip * bump:
            return UNDERPRICED_REPLACEMENT
        del self.known[older.hash]
        older.__dict__.update(item.__dict__)
        self.known[older.hash] = older
        return 0

    def take(self, most: int, gas: int) -> list[Item]:
        taken: list[Item] = []
        while self.queue and len(taken) < most:
            item = self.queue[0]
            if not item.gone:
                if item.gas > gas:
                    break
                gas -= item.gas
                item.taken = True
                taken.append(item)
            self.queue.popleft()
        return taken

    def settle(self, included: Sequence[Item], dropped: Sequence[tuple[Item, int]]) -> None:
        for item in included:
            item.gone = True
            pooled = self.known.get(item.hash)
            if pooled is not None:
                self.remove(pooled)
        self.queue.extendleft(reversed(self.crowded_out(dropped)))
        for item, status in dropped:
            if item.gone or not item.taken:
                continue
            if status not in (NONCE_TOO_HIGH, POSTPONED):
                self.remove(item)
            if status != NONCE_TOO_LOW:
                self.wait_again(item.sender, item.nonce)

    def crowded_out(self, dropped: Sequence[tuple[Item, int]]) -> list[Item]:
        again: list[Item] = []
        senders: set[int] = set()
        for item, status in dropped:
            crowded = status == ARENA_FULL and item.tries < self.limits.tries
            if item.gone or not (crowded or (status == NONCE_TOO_HIGH and item.sender in senders)):
                continue
            senders.add(item.sender)
            item.taken = False
            item.tries += crowded
            again.append(item)
        return again

    def remove(self, item: Item) -> None:
        item.gone = True
        self.known.pop(item.hash, None)
        own = self.senders.get(item.sender)
        if own is None:
            return
        for part in (own.ready, own.waiting):
            if part.get(item.nonce) is item:
                del part[item.nonce]
        if not own.ready and not own.waiting:
            del self.senders[item.sender]

    def wait_again(self, sender: int, nonce: int) -> None:
        own = self.senders.get(sender)
        if own is None:
            return
        own.next = min(own.next, nonce)
        for later in [n for n in own.ready if n >= nonce]:
            item = own.ready.pop(later)
            item.gone = True
            self.known[item.hash] = own.waiting[later] = replace(item, gone=False, taken=False)
        if not own.ready:
            self.catch_up(own, self.nonce_of(sender))
        else:
            self.promote(own)

    def drop(self, digest: bytes) -> bool:
        item = self.known.get(digest)
        if item is None:
            return False
        self.remove(item)
        self.wait_again(item.sender, item.nonce)
        return True

    def content(self) -> tuple[dict[int, list[bytes]], dict[int, list[bytes]]]:
        """Hashes by sender in nonce order: (ready, waiting)."""

        def part(name: str) -> dict[int, list[bytes]]:
            found = {s: getattr(own, name) for s, own in self.senders.items()}
            return {s: [items[n].hash for n in sorted(items)] for s, items in found.items() if items}

        return part("ready"), part("waiting")
