"""The kernel's pool against the same rules in dictionaries: every answer, every block, all of the content."""

from __future__ import annotations

import ctypes
import gc
import random

import numpy as np
import pytest

from jovay.compiler.native import Library
from jovay.kernel.evm.status import ARENA_FULL
from jovay.kernel.evm.validity import INSUFFICIENT_FUNDS, NONCE_TOO_HIGH, NONCE_TOO_LOW, POSTPONED
from jovay.sequencer.pooled import Taken
from jovay.sequencer.txpool import PoolLimits, TxPool
from rigs.pool import Draft, account, block_record, decoded, funded
from sequencer.plain_pool import Item, PlainPool

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


class Pair:
    """Both pools over one world, told the same."""

    def __init__(self, library: Library, limits: PoolLimits, seed: int) -> None:
        self.random, self.library = random.Random(seed), library
        self.world = funded(library, SENDERS)
        self.block = ctypes.create_string_buffer(block_record())
        self.pool = TxPool(library, self.world, lambda: ctypes.addressof(self.block), limits)
        self.plain = PlainPool(self.nonce, limits)
        self.taken: list[tuple[Taken, list[Item]]] = []

    def nonce(self, sender: int) -> int:
        return int(account(self.world, sender).nonce)

    def draft(self) -> Draft:
        choose, sender = self.random, self.random.choice(SENDERS)
        price = choose.choice((100, 109, 110, 121, 10**6))
        return Draft(
            sender,
            max(0, self.nonce(sender) + choose.randint(-1, 6)),
            fee=price,
            tip=price // choose.choice((1, 1, 2)),
            gas=choose.choice((21_000, 30_000, 40_000, 90_001)),
            value=choose.randint(0, 1),
            data=bytes(choose.choice((0, 0, 0, 150))),
        )

    def add(self) -> None:
        many = self.random.random() < 0.1  # then most are refused, and what is left of the batch moves
        drafts = [
            self.draft() for _ in range(self.random.randint(16, 40) if many else self.random.randint(1, 4))
        ]
        batch, ready_only = decoded(self.library, drafts), self.random.random() < 0.2
        expected: dict[int, tuple[int, int]] = {}
        judged = [(int(verdict["status"]), int(verdict["nonce"])) for verdict in self.pool._judge(batch)]
        for i, (draft, outcome) in enumerate(zip(drafts, judged, strict=True)):
            record = batch.records[i]
            if not outcome[0]:
                item = Item(
                    draft.sender,
                    draft.nonce,
                    draft.fee,
                    draft.tip,
                    draft.gas,
                    len(draft.raw()),
                    bytes(record["hash"]),
                )
                outcome = self.plain.place(item, ready_only)
            if outcome[0]:
                expected[i] = outcome
        assert self.pool.add(batch, ready_only) == expected

    def take(self) -> None:
        most, gas = self.random.randint(1, 6), self.random.choice((50_000, 10**9))
        taken, items = self.pool.take(most, gas), self.plain.take(most, gas)
        assert [(e.hash, e.nonce) for e in taken] == [(item.hash, item.nonce) for item in items]
        if items:
            self.taken.append((taken, items))

    def settle(self) -> None:
        """A block, mostly the oldest; nonces decide, and some prove too poor."""
        if not self.taken:
            return
        taken, items = self.taken.pop(0 if self.random.random() < 0.8 else -1)
        included: list[int] = []
        dropped: list[tuple[int, int]] = []
        for i, item in enumerate(items):
            nonce = self.nonce(item.sender)
            if item.nonce != nonce:
                dropped.append((i, NONCE_TOO_LOW if item.nonce < nonce else NONCE_TOO_HIGH))
            elif self.random.random() < 0.2:
                dropped.append(
                    (i, self.random.choice((INSUFFICIENT_FUNDS, POSTPONED, ARENA_FULL, ARENA_FULL)))
                )
            else:
                included.append(i)
                account(self.world, item.sender).nonce = nonce + 1
        self.random.shuffle(included)
        self.plain.settle([items[i] for i in included], [(items[i], status) for i, status in dropped])
        gone = (
            taken.chosen(np.array(included, np.uint64))
            if self.random.random() < 0.5
            else [taken[i] for i in included]
        )
        self.pool.settle(gone, [(taken[i], status) for i, status in dropped])

    def jump(self) -> None:
        """An authorization raises a nonce."""
        sender = self.random.choice(SENDERS)
        account(self.world, sender).nonce = self.nonce(sender) + 1

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
        for sender in SENDERS:
            own = self.plain.senders.get(sender)
            assert self.pool.next_nonce(sender.to_bytes(20, "big")) == (None if own is None else own.next)
        for digest in self.plain.known:
            entry = self.pool.get(digest)
            assert entry is not None
            assert entry.hash == digest


@pytest.mark.parametrize("limits", [SMALL, ROOMY], ids=["small", "roomy"])
@pytest.mark.parametrize("seed", range(12))
def test_both_do_the_same(library: Library, limits: PoolLimits, seed: int) -> None:
    pair = Pair(library, limits, seed)
    acts = [pair.add] * 6 + [pair.take] * 3 + [pair.settle] * 3 + [pair.drop, pair.jump]
    for _ in range(400):
        pair.random.choice(acts)()
        pair.compare()


def test_batches_live_as_long_as_their_transactions(library: Library) -> None:
    """Memory of a batch goes with the last of its transactions, and not before a block is done with them."""
    pair = Pair(library, ROOMY, 0)
    pool, batches = pair.pool, pair.pool._batches._batches
    pool.add(decoded(library, [Draft(0xA, 0), Draft(0xA, 1), Draft(0xB, 3)]))
    pool.add(decoded(library, [Draft(0xC, 0, gas=20_999)]))  # refused: nothing of it stays
    assert len(batches) == 1
    taken = pool.take(10, 10**9)
    pool.settle(taken, [])
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
    account(world, 0xA).nonce = 98
    pool.settle(taken, [])
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
    pair.pool.settle(pair.pool.take(1, 10**9), [])
    assert len(pair.pool._batches._batches) == 0
