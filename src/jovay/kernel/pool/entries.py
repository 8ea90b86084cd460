"""Finding, linking and removing entries and senders."""

from ..evm.process import word_of_address
from ..index import erase, next_match, put
from ..lang import U64, Ptr, copy, kernel, load32, load64, store64
from ..state.world import GOLDEN, hash_word, mix
from ..transaction.record import Transaction
from .record import (
    BATCH_SIZE,
    ENTRY_SIZE,
    FREE,
    SENDER_SIZE,
    THIN_PART,
    WAITING,
    Batch,
    Entry,
    Pool,
    Sender,
)

LOW = 0xFFFFFFFF


@kernel(inline=True)
def entry_at(pool: Pool, position: U64) -> Entry:
    return Entry(pool.entries + position * ENTRY_SIZE)


@kernel(inline=True)
def sender_at(pool: Pool, position: U64) -> Sender:
    return Sender(pool.senders + position * SENDER_SIZE)


@kernel(inline=True)
def batch_at(pool: Pool, number: U64) -> Batch:
    return Batch(pool.batches + number * BATCH_SIZE)


@kernel(inline=True)
def reference(e: Entry, position: U64) -> U64:
    """What queue and blocks hold of an entry."""
    return (e.turn << 32) | position


@kernel(inline=True)
def is_current(pool: Pool, ref: U64) -> bool:
    return entry_at(pool, ref & LOW).turn == ref >> 32


@kernel(inline=True)
def hash_tag(pool: Pool, digest: Ptr) -> U64:
    return mix(pool.seed ^ load64(digest)) >> 32


@kernel(inline=True)
def sender_tag(pool: Pool, address: Ptr) -> U64:
    return hash_word(pool.seed, word_of_address(address)) >> 32


@kernel(inline=True)
def nonce_tag(pool: Pool, sender: U64, nonce: U64) -> U64:
    return mix(mix(pool.seed ^ (sender * GOLDEN)) + nonce) >> 32


@kernel
def find_hash(pool: Pool, digest: Ptr) -> U64:
    """Position + 1 of the entry with this hash, or 0."""
    tag = hash_tag(pool, digest)
    at = tag & pool.mask
    while True:
        at = next_match(pool.by_hash, pool.mask, at, tag)
        found = load64(pool.by_hash + at * 8) & LOW
        if found == 0:
            return found
        own = entry_at(pool, found - 1).hash
        if (
            load64(own) == load64(digest)
            and load64(own + 8) == load64(digest + 8)
            and load64(own + 16) == load64(digest + 16)
            and load64(own + 24) == load64(digest + 24)
        ):
            return found
        at = (at + 1) & pool.mask


@kernel
def find_sender(pool: Pool, address: Ptr) -> U64:
    """Position + 1 of a sender, or 0."""
    tag = sender_tag(pool, address)
    at = tag & pool.mask
    while True:
        at = next_match(pool.by_sender, pool.mask, at, tag)
        found = load64(pool.by_sender + at * 8) & LOW
        if found == 0:
            return found
        own = sender_at(pool, found - 1).address
        if (
            load64(own) == load64(address)
            and load64(own + 8) == load64(address + 8)
            and load32(own + 16) == load32(address + 16)
        ):
            return found
        at = (at + 1) & pool.mask


@kernel
def find_nonce(pool: Pool, sender: U64, nonce: U64) -> U64:
    """Position + 1 of a sender's entry with this nonce, or 0."""
    tag = nonce_tag(pool, sender, nonce)
    at = tag & pool.mask
    while True:
        at = next_match(pool.by_nonce, pool.mask, at, tag)
        found = load64(pool.by_nonce + at * 8) & LOW
        if found == 0:
            return found
        e = entry_at(pool, found - 1)
        if e.sender == sender and e.nonce == nonce:
            return found
        at = (at + 1) & pool.mask


