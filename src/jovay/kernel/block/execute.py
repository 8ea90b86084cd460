"""Execution of conflict groups, commitment of what they changed, and the serial rest of a block."""

from ..evm.process import abandon_transaction
from ..evm.resumable import begin_within, resume_within
from ..evm.validity import POSTPONED, SET_ASIDE, VALID
from ..lang import U64, U256, Ptr, address_of, kernel, load64, store64
from ..machine import status
from ..machine.account import ACCOUNT_SIZE, SLOT_SIZE, Account, Slot
from ..machine.commit import OK, WORLD_FULL, begin_change, commit_range
from ..machine.machine import Machine
from ..machine.view import forget_index
from ..state.history import push_account
from ..state.world import FOUNDED, UPPER_CHANGED, World, insert_account
from .run import DEFERRED, DEPENDENT, DROPPED, EXECUTED, PREDICTED, SUSPENDED, Run, run_at


@kernel
def collect_groups(runs: Ptr, n: U64, out: Ptr) -> U64:
    """First runs of the groups that must be executed, largest first, as U64 at ``out``; answers their number.

    Runs that nobody disturbs become EXECUTED as they were predicted.
    """
    count = U64(0)
    for i in range(n):
        r = run_at(runs, U64(i))
        first = (r.state == PREDICTED or r.state == DEPENDENT) and r.parent == U64(i)
        if first and r.group_size == 1 and r.state == PREDICTED:
            r.state = U64(EXECUTED)
        elif first:
            store64(out + count * 8, U64(i))
            count += 1
    at = U64(1)
    while at < count:  # insertion sort: groups are few, and mostly of one size
        moving = load64(out + at * 8)
        size, k = run_at(runs, moving).group_size, at
        while k > 0 and run_at(runs, load64(out + k * 8 - 8)).group_size < size:
            store64(out + k * 8, load64(out + k * 8 - 8))
            k -= 1
        store64(out + k * 8, moving)
        at += 1
    return count


@kernel
def execute_group(m: Machine, runs: Ptr, root: U64, stamp: U64) -> None:
    """Execute a group's runs in order. One that leaves the predicted set is deferred, and with it all after it."""
    forget_index(m)
    m.isolation.group = (stamp << 32) | (root + 1)
    m.isolation.parallel = U64(1)
    m.tx.skipped = U64(0)
    first_dirty = m.dirty.count
    deferring, index = False, root + 1
    while index != 0:
        r = run_at(runs, index - 1)
        index = r.next
        if deferring:
            r.state = U64(DEFERRED)
            continue
        r.first_account = m.tables.account_count
        r.first_slot = m.tables.slot_count
        how = begin_within(m, r.transaction, r.result, allowance(m, r))
        r.account_end = m.tables.account_count
        r.slot_end = m.tables.slot_count
        r.machine = m
        r.status = how
        if how == VALID:
            r.state = U64(EXECUTED)
        elif how == status.PAUSED:
            leave_block(m, r, U64(SET_ASIDE))
        else:  # it left its set, or waits for one that was deferred: the serial rest of the block judges it
            r.state = U64(DEFERRED)
            deferring = True
    head = run_at(runs, root)
    head.machine = m
    head.first_dirty = first_dirty
    head.dirty_end = m.dirty.count
    m.isolation.group = U64(0)


@kernel(inline=True)
def allowance(m: Machine, r: Run) -> U64:
    """The slice for a run that did not take long when it was predicted."""
    return m.preemption.quantum + 2 * r.spent


@kernel
def leave_block(m: Machine, r: Run, why: U64) -> None:
    """Undo a run that could be resumed; it is not in this block."""
    abandon_transaction(m, r.result)
    r.state = U64(DROPPED)
    r.status = why


@kernel
def execute_groups(m: Machine, runs: Ptr, groups: Ptr, first: U64, step: U64, count: U64, stamp: U64) -> None:
    """One worker's share: every ``step``-th group from ``first`` on."""
    at = first
    while at < count:
        execute_group(m, runs, load64(groups + at * 8), stamp)
        at += step


@kernel
def commit_runs(world: World, runs: Ptr, n: U64) -> U64:
    """Bring what singles and groups changed into the world. OK or WORLD_FULL."""
    for i in range(n):
        r = run_at(runs, U64(i))
        if r.parent == U64(i) and (r.group_size > 1 or r.state == EXECUTED):
            if commit_range(r.machine, r.first_dirty, r.dirty_end) != OK:
                return U64(WORLD_FULL)
    return U64(OK)


