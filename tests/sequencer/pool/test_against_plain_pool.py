"""The kernel's pool against the same rules in dictionaries: every answer, every block, all of the content."""

from __future__ import annotations

import ctypes
import gc
import random
import time
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from jovay.chain.types import EMPTY_CODE_HASH
from jovay.kernel.evm import validity
from jovay.kernel.evm.validity import INSUFFICIENT_FUNDS, NONCE_TOO_HIGH, NONCE_TOO_LOW, POSTPONED
from jovay.kernel.machine.status import ARENA_FULL
from jovay.kernel.pool.price import PRICES, bucket_of, least_tip
from jovay.kernel.state.code import intern_code
from jovay.native.library import Library, build
from jovay.native.records import int_of
from jovay.sequencer.pool.pooled import Taken
from jovay.sequencer.pool.txpool import (
    DELEGATED_FULL,
    DELEGATED_GAP,
    LEFT,
    OVERDRAWN,
    SENDER_FULL,
    UNDERPRICED,
    PoolLimits,
    TxPool,
)
from rigs.pool import BLOCK, Draft, account, block_record, changes, decoded, funded, left_out, make_block
from sequencer.pool.plain_pool import PASSED, READY, TAKEN, WAITING, Item, PlainPool, Reference, Sender

SENDERS = (0xA, 0xB, 0xC, 0xD)
SMALL = PoolLimits(
    transactions=14,
    per_sender=8,
    waiting_per_sender=3,
    waiting=6,
    tries=2,
    transaction_bytes=200,
    transaction_gas=90_000,
)
ROOMY = PoolLimits(transactions=200)
TIGHT = replace(SMALL, transactions=100, per_sender=30, waiting=40, waiting_per_sender=20, memory=4 * 9_000)
BASE_FEE, COST = BLOCK["base_fee"], 21_000 * 10**6
UNLUCKY = (INSUFFICIENT_FUNDS, POSTPONED, POSTPONED, ARENA_FULL, ARENA_FULL, validity.SENDER_NOT_EOA)


