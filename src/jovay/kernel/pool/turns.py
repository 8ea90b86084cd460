"""Who is ready: the queue, promotion of what waited, waiting again, and what an account's new state means for both.

A sender's ready transactions follow each other without a gap, and its balance covers all of them together: so none of
them fails for want of money, unless the account runs code (EIP-7702).
"""

from ..arenas.index import erase
from ..lang import U64, U256, kernel, load64, store64
from .buckets import enter_bucket, leave_bucket
from .entries import (
    LOW,
    count_left,
    entry_at,
    find_nonce,
    hash_tag,
    is_current,
    nonce_tag,
    reference,
    sender_at,
    unpin,
)
from .record import (
    ASIDE,
    CROWDED_OUT,
    FREE,
    INCLUDED,
    OUTDATED,
    PASSED,
    READY,
    TAKEN,
    WAITING,
    Entry,
    Pool,
    Sender,
)
from .waiting import first_waiting, last_waiting, make_wait, stop_waiting

# ---- the queue -----------------------------------------------------------------------------------------------


@kernel
def compact(pool: Pool) -> None:
    """Drop the stale references of the queue."""
    kept, at = pool.head, pool.head
    while at != pool.tail:
        ref = load64(pool.queue + (at & pool.mask) * 8)
        if is_current(pool, ref):
            store64(pool.queue + (kept & pool.mask) * 8, ref)
            kept += 1
        at += 1
    pool.tail = kept


@kernel
def have_room(pool: Pool) -> None:
    """Room for one more reference: at most half of the ring's are current, since an entry has one."""
    if pool.tail - pool.head > pool.mask:
        compact(pool)


@kernel
def put_last(pool: Pool, position: U64) -> None:
    """An entry has its turn at the queue's end."""
    e = entry_at(pool, position)
    e.state = U64(READY)
    have_room(pool)
    store64(pool.queue + (pool.tail & pool.mask) * 8, reference(e, position))
    pool.tail += 1


@kernel
def put_first(pool: Pool, position: U64) -> None:
    """An entry has its turn at the queue's head."""
    e = entry_at(pool, position)
    e.state = U64(READY)
    have_room(pool)
    pool.head -= 1
    store64(pool.queue + (pool.head & pool.mask) * 8, reference(e, position))


# ---- states of entries ---------------------------------------------------------------------------------------


@kernel
def make_ready(pool: Pool, position: U64) -> None:
    """An entry that is counted nowhere, its sender's next, gets its turn; the sender can pay for it."""
    e = entry_at(pool, position)
    s = sender_at(pool, e.sender)
    s.ready += 1
    s.spent += e.cost
    s.next_nonce = e.nonce + 1
    put_last(pool, position)
    enter_bucket(pool, e, position)


@kernel
def leave_state(pool: Pool, position: U64) -> None:
    """An entry is counted nowhere; what refers to it as ready becomes stale."""
    e = entry_at(pool, position)
    s = sender_at(pool, e.sender)
    if e.state == WAITING:
        stop_waiting(pool, position)
        return
    if is_included(s, e):
        s.included -= 1
        return
    s.ready -= 1
    s.spent -= e.cost
    if e.state == PASSED:
        s.passed -= 1
    if e.state != TAKEN:
        leave_bucket(pool, e)


@kernel
def take_in(pool: Pool, position: U64) -> None:
    """An entry becomes part of a block."""
    e = entry_at(pool, position)
    leave_state(pool, position)
    if e.state != TAKEN:
        make_stale(e)
    e.state = U64(INCLUDED)
    sender_at(pool, e.sender).included += 1


@kernel(inline=True)
def make_stale(e: Entry) -> None:
    e.turn = (e.turn + 1) & LOW


@kernel
def remove(pool: Pool, position: U64, reason: U64) -> None:
    """Take an entry out of everything; its sender stays, if without transactions."""
    leave_state(pool, position)
    forget(pool, position, reason)


@kernel
def forget(pool: Pool, position: U64, reason: U64) -> None:
    """An entry that is counted nowhere leaves."""
    e = entry_at(pool, position)
    erase(pool.by_hash, pool.mask, hash_tag(pool, e.hash), position)
    erase(pool.by_nonce, pool.mask, nonce_tag(pool, e.sender, e.nonce), position)
    unpin(pool, e.batch, e.bytes)
    pool.count -= 1
    pool.bytes -= e.bytes
    make_stale(e)
    e.state = U64(FREE)
    e.left = pool.free_entry
    pool.free_entry = position + 1
    count_left(pool, reason)


# ---- senders -------------------------------------------------------------------------------------------------


