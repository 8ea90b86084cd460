"""The pool: order by nonce, replacement, limits, and what happens when blocks take and settle transactions."""

from __future__ import annotations

import ctypes
import random
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from jovay.chain.types import EMPTY_CODE_HASH
from jovay.kernel.block.changes import AccountChange, SlotChange
from jovay.kernel.evm import validity
from jovay.kernel.machine.status import ARENA_FULL
from jovay.native.library import Library
from jovay.native.records import dtype_of
from jovay.sequencer.pool.txpool import (
    ALREADY_KNOWN,
    GAS_ABOVE_BLOCK,
    OVERSIZED,
    POOL_FULL,
    SENDER_FULL,
    UNDERPRICED,
    UNDERPRICED_REPLACEMENT,
    Pooled,
    PoolLimits,
    Taken,
    TxPool,
)
from jovay.state.errors import CacheFullError
from jovay.state.eviction import evict
from jovay.state.misses import Misses
from jovay.state.world import NativeWorld
from jovay.state.writes import empty
from rigs.pool import Draft, account, block_record, changes, decoded, funded, left_out, make_block

ALICE, BOB = 0xA11CE, 0xB0B
MakePool = Callable[..., TxPool]


@pytest.fixture
def world(library: Library) -> NativeWorld:
    return funded(library, [ALICE, BOB])


@pytest.fixture
def make_pool(library: Library, world: NativeWorld) -> MakePool:
    block = ctypes.create_string_buffer(block_record())

    def make(ready: Callable[[], None] = lambda: None, **limits: int) -> TxPool:
        return TxPool(library, world, lambda: ctypes.addressof(block), PoolLimits(**limits), ready)

    return make


def add(pool: TxPool, *drafts: Draft, ready_only: bool = False) -> list[int]:
    """Statuses, 0 for accepted."""
    refused = pool.add(decoded(pool._world.library, drafts), ready_only)
    return [refused[i].status if i in refused else 0 for i in range(len(drafts))]


def nonces(entries: Sequence[Pooled], sender: int = ALICE) -> list[int]:
    return [entry.nonce for entry in entries if int.from_bytes(entry.sender, "big") == sender]


def take_all(pool: TxPool) -> list[Pooled]:
    return pool.take(1000, 10**12)


def execute(world: NativeWorld, *entries: Pooled) -> None:
    """What becomes of an account when these are in a block."""
    for entry in entries:
        account(world, int.from_bytes(entry.sender, "big")).nonce = entry.nonce + 1


def test_nonces_decide_the_order(make_pool):
    pool = make_pool()
    assert add(pool, Draft(ALICE, 2), Draft(ALICE, 0), Draft(BOB, 1), Draft(ALICE, 3)) == [0] * 4
    assert pool.counts() == (1, 3)
    assert pool.next_nonce(ALICE.to_bytes(20, "big")) == 1
    assert add(pool, Draft(ALICE, 1)) == [0]
    assert pool.counts() == (4, 1)
    taken = take_all(pool)
    assert nonces(taken) == [0, 1, 2, 3]
    assert nonces(taken, BOB) == []
    ready, waiting = pool.content()
    assert nonces(ready[ALICE.to_bytes(20, "big")]) == [0, 1, 2, 3]
    assert nonces(waiting[BOB.to_bytes(20, "big")], BOB) == [1]


def test_what_is_ready_leaves_first_come_first_served(make_pool):
    pool = make_pool()
    add(pool, Draft(BOB, 0), Draft(ALICE, 0), Draft(BOB, 1))
    assert [int.from_bytes(e.sender, "big") for e in take_all(pool)] == [BOB, ALICE, BOB]


def test_a_block_takes_no_more_than_it_has_room_for(make_pool):
    pool = make_pool()
    add(pool, Draft(ALICE, 0, gas=50_000), Draft(BOB, 0, gas=60_000), Draft(ALICE, 1, gas=21_000))
    assert nonces(pool.take(10, 109_999)) == [0]
    assert nonces(pool.take(1, 10**9), BOB) == [0]
    assert nonces(pool.take(10, 10**9)) == [1]
    assert pool.take(10, 10**9) == []


def test_senders_beyond_memory_do_not_exist(make_pool):
    pool = make_pool()
    assert add(pool, Draft(0xDEAD, 0)) == [validity.INSUFFICIENT_FUNDS]


