"""A batch of transactions enters the pool."""

from ..arenas.index import erase
from ..block.admission import ADMISSION_SIZE, Admission
from ..evm.process import word_of_address
from ..evm.validity import INSUFFICIENT_FUNDS, NONCE_TOO_HIGH, NONCE_TOO_LOW
from ..lang import U64, U256, U384, Ptr, address_of, kernel
from ..state.world import EMPTY_CODE_HASH, World, find_account
from ..transaction.record import TRANSACTION_SIZE, Transaction
from .buckets import enter_bucket, leave_bucket
from .entries import (
    batch_at,
    bytes_of,
    count_left,
    entry_at,
    fill_entry,
    find_hash,
    find_nonce,
    find_sender,
    hash_tag,
    new_entry,
    new_sender,
    open_batch,
    pin,
    release_if_empty,
    sender_at,
    unpin,
)
from .evict import make_room, needed_tip
from .price import bucket_of
from .record import (
    ALREADY_KNOWN,
    ASIDE,
    DELEGATED_FULL,
    DELEGATED_GAP,
    GAS_ABOVE_BLOCK,
    INCLUDED,
    OVERDRAWN,
    OVERSIZED,
    POOL_FULL,
    REPLACED,
    SENDER_FULL,
    TAKEN,
    THIN_LEAST,
    UNDERPRICED_REPLACEMENT,
    WAITING,
    Pool,
    Sender,
)
from .turns import covers, make_ready, make_stale, move_on, promote, put_first
from .waiting import make_wait


@kernel
def place_batch(
    pool: Pool,
    world: World,
    n: U64,
    records: Ptr,
    verdicts: Ptr,
    batch: U64,
    size: U64,
    arrived: U64,
    ready_only: U64,
) -> U64:
    """Place those of ``n`` decoded transactions that were judged valid; answers how many are refused in all.

    ``verdicts`` are ``Admission`` records: their status becomes the pool's; nonce, balance and ``spent`` what the pool
    knows of the sender, of those refused. ``world`` is null unless blocks came since they were judged. ``batch``, an
    unused number, has ``size`` bytes and is released at once where nothing is placed.
    """
    refused = U64(0)
    pool.now = arrived
    open_batch(pool, batch)
    pin(pool, batch, U64(0))  # while this goes on
    for i in range(n):
        verdict = Admission(verdicts + U64(i) * ADMISSION_SIZE)
        if verdict.status == 0:
            tx = Transaction(records + U64(i) * TRANSACTION_SIZE)
            verdict.status = place(pool, world, tx, verdict, batch, arrived, ready_only)
        if verdict.status != 0:
            refused += 1
    batch_at(pool, batch).size = size if size >= THIN_LEAST else U64(0)
    unpin(pool, batch, U64(0))
    return refused


@kernel
def place(
    pool: Pool, world: World, tx: Transaction, verdict: Admission, batch: U64, arrived: U64, ready_only: U64
) -> U64:
    """The status of one transaction."""
    if find_hash(pool, tx.hash) != 0:
        return U64(ALREADY_KNOWN)
    if tx.raw_size > pool.most_size:
        return U64(OVERSIZED)
    if tx.gas_limit > pool.most_gas:
        return U64(GAS_ABOVE_BLOCK)
    if address_of(world) != 0:
        look_again(world, tx, verdict)
    found = find_sender(pool, tx.sender)
    if found == 0:
        found = new_sender(pool, tx.sender, verdict) + 1
    sender = found - 1
    s = sender_at(pool, sender)
    if verdict.nonce >= s.nonce:  # else it was judged before what the pool knows
        s.balance = verdict.balance
        s.delegated = verdict.delegated
        if verdict.nonce > s.nonce:
            move_on(pool, sender, verdict.nonce)
            promote(pool, sender)
    status = place_with(pool, sender, tx, verdict, batch, arrived, ready_only)
    verdict.nonce = s.next_nonce
    verdict.balance = s.balance
    verdict.spent = s.spent
    if status != 0:
        verdict.tip = needed_tip(pool)
        release_if_empty(pool, sender)
    return status


@kernel
def look_again(world: World, tx: Transaction, verdict: Admission) -> None:
    """The sender's account as it is now; as it was judged, if it is not in memory: no block has used it lately."""
    account = find_account(world, word_of_address(tx.sender))
    if address_of(account) != 0:
        verdict.nonce = account.nonce
        verdict.balance = account.balance
        verdict.delegated = U64(account.code_hash != EMPTY_CODE_HASH)