@kernel
def credit_fees(world: World, runs: Ptr, n: U64, coinbase: U256) -> U64:
    """Credit the coinbase with the fees of all executed runs. OK or WORLD_FULL."""
    total = U256(0)
    for i in range(n):
        r = run_at(runs, U64(i))
        if r.state == EXECUTED:
            total += r.result.fee
    if total == 0:
        return U64(OK)
    base = insert_account(world, coinbase)
    if address_of(base) == 0 or not begin_change(world, address_of(base)):
        return U64(WORLD_FULL)
    if base.version != world.height:
        if base.exists == 0 and base.has_storage == 0:
            base.changed |= FOUNDED
        push_account(world, base)
        base.version = world.height
    if base.balance >> 128 != (base.balance + total) >> 128:
        base.changed |= UPPER_CHANGED
    base.balance += total
    base.exists = U64(1)
    return U64(OK)


@kernel
def execute_deferred(m: Machine, runs: Ptr, n: U64, first: U64) -> U64:
    """Execute deferred runs from ``first`` on, serially in ``m``. n when done, else the run that waits.

    Its status says for what. MISS or WAITING: it misses keys. ARENA_FULL: there is no room for it beside the records of
    others; bring those into the world, let the view forget them, and call again. What finds no room without them, where
    the block's logs take it, is dropped.
    """
    m.isolation.group = U64(0)
    m.isolation.parallel = U64(0)
    m.tx.skipped = U64(0)
    for i in range(first, n):
        r = run_at(runs, U64(i))
        if r.state == DEFERRED or r.state == SUSPENDED:
            how = execute_serially(m, r)
            r.status = how
            if how == status.PAUSED and m.misses.guesses == 0 and m.misses.trusting == 0:
                r.state = U64(SUSPENDED)
                return U64(i)
            if how == status.PAUSED:  # with the right keys it may be another
                abandon_transaction(m, r.result)
                how = U64(status.MISS)
            if (
                how == status.MISS
                or how == status.WAITING
                or (how == status.ARENA_FULL and m.tables.account_count != 0)
            ):
                r.state = U64(SUSPENDED) if how == status.WAITING else U64(DEFERRED)
                return U64(i)
            r.machine = m
            r.state = U64(EXECUTED) if how == VALID else U64(DROPPED)
            r.parent = n  # it follows the groups in the block
    return n


@kernel
def defer_again(runs: Ptr, n: U64) -> None:
    """Forget how the serial rest went."""
    for i in range(n):
        r = run_at(runs, U64(i))
        if r.parent == n:
            r.state = U64(DEFERRED)
            r.parent = U64(i)


@kernel
def execute_serially(m: Machine, r: Run) -> U64:
    if r.state == SUSPENDED:
        slice_left = (
            m.preemption.gas_left
            if m.preemption.gas_left != 0 and r.status != status.PAUSED
            else m.preemption.quantum
        )
        return resume_within(m, r.transaction, r.result, slice_left)
    return begin_within(m, r.transaction, r.result, allowance(m, r))


@kernel
def leave_suspended(m: Machine, runs: Ptr, index: U64) -> None:
    """Set a suspended run aside."""
    leave_block(m, run_at(runs, index), U64(SET_ASIDE))


@kernel
def postpone(m: Machine, runs: Ptr, index: U64, stamp: U64) -> None:
    """Take a run that misses keys out of the block. What it has found so far counts as used: it will come again."""
    r = run_at(runs, index)
    if r.state == SUSPENDED:
        for k in range(m.checkpoint.accounts, m.tables.account_count):
            known = Account(m.tables.accounts + U64(k) * ACCOUNT_SIZE).base
            if address_of(known) != 0:
                known.owner = stamp << 32
        for k in range(m.checkpoint.slots, m.tables.slot_count):
            stored = Slot(m.tables.slots + U64(k) * SLOT_SIZE)
            if stored.loaded != 0 and address_of(stored.base) != 0:
                stored.base.owner = stamp << 32
        abandon_transaction(m, r.result)
    r.state = U64(DROPPED)
    r.status = U64(POSTPONED)


@kernel
def order_block(runs: Ptr, n: U64, order: Ptr) -> U64:
    """Indexes of the executed runs in block order at ``order``: the groups', then the deferred. Their number."""
    count = U64(0)
    for late in range(2):
        for i in range(n):
            r = run_at(runs, U64(i))
            if r.state == EXECUTED and U64(r.parent == n) == U64(late):
                r.position = count
                store64(order + count * 8, U64(i))
                count += 1
    return count