def test_old_nonces_are_refused_with_the_right_one(make_pool, world):
    account(world, ALICE).nonce = 5
    pool = make_pool()
    batch = decoded(world.library, [Draft(ALICE, 4), Draft(ALICE, 5), Draft(ALICE, 5, value=1)])
    found = {i: (refusal.status, refusal.nonce) for i, refusal in pool.add(batch).items()}
    assert found == {0: (validity.NONCE_TOO_LOW, 5), 2: (UNDERPRICED_REPLACEMENT, 6)}
    (refusal,) = pool.add(decoded(world.library, [Draft(ALICE, 8)]), ready_only=True).values()
    assert (refusal.status, refusal.nonce) == (validity.NONCE_TOO_HIGH, 6)
    assert pool.counts() == (1, 0)


@pytest.mark.parametrize("nonce", [0, 3], ids=["ready", "waiting"])
def test_replacements_pay_more_in_both_prices(make_pool, nonce):
    pool = make_pool()
    old = Draft(ALICE, nonce, fee=100, tip=10)
    assert add(pool, old) == [0]
    assert add(pool, old) == [ALREADY_KNOWN]
    for fee, tip in ((109, 100), (1000, 10), (100, 10)):
        assert add(pool, Draft(ALICE, nonce, fee=fee, tip=tip, value=1)) == [UNDERPRICED_REPLACEMENT]
    assert add(pool, Draft(BOB, nonce)) == [0]
    new = Draft(ALICE, nonce, fee=110, tip=11)
    assert add(pool, new) == [0]
    assert sum(pool.counts()) == 2
    assert add(pool, *(Draft(ALICE, k) for k in range(nonce))) == [0] * nonce
    taken = [e for e in take_all(pool) if e.nonce == nonce and e.sender == ALICE.to_bytes(20, "big")]
    assert [(e.max_fee, e.tip, e.hash) for e in taken] == [(110, 11, pool.get(taken[0].hash).hash)]
    # What is in a block that is being made cannot be replaced any more.
    assert add(pool, Draft(ALICE, nonce, fee=1000, tip=1000)) == [validity.NONCE_TOO_LOW]


def test_limits(make_pool):
    pool = make_pool(
        transactions=4, per_sender=3, waiting_per_sender=1, transaction_bytes=300, transaction_gas=100_000
    )
    assert add(pool, Draft(ALICE, 0, data=bytes(300), gas=90_000)) == [OVERSIZED]
    assert add(pool, Draft(ALICE, 0, gas=100_001)) == [GAS_ABOVE_BLOCK]
    assert add(pool, Draft(ALICE, 4), Draft(ALICE, 5)) == [0, SENDER_FULL]
    assert add(pool, *(Draft(ALICE, n) for n in range(3))) == [0, 0, SENDER_FULL]
    assert add(pool, Draft(BOB, 0), Draft(BOB, 3)) == [0, UNDERPRICED]
    assert pool.counts() == (3, 1)
    # A replacement needs no room.
    assert add(pool, Draft(BOB, 0, fee=1000, tip=100)) == [0]


def test_static_rules_come_first(make_pool):
    pool = make_pool()
    assert add(pool, Draft(ALICE, 0, gas=20_999)) == [validity.INTRINSIC_GAS_TOO_LOW]
    assert add(pool, Draft(ALICE, 0, fee=5, tip=6)) == [validity.TIP_ABOVE_FEE_CAP]
    assert add(pool, Draft(ALICE, 0, value=10**24)) == [validity.INSUFFICIENT_FUNDS]
    assert pool.counts() == (0, 0)


def test_blocks_settle_what_they_took(make_pool, world):
    pool = make_pool()
    add(pool, Draft(ALICE, 0), Draft(ALICE, 1), Draft(BOB, 0))
    block = make_block(pool, take_all(pool))
    assert pool.counts() == (3, 0)  # until the block is seen
    assert not pool.drop(block[0].hash)
    pool.settle(block)
    assert pool.counts() == (0, 0)
    assert pool.content() == ({}, {})
    assert pool.next_nonce(ALICE.to_bytes(20, "big")) is None
    assert add(pool, Draft(ALICE, 1), Draft(ALICE, 2)) == [validity.NONCE_TOO_LOW, 0]


def test_what_follows_an_impossible_transaction_waits(make_pool):
    """It is gone; those behind it failed only for its lack."""
    pool = make_pool()
    add(pool, *(Draft(ALICE, n) for n in range(5)))
    first, high = pool.take(4, 10**9), validity.NONCE_TOO_HIGH
    block = make_block(pool, first, {1: validity.SENDER_NOT_EOA, 2: high, 3: high})
    pool.settle(block)
    assert pool.counts() == (0, 3)
    assert pool.get(first[1].hash) is None
    assert pool.left()["invalid"] == 1
    assert add(pool, Draft(ALICE, 1, value=7)) == [0]
    again = take_all(pool)
    assert nonces(again) == [1, 2, 3, 4]
    pool.settle(make_block(pool, again))
    assert pool.counts() == (0, 0)


