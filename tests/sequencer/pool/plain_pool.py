"""The pool's rules in dictionaries, one transaction after the other: what the kernel's pool is compared with."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

from jovay.kernel.evm.validity import INSUFFICIENT_FUNDS, NONCE_TOO_HIGH, NONCE_TOO_LOW, POSTPONED
from jovay.kernel.machine.status import ARENA_FULL
from jovay.kernel.transaction.record import TRANSACTION_SIZE
from jovay.sequencer.pool.txpool import (
    ALREADY_KNOWN,
    DELEGATED_FULL,
    DELEGATED_GAP,
    GAS_ABOVE_BLOCK,
    OVERDRAWN,
    OVERSIZED,
    POOL_FULL,
    SENDER_FULL,
    UNDERPRICED,
    UNDERPRICED_REPLACEMENT,
    PoolLimits,
)

NEW, READY, PASSED, TAKEN, INCLUDED, WAITING, GONE = "new ready passed taken included waiting gone".split()
RUNNABLE = (READY, PASSED, TAKEN)


@dataclass(eq=False)
class Item:
    """A transaction; ``turn`` grows when what refers to it becomes stale."""

    sender: int
    nonce: int
    fee: int
    tip: int
    gas: int
    size: int
    cost: int
    offer: int
    hash: bytes
    state: str = NEW
    turn: int = 0
    tries: int = 0
    entered: int = 0
    since: float = 0.0

    @property
    def price(self) -> int:
        """Number of a bucket of 1/16 to 1/32."""
        if self.offer < 16:
            return self.offer
        doublings = self.offer.bit_length() - 5
        return 16 * (doublings + 1) + (self.offer >> doublings) % 16

    @property
    def bytes(self) -> int:
        return self.size + TRANSACTION_SIZE


@dataclass(eq=False)
class Sender:
    """One sender's transactions, by nonce."""

    nonce: int
    balance: int
    delegated: bool
    next: int
    next_taken: int
    items: dict[int, Item] = field(default_factory=dict)

    def of(self, *states: str) -> list[Item]:
        return [self.items[n] for n in sorted(self.items) if self.items[n].state in states]

    @property
    def spent(self) -> int:
        return sum(item.cost for item in self.of(*RUNNABLE))

    @property
    def held(self) -> int:
        return len(self.of(*RUNNABLE, WAITING))


Reference = tuple[Item, int]


