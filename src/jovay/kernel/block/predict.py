"""Pre-execution: every transaction alone against the state before the block, for its read-write set.

A transaction that nobody else in the block disturbs is done with that; the others run again in their groups. One that
takes long stops after a slice, and the host decides whether it goes on.
"""

from ..evm.process import abandon_transaction, word_of_address
from ..evm.resumable import begin_within, resume_within
from ..evm.validity import (
    ANY_BALANCE,
    ANY_NONCE,
    INSUFFICIENT_FUNDS,
    NONCE_TOO_HIGH,
    SENDER_NOT_EOA,
    SET_ASIDE,
    VALID,
)
from ..lang import U64, Ptr, kernel, load32
from ..machine import status
from ..machine.machine import Machine
from ..machine.view import forget_index
from ..state.world import World, account_at, hash_word
from .run import DEFERRED, DEPENDENT, DROPPED, MISSING, NEW, PREDICTED, STOPPED, Run, run_at

#: Runs whose accounts are looked up together.
AHEAD = 32


@kernel
def predict_runs(m: Machine, runs: Ptr, first: U64, end: U64) -> U64:
    """Predict the runs ``first … end`` that are new or were missing keys; answers ``end``, or the one that STOPPED.

    To go on, resume that one or set it aside first.
    """
    ahead = first
    for i in range(first, end):
        if U64(i) == ahead:
            ahead = warm(m.world, runs, ahead, end)
        r = run_at(runs, U64(i))
        if r.state == NEW or r.state == MISSING:
            predict(m, r)
            if r.state == STOPPED:
                return U64(i)
    return end


@kernel(inline=False)
def warm(world: World, runs: Ptr, first: U64, end: U64) -> U64:
    """Bring the accounts of the next runs into the cache: look-ups that do not wait for each other.

    Answers where they end. What it scribbles into new runs is written anew when they are predicted.
    """
    stop = first + AHEAD if end - first > AHEAD else end
    for i in range(first, stop):
        r = run_at(runs, U64(i))
        if r.state == NEW:
            r.first_account = indexed(world, r.transaction.sender)
            r.first_slot = indexed(world, r.transaction.to)
    for i in range(first, stop):
        r = run_at(runs, U64(i))
        if r.state == NEW:
            r.first_account = touch(world, r.first_account)
            r.first_slot = touch(world, r.first_slot)
    return stop


@kernel(inline=True)
def indexed(world: World, address: Ptr) -> U64:
    """What the index says where an account would be, if nobody were in its way."""
    return U64(
        load32(
            world.account_index + (hash_word(world.seed, word_of_address(address)) & world.account_mask) * 4
        )
    )


@kernel(inline=True)
def touch(world: World, position: U64) -> U64:
    if position == 0:
        return U64(0)
    account = account_at(world, position - 1)
    return account.nonce + U64(account.address)


@kernel(inline=False)
def predict(m: Machine, r: Run) -> None:
    m.isolation.group = U64(0)
    m.isolation.parallel = U64(1)
    how = attempt(m, r, U64(0))
    if how == NONCE_TOO_HIGH or how == INSUFFICIENT_FUNDS or how == SENDER_NOT_EOA:
        # An earlier transaction of this block may make it valid: find its keys, judge it in its group.
        how = attempt(m, r, U64(ANY_NONCE | ANY_BALANCE))
    judge(m, r, how)


@kernel
def resume_run(m: Machine, runs: Ptr, index: U64) -> None:
    """Go on with a run that STOPPED, for another slice."""
    r = run_at(runs, index)
    judge(m, r, resume_within(m, r.transaction, r.result, m.preemption.quantum))


@kernel
def judge(m: Machine, r: Run, how: U64) -> None:
    """The state of a run that ended, or stopped, like this."""
    note_end(m, r)
    r.status = how
    if how == status.PAUSED:
        r.state = U64(STOPPED)
        return
    r.spent = m.preemption.spent - r.spent
    if how == VALID:
        r.state = U64(PREDICTED) if m.tx.skipped == 0 else U64(DEPENDENT)
    elif how == status.MISS:
        r.state = U64(MISSING)
    elif how >= 128:
        r.state = U64(DEFERRED) if how == SENDER_NOT_EOA else U64(DROPPED)
    else:
        r.state = U64(DEFERRED)
    m.tx.skipped = U64(0)


@kernel
def attempt(m: Machine, r: Run, flags: U64) -> U64:
    """Execute ``r`` in a fresh index of ``m``; its records are the ranges noted in ``r``."""
    forget_index(m)
    m.tx.skipped = flags
    r.machine = m
    r.first_account = m.tables.account_count
    r.first_slot = m.tables.slot_count
    r.first_dirty = m.dirty.count
    r.spent = m.preemption.spent
    how = begin_within(m, r.transaction, r.result, m.preemption.quantum)
    note_end(m, r)
    return how


@kernel(inline=True)
def note_end(m: Machine, r: Run) -> None:
    r.account_end = m.tables.account_count
    r.slot_end = m.tables.slot_count
    r.dirty_end = m.dirty.count


@kernel
def set_aside(m: Machine, runs: Ptr, index: U64) -> None:
    """Give up a run that STOPPED. It leaves the block, unless it guessed at keys: with those it may be another."""
    r = run_at(runs, index)
    guessed = m.misses.guesses != 0
    abandon_transaction(m, r.result)
    judge(m, r, U64(status.MISS) if guessed else U64(SET_ASIDE))
