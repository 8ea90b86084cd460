"""Conflict groups: transactions that touch a key which one of them writes end in one group (union-find)."""

from ..lang import U64, Ptr, Record, address_of, kernel
from ..machine.account import ACCOUNT_SIZE, SLOT_SIZE, Account, Slot
from ..machine.loading import READ_ONLY_GROUP
from .run import DEPENDENT, PREDICTED, Run, run_at

WRITTEN = 0xFFFFFFFE


class Schedule(Record):
    """What came of grouping."""

    groups: U64  # with more than one run, or whose run is dependent
    runs_in_groups: U64
    singles: U64
    largest: U64


@kernel
def group_runs(runs: Ptr, n: U64, stamp: U64, schedule: Schedule) -> None:
    """Group the predicted runs of a block; ``stamp`` < 2³² is different for every block.

    Afterwards ``parent`` of a run is its group's first run, and every touched record's ``owner`` is the group that may
    use it (stamp·2³² + first run + 1), or READ_ONLY_GROUP where all only read.
    """
    high = stamp << 32
    for i in range(n):
        mark_written(run_at(runs, U64(i)), high)
    for i in range(n):
        join_users(runs, U64(i), high)
    schedule.groups = U64(0)
    schedule.runs_in_groups = U64(0)
    schedule.singles = U64(0)
    schedule.largest = U64(0)
    for i in range(n):
        r = run_at(runs, U64(i))
        if takes_part(r):
            root = find_root(runs, U64(i))
            r.parent = root
            if root != U64(i):
                first = run_at(runs, root)
                first.group_size += 1
                run_at(runs, first.tail).next = U64(i) + 1
                first.tail = U64(i)
    for i in range(n):
        r = run_at(runs, U64(i))
        if takes_part(r):
            claim(runs, r, high)
            count(r, U64(i), schedule)


@kernel
def count(r: Run, index: U64, schedule: Schedule) -> None:
    if r.parent != index:
        return
    if r.group_size == 1 and r.state == PREDICTED:
        schedule.singles += 1
        return
    schedule.groups += 1
    schedule.runs_in_groups += r.group_size
    if r.group_size > schedule.largest:
        schedule.largest = r.group_size


@kernel(inline=True)
def takes_part(r: Run) -> bool:
    return r.state == PREDICTED or r.state == DEPENDENT


@kernel
def mark_written(r: Run, high: U64) -> None:
    """Mark the world records that ``r`` changes, and all it touches as not yet used in this block."""
    if not takes_part(r):
        return
    m = r.machine
    for k in range(r.first_account, r.account_end):
        a = Account(m.tables.accounts + U64(k) * ACCOUNT_SIZE)
        base = a.base
        if base.owner >> 32 != high >> 32:
            base.owner = high
            base.first_user = U64(0)
        if a.listed == m.dirty.stamp:
            base.owner = high | WRITTEN
    for k in range(r.first_slot, r.slot_end):
        s = Slot(m.tables.slots + U64(k) * SLOT_SIZE)
        base = s.base
        if address_of(base) != 0:
            if base.owner >> 32 != high >> 32:
                base.owner = high
                base.first_user = U64(0)
            if s.listed == m.dirty.stamp:
                base.owner = high | WRITTEN


@kernel
def join_users(runs: Ptr, index: U64, high: U64) -> None:
    """Join ``index`` with the first user of each written record that it touches."""
    r = run_at(runs, index)
    if not takes_part(r):
        return
    m = r.machine
    for k in range(r.first_account, r.account_end):
        base = Account(m.tables.accounts + U64(k) * ACCOUNT_SIZE).base
        if base.owner == high | WRITTEN:
            if base.first_user == 0:
                base.first_user = index + 1
            else:
                join(runs, index, base.first_user - 1)
    for k in range(r.first_slot, r.slot_end):
        slot = Slot(m.tables.slots + U64(k) * SLOT_SIZE).base
        if address_of(slot) != 0 and slot.owner == high | WRITTEN:
            if slot.first_user == 0:
                slot.first_user = index + 1
            else:
                join(runs, index, slot.first_user - 1)


@kernel
def find_root(runs: Ptr, index: U64) -> U64:
    """Root of ``index``, halving its path."""
    while True:
        r = run_at(runs, index)
        if r.parent == index:
            return index
        r.parent = run_at(runs, r.parent).parent
        index = r.parent


@kernel
def join(runs: Ptr, a: U64, b: U64) -> None:
    """Unite two groups under the smaller root, so that a root is its group's first run."""
    x, y = find_root(runs, a), find_root(runs, b)
    if x < y:
        run_at(runs, y).parent = x
    elif y < x:
        run_at(runs, x).parent = y


@kernel
def claim(runs: Ptr, r: Run, high: U64) -> None:
    """Give the records that ``r`` touches to its group."""
    m = r.machine
    owner = high | (r.parent + 1)
    for k in range(r.first_account, r.account_end):
        base = Account(m.tables.accounts + U64(k) * ACCOUNT_SIZE).base
        if base.owner == high | WRITTEN:
            base.owner = owner
        elif base.owner == high:
            base.owner = high | READ_ONLY_GROUP
    for k in range(r.first_slot, r.slot_end):
        slot = Slot(m.tables.slots + U64(k) * SLOT_SIZE).base
        if address_of(slot) != 0:
            if slot.owner == high | WRITTEN:
                slot.owner = owner
            elif slot.owner == high:
                slot.owner = high | READ_ONLY_GROUP
