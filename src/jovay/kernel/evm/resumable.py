"""Runs of a block go on for a slice, and stop where the host should look at the clock. 0 as slice: they never stop."""

from ..lang import U64, kernel
from ..machine.machine import Machine
from ..machine.preemption import charge
from ..machine.result import Result
from ..machine.status import DETACHED, PAUSED
from ..precompiles import most_work
from ..transaction.record import Transaction
from .frames import run_detached
from .process import process_transaction, resume_transaction


@kernel
def begin_within(m: Machine, tx: Transaction, result: Result, slice: U64) -> U64:
    """``process_transaction``, PAUSED when ``slice`` is used up, or before a precompile that is too much for it."""
    m.preemption.on = U64(m.preemption.quantum != 0)
    m.preemption.gas_left = slice
    return go_on(m, process_transaction(m, tx, ~U64(0), result), tx, result)


@kernel
def resume_within(m: Machine, tx: Transaction, result: Result, slice: U64) -> U64:
    """Go on with a run that is PAUSED or WAITING, with another slice."""
    m.preemption.gas_left = slice
    return go_on(m, resume_transaction(m, tx, result), tx, result)


@kernel
def go_on(m: Machine, how: U64, tx: Transaction, result: Result) -> U64:
    """Run the slow precompiles for which the run is DETACHED, as far as the slice has room for them."""
    while how == DETACHED:
        f = m.calls.current
        work = most_work(m, f.pc, f.input, f.input_size, f.gas)
        if work > m.preemption.gas_left:
            m.preemption.pending = U64(DETACHED)  # so that it is DETACHED again when it is resumed
            return U64(PAUSED)
        granted = f.gas
        run_detached(m)
        spent = granted - f.gas
        charge(m, work if work > spent else spent)
        how = resume_transaction(m, tx, result)
    return how