@pytest.mark.parametrize(
    "status", [validity.POSTPONED, validity.INSUFFICIENT_FUNDS, validity.FEE_CAP_TOO_LOW]
)
def test_what_follows_one_that_a_later_block_may_contain_comes_with_it(make_pool, status):
    """None of them is lost, and they come in their order, behind those of others that came meanwhile."""
    pool = make_pool()
    add(pool, *(Draft(ALICE, n) for n in range(6)), Draft(BOB, 0))
    first, high = pool.take(4, 10**9), validity.NONCE_TOO_HIGH
    block = make_block(pool, first, {1: status, 2: high, 3: high})
    add(pool, Draft(ALICE, 6), Draft(BOB, 1))
    assert pool.counts() == (9, 0)
    second = pool.take(4, 10**9)
    assert [(int.from_bytes(e.sender, "big"), e.nonce) for e in second] == [
        (BOB, 0), (ALICE, 1), (ALICE, 2), (ALICE, 3)
    ]  # fmt: skip
    third = take_all(pool)
    assert [(int.from_bytes(e.sender, "big"), e.nonce) for e in third] == [
        (ALICE, 4), (ALICE, 5), (ALICE, 6), (BOB, 1)
    ]  # fmt: skip
    for taken in (block, make_block(pool, second), make_block(pool, third)):
        pool.settle(taken)
    assert pool.counts() == (0, 0)
    assert pool.left()["settled"] == 9


def test_what_a_block_leaves_out_is_not_looked_at_one_by_one(make_pool, monkeypatch):
    """A few hundred of them that came one by one are columns to the interpreter, as those of one batch are."""
    pool = make_pool()
    for nonce in range(300):
        add(pool, Draft(ALICE, nonce))
    taken = pool.take(1000, 10**12)
    dropped = left_out({0: validity.SENDER_NOT_EOA} | dict.fromkeys(range(1, 300), validity.NONCE_TOO_HIGH))

    def one_by_one(*_: object) -> None:
        raise AssertionError("a single transaction was looked at")

    monkeypatch.setattr(Taken, "__getitem__", one_by_one)
    monkeypatch.setattr(Taken, "__iter__", one_by_one)
    monkeypatch.setattr(Taken, "batches", one_by_one)
    pool.executed(taken, dropped, changes(pool._world, [ALICE]))
    assert pool.counts() == (0, 299)


def test_a_transaction_that_fits_into_no_block_leaves_in_the_end(make_pool):
    pool = make_pool(tries=3)
    add(pool, Draft(ALICE, 0), Draft(ALICE, 1))
    for _ in range(4):
        taken = pool.take(1, 10**9)
        assert nonces(taken) == [0]
        make_block(pool, taken, {0: validity.FEE_CAP_TOO_LOW})
    assert pool.counts() == (0, 1)
    assert take_all(pool) == []


def test_what_is_dropped_late_does_not_touch_what_came_after(make_pool):
    pool = make_pool()
    add(pool, Draft(ALICE, 0), Draft(ALICE, 1))
    first, second = pool.take(1, 10**9), pool.take(1, 10**9)
    make_block(pool, first, {0: validity.SENDER_NOT_EOA})
    assert add(pool, Draft(ALICE, 0, value=1)) == [0]
    third = take_all(pool)
    assert nonces(third) == [0, 1]
    make_block(pool, second, {0: validity.NONCE_TOO_HIGH})  # the same as third[1], but another turn
    pool.settle(make_block(pool, third))
    assert pool.counts() == (0, 0)


def test_a_nonce_that_rose_without_the_pool(make_pool, world):
    """An EIP-7702 authorization raises its authority's nonce, also while transactions of it wait."""
    pool = make_pool()
    add(pool, Draft(ALICE, 2), Draft(ALICE, 3))
    account(world, ALICE).nonce = 3
    assert add(pool, Draft(ALICE, 4)) == [0]
    assert nonces(take_all(pool)) == [3, 4]
    assert pool.counts() == (2, 0)


