"""The pool and what is executed beside the blocks: it keeps its place, and its sender's others wait."""

from __future__ import annotations

import ctypes

import pytest

from jovay.kernel.evm import validity
from jovay.kernel.machine.status import ARENA_FULL
from jovay.sequencer.pool.txpool import Pooled, PoolLimits, Taken, TxPool
from rigs.pool import Draft, block_record, decoded, funded, make_block

ALICE, BOB = 0xA11CE, 0xB0B
ASIDE, LATER = validity.SET_ASIDE, validity.NONCE_TOO_HIGH


@pytest.fixture
def pool(library):
    world = funded(library, [ALICE, BOB])
    block = ctypes.create_string_buffer(block_record())
    return TxPool(library, world, lambda: ctypes.addressof(block), PoolLimits())


def add(pool: TxPool, *drafts: Draft) -> None:
    assert pool.add(decoded(pool._world.library, drafts)) == {}


def take(pool: TxPool) -> Taken:
    return pool.take(100, 10**12)


def names(taken: Taken) -> list[tuple[int, int]]:
    """(sender, nonce) of each."""
    return [(int.from_bytes(entry.sender, "big"), entry.nonce) for entry in taken]


@pytest.fixture
def heavy(pool: TxPool) -> Pooled:
    """Alice's first of four: it is aside, the second was taken with it, the others stand in the queue."""
    add(pool, Draft(ALICE, 0), Draft(ALICE, 1))
    taken = take(pool)
    make_block(pool, taken, {0: ASIDE, 1: LATER})
    add(pool, Draft(ALICE, 2), Draft(BOB, 0), Draft(ALICE, 3))
    assert pool.is_aside(taken[0])
    return taken[0]


def test_others_of_its_sender_are_held_and_nobody_else(pool, heavy):
    assert names(take(pool)) == [(BOB, 0)]
    assert names(take(pool)) == []
    add(pool, Draft(ALICE, 4))
    assert names(take(pool)) == []
    assert pool.counts() == (6, 0)
    assert pool.next_nonce(ALICE.to_bytes(20, "big")) == 5


@pytest.mark.parametrize("are_passed", [False, True])
def test_they_go_on_with_the_block_that_has_it(pool, heavy, are_passed):
    """Be it that the queue has passed them."""
    if are_passed:
        pool.settle(make_block(pool, take(pool)))
    assert pool.retake(heavy)
    taken = Taken.of(pool, [heavy]).followed_by(take(pool))
    assert [nonce for sender, nonce in names(taken) if sender == ALICE] == [0, 1, 2, 3]
    pool.settle(make_block(pool, taken))
    assert heavy.gone
    assert pool.counts() == (0, 0)


def test_a_result_that_does_not_stand_holds_them_further(pool, heavy):
    assert pool.retake(heavy)
    taken = Taken.of(pool, [heavy]).followed_by(take(pool))
    later = {i: LATER for i, (sender, nonce) in enumerate(names(taken)) if sender == ALICE and nonce}
    make_block(pool, taken, {0: ASIDE, **later})
    assert pool.is_aside(heavy)
    assert names(take(pool)) == []
    pool.give_back(heavy)
    assert names(take(pool)) == [(ALICE, nonce) for nonce in range(4)]


def test_given_back_it_comes_first(pool, heavy):
    pool.give_back(heavy)
    assert not pool.is_aside(heavy)
    assert names(take(pool))[:2] == [(ALICE, 0), (ALICE, 1)]


def test_a_second_heavy_one_of_the_sender_is_held(pool):
    add(pool, Draft(ALICE, 0), Draft(ALICE, 1), Draft(ALICE, 2))
    first, second, third = taken = take(pool)
    make_block(pool, taken, {0: ASIDE, 1: ASIDE, 2: LATER})
    assert [pool.is_aside(entry) for entry in (first, second, third)] == [True, False, False]
    assert names(take(pool)) == []
    assert pool.retake(first)
    assert names(take(pool)) == [(ALICE, 1), (ALICE, 2)]


def test_it_can_be_replaced(pool, heavy):
    add(pool, Draft(ALICE, 0, fee=200, tip=20, value=1))
    assert heavy.gone
    assert not pool.is_aside(heavy)
    assert not pool.retake(heavy)
    assert sorted(names(take(pool))) == [(BOB, 0), *((ALICE, nonce) for nonce in range(4))]


def test_one_that_is_held_can_be_replaced(pool, heavy):
    take(pool)
    add(pool, Draft(ALICE, 2, fee=200, tip=20, value=1))
    assert names(take(pool)) == []
    assert pool.retake(heavy)
    assert names(take(pool)) == [(ALICE, 1), (ALICE, 2), (ALICE, 3)]


def test_dropped_it_leaves_the_others_waiting_for_its_nonce(pool, heavy):
    assert pool.drop(heavy.hash)
    assert not pool.retake(heavy)
    assert names(take(pool)) == [(BOB, 0)]
    assert pool.counts() == (1, 3)
    add(pool, Draft(ALICE, 0, value=7))
    assert names(take(pool)) == [(ALICE, nonce) for nonce in range(4)]


@pytest.mark.parametrize("status", [validity.INSUFFICIENT_FUNDS, validity.POSTPONED, ARENA_FULL])
def test_a_block_of_its_own_without_it_keeps_it(pool, heavy, status):
    make_block(pool, take(pool))
    assert pool.retake(heavy)
    make_block(pool, Taken.of(pool, [heavy]), {0: status})
    assert not pool.is_aside(heavy)
    assert names(take(pool)) == [(ALICE, nonce) for nonce in range(4)]


def test_who_pays_more_gets_in_beside_it(library):
    """A pool of two places: what is aside can be driven out as others can."""
    world = funded(library, [ALICE, BOB])
    block = ctypes.create_string_buffer(block_record())
    pool = TxPool(library, world, lambda: ctypes.addressof(block), PoolLimits(transactions=1))
    add(pool, Draft(ALICE, 0, tip=1))
    taken = take(pool)
    make_block(pool, taken, {0: ASIDE})
    add(pool, Draft(BOB, 0, tip=50))
    assert not pool.retake(taken[0])
    assert names(take(pool)) == [(BOB, 0)]


def test_an_emptied_pool_knows_nothing_of_it(pool, heavy):
    pool.clear()
    assert heavy.gone
    assert not pool.retake(heavy)
    pool.give_back(heavy)
    assert not pool.is_aside(heavy)
    assert names(take(pool)) == []
    add(pool, Draft(ALICE, 0), Draft(ALICE, 1))
    assert names(take(pool)) == [(ALICE, 0), (ALICE, 1)]


def test_what_nobody_looked_at_is_the_next_blocks_and_loses_no_try(pool):
    add(pool, Draft(ALICE, 0), Draft(ALICE, 1), Draft(BOB, 0))
    for _ in range(200):
        make_block(pool, take(pool), {0: validity.LEFT_OUT, 1: LATER, 2: validity.LEFT_OUT})
    assert sorted(names(take(pool))) == [(BOB, 0), (ALICE, 0), (ALICE, 1)]
