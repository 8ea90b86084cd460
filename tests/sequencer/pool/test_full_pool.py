"""Who gets in and who stays in: transactions that cannot run, a full pool, those that wait for long."""

from __future__ import annotations

import ctypes

import pytest

from jovay.kernel.evm import validity
from jovay.kernel.state.code import intern_code
from jovay.native.library import Library
from jovay.native.records import int_of
from jovay.sequencer.pool import txpool
from jovay.sequencer.pool.txpool import (
    DELEGATED_FULL,
    DELEGATED_GAP,
    OVERDRAWN,
    POOL_FULL,
    UNDERPRICED,
    PoolLimits,
    TxPool,
)
from rigs.pool import Draft, account, block_record, changes, decoded, funded, left_out, make_block

RICH, POOR, BOB, CAROL = 0xA1, 0xA2, 0xB, 0xC
COST = 100 * 21_000


@pytest.fixture
def make_pool(library: Library):
    block = ctypes.create_string_buffer(block_record())
    world = funded(library, [RICH, POOR, BOB, CAROL])
    account(world, POOR).balance = 10 * COST

    def make(**limits: float) -> TxPool:
        return TxPool(library, world, lambda: ctypes.addressof(block), PoolLimits(**limits))  # type: ignore[arg-type]

    return make


def add(pool: TxPool, *drafts: Draft) -> list[int]:
    """Statuses, 0 for accepted."""
    refused = pool.add(decoded(pool._world.library, drafts))
    return [refused[i].status if i in refused else 0 for i in range(len(drafts))]


def nonces(pool: TxPool, sender: int) -> tuple[list[int], list[int]]:
    """Of a sender's ready and waiting transactions."""
    address = sender.to_bytes(20, "big")
    ready, waiting = ([entry.nonce for entry in part.get(address, ())] for part in pool.content(address))
    return ready, waiting


def change(pool: TxPool, *senders: int) -> None:
    """A block changed these accounts to what they are in the world."""
    pool.executed(pool.take(0, 0), left_out({}), changes(pool._world, senders))


# ---- what cannot be paid for -------------------------------------------------------------------------------------


def test_a_sender_pays_for_all_of_its_transactions(make_pool):
    """One that takes all the money leaves none for those behind it."""
    pool = make_pool()
    everything = Draft(POOR, 0, value=9 * COST)
    refused = pool.add(decoded(pool._world.library, [everything, *(Draft(POOR, n) for n in range(1, 5))]))
    assert [refusal.status for refusal in refused.values()] == [OVERDRAWN] + [OVERDRAWN] * 3
    assert (int_of(refused[1].balance), int_of(refused[1].spent)) == (10 * COST, 10 * COST)
    assert pool.counts() == (1, 0)
    assert add(pool, Draft(POOR, 0, value=9 * COST + 1, fee=200, tip=20)) == [validity.INSUFFICIENT_FUNDS]
    assert add(pool, Draft(POOR, 0, fee=200, tip=20), *(Draft(POOR, n) for n in range(1, 9))) == [0] * 9
    assert add(pool, Draft(POOR, 9)) == [OVERDRAWN]


def test_what_waits_behind_a_gap_comes_in_as_far_as_the_money_goes(make_pool):
    pool = make_pool()
    assert add(pool, *(Draft(POOR, n) for n in range(1, 8))) == [0] * 7
    assert add(pool, Draft(POOR, 0, value=6 * COST)) == [0]
    assert nonces(pool, POOR) == ([0, 1, 2, 3], [4, 5, 6, 7])
    block = make_block(pool, pool.take(10, 10**9))  # they cost less than they might: nothing, in this world
    pool.settle(block)
    assert nonces(pool, POOR) == ([4, 5, 6, 7], [])


@pytest.mark.parametrize("allowed", [1024, 3])
def test_a_gap_filled_by_all_the_money(make_pool, allowed):
    """1,024 transactions behind a gap, which a transfer of all ether fills: none of them can run."""
    pool = make_pool(waiting_per_sender=allowed)
    account(pool._world, POOR).balance = 2000 * COST
    pool.settle(make_block(pool, pool.take(0, 0)))
    statuses = add(pool, *(Draft(POOR, n) for n in range(2, 1026)))
    assert statuses.count(0) == min(allowed, 1024)
    assert add(pool, Draft(POOR, 0, value=1999 * COST), Draft(POOR, 1)) == [0, OVERDRAWN]
    taken = pool.take(2000, 10**12)
    account(pool._world, POOR).balance = 0
    pool.settle(make_block(pool, taken))
    assert len(taken) == 1
    assert pool.counts() == (0, allowed)