def test_a_nonce_that_rises_while_its_sender_is_taken(make_pool, world):
    pool = make_pool()
    add(pool, Draft(ALICE, 0), Draft(ALICE, 2))
    taken = take_all(pool)
    account(world, ALICE).nonce = 2  # 0 was executed, and an authorization took 1
    pool.executed(taken, left_out({}), changes(world, [ALICE]))
    assert add(pool, Draft(ALICE, 3)) == [0]
    assert nonces(take_all(pool)) == [2, 3]


def test_blocks_between_judging_and_placing(make_pool, world):
    """A batch is judged, its sender's transactions are settled, and only then is the batch placed."""
    pool = make_pool()
    add(pool, Draft(ALICE, 0), Draft(ALICE, 1))
    taken, judge = take_all(pool), pool._judge

    def judge_then_settle(batch):
        verdicts = judge(batch)
        pool.settle(make_block(pool, taken))
        return verdicts

    pool._judge = judge_then_settle
    assert add(pool, Draft(ALICE, 2)) == [0]
    assert nonces(take_all(pool)) == [2]


def test_dropping_on_request(make_pool, world):
    pool = make_pool()
    add(pool, *(Draft(ALICE, n) for n in (0, 1, 2, 5)))
    entries = {e.nonce: e for e in [*pool.content()[0].popitem()[1], *pool.content()[1].popitem()[1]]}
    assert pool.drop(entries[1].hash)
    assert not pool.drop(entries[1].hash)
    assert pool.drop(entries[5].hash)
    assert pool.counts() == (1, 1)
    assert nonces(take_all(pool)) == [0]
    assert add(pool, Draft(ALICE, 1)) == [0]
    assert nonces(take_all(pool)) == [1, 2]


def test_clearing(make_pool):
    pool = make_pool()
    add(pool, Draft(ALICE, 0), Draft(BOB, 3))
    pool.clear()
    assert (pool.counts(), len(pool), take_all(pool)) == ((0, 0), 0, [])
    assert add(pool, Draft(ALICE, 0)) == [0]


def test_whoever_makes_blocks_is_woken(make_pool):
    woken: list[int] = []
    pool = make_pool(ready=lambda: woken.append(1))
    add(pool, Draft(ALICE, 1))
    assert not woken
    add(pool, Draft(ALICE, 0))
    assert woken


def test_many_threads(library, make_pool):
    """Senders add out of order from many threads while one takes and settles: nothing is lost or taken twice."""
    senders = list(range(1000, 1024))
    world = funded(library, senders)
    block = ctypes.create_string_buffer(block_record())
    pool = TxPool(library, world, lambda: ctypes.addressof(block))
    count, per_sender = 0, 40
    seen: dict[int, list[int]] = {sender: [] for sender in senders}
    errors: list[BaseException] = []

    def feed(own: list[int]) -> None:
        try:
            order = [(s, n) for s in own for n in range(per_sender)]
            random.Random(own[0]).shuffle(order)
            for at in range(0, len(order), 5):
                assert add(pool, *(Draft(s, n) for s, n in order[at : at + 5])) == [0] * len(
                    order[at : at + 5]
                )
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=feed, args=(senders[k::4],)) for k in range(4)]
    for thread in threads:
        thread.start()
    while count < len(senders) * per_sender and not errors:
        alive = any(thread.is_alive() for thread in threads)
        taken = pool.take(17, 10**9)
        for entry in taken:
            seen[int.from_bytes(entry.sender, "big")].append(entry.nonce)
        with world.lock.write():
            execute(world, *taken)
        pool.settle(make_block(pool, taken))
        count += len(taken)
        assert taken or alive or pool.take(1, 10**9) == [], "transactions got stuck"
        if not taken and not alive:
            break
    for thread in threads:
        thread.join()
    assert errors == []
    assert seen == {sender: list(range(per_sender)) for sender in senders}
    assert pool.counts() == (0, 0)


def test_what_waits_keeps_nobody_out_that_is_ready(make_pool):
    pool = make_pool(waiting=2)
    assert add(pool, Draft(ALICE, 5), Draft(BOB, 5), Draft(BOB, 6)) == [0, 0, UNDERPRICED]
    assert add(pool, Draft(ALICE, 0)) == [0]
    pool.drop(pool.content()[1][BOB.to_bytes(20, "big")][0].hash)
    assert add(pool, Draft(BOB, 6)) == [0]


