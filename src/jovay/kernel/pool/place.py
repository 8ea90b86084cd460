"""A batch of transactions enters the pool."""

from ..block.admission import ADMISSION_SIZE, Admission
from ..evm.validity import NONCE_TOO_HIGH, NONCE_TOO_LOW
from ..index import erase
from ..lang import U64, U256, U384, Ptr, address_of, kernel
from ..state.world import World
from ..transaction.record import TRANSACTION_SIZE, Transaction
from .entries import (
    batch_at,
    entry_at,
    fill_entry,
    find_hash,
    find_nonce,
    find_sender,
    hash_tag,
    new_entry,
    new_sender,
    release_if_empty,
    sender_at,
    unpin,
)
from .record import (
    ALREADY_KNOWN,
    GAS_ABOVE_BLOCK,
    OVERSIZED,
    POOL_FULL,
    SENDER_FULL,
    TAKEN,
    THIN_LEAST,
    UNDERPRICED_REPLACEMENT,
    Pool,
)
from .turns import catch_up, make_ready, make_wait, nonce_now, promote


@kernel
def place_batch(
    pool: Pool, world: World, n: U64, records: Ptr, verdicts: Ptr, batch: U64, arrived: U64, ready_only: U64
) -> U64:
    """Place those of ``n`` decoded transactions that were judged valid; answers how many are refused in all.

    ``verdicts`` are ``Admission`` records: their status becomes the pool's, their nonce the one that the sender should
    use. ``world`` is null unless blocks came since they were judged, so that nonces may have moved on. ``batch``, an
    unused number, is released at once where nothing is placed.
    """
    refused = U64(0)
    batch_at(pool, batch).live = U64(1)  # while this goes on
    batch_at(pool, batch).seen = U64(0)
    batch_at(pool, batch).size = U64(0)
    for i in range(n):
        verdict = Admission(verdicts + U64(i) * ADMISSION_SIZE)
        if verdict.status == 0:
            tx = Transaction(records + U64(i) * TRANSACTION_SIZE)
            verdict.status = place(pool, world, tx, verdict, batch, arrived, ready_only)
        if verdict.status != 0:
            refused += 1
    batch_at(pool, batch).size = n if n >= THIN_LEAST else U64(0)
    unpin(pool, batch)
    return refused


@kernel
def place(
    pool: Pool, world: World, tx: Transaction, verdict: Admission, batch: U64, arrived: U64, ready_only: U64
) -> U64:
    """The status of one transaction."""
    if find_hash(pool, tx.hash) != 0:
        return U64(ALREADY_KNOWN)
    if tx.raw_size > pool.most_bytes:
        return U64(OVERSIZED)
    if tx.gas_limit > pool.most_gas:
        return U64(GAS_ABOVE_BLOCK)
    found = find_sender(pool, tx.sender)
    if found == 0:
        if address_of(world) != 0:
            verdict.nonce = nonce_now(world, tx.sender, verdict.nonce)
        found = new_sender(pool, tx.sender, verdict.nonce) + 1
    sender = found - 1
    status = place_with(pool, sender, tx, verdict.nonce, batch, arrived, ready_only)
    verdict.nonce = sender_at(pool, sender).next_nonce
    if status != 0:
        release_if_empty(pool, sender)
    return status


@kernel
def place_with(
    pool: Pool, sender: U64, tx: Transaction, account_nonce: U64, batch: U64, arrived: U64, ready_only: U64
) -> U64:
    """Put a transaction where it belongs among its sender's."""
    s = sender_at(pool, sender)
    if s.next_nonce < account_nonce:
        catch_up(pool, sender, account_nonce)
    if tx.nonce < account_nonce:
        return U64(NONCE_TOO_LOW)
    older = find_nonce(pool, sender, tx.nonce)
    if older != 0:
        return replace(pool, older - 1, tx, batch, arrived)
    if tx.nonce < s.next_nonce:  # taken into a block that is being made
        return U64(NONCE_TOO_LOW)
    if pool.count >= pool.most:
        return U64(POOL_FULL)
    if s.ready + s.waiting >= pool.per_sender:
        return U64(SENDER_FULL)
    if tx.nonce == s.next_nonce:
        make_ready(pool, new_entry(pool, sender, tx, batch, arrived))
        promote(pool, sender)
        return U64(0)
    if ready_only != 0:
        return U64(NONCE_TOO_HIGH)
    if s.waiting >= pool.waiting_per_sender:
        return U64(SENDER_FULL)
    if pool.waiting >= pool.most_waiting:
        return U64(POOL_FULL)
    make_wait(pool, new_entry(pool, sender, tx, batch, arrived))
    return U64(0)


@kernel
def replace(pool: Pool, position: U64, tx: Transaction, batch: U64, arrived: U64) -> U64:
    """A transaction in the place of one with the same nonce, whose turn it keeps: it must pay more in both prices."""
    e = entry_at(pool, position)
    if e.state == TAKEN:
        return U64(NONCE_TOO_LOW)
    old = e.transaction
    enough = pays(tx.max_fee, old.max_fee, pool.bump) and pays(
        tx.max_priority_fee, old.max_priority_fee, pool.bump
    )
    if not enough:
        return U64(UNDERPRICED_REPLACEMENT)
    erase(pool.by_hash, pool.mask, hash_tag(pool, e.hash), position)
    unpin(pool, e.batch)
    fill_entry(pool, e, position, tx, batch, arrived)
    return U64(0)


@kernel
def pays(new: U256, old: U256, percent: U64) -> bool:
    """Whether ``new`` is at least ``percent`` of ``old``."""
    return U384(new) * U384(100) >= U384(old) * U384(percent)