def test_money_that_is_gone_and_comes_back(make_pool):
    """A call takes what an account of code had (EIP-7702): its transactions wait, and leave where too many wait."""
    pool = make_pool(waiting_per_sender=3)
    add(pool, *(Draft(POOR, n) for n in range(8)))
    account(pool._world, POOR).balance = 3 * COST
    change(pool, POOR)
    assert nonces(pool, POOR) == ([0, 1, 2], [3, 4, 5])
    assert pool.left()["no room to wait"] == 2
    account(pool._world, POOR).balance = 0
    change(pool, POOR)
    assert nonces(pool, POOR) == ([], [0, 1, 2])
    assert not pool.take(10, 10**9)
    account(pool._world, POOR).balance = 2 * COST
    change(pool, POOR, BOB)
    assert nonces(pool, POOR) == ([0, 1], [2])
    assert [entry.nonce for entry in pool.take(10, 10**9)] == [0, 1]


def test_money_that_goes_while_a_block_is_made(make_pool):
    pool = make_pool()
    add(pool, *(Draft(POOR, n) for n in range(4)))
    taken = pool.take(3, 10**9)
    account(pool._world, POOR).balance = COST
    statuses = {1: validity.INSUFFICIENT_FUNDS, 2: validity.NONCE_TOO_HIGH}
    pool.settle(make_block(pool, taken, statuses, [POOR]))
    assert nonces(pool, POOR) == ([1], [2, 3])
    assert [entry.nonce for entry in pool.take(10, 10**9)] == [1]


def test_what_is_in_a_block_is_not_paid_for_twice(make_pool):
    """A block has taken what a transaction cost; it is not seen yet, and the sender may spend the rest."""
    pool = make_pool()
    add(pool, Draft(POOR, 0, value=4 * COST))
    taken = pool.take(1, 10**9)
    account(pool._world, POOR).balance, account(pool._world, POOR).nonce = 5 * COST, 1
    assert add(pool, Draft(POOR, 1, value=3 * COST)) == [0]
    assert add(pool, Draft(POOR, 2), Draft(POOR, 3)) == [0, OVERDRAWN]
    pool.settle(make_block(pool, taken))
    assert nonces(pool, POOR) == ([1, 2], [])


def delegate(pool: TxPool, sender: int) -> None:
    """Let an account run code."""
    code, world = ctypes.create_string_buffer(b"\xef\x01\x00" + bytes(20)), pool._world
    base = account(world, sender)
    base.code, base.code_hash = pool._library[intern_code](world, ctypes.addressof(code), 23, 1), 1


@pytest.mark.parametrize("most", [1, 3])
def test_an_account_that_runs_code_has_few_transactions(make_pool, most):
    pool = make_pool(per_delegated=most)
    delegate(pool, POOR)
    assert add(pool, Draft(POOR, 1)) == [DELEGATED_GAP]
    assert add(pool, *(Draft(POOR, n) for n in range(most + 1))) == [0] * most + [DELEGATED_FULL]
    assert add(pool, Draft(POOR, 0, fee=200, tip=20)) == [0]  # a replacement is no other one
    block = make_block(pool, pool.take(1, 10**9))
    assert add(pool, Draft(POOR, most)) == [0]  # what is in a block does not count
    pool.settle(block)


# ---- a full pool -------------------------------------------------------------------------------------------------


def test_who_pays_more_gets_in(make_pool):
    """The last transaction of the sender with the worst paying one makes way."""
    pool = make_pool(transactions=6)
    add(
        pool,
        *(Draft(RICH, n, fee=100 + n, tip=20 + 10 * n) for n in range(4)),
        Draft(BOB, 0, tip=30),
        Draft(BOB, 1, tip=90),
    )
    assert add(pool, Draft(CAROL, 0, tip=20)) == [UNDERPRICED]
    assert add(pool, Draft(CAROL, 0, tip=25)) == [0]
    assert nonces(pool, RICH) == ([0, 1, 2], [])
    assert add(pool, *(Draft(CAROL, n, tip=25) for n in (1, 2, 3))) == [0] * 3
    assert nonces(pool, RICH) == ([], [])
    assert add(pool, Draft(CAROL, 4, tip=99)) == [UNDERPRICED]  # it cannot come before its own cheap ones
    assert pool.next_nonce(RICH.to_bytes(20, "big")) is None
    assert pool.left()["evicted"] == 4
    assert add(pool, Draft(RICH, 0, tip=29)) == [0]
    assert nonces(pool, CAROL) == ([0, 1, 2], [])
    assert len(pool.take(10, 10**9)) == 6
    assert add(pool, Draft(RICH, 1, tip=99)) == [POOL_FULL]  # all of them are in a block in the making