class PlainPool:
    """The same operations as ``TxPool``."""

    def __init__(self, limits: PoolLimits) -> None:
        self.limits = limits
        self.senders: dict[int, Sender] = {}
        self.known: dict[bytes, Item] = {}
        self.queue: deque[Reference] = deque()
        self.most_bytes = limits.memory // 4
        self._clock = count(1)
        self.now = 0.0

    # ---- entering ----

    def place(
        self, item: Item, nonce: int, balance: int, delegated: bool, ready_only: bool, now: float
    ) -> tuple[int, int]:
        """(status, nonce that the sender should use); the account has been judged."""
        limits, self.now = self.limits, now
        if item.hash in self.known:
            return ALREADY_KNOWN, nonce
        if item.size > limits.transaction_bytes:
            return OVERSIZED, nonce
        if item.gas > limits.transaction_gas:
            return GAS_ABOVE_BLOCK, nonce
        own = self.senders.setdefault(item.sender, Sender(nonce, balance, delegated, nonce, nonce))
        if nonce >= own.nonce:
            own.balance, own.delegated = balance, delegated
            if nonce > own.nonce:
                self.move_on(own, nonce)
                self.promote(own)
        status = self.place_with(own, item, ready_only)
        self.release(item.sender)
        return status, own.next

    def place_with(self, own: Sender, item: Item, ready_only: bool) -> int:
        limits = self.limits
        if item.nonce < own.nonce:
            return NONCE_TOO_LOW
        if item.nonce in own.items:
            return self.replace(own, own.items[item.nonce], item)
        if item.nonce < own.next:
            return NONCE_TOO_LOW
        waits = item.nonce > own.next
        if waits and ready_only:
            return NONCE_TOO_HIGH
        if own.delegated and waits:
            return DELEGATED_GAP
        if own.delegated and own.held >= limits.per_delegated:
            return DELEGATED_FULL
        if own.held >= limits.per_sender or (waits and len(own.of(WAITING)) >= limits.waiting_per_sender):
            return SENDER_FULL
        if (status := self.afford(own, own.spent, item)) or (status := self.make_room(own, item, waits)):
            return status
        own.items[item.nonce] = self.known[item.hash] = item
        if waits:
            self.make_wait(item)
        else:
            self.make_ready(own, item)
            self.promote(own)
        return 0

    def afford(self, own: Sender, spent: int, item: Item) -> int:
        if spent + item.cost <= own.balance:
            return 0
        return OVERDRAWN if item.cost <= own.balance else INSUFFICIENT_FUNDS

    def replace(self, own: Sender, older: Item, item: Item) -> int:
        bump = 100 + self.limits.price_bump
        if older.state in (TAKEN, INCLUDED):
            return NONCE_TOO_LOW
        if item.fee * 100 < older.fee * bump or item.tip * 100 < older.tip * bump:
            return UNDERPRICED_REPLACEMENT
        waits = older.state == WAITING
        if status := self.afford(own, own.spent if waits else own.spent - older.cost, item):
            return status
        for used, most in (
            (self.bytes(), self.most_bytes),
            (self.bytes(WAITING) if waits else 0, self.most_bytes // 4),
        ):
            if item.bytes > older.bytes and used - older.bytes + item.bytes > most:
                return POOL_FULL
        del self.known[older.hash]
        kept = {name: getattr(older, name) for name in ("state", "turn", "since")}
        older.__dict__.update(item.__dict__ | kept | {"entered": next(self._clock)})
        self.known[older.hash] = older
        self.promote(own)
        return 0

    def bytes(self, *states: str) -> int:
        return sum(item.bytes for item in self.known.values() if not states or item.state in states)

    def count(self, *states: str) -> int:
        return sum(item.state in states for item in self.known.values())

    # ---- room ----

    def make_room(self, own: Sender, item: Item, waits: bool) -> int:
        limits, most_waiting = self.limits, self.most_bytes // 4

        def waiting_is_full() -> bool:
            over = self.bytes(WAITING) + item.bytes > most_waiting
            return waits and (self.count(WAITING) >= limits.waiting or over)

        def is_full() -> bool:
            return len(self.known) >= limits.transactions or self.bytes() + item.bytes > self.most_bytes

        over = self.bytes() + item.bytes > self.most_bytes
        if over or (waits and self.bytes(WAITING) + item.bytes > most_waiting):
            lower = [other for other in self.known.values() if self.is_below(other, item, waits)]
            below = sum(other.bytes for other in lower if other.state == WAITING or not waits)
            enough = self.bytes() + item.bytes <= self.most_bytes + below
            if not enough or (waits and self.bytes(WAITING) + item.bytes > most_waiting + below):
                return UNDERPRICED
        while waiting_is_full():
            if status := self.evict(own, item, waits):
                return status
        while is_full():
            if status := self.evict(own, item, waits):
                return status
        return 0

    def is_below(self, other: Item, item: Item, waits: bool) -> bool:
        if other.state == WAITING:
            return other.price < item.price + (not waits)
        return other.state in (READY, PASSED) and other.price < item.price

    def evict(self, own: Sender, item: Item, waits: bool) -> int:
        states = (WAITING,) if waits else (READY, PASSED, WAITING)
        there = [other for other in self.known.values() if other.state in states]
        if not there:
            return POOL_FULL
        worst = min(there, key=lambda other: (other.price, other.state != WAITING, -other.entered))
        if not self.is_below(worst, item, waits):
            return UNDERPRICED
        owner = self.senders[worst.sender]
        victim = (owner.of(WAITING) or [owner.items.get(owner.next - 1)])[-1]
        if victim is None or victim.state in (TAKEN, INCLUDED):
            return POOL_FULL
        if owner is own and (victim.state != WAITING or victim.nonce < item.nonce):
            return UNDERPRICED
        if victim.state != WAITING:
            owner.next = victim.nonce
        self.remove(victim)
        if owner is not own:
            self.release(victim.sender)
        return 0

    # ---- states ----

    def make_ready(self, own: Sender, item: Item) -> None:
        own.next = item.nonce + 1
        self.give_turn(item, self.queue.append)

    def give_turn(self, item: Item, put: object) -> None:
        item.state, item.entered = READY, next(self._clock)
        put((item, item.turn))  # type: ignore[operator]

    def make_wait(self, item: Item) -> None:
        item.state, item.entered, item.since = WAITING, next(self._clock), self.now

    def promote(self, own: Sender) -> None:
        while (item := own.items.get(own.next)) is not None and item.state == WAITING:
            if own.spent + item.cost > own.balance:
                return
            self.make_ready(own, item)

    def demote(self, own: Sender, nonce: int) -> None:
        for item in reversed([item for item in own.of(*RUNNABLE) if item.nonce >= nonce]):
            item.turn += 1
            item.state = NEW
            self.wait_or_leave(own, item)
        own.next, own.next_taken = min(own.next, nonce), min(own.next_taken, nonce)

    def wait_or_leave(self, own: Sender, item: Item) -> None:
        limits = self.limits
        while (
            len(own.of(WAITING)) >= limits.waiting_per_sender
            or self.count(WAITING) >= limits.waiting
            or self.bytes(WAITING) + item.bytes > self.most_bytes // 4
        ):
            waiting = own.of(WAITING)
            if not waiting or waiting[-1].nonce < item.nonce:
                self.remove(item)
                return
            self.remove(waiting[-1])
        self.make_wait(item)

    def remove(self, item: Item) -> None:
        item.turn += 1
        item.state = GONE
        del self.known[item.hash], self.senders[item.sender].items[item.nonce]

    def release(self, sender: int) -> None:
        if sender in self.senders and not self.senders[sender].items:
            del self.senders[sender]

    def move_on(self, own: Sender, nonce: int) -> None:
        if nonce < own.nonce:
            self.demote(own, nonce)
        for item in [item for item in own.of(*RUNNABLE, WAITING) if item.nonce < nonce]:
            if item.state == TAKEN:
                item.state = INCLUDED
            else:
                self.remove(item)
        own.nonce, own.next = nonce, max(own.next, nonce)
        if own.next_taken < nonce:
            own.next_taken = nonce
            item = own.items.get(nonce)
            if item is not None and item.state == PASSED:
                entered = item.entered
                self.give_turn(item, self.queue.append)
                item.entered = entered

    # ---- leaving ----

    def take(self, most: int, gas: int, size: int = 1 << 64) -> list[Reference]:
        taken: list[Reference] = []
        while self.queue and len(taken) < most:
            item, turn = self.queue[0]
            if item.turn == turn and (item.gas > gas or item.size + 4 > size):
                break
            self.queue.popleft()
            if item.turn != turn:
                continue
            own = self.senders[item.sender]
            if item.nonce != own.next_taken:
                item.state = PASSED
                continue
            while True:
                gas -= item.gas
                size -= item.size + 4
                item.state, own.next_taken = TAKEN, item.nonce + 1
                taken.append((item, item.turn))
                after = own.items.get(own.next_taken)
                if after is None or after.state != PASSED:
                    break
                item = after
                if len(taken) == most or item.gas > gas or item.size + 4 > size:
                    item.state = READY
                    self.queue.appendleft((item, item.turn))
                    break
        return taken

    def executed(
        self, dropped: Sequence[tuple[Reference, int]], accounts: dict[int, tuple[int, int, bool]], now: float
    ) -> None:
        """``accounts``: nonce, balance, whether it runs code, of those that the block changed."""
        self.now = now
        for item in [i for i in self.known.values() if i.state == WAITING]:
            if item.since < now - self.limits.lifetime:
                self.remove(item)
                self.release(item.sender)
        for sender, (nonce, balance, delegated) in accounts.items():
            if (own := self.senders.get(sender)) is None:
                continue
            own.balance, own.delegated = balance, delegated
            self.move_on(own, nonce)
            while own.spent > balance:
                self.demote(own, own.next - 1)
            self.promote(own)
            self.release(sender)
        for (item, turn), status in dropped:
            if item.turn == turn:
                self.see_left_out(item, status)
        left = [(item, status) for (item, turn), status in dropped if item.turn == turn]
        for item, status in reversed(left):
            first = item.nonce == self.senders[item.sender].next_taken
            if item.state == TAKEN and status == ARENA_FULL and first:
                self.give_turn(item, self.queue.appendleft)
        for item, _ in left:
            if item.state == TAKEN and item.nonce == self.senders[item.sender].next_taken:
                self.give_turn(item, self.queue.append)
            elif item.state == TAKEN:
                item.state, item.entered = PASSED, next(self._clock)

    def see_left_out(self, item: Item, status: int) -> None:
        own = self.senders[item.sender]
        if item.state == INCLUDED or status == NONCE_TOO_LOW:
            self.remove(item)
        elif status in (NONCE_TOO_HIGH, POSTPONED) or (
            status in (ARENA_FULL, INSUFFICIENT_FUNDS) and item.tries < self.limits.tries
        ):
            item.tries += status not in (NONCE_TOO_HIGH, POSTPONED)
            own.next_taken = min(own.next_taken, item.nonce)
            first = item is own.of(*RUNNABLE)[0] and not own.of(INCLUDED)
            if item.nonce >= own.next:
                item.turn += 1
                item.state = NEW
                self.wait_or_leave(own, item)
                self.promote(own)
            elif status == NONCE_TOO_HIGH and first and item.nonce != own.nonce:
                self.demote(own, own.nonce)
                self.promote(own)
        else:
            self.remove(item)
            self.demote(own, item.nonce)
            self.promote(own)
        self.release(item.sender)

    def settle(self, included: Sequence[bytes]) -> None:
        """Hashes, since another may have replaced a transaction after a block took it and was made to wait again."""
        for digest in included:
            pooled = self.known.get(digest)
            if pooled is not None:
                self.remove(pooled)
                self.release(pooled.sender)

    def drop(self, digest: bytes) -> bool:
        item = self.known.get(digest)
        if item is None or item.state == INCLUDED:
            return False
        own, waited = self.senders[item.sender], item.state == WAITING
        self.remove(item)
        if not waited:
            self.demote(own, item.nonce)
            self.promote(own)
        self.release(item.sender)
        return True

    def content(self) -> tuple[dict[int, list[bytes]], dict[int, list[bytes]]]:
        """Hashes by sender in nonce order: (ready, waiting)."""

        def part(*states: str) -> dict[int, list[bytes]]:
            found = {s: [item.hash for item in own.of(*states)] for s, own in self.senders.items()}
            return {s: hashes for s, hashes in found.items() if hashes}

        return part(*RUNNABLE, INCLUDED), part(WAITING)
