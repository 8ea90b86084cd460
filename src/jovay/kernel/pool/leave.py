"""Transactions leave the pool: a block takes and settles them, or somebody drops them."""

from ..block.changes import ACCOUNT_CHANGE_SIZE, AccountChange
from ..evm.validity import (
    BLOCK_GAS_EXHAUSTED,
    FEE_CAP_TOO_LOW,
    INSUFFICIENT_FUNDS,
    LEFT_OUT,
    NONCE_TOO_HIGH,
    NONCE_TOO_LOW,
    POSTPONED,
    SET_ASIDE,
)
from ..lang import U64, Ptr, address_of, kernel, load64, store64
from ..machine.status import ARENA_FULL
from ..state.world import EMPTY_CODE_HASH
from ..transaction.record import TRANSACTION_SIZE, Transaction
from .buckets import enter_bucket, leave_bucket
from .entries import (
    LOW,
    batch_at,
    entry_at,
    find_hash,
    find_nonce,
    find_sender_word,
    is_current,
    release_if_empty,
    sender_at,
)
from .evict import expire
from .record import (
    ASIDE,
    FREE,
    INVALID,
    OUTDATED,
    PASSED,
    REQUESTED,
    SETTLED,
    TAKEN,
    WAITING,
    Entry,
    Pool,
)
from .turns import (
    demote,
    is_included,
    judge,
    leave_state,
    make_stale,
    promote,
    put_first,
    put_last,
    remove,
    wait_or_leave,
)


@kernel
def take(
    pool: Pool, most: U64, gas: U64, size: U64, references: Ptr, addresses: Ptr, arrived: Ptr, batches: Ptr
) -> U64:
    """Ready transactions for a block, in order: at most ``most``, their gas limits within ``gas`` and their bytes, as
    they are published, within ``size``; their number.

    Writes a U64 for each: reference, address of the record, time of arrival; and the numbers of their batches, which
    end with all ones.
    """
    pool.takes += 1
    count, seen = U64(0), U64(0)
    while pool.head != pool.tail and count < most:
        ref = load64(pool.queue + (pool.head & pool.mask) * 8)
        if not is_current(pool, ref):
            pool.head += 1
            continue
        position = ref & LOW
        e = entry_at(pool, position)
        if e.gas > gas or published(e) > size:
            break
        pool.head += 1
        s = sender_at(pool, e.sender)
        if e.nonce != s.next_taken:  # one before it was put back behind it
            e.state = U64(PASSED)
            s.passed += 1
            continue
        while True:
            gas -= e.gas
            size -= published(e)
            leave_bucket(pool, e)
            e.state = U64(TAKEN)
            s.next_taken = e.nonce + 1
            store64(references + count * 8, (e.turn << 32) | position)
            store64(addresses + count * 8, address_of(e.transaction))
            store64(arrived + count * 8, e.arrived)
            count += 1
            batch = batch_at(pool, e.batch)
            if batch.seen != pool.takes:
                batch.seen = pool.takes
                store64(batches + seen * 8, e.batch)
                seen += 1
            following = passed_at(pool, e.sender)
            if following == 0:
                break
            position = following - 1
            e = entry_at(pool, position)
            s.passed -= 1
            if count == most or e.gas > gas or published(e) > size:
                put_first(pool, position)
                break
    store64(batches + seen * 8, ~U64(0))
    return count


@kernel(inline=True)
def published(e: Entry) -> U64:
    """Bytes that L1 has of a transaction: its own, and their number."""
    return e.bytes - TRANSACTION_SIZE + 4


@kernel(inline=True)
def passed_at(pool: Pool, sender: U64) -> U64:
    """Position + 1 of the sender's next entry, if the queue has passed it; else 0."""
    s = sender_at(pool, sender)
    if s.passed == 0:
        return U64(0)
    found = find_nonce(pool, sender, s.next_taken)
    return found if found != 0 and entry_at(pool, found - 1).state == PASSED else U64(0)


@kernel
def judge_changed(pool: Pool, n: U64, changes: Ptr, now: U64, before: U64) -> None:
    """A block changed these ``n`` accounts (AccountChange records); what has waited since ``before`` goes."""
    pool.now = now
    expire(pool, before)
    if pool.count == 0:
        return
    for i in range(n):
        change = AccountChange(changes + U64(i) * ACCOUNT_CHANGE_SIZE)
        found = find_sender_word(pool, change.address)
        if found != 0:
            judge(pool, found - 1, change.nonce, change.balance, U64(change.code_hash != EMPTY_CODE_HASH))
            release_if_empty(pool, found - 1)


@kernel
def settle_included(pool: Pool, n: U64, references: Ptr, addresses: Ptr) -> None:
    """Forget ``n`` transactions whose block is seen now; ``addresses`` of their records."""
    for i in range(n):
        ref = load64(references + U64(i) * 8)
        found = (ref & LOW) + 1
        if not is_current(pool, ref):  # it was made to wait again meanwhile, or dropped
            found = find_hash(pool, Transaction(load64(addresses + U64(i) * 8)).hash)
        if found != 0:
            sender = entry_at(pool, found - 1).sender
            remove(pool, found - 1, U64(SETTLED))
            release_if_empty(pool, sender)