def test_what_is_ready_drives_out_what_waits(make_pool):
    pool = make_pool(transactions=4)
    add(pool, Draft(RICH, 0), *(Draft(RICH, n) for n in (2, 3, 4)))
    assert add(pool, Draft(BOB, 1, tip=99)) == [0]  # waits, and takes the place of what waits for less
    assert nonces(pool, RICH) == ([0], [2, 3])
    assert add(pool, Draft(CAROL, 0), Draft(CAROL, 1)) == [0, 0]
    assert nonces(pool, RICH) == ([0], [])
    assert add(pool, Draft(CAROL, 2)) == [UNDERPRICED]
    assert add(pool, Draft(BOB, 2, tip=100, fee=200)) == [
        UNDERPRICED
    ]  # what waits drives out nothing that is ready
    assert nonces(pool, BOB) == ([], [1])


def test_the_least_that_would_do_is_said(make_pool):
    pool = make_pool(transactions=1)
    add(pool, Draft(RICH, 0, tip=10))
    (refusal,) = pool.add(decoded(pool._world.library, [Draft(BOB, 0, tip=10)])).values()
    assert (refusal.status, int_of(refusal.tip)) == (UNDERPRICED, 11)
    assert add(pool, Draft(BOB, 0, tip=11)) == [0]


def test_large_ones_make_way_too(make_pool):
    """What counts is bytes as well as places, and nobody makes way for one that does not get in."""
    pool = make_pool(memory=4 * 20_000)
    add(pool, *(Draft(RICH, n, data=bytes(3_000), gas=200_000) for n in range(5)))
    assert pool.counts() == (5, 0)
    assert add(pool, Draft(BOB, 0, data=bytes(19_000), gas=400_000, tip=50)) == [0]
    assert pool.counts() == (1, 0)
    assert add(pool, Draft(CAROL, 0, data=bytes(3_000), gas=200_000, tip=50)) == [UNDERPRICED]
    assert add(pool, Draft(CAROL, 0, data=bytes(19_500), gas=400_000, tip=99)) == [UNDERPRICED]
    assert nonces(pool, BOB) == ([0], [])
    assert add(pool, Draft(RICH, 1, data=bytes(4_600), gas=200_000, tip=50)) == [
        UNDERPRICED
    ]  # waits: a quarter


@pytest.mark.parametrize("size", [600, 130_000])
def test_places_cannot_be_held_for_nothing(library, size):
    """Senders that fill what may wait for a gap keep neither places nor memory from those who can run."""
    senders = list(range(100, 140))
    world = funded(library, [*senders, BOB, CAROL])
    block = ctypes.create_string_buffer(block_record())
    limits = PoolLimits(transactions=400, waiting=100, waiting_per_sender=30, memory=16 << 20)
    pool = TxPool(library, world, lambda: ctypes.addressof(block), limits)
    for sender in senders:
        add(pool, *(Draft(sender, n, data=bytes(size), gas=6_000_000) for n in range(1, 9)))
    ready, waiting = pool.counts()
    assert ready == 0
    assert 0 < waiting <= 100
    assert add(pool, *(Draft(BOB, n) for n in range(300))) == [0] * 300
    assert add(pool, Draft(CAROL, 1, tip=20)) == [0]


# ---- time --------------------------------------------------------------------------------------------------------


def test_what_waits_for_long_leaves(make_pool, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(txpool.time, "monotonic", lambda: now[0])
    pool = make_pool(lifetime=60.0)
    add(pool, Draft(RICH, 0), Draft(RICH, 2), Draft(RICH, 5))
    now[0] = 1050.0
    add(pool, Draft(RICH, 1), Draft(BOB, 3), Draft(RICH, 6))
    now[0] = 1059.0
    change(pool)
    assert pool.counts() == (3, 3)
    now[0] = 1061.0
    change(pool)
    assert (nonces(pool, RICH), nonces(pool, BOB)) == (([0, 1, 2], [6]), ([], [3]))
    assert pool.left()["expired"] == 1
    now[0] = 1111.0
    change(pool)
    assert (nonces(pool, RICH), nonces(pool, BOB)) == (([0, 1, 2], []), ([], []))


# ---- memory of batches -------------------------------------------------------------------------------------------


def test_refused_transactions_leave_no_memory_behind(make_pool):
    """What counts is bytes: two small transactions do not keep a batch of large ones that were refused."""
    pool = make_pool()
    large = [Draft(BOB, 0, data=bytes(20_000), gas=20_000, value=n) for n in range(14)]
    add(pool, Draft(RICH, 0), Draft(RICH, 2), *large)
    (ready,), (waiting,) = (part.popitem()[1] for part in pool.content())
    assert ready.batch is waiting.batch
    assert ready.batch.size < 5_000
