"""Transactions leave the pool: a block takes and settles them, or somebody drops them."""

from ..evm.status import ARENA_FULL
from ..evm.validity import NONCE_TOO_HIGH, NONCE_TOO_LOW, POSTPONED
from ..lang import U64, Ptr, address_of, kernel, load64, store64
from ..state.world import World
from ..transaction.record import Transaction
from .entries import (
    LOW,
    batch_at,
    entry_at,
    find_hash,
    is_current,
    release_if_empty,
    remove,
    sender_at,
)
from .record import CROWDED, FREE, TAKEN, Pool
from .turns import put_first, wait_again


@kernel
def take(pool: Pool, most: U64, gas: U64, references: Ptr, addresses: Ptr, arrived: Ptr, batches: Ptr) -> U64:
    """Ready transactions for a block, in order: at most ``most``, their gas limits within ``gas``; their number.

    Writes a U64 for each: reference, address of the record, time of arrival; and the numbers of their batches, which
    end with all ones.
    """
    pool.takes += 1
    count, seen = U64(0), U64(0)
    while pool.head != pool.tail and count < most:
        ref = load64(pool.queue + (pool.head & pool.mask) * 8)
        if is_current(pool, ref):
            e = entry_at(pool, ref & LOW)
            if e.gas > gas:
                break
            gas -= e.gas
            e.state = U64(TAKEN)
            store64(references + count * 8, ref)
            store64(addresses + count * 8, address_of(e.transaction))
            store64(arrived + count * 8, e.arrived)
            count += 1
            batch = batch_at(pool, e.batch)
            if batch.seen != pool.takes:
                batch.seen = pool.takes
                store64(batches + seen * 8, e.batch)
                seen += 1
        pool.head += 1
    store64(batches + seen * 8, ~U64(0))
    return count


@kernel
def settle_included(pool: Pool, n: U64, references: Ptr, addresses: Ptr) -> None:
    """Forget ``n`` transactions that became part of a block; ``addresses`` of their records."""
    for i in range(n):
        ref = load64(references + U64(i) * 8)
        found = (ref & LOW) + 1
        if not is_current(pool, ref):  # it was made to wait again meanwhile, or dropped
            found = find_hash(pool, Transaction(load64(addresses + U64(i) * 8)).hash)
        if found != 0:
            sender = entry_at(pool, found - 1).sender
            remove(pool, found - 1)
            release_if_empty(pool, sender)


@kernel
def settle_dropped(pool: Pool, world: World, n: U64, references: Ptr, statuses: Ptr) -> None:
    """``n`` transactions that a block took and could not include, in their order: they go, or wait for another turn.

    Those whose logs or changes found no room beside a block's others are the next to be executed, with what their
    senders sent after them. One that is left out again and again fits into no block.
    """
    pool.settlements += 1
    for i in range(n):
        mark_crowded(pool, load64(references + U64(i) * 8), load64(statuses + U64(i) * 8))
    for back in range(n):
        ref = load64(references + (n - 1 - U64(back)) * 8)
        if is_current(pool, ref) and entry_at(pool, ref & LOW).state == CROWDED:
            put_first(pool, ref & LOW)
    for i in range(n):
        ref = load64(references + U64(i) * 8)
        if is_current(pool, ref) and entry_at(pool, ref & LOW).state == TAKEN:
            settle_one(pool, world, ref, load64(statuses + U64(i) * 8))


@kernel
def mark_crowded(pool: Pool, ref: U64, status: U64) -> None:
    if not is_current(pool, ref):
        return
    e = entry_at(pool, ref & LOW)
    s = sender_at(pool, e.sender)
    crowded = status == ARENA_FULL and e.tries < pool.tries
    if crowded or (status == NONCE_TOO_HIGH and s.crowded == pool.settlements):
        s.crowded = pool.settlements
        e.tries += U64(crowded)
        e.state = U64(CROWDED)


@kernel
def settle_one(pool: Pool, world: World, ref: U64, status: U64) -> None:
    e = entry_at(pool, ref & LOW)
    sender, nonce = e.sender, e.nonce
    if status != NONCE_TOO_HIGH and status != POSTPONED:
        remove(pool, ref & LOW)
    s = sender_at(pool, sender)
    if status != NONCE_TOO_LOW and s.ready + s.waiting != 0:
        wait_again(pool, world, sender, nonce)
    release_if_empty(pool, sender)


@kernel
def drop(pool: Pool, world: World, digest: Ptr) -> U64:
    """Remove the transaction with this hash, whatever its state; 0 if there is none."""
    found = find_hash(pool, digest)
    if found == 0:
        return U64(0)
    e = entry_at(pool, found - 1)
    sender, nonce = e.sender, e.nonce
    remove(pool, found - 1)
    s = sender_at(pool, sender)
    if s.ready + s.waiting != 0:
        wait_again(pool, world, sender, nonce)
    release_if_empty(pool, sender)
    return U64(1)


@kernel
def clear(pool: Pool) -> None:
    """Empty the pool."""
    for i in range(pool.entries_used):
        e = entry_at(pool, U64(i))
        if e.state != FREE:
            sender = e.sender
            remove(pool, U64(i))
            release_if_empty(pool, sender)
    pool.head = pool.tail