@kernel
def new_sender(pool: Pool, address: Ptr, nonce: U64) -> U64:
    """Position of a new sender without transactions."""
    position = pool.senders_used
    if pool.free_sender != 0:
        position = pool.free_sender - 1
        pool.free_sender = sender_at(pool, position).first
    else:
        pool.senders_used = position + 1
    s = sender_at(pool, position)
    copy(s.address, address, U64(20))
    s.next_nonce = nonce
    s.ready = U64(0)
    s.waiting = U64(0)
    s.first = U64(0)
    s.live = U64(1)
    s.crowded = U64(0)
    put(pool.by_sender, pool.mask, sender_tag(pool, address), position)
    return position


@kernel
def release_if_empty(pool: Pool, position: U64) -> None:
    """Forget a sender that has no transactions."""
    s = sender_at(pool, position)
    if s.live != 0 and s.ready + s.waiting == 0:
        erase(pool.by_sender, pool.mask, sender_tag(pool, s.address), position)
        s.live = U64(0)
        s.first = pool.free_sender
        pool.free_sender = position + 1


@kernel
def fill_entry(pool: Pool, e: Entry, position: U64, tx: Transaction, batch: U64, arrived: U64) -> None:
    """Make an entry that of a transaction; its sender, nonce and links are the caller's."""
    e.transaction = tx
    copy(e.hash, tx.hash, U64(32))
    e.gas = tx.gas_limit
    e.batch = batch
    e.arrived = arrived
    e.tries = U64(0)
    batch_at(pool, batch).live += 1
    put(pool.by_hash, pool.mask, hash_tag(pool, e.hash), position)


@kernel
def new_entry(pool: Pool, sender: U64, tx: Transaction, batch: U64, arrived: U64) -> U64:
    """Position of a new entry, first in its sender's list; it is counted by whoever gives it a state."""
    position = pool.entries_used
    if pool.free_entry != 0:
        position = pool.free_entry - 1
        pool.free_entry = entry_at(pool, position).next
    else:
        pool.entries_used = position + 1
    e, s = entry_at(pool, position), sender_at(pool, sender)
    e.nonce = tx.nonce
    e.sender = sender
    e.previous = U64(0)
    e.next = s.first
    if s.first != 0:
        entry_at(pool, s.first - 1).previous = position + 1
    s.first = position + 1
    fill_entry(pool, e, position, tx, batch, arrived)
    put(pool.by_nonce, pool.mask, nonce_tag(pool, sender, tx.nonce), position)
    pool.count += 1
    return position


@kernel
def unpin(pool: Pool, number: U64) -> None:
    """One transaction of a batch less; the last one releases it."""
    batch = batch_at(pool, number)
    batch.live -= 1
    if batch.live == 0:
        store64(pool.released + pool.released_count * 8, number)
        pool.released_count += 1
    elif batch.live * THIN_PART < batch.size:
        batch.size = U64(0)
        store64(pool.thin + pool.thin_count * 8, number)
        pool.thin_count += 1


@kernel
def remove(pool: Pool, position: U64) -> None:
    """Take an entry out of everything; its sender stays, if without transactions."""
    e = entry_at(pool, position)
    s = sender_at(pool, e.sender)
    if e.state == WAITING:
        s.waiting -= 1
        pool.waiting -= 1
    else:
        s.ready -= 1
    erase(pool.by_hash, pool.mask, hash_tag(pool, e.hash), position)
    erase(pool.by_nonce, pool.mask, nonce_tag(pool, e.sender, e.nonce), position)
    if e.previous != 0:
        entry_at(pool, e.previous - 1).next = e.next
    else:
        s.first = e.next
    if e.next != 0:
        entry_at(pool, e.next - 1).previous = e.previous
    unpin(pool, e.batch)
    pool.count -= 1
    e.turn = (e.turn + 1) & LOW
    e.state = U64(FREE)
    e.next = pool.free_entry
    pool.free_entry = position + 1