class Pair:
    """Both pools over one world, told the same."""

    def __init__(self, library: Library, limits: PoolLimits, seed: int) -> None:
        self.random, self.library = random.Random(seed), library
        self.world = funded(library, SENDERS, 20 * COST)
        self.block = ctypes.create_string_buffer(block_record())
        self.pool = TxPool(library, self.world, lambda: ctypes.addressof(self.block), limits)
        self.pool._held.take = lambda batch, most: True  # type: ignore[method-assign]  # whole batches: see below
        self.plain = PlainPool(limits)
        code = ctypes.create_string_buffer(b"\xef\x01\x00" + bytes(20))
        self.code = library[intern_code](self.world, ctypes.addressof(code), 23, 1)
        self.taken: list[tuple[Taken, list[Reference]]] = []
        self.executed: list[tuple[Taken, list[bytes]]] = []
        self.changed: set[int] = set()
        self.seen: Counter[int] = Counter()

    def nonce(self, sender: int) -> int:
        return int(account(self.world, sender).nonce)

    def draft(self) -> Draft:
        choose, sender = self.random, self.random.choice(SENDERS)
        price = choose.choice((100, 109, 110, 121, 200, 10**6))
        return Draft(
            sender,
            max(0, self.nonce(sender) + choose.randint(-1, 6)),
            fee=price,
            tip=price // choose.choice((1, 1, 2)),
            gas=choose.choice((21_000, 30_000, 40_000, 90_001)),
            value=choose.choice((0, 1, COST, 3 * COST)),
            data=bytes(choose.choice((0, 0, 0, 150))),
        )

    def add(self) -> None:
        many = self.random.random() < 0.1  # then most are refused, and what is left of the batch moves
        drafts = [
            self.draft() for _ in range(self.random.randint(16, 40) if many else self.random.randint(1, 4))
        ]
        batch, ready_only = decoded(self.library, drafts), self.random.random() < 0.2
        judged, now = self.pool._judge(batch), time.monotonic()
        expected: dict[int, tuple[int, int]] = {}
        for i, (draft, verdict) in enumerate(zip(drafts, judged, strict=True)):
            outcome = int(verdict["status"]), int(verdict["nonce"])
            if not outcome[0]:
                balance, delegated = int_of(verdict["balance"]), bool(verdict["delegated"])
                item = item_of(draft, int_of(verdict["cost"]), bytes(batch.records[i]["hash"]))
                outcome = self.plain.place(item, outcome[1], balance, delegated, ready_only, now)
            self.seen[outcome[0]] += 1
            if outcome[0]:
                expected[i] = outcome
        found = self.pool.add(batch, ready_only)
        assert {i: (refusal.status, refusal.nonce) for i, refusal in found.items()} == expected

    def take(self) -> None:
        most, gas = self.random.randint(1, 6), self.random.choice((50_000, 10**9))
        size = self.random.choice((300, 700, 10**9))
        taken, items = self.pool.take(most, gas, size), self.plain.take(most, gas, size)
        assert [(e.hash, e.nonce) for e in taken] == [(item.hash, item.nonce) for item, _ in items]
        if items:
            self.taken.append((taken, items))

    def execute(self) -> None:
        """A block, mostly the oldest; nonces decide, and some prove too poor."""
        if not self.taken:
            return
        taken, items = self.taken.pop(0 if self.random.random() < 0.8 else -1)
        included: list[int] = []
        dropped: dict[int, int] = {}
        for i, (item, _) in enumerate(items):
            nonce = self.nonce(item.sender)
            if item.nonce != nonce:
                dropped[i] = NONCE_TOO_LOW if item.nonce < nonce else NONCE_TOO_HIGH
            elif self.random.random() < 0.2:
                dropped[i] = self.random.choice(UNLUCKY)
            else:
                included.append(i)
                account(self.world, item.sender).nonce = nonce + 1
                self.changed.add(item.sender)
        now = time.monotonic()
        whole = [self.random.choice(SENDERS)]
        accounts = {s: self.account(s) for s in dict.fromkeys([*self.changed, *whole])}
        self.plain.executed([(items[i], status) for i, status in dropped.items()], accounts, now)
        self.pool.executed(taken, left_out(dropped), changes(self.world, accounts))
        self.changed.clear()
        self.random.shuffle(included)
        block = taken.chosen(np.array(included, np.uint64))
        self.executed.append((block, [entry.hash for entry in block]))

    def account(self, sender: int) -> tuple[int, int, bool]:
        base = account(self.world, sender)
        return base.nonce, base.balance, base.code_hash == 1

    def settle(self) -> None:
        """A block becomes visible."""
        if self.executed:
            taken, hashes = self.executed.pop(0)
            self.plain.settle(hashes)
            self.pool.settle(taken if self.random.random() < 0.5 else list(taken))

    def jump(self) -> None:
        """An authorization raises a nonce."""
        sender = self.random.choice(SENDERS)
        account(self.world, sender).nonce = self.nonce(sender) + 1
        self.changed.add(sender)

    def pay(self) -> None:
        """Ether comes or goes without a transaction of the account's."""
        sender = self.random.choice(SENDERS)
        account(self.world, sender).balance = self.random.choice((0, COST, 4 * COST, 30 * COST, 30 * COST))
        self.changed.add(sender)

    def delegate(self) -> None:
        """An account begins to run code, or ceases to."""
        base = account(self.world, self.random.choice(SENDERS))
        if self.random.random() < 0.5:
            base.code, base.code_hash = self.code, 1
        else:
            base.code, base.code_hash = 0, int.from_bytes(EMPTY_CODE_HASH, "big")
        self.changed.add(base.address)

    def drop(self) -> None:
        known = sorted(self.plain.known)
        digest = (
            self.random.choice(known) if known and self.random.random() < 0.9 else self.random.randbytes(32)
        )
        assert self.pool.drop(digest) == self.plain.drop(digest)

    def compare(self) -> None:
        found = tuple(
            {int.from_bytes(sender, "big"): [e.hash for e in group] for sender, group in part.items()}
            for part in self.pool.content()
        )
        ready, waiting = self.plain.content()
        assert found == (ready, waiting)
        assert self.pool.counts() == (sum(map(len, ready.values())), sum(map(len, waiting.values())))
        view = self.pool._memory.view
        assert (view.bytes, view.waiting_bytes) == (self.plain.bytes(), self.plain.bytes(WAITING))
        for sender in SENDERS:
            own = self.plain.senders.get(sender)
            assert self.pool.next_nonce(sender.to_bytes(20, "big")) == (None if own is None else own.next)
            if own is not None:
                self.check(own)
        for digest in self.plain.known if self.random.random() < 0.1 else ():
            entry = self.pool.get(digest)
            assert entry is not None
            assert entry.hash == digest

    def check(self, own: Sender) -> None:
        """What is said of senders: no gap, nothing that is not paid for, and the next one has a turn."""
        ready = own.of(READY, PASSED, TAKEN)
        assert [item.nonce for item in ready] == list(range(own.next - len(ready), own.next))
        following = own.items.get(own.next_taken)
        assert following is None or following.state != PASSED