@kernel
def put_back(pool: Pool, n: U64, references: Ptr, statuses: Ptr) -> None:
    """``n`` transactions that a block took and does not contain, in their order: they go, or wait for another turn.

    The first that stays of a sender gets a turn, at the queue's head where the block had no room beside others for
    what it does, or no time to look at it; none if it is executed beside the blocks. The later ones follow it. One that
    is left out again and again for want of room fits into no block.
    """
    for i in range(n):
        see_left_out(pool, load64(references + U64(i) * 8), load64(statuses + U64(i) * 8))
    for back in range(n):
        i = n - 1 - U64(back)
        ref = load64(references + i * 8)
        status = load64(statuses + i * 8)
        if (status == ARENA_FULL or status == LEFT_OUT) and is_left_out(pool, ref):
            e = entry_at(pool, ref & LOW)
            if e.nonce == sender_at(pool, e.sender).next_taken:
                put_first(pool, ref & LOW)
                enter_bucket(pool, e, ref & LOW)
    for i in range(n):
        ref = load64(references + U64(i) * 8)
        if is_left_out(pool, ref):
            e = entry_at(pool, ref & LOW)
            s = sender_at(pool, e.sender)
            if e.nonce == s.next_taken and load64(statuses + U64(i) * 8) == SET_ASIDE:
                e.state = U64(ASIDE)
            elif e.nonce == s.next_taken:
                put_last(pool, ref & LOW)
            else:
                e.state = U64(PASSED)
                s.passed += 1
            enter_bucket(pool, e, ref & LOW)


@kernel
def retake(pool: Pool, ref: U64) -> U64:
    """A block takes a transaction that was executed beside others: 1, or 0 if it has left the pool."""
    if not is_current(pool, ref) or entry_at(pool, ref & LOW).state != ASIDE:
        return U64(0)
    e = entry_at(pool, ref & LOW)
    s = sender_at(pool, e.sender)
    leave_bucket(pool, e)
    e.state = U64(TAKEN)
    s.next_taken = e.nonce + 1
    following = passed_at(pool, e.sender)
    if following != 0:
        s.passed -= 1
        put_last(pool, following - 1)
    return U64(1)


@kernel
def give_back(pool: Pool, ref: U64) -> None:
    """A transaction that is ASIDE is the next to be executed in a block."""
    if is_current(pool, ref) and entry_at(pool, ref & LOW).state == ASIDE:
        put_first(pool, ref & LOW)


@kernel(inline=True)
def is_left_out(pool: Pool, ref: U64) -> bool:
    return is_current(pool, ref) and entry_at(pool, ref & LOW).state == TAKEN


@kernel
def see_left_out(pool: Pool, ref: U64, status: U64) -> None:
    """What becomes of a transaction and its sender's others; who gets which turn is seen to later."""
    if not is_current(pool, ref):
        return
    e = entry_at(pool, ref & LOW)
    sender, nonce = e.sender, e.nonce
    s = sender_at(pool, sender)
    if is_included(s, e):  # its nonce is used up, be it by another
        remove(pool, ref & LOW, U64(OUTDATED))
    elif e.state == TAKEN and status == NONCE_TOO_LOW:
        remove(pool, ref & LOW, U64(OUTDATED))
    elif e.state == TAKEN and stays(pool, e, status):
        if nonce < s.next_taken:
            s.next_taken = nonce
        if nonce >= s.next_nonce:
            leave_state(pool, ref & LOW)
            make_stale(e)
            wait_or_leave(pool, ref & LOW)
            promote(pool, sender)
        elif status == NONCE_TOO_HIGH and is_lost(pool, sender, nonce):
            demote(pool, sender, s.nonce)
            promote(pool, sender)
    elif e.state == TAKEN:
        remove(pool, ref & LOW, U64(INVALID))
        demote(pool, sender, nonce)
        promote(pool, sender)
    release_if_empty(pool, sender)


@kernel
def stays(pool: Pool, e: Entry, status: U64) -> bool:
    """Whether a later block may contain what this one does not."""
    if status == NONCE_TOO_HIGH or status == POSTPONED or status == SET_ASIDE or status == LEFT_OUT:
        return True
    passing = status == ARENA_FULL or status == INSUFFICIENT_FUNDS or status == BLOCK_GAS_EXHAUSTED
    if (passing or status == FEE_CAP_TOO_LOW) and e.tries < pool.tries:
        e.tries += 1
        return True
    return False


@kernel
def is_lost(pool: Pool, sender: U64, nonce: U64) -> bool:
    """Whether nothing leads from the account's nonce to this one, which is its sender's first."""
    s = sender_at(pool, sender)
    return nonce != s.nonce and nonce == s.next_nonce - s.ready and s.included == 0


@kernel
def drop(pool: Pool, digest: Ptr) -> U64:
    """Remove the transaction with this hash, unless it is in a block already; 0 if there is none."""
    found = find_hash(pool, digest)
    if found == 0:
        return found
    e = entry_at(pool, found - 1)
    if is_included(sender_at(pool, e.sender), e):
        return U64(0)
    sender, nonce, waited = e.sender, e.nonce, e.state == WAITING
    remove(pool, found - 1, U64(REQUESTED))
    if not waited:
        demote(pool, sender, nonce)
        promote(pool, sender)
    release_if_empty(pool, sender)
    return U64(1)


@kernel
def clear(pool: Pool) -> None:
    """Empty the pool."""
    for i in range(pool.entries_used):
        e = entry_at(pool, U64(i))
        if e.state != FREE:
            sender = e.sender
            remove(pool, U64(i), U64(REQUESTED))
            release_if_empty(pool, sender)
    pool.head = pool.tail