@kernel
def promote(pool: Pool, sender: U64) -> None:
    """What waited for the nonces before it, and can be paid for, is ready."""
    s = sender_at(pool, sender)
    while s.waiting != 0:
        found = find_nonce(pool, sender, s.next_nonce)
        if found == 0 or entry_at(pool, found - 1).state != WAITING:
            return
        if not covers(s.balance, s.spent, entry_at(pool, found - 1).cost):
            return
        stop_waiting(pool, found - 1)
        make_ready(pool, found - 1)


@kernel
def covers(balance: U256, spent: U256, cost: U256) -> bool:
    """Whether a balance is enough for ``cost`` more."""
    return spent + cost >= cost and spent + cost <= balance


@kernel
def demote(pool: Pool, sender: U64, nonce: U64) -> None:
    """The ready transactions from ``nonce`` on wait, as far as the limits allow: the lowest nonces of them."""
    s = sender_at(pool, sender)
    while s.ready != 0 and s.next_nonce > nonce:
        s.next_nonce -= 1
        found = find_nonce(pool, sender, s.next_nonce)
        if found != 0 and is_ready(s, entry_at(pool, found - 1)):
            leave_state(pool, found - 1)
            make_stale(entry_at(pool, found - 1))
            wait_or_leave(pool, found - 1)
    if s.next_nonce > nonce:
        s.next_nonce = nonce
    if s.next_taken > nonce:
        s.next_taken = nonce


@kernel(inline=True)
def is_included(s: Sender, e: Entry) -> bool:
    return e.state == INCLUDED or (e.state == TAKEN and e.nonce < s.nonce)


@kernel(inline=True)
def is_ready(s: Sender, e: Entry) -> bool:
    stands = e.state == READY or e.state == PASSED or e.state == ASIDE
    return stands or (e.state == TAKEN and e.nonce >= s.nonce)


@kernel
def wait_or_leave(pool: Pool, position: U64) -> None:
    """An entry that is counted nowhere waits; where no more may, its sender's highest nonce leaves."""
    e = entry_at(pool, position)
    s = sender_at(pool, e.sender)
    while (
        s.waiting >= pool.waiting_per_sender
        or pool.waiting >= pool.most_waiting
        or pool.waiting_bytes + e.bytes > pool.most_waiting_bytes
    ):
        last = last_waiting(pool, s)
        if last == 0 or entry_at(pool, last - 1).nonce < e.nonce:
            forget(pool, position, U64(CROWDED_OUT))
            return
        remove(pool, last - 1, U64(CROWDED_OUT))
    make_wait(pool, position)


@kernel
def move_on(pool: Pool, sender: U64, nonce: U64) -> None:
    """Go on from ``nonce``, the account's, which rises without the pool, too (EIP-7702 does that)."""
    s = sender_at(pool, sender)
    if (
        nonce == s.next_taken and nonce == s.next_nonce and s.waiting == 0
    ):  # all of them were taken: the usual case
        s.nonce = nonce
        s.included += s.ready
        s.ready = U64(0)
        s.spent = U256(0)
        return
    if nonce < s.nonce:  # somebody set it
        mark_included(pool, sender)
        demote(pool, sender, nonce)
    at, end = s.nonce, s.next_nonce if s.next_nonce < nonce else nonce
    while at < end:
        found = find_nonce(pool, sender, at)
        if found != 0 and entry_at(pool, found - 1).state == TAKEN:
            take_in(pool, found - 1)
        elif found != 0 and not is_included(s, entry_at(pool, found - 1)):
            remove(pool, found - 1, U64(OUTDATED))
        at += 1
    s.nonce = nonce
    first = first_waiting(pool, s)
    while first != 0 and entry_at(pool, first - 1).nonce < nonce:
        remove(pool, first - 1, U64(OUTDATED))
        first = first_waiting(pool, s)
    if s.next_nonce < nonce:
        s.next_nonce = nonce
    if s.next_taken < nonce:
        s.next_taken = nonce
        found = find_nonce(pool, sender, nonce)
        if found != 0 and entry_at(pool, found - 1).state == PASSED:
            s.passed -= 1
            put_last(pool, found - 1)


@kernel
def mark_included(pool: Pool, sender: U64) -> None:
    """Mark what the account's nonce says, since that will say something else."""
    s = sender_at(pool, sender)
    at, left = s.nonce, s.included
    while left != 0 and at != 0:
        at -= 1
        found = find_nonce(pool, sender, at)
        if found != 0 and is_included(s, entry_at(pool, found - 1)):
            entry_at(pool, found - 1).state = U64(INCLUDED)
            left -= 1


@kernel
def judge(pool: Pool, sender: U64, nonce: U64, balance: U256, delegated: U64) -> None:
    """What is ready and what waits after the sender's account has become this."""
    s = sender_at(pool, sender)
    s.balance = balance
    s.delegated = delegated
    move_on(pool, sender, nonce)
    while s.spent > balance and s.ready != 0:
        demote(pool, sender, s.next_nonce - 1)
    promote(pool, sender)