def item_of(draft: Draft, cost: int, digest: bytes) -> Item:
    offer = min(draft.tip, draft.fee - BASE_FEE)
    size = len(draft.raw())
    return Item(draft.sender, draft.nonce, draft.fee, draft.tip, draft.gas, size, cost, offer, digest)


def test_prices_in_buckets(library: Library) -> None:
    """A sixteenth more is a higher bucket; the lowest tip of a bucket is in it."""
    numbers = build([bucket_of, least_tip])
    tips = sorted(
        {2**k + d for k in range(4, 64) for d in (-1, 0, 1, 2**k // 17, 2**k // 2)} | set(range(40))
    )
    for tip in tips:
        price = numbers[bucket_of](tip)
        assert price == item_of(Draft(1, 0, fee=tip + BASE_FEE, tip=tip), 0, b"").price < PRICES
        assert numbers[least_tip](price) <= tip < numbers[least_tip](price + 1)
        assert numbers[bucket_of](tip + max(1, -(-tip // 16))) > price
    assert numbers[bucket_of](2**64) == numbers[bucket_of](2**256 - 1) == PRICES - 1


@pytest.mark.parametrize("limits", [SMALL, TIGHT, ROOMY], ids=["small", "tight", "roomy"])
def test_both_do_the_same(library: Library, limits: PoolLimits) -> None:
    seen: Counter[int] = Counter()
    left: Counter[str] = Counter()
    for seed in range(6):
        pair = Pair(library, limits, seed)
        acts = [pair.add] * 6 + [pair.take] * 3 + [pair.execute] * 3 + [pair.settle] * 3
        acts += [pair.drop, pair.jump, pair.pay, pair.delegate]
        for _ in range(300):
            pair.random.choice(acts)()
            if pair.random.random() < 0.3:
                pair.compare()
        seen, left = seen + pair.seen, left + Counter(pair.pool.left())
    assert {0, validity.NONCE_TOO_LOW, OVERDRAWN, DELEGATED_FULL, DELEGATED_GAP} <= seen.keys()
    assert min(left[reason] for reason in LEFT if reason not in ("expired", "evicted", "no room to wait")) > 1
    if limits is not ROOMY:
        assert min(left["evicted"], left["no room to wait"], seen[UNDERPRICED]) > 1
    assert limits is not SMALL or SENDER_FULL in seen


def test_batches_live_as_long_as_their_transactions(library: Library) -> None:
    """Memory of a batch goes with the last of its transactions, and not before a block is done with them."""
    pair = Pair(library, ROOMY, 0)
    pool, batches = pair.pool, pair.pool._batches._batches
    pool.add(decoded(library, [Draft(0xA, 0), Draft(0xA, 1), Draft(0xB, 3)]))
    pool.add(decoded(library, [Draft(0xC, 0, gas=20_999)]))  # refused: nothing of it stays
    assert len(batches) == 1
    taken = pool.take(10, 10**9)
    pool.settle(make_block(pool, taken))
    assert len(batches) == 1
    gc.collect()
    assert [(e.nonce, e.sender[-1]) for e in taken] == [(0, 0xA), (1, 0xA)]
    pool.add(decoded(library, [Draft(0xB, 3, fee=10**6, tip=10**5)]))  # replaced: the first batch goes
    assert len(batches) == 1
    (entry,) = pool.content()[1][(0xB).to_bytes(20, "big")]
    assert entry.max_fee == 10**6
    pool.clear()
    assert len(batches) == 0
    assert pool.get(entry.hash) is None
    assert entry.gone
    assert [e.nonce for e in taken] == [0, 1]


def test_the_queue_does_not_overflow(library: Library) -> None:
    """Those that wait again and again leave stale references in the queue, more than it has room for."""
    pool = Pair(library, SMALL, 0).pool
    pool.add(decoded(library, [Draft(0xB, n) for n in range(3)]))
    pool.add(decoded(library, [Draft(0xA, n) for n in range(1, 4)]))
    for round_ in range(40):
        assert pool.add(decoded(library, [Draft(0xA, 0, value=round_)])) == {}
        assert pool.counts() == (7, 0)
        (first, *_) = pool.content((0xA).to_bytes(20, "big"))[0].popitem()[1]
        assert pool.drop(first.hash)
        assert pool.counts() == (3, 3)
    pool.add(decoded(library, [Draft(0xA, 0)]))
    taken = pool.take(100, 10**9)
    assert [(e.sender[-1], e.nonce) for e in taken] == [(0xB, n) for n in range(3)] + [
        (0xA, n) for n in range(4)
    ]
    assert len(pool) == 0


def test_what_is_left_of_a_batch_moves(library: Library) -> None:
    """One transaction that waits does not keep the memory of hundreds; it is the same transaction afterwards."""
    world = funded(library, [0xA])
    block = ctypes.create_string_buffer(block_record())
    pool = TxPool(library, world, lambda: ctypes.addressof(block))
    late = Draft(0xA, 101, data=b"late" * 20, gas=60_000)
    pool.add(decoded(library, [*(Draft(0xA, n) for n in range(99)), late, Draft(0xA, 102)]))
    (before, _) = pool.content()[1].popitem()[1]
    taken = pool.take(98, 10**9)
    assert len(before.batch.records) == 101
    pool.settle(make_block(pool, taken))
    (after, last) = pool.content()[1].popitem()[1]
    assert len(after.batch.records) == 3
    assert after.batch is last.batch
    assert after.hash == before.hash
    for name, value in [
        ("raw_size", len(late.raw())),
        ("data_size", 80),
        ("nonce", 101),
        ("gas_limit", 60_000),
    ]:
        assert after.record[name] == value
    assert ctypes.string_at(int(after.record["raw"]), len(late.raw())) == late.raw()
    assert ctypes.string_at(int(after.record["data"]), 80) == late.data
    low, high = after.batch.raw.ctypes.data, after.batch.raw.ctypes.data + len(after.batch.raw)
    for name in ("raw", "data", "signed", "access_list"):
        assert low <= int(after.record[name]) < high
    assert [e.nonce for e in taken] == list(range(98))  # a block may still look at what it took
    assert [e.nonce for e in pool.take(10, 10**9)] == [98]
    assert pool.add(decoded(library, [Draft(0xA, n) for n in (99, 100)])) == {}
    rest = pool.take(10, 10**9)
    assert [e.nonce for e in rest] == [99, 100, 101, 102]
    assert rest[2].hash == before.hash


def test_a_batch_that_is_refused_nearly_whole_moves_at_once(library: Library) -> None:
    pair = Pair(library, SMALL, 0)
    drafts = [Draft(0xA, 0), *(Draft(0xB, 0, gas=20_000, value=n) for n in range(30))]
    assert len(pair.pool.add(decoded(library, drafts))) == 30
    (entry,) = pair.pool.content()[0].popitem()[1]
    assert len(entry.batch.records) == 1
    assert len(pair.pool._batches._batches) == 1
    pair.pool.settle(make_block(pair.pool, pair.pool.take(1, 10**9)))
    assert len(pair.pool._batches._batches) == 0
