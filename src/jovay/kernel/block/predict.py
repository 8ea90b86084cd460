"""Pre-execution: every transaction alone against the state before the block, for its read-write set.

A transaction that nobody else in the block disturbs is done with that; the others run again in their groups.
"""

from ..evm import status
from ..evm.machine import Machine
from ..evm.process import process_transaction
from ..evm.validity import ANY_BALANCE, ANY_NONCE, INSUFFICIENT_FUNDS, NONCE_TOO_HIGH, SENDER_NOT_EOA, VALID
from ..lang import U64, Ptr, kernel
from ..state.view import forget_index
from .run import DEFERRED, DEPENDENT, DROPPED, MISSING, NEW, PREDICTED, Run, run_at


@kernel
def predict_runs(m: Machine, runs: Ptr, first: U64, end: U64) -> U64:
    """Predict the runs ``first … end`` that are new or were missing keys; answers how many are missing keys now."""
    missing = U64(0)
    for i in range(first, end):
        r = run_at(runs, U64(i))
        if r.state == NEW or r.state == MISSING:
            predict(m, r)
            missing += U64(r.state == MISSING)
    return missing


@kernel(inline=False)
def predict(m: Machine, r: Run) -> None:
    m.group = U64(0)
    m.parallel = U64(1)
    how = attempt(m, r, U64(0))
    state = U64(PREDICTED)
    if how == NONCE_TOO_HIGH or how == INSUFFICIENT_FUNDS or how == SENDER_NOT_EOA:
        # An earlier transaction of this block may make it valid: find its keys, judge it in its group.
        state = U64(DEPENDENT)
        how = attempt(m, r, U64(ANY_NONCE | ANY_BALANCE))
        if how != VALID and how < 128:
            state = U64(PREDICTED)
    r.status = how
    if how == VALID:
        r.state = state
    elif how == status.MISS:
        r.state = U64(MISSING)
    elif how >= 128:
        r.state = U64(DEFERRED) if how == SENDER_NOT_EOA else U64(DROPPED)
    else:
        r.state = U64(DEFERRED)


@kernel
def attempt(m: Machine, r: Run, flags: U64) -> U64:
    """Execute ``r`` in a fresh index of ``m``; its records are the ranges noted in ``r``."""
    forget_index(m)
    m.flags = flags
    r.machine = m
    r.first_account = m.account_count
    r.first_slot = m.slot_count
    r.first_dirty = m.dirty_count
    how = process_transaction(m, r.transaction, ~U64(0), r.result)
    m.flags = U64(0)
    r.account_end = m.account_count
    r.slot_end = m.slot_count
    r.dirty_end = m.dirty_count
    return how
