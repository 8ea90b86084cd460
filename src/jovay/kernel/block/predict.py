"""Pre-execution: every transaction alone against the state before the block, for its read-write set.

A transaction that nobody else in the block disturbs is done with that; the others run again in their groups. One that
takes long stops after a slice, and the host decides whether it goes on.
"""

from ..evm.process import abandon_transaction
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
from ..lang import U64, Ptr, kernel
from ..machine import status
from ..machine.machine import Machine
from ..machine.view import forget_index
from .run import DEFERRED, DEPENDENT, DROPPED, MISSING, NEW, PREDICTED, STOPPED, Run, run_at


@kernel
def predict_runs(m: Machine, runs: Ptr, first: U64, end: U64) -> U64:
    """Predict the runs ``first … end`` that are new or were missing keys; answers ``end``, or the one that STOPPED.

    To go on, resume that one or set it aside first.
    """
    for i in range(first, end):
        r = run_at(runs, U64(i))
        if r.state == NEW or r.state == MISSING:
            predict(m, r)
            if r.state == STOPPED:
                return U64(i)
    return end


@kernel(inline=False)
def predict(m: Machine, r: Run) -> None:
    m.group = U64(0)
    m.parallel = U64(1)
    how = attempt(m, r, U64(0))
    if how == NONCE_TOO_HIGH or how == INSUFFICIENT_FUNDS or how == SENDER_NOT_EOA:
        # An earlier transaction of this block may make it valid: find its keys, judge it in its group.
        how = attempt(m, r, U64(ANY_NONCE | ANY_BALANCE))
    judge(m, r, how)


@kernel
def resume_run(m: Machine, runs: Ptr, index: U64) -> None:
    """Go on with a run that STOPPED, for another slice."""
    r = run_at(runs, index)
    judge(m, r, resume_within(m, r.transaction, r.result, m.slice))


@kernel
def judge(m: Machine, r: Run, how: U64) -> None:
    """The state of a run that ended, or stopped, like this."""
    note_end(m, r)
    r.status = how
    if how == status.PAUSED:
        r.state = U64(STOPPED)
        return
    r.spent = m.spent - r.spent
    if how == VALID:
        r.state = U64(PREDICTED) if m.flags == 0 else U64(DEPENDENT)
    elif how == status.MISS:
        r.state = U64(MISSING)
    elif how >= 128:
        r.state = U64(DEFERRED) if how == SENDER_NOT_EOA else U64(DROPPED)
    else:
        r.state = U64(DEFERRED)
    m.flags = U64(0)


@kernel
def attempt(m: Machine, r: Run, flags: U64) -> U64:
    """Execute ``r`` in a fresh index of ``m``; its records are the ranges noted in ``r``."""
    forget_index(m)
    m.flags = flags
    r.machine = m
    r.first_account = m.account_count
    r.first_slot = m.slot_count
    r.first_dirty = m.dirty_count
    r.spent = m.spent
    how = begin_within(m, r.transaction, r.result, m.slice)
    note_end(m, r)
    return how


@kernel(inline=True)
def note_end(m: Machine, r: Run) -> None:
    r.account_end = m.account_count
    r.slot_end = m.slot_count
    r.dirty_end = m.dirty_count


@kernel
def set_aside(m: Machine, runs: Ptr, index: U64) -> None:
    """Give up a run that STOPPED. It leaves the block, unless it guessed at keys: with those it may be another."""
    r = run_at(runs, index)
    guessed = m.guesses != 0
    abandon_transaction(m, r.result)
    judge(m, r, U64(status.MISS) if guessed else U64(SET_ASIDE))