def test_memory_is_bounded_and_given_back(make_pool, world):
    drafts = [Draft(ALICE, nonce, gas=1_000_000, data=bytes(20_000)) for nonce in range(4)]
    size = decoded(world.library, drafts[:1]).size
    pool = make_pool(memory=2 * size + size // 2)
    pool._memory.view.most_bytes = 10 * size
    for nonce, expected in ((0, 0), (1, 0), (2, POOL_FULL)):
        assert add(pool, drafts[nonce]) == [expected]
    taken = pool.take(1, 10**9)
    pool.settle(make_block(pool, taken))
    assert add(pool, drafts[2]) == [POOL_FULL]  # the block still has it
    del taken
    assert add(
        pool,
        drafts[2],
    ) == [0]
    assert add(pool, drafts[3]) == [POOL_FULL]


def test_what_finds_no_room_in_a_block_is_in_the_next(make_pool):
    pool = make_pool(tries=2)
    add(pool, Draft(BOB, 0), Draft(ALICE, 0), Draft(ALICE, 1), Draft(BOB, 1))
    pool.settle(make_block(pool, pool.take(3, 10**9), {1: ARENA_FULL, 2: validity.NONCE_TOO_HIGH}))
    for _ in range(2):
        again = pool.take(2, 10**9)
        assert nonces(again) == [0, 1]
        make_block(pool, again, {0: ARENA_FULL, 1: validity.NONCE_TOO_HIGH})
    assert nonces(take_all(pool), BOB) == [1]
    assert pool.counts()[1] == 1  # no block has room for the other one
    assert pool.content()[1].keys() == {ALICE.to_bytes(20, "big")}


def test_what_the_next_block_took_too_early_gets_its_turn(make_pool):
    pool = make_pool()
    add(pool, Draft(ALICE, 0), Draft(ALICE, 1), Draft(ALICE, 2))
    first, second = pool.take(1, 10**9), pool.take(1, 10**9)
    make_block(pool, first, {0: ARENA_FULL})
    make_block(pool, second, {0: validity.NONCE_TOO_HIGH})
    assert nonces(take_all(pool)) == [0, 1, 2]


class Shelf:
    """A source that has the accounts of a world which it evicts while it is asked."""

    def __init__(self, world: NativeWorld, moves: int) -> None:
        self.world, self.moves = world, moves
        self._held = {address: held_account(world, address) for address in (ALICE, BOB)}

    def read(self, misses: Misses) -> tuple[Any, Any, list[bytes]]:
        """As ``StateSource``."""
        found = [self._held[address] for address in misses.accounts if address in self._held]
        if self.moves:
            self.moves -= 1
            evict(self.world, 0, 1, force=True)
        return np.array(found, dtype_of(AccountChange)), empty(SlotChange), []


def held_account(world: NativeWorld, address: int) -> Any:
    record = np.zeros((), dtype_of(AccountChange))
    record["address"], record["exists"] = address.to_bytes(32, "little"), 1
    record["code_hash"] = EMPTY_CODE_HASH[::-1]
    record["balance"], record["nonce"] = (10**24).to_bytes(32, "little"), account(world, address).nonce
    return record


@pytest.mark.parametrize("moves", [1, 2, 3])
def test_senders_whose_records_move_while_they_are_judged_exist(make_pool, world, moves):
    world.stored = world.source = Shelf(world, moves)
    pool = make_pool()
    assert add(pool, Draft(ALICE, 0), Draft(0xDEAD, 0), Draft(BOB, 0)) == [0, validity.INSUFFICIENT_FUNDS, 0]


def test_a_sender_that_left_memory_has_its_nonce_still(make_pool, world):
    account(world, ALICE).nonce = 5
    world.stored = world.source = Shelf(world, 0)
    pool = make_pool()
    add(pool, Draft(ALICE, 5), Draft(ALICE, 6))
    taken = take_all(pool)
    evict(world, 0, 1, force=True)
    make_block(pool, taken, {0: validity.POSTPONED, 1: validity.NONCE_TOO_HIGH})
    assert nonces(take_all(pool)) == [5, 6]


def test_strangers_to_memory_cannot_fill_its_last_quarter(make_pool, world):
    world.stored = world.source = Shelf(world, 0)
    evict(world, 0, 1, force=True)
    view = world.view
    accounts = np.zeros(view.account_capacity * 3 // 4, dtype_of(AccountChange))
    accounts["address"] = np.frombuffer(
        b"".join((2**150 + i).to_bytes(32, "little") for i in range(len(accounts))), "V32"
    )
    world.insert(accounts, empty(SlotChange), [])
    pool = make_pool()
    with pytest.raises(CacheFullError):
        add(pool, Draft(ALICE, 0))
