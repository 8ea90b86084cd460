"""A run: one transaction of a block on its way through prediction, grouping and execution."""

from ..lang import U64, Ptr, Record, kernel, load64
from ..machine.machine import Machine
from ..machine.result import Result
from ..transaction.record import Transaction

#: States of a run.
NEW = 0  # not predicted yet
PREDICTED = 1  # executed alone against the state before the block, all rules kept
DEPENDENT = 2  # its read-write set is known, but nonce or balance depend on others of the block
EXECUTED = 3  # part of the block
DROPPED = 4  # invalid: ``status`` says why
DEFERRED = 5  # to run serially after the groups
MISSING = 6  # waits for keys that its machine has listed as missing
SUSPENDED = 7  # deferred, begun, and waits for such keys
STOPPED = 8  # in the midst of its prediction, after a slice
DOUBTFUL = 9  # new, and has so much gas that it may take long


class Run(Record):
    """``units``: a group's first run carries the range of changes of the whole group."""

    transaction: Transaction
    state: U64
    status: U64
    machine: Machine  # holds its records, logs and changes
    first_account: U64
    account_end: U64
    first_slot: U64
    slot_end: U64
    first_dirty: U64
    dirty_end: U64
    parent: U64  # union-find over the block's runs
    group_size: U64
    next: U64  # next run of the group + 1, 0 at its end
    tail: U64  # of a first run: the last one so far
    position: U64  # in the block, once executed
    spent: U64  # by the machine, before its prediction; then by that
    result: Result  # address of the Result behind this record


RUN_SIZE = Run.size
RESULT_SIZE = Result.size
RUN_STRIDE = RUN_SIZE + RESULT_SIZE


@kernel(inline=True)
def run_at(runs: Ptr, index: U64) -> Run:
    return Run(runs + index * RUN_STRIDE)


@kernel
def init_runs(runs: Ptr, transactions: Ptr, n: U64) -> None:
    """Fresh runs for ``n`` transactions whose record addresses lie at ``transactions``; the host has room for them.

    Whatever else a block writes of its runs has as many places: groups, order, receipts.
    """
    for i in range(n):
        r = run_at(runs, U64(i))
        r.transaction = Transaction(load64(transactions + U64(i) * 8))
        r.state = U64(NEW)
        r.status = U64(0)
        r.result = Result(runs + U64(i) * RUN_STRIDE + RUN_SIZE)
        r.parent = U64(i)
        r.group_size = U64(1)
        r.next = U64(0)
        r.tail = U64(i)
        r.spent = U64(0)


@kernel
def mark_doubtful(runs: Ptr, n: U64, gas: U64) -> U64:
    """Mark new runs whose gas limit is above ``gas``; their number."""
    count = U64(0)
    for i in range(n):
        r = run_at(runs, U64(i))
        if r.state == NEW and r.transaction.gas_limit > gas:
            r.state = U64(DOUBTFUL)
            count += 1
    return count


@kernel
def gas_of_runs(runs: Ptr, n: U64) -> U64:
    """Sum of the gas limits of ``n`` runs."""
    gas = U64(0)
    for i in range(n):
        gas += run_at(runs, U64(i)).transaction.gas_limit
    return gas