@kernel
def place_with(
    pool: Pool, sender: U64, tx: Transaction, verdict: Admission, batch: U64, arrived: U64, ready_only: U64
) -> U64:
    """Put a transaction where it belongs among its sender's."""
    s = sender_at(pool, sender)
    if tx.nonce < s.nonce:
        return U64(NONCE_TOO_LOW)
    older = find_nonce(pool, sender, tx.nonce)
    if older != 0:
        return replace(pool, older - 1, tx, verdict, batch, arrived)
    if tx.nonce < s.next_nonce:  # taken into a block that is being made
        return U64(NONCE_TOO_LOW)
    waits = U64(tx.nonce != s.next_nonce)
    how = may_enter(pool, s, verdict, waits, ready_only)
    if how == 0:
        how = make_room(pool, sender, tx.nonce, bucket_of(verdict.tip), bytes_of(tx), waits)
    if how != 0:
        return how
    position = new_entry(pool, sender, tx, verdict, batch, arrived)
    if waits != 0:
        make_wait(pool, position)
    else:
        make_ready(pool, position)
        promote(pool, sender)
    return U64(0)


@kernel
def may_enter(pool: Pool, s: Sender, verdict: Admission, waits: U64, ready_only: U64) -> U64:
    """0, or why a sender may have no more transactions."""
    if waits != 0 and ready_only != 0:
        return U64(NONCE_TOO_HIGH)
    if s.delegated != 0 and waits != 0:
        return U64(DELEGATED_GAP)
    if s.delegated != 0 and s.ready + s.waiting >= pool.per_delegated:
        return U64(DELEGATED_FULL)
    if s.ready + s.waiting >= pool.per_sender or (waits != 0 and s.waiting >= pool.waiting_per_sender):
        return U64(SENDER_FULL)
    return afford(s, s.spent, verdict.cost)


@kernel
def afford(s: Sender, spent: U256, cost: U256) -> U64:
    """0, or that the sender cannot pay for one more transaction, or for none like it."""
    if covers(s.balance, spent, cost):
        return U64(0)
    return U64(OVERDRAWN) if cost <= s.balance else U64(INSUFFICIENT_FUNDS)


@kernel
def replace(pool: Pool, position: U64, tx: Transaction, verdict: Admission, batch: U64, arrived: U64) -> U64:
    """A transaction in the place of one with the same nonce, whose turn it keeps: it must pay more in both prices."""
    e = entry_at(pool, position)
    if e.state == TAKEN or e.state == INCLUDED:
        return U64(NONCE_TOO_LOW)
    old = e.transaction
    enough = pays(tx.max_fee, old.max_fee, pool.bump) and pays(
        tx.max_priority_fee, old.max_priority_fee, pool.bump
    )
    if not enough:
        return U64(UNDERPRICED_REPLACEMENT)
    s = sender_at(pool, e.sender)
    waits, size = e.state == WAITING, bytes_of(tx)
    how = afford(s, s.spent if waits else s.spent - e.cost, verdict.cost)
    if how != 0:
        return how
    if size > e.bytes and pool.bytes - e.bytes + size > pool.most_bytes:
        return U64(POOL_FULL)
    if waits and size > e.bytes and pool.waiting_bytes - e.bytes + size > pool.most_waiting_bytes:
        return U64(POOL_FULL)
    leave_bucket(pool, e)
    erase(pool.by_hash, pool.mask, hash_tag(pool, e.hash), position)
    pool.bytes -= e.bytes
    if waits:
        pool.waiting_bytes += size - e.bytes
    else:
        s.spent += verdict.cost - e.cost
    unpin(pool, e.batch, e.bytes)
    count_left(pool, U64(REPLACED))
    fill_entry(pool, e, position, tx, verdict, batch, arrived)
    enter_bucket(pool, e, position)
    if e.state == ASIDE:  # what is executed is not this one
        make_stale(e)
        put_first(pool, position)
    promote(pool, e.sender)
    return U64(0)


@kernel
def pays(new: U256, old: U256, percent: U64) -> bool:
    """Whether ``new`` is at least ``percent`` of ``old``."""
    return U384(new) * U384(100) >= U384(old) * U384(percent)
