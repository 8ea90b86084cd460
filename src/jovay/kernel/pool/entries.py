"""Finding and making entries and senders."""

from ..arenas.index import erase, next_match, put
from ..block.admission import Admission
from ..evm.process import word_of_address
from ..lang import U64, U256, Ptr, address_of, copy, kernel, load32, load64, store64, unpoison
from ..state.world import GOLDEN, hash_word, mix
from ..transaction.record import TRANSACTION_SIZE, Transaction
from .price import bucket_of
from .record import BATCH_SIZE, ENTRY_SIZE, SENDER_SIZE, THIN_PART, Batch, Entry, Pool, Sender

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
def find_sender_word(pool: Pool, address: U256) -> U64:
    """The same for an address as a word."""
    tag = hash_word(pool.seed, address) >> 32
    at = tag & pool.mask
    while True:
        at = next_match(pool.by_sender, pool.mask, at, tag)
        found = load64(pool.by_sender + at * 8) & LOW
        if found == 0 or word_of_address(sender_at(pool, found - 1).address) == address:
            return found
        at = (at + 1) & pool.mask


@kernel
def new_sender(pool: Pool, address: Ptr, verdict: Admission) -> U64:
    """Position of a new sender without transactions. There is room: others have one at least, and there is one more."""
    position = pool.senders_used
    if pool.free_sender != 0:
        position = pool.free_sender - 1
        pool.free_sender = sender_at(pool, position).root
    else:
        unpoison(pool.senders, address_of(sender_at(pool, position)), U64(SENDER_SIZE))
        pool.senders_used = position + 1
    s = sender_at(pool, position)
    copy(s.address, address, U64(20))
    s.nonce = verdict.nonce
    s.balance = verdict.balance
    s.delegated = verdict.delegated
    s.spent = U256(0)
    s.next_nonce = verdict.nonce
    s.next_taken = verdict.nonce
    s.ready = U64(0)
    s.passed = U64(0)
    s.waiting = U64(0)
    s.included = U64(0)
    s.root = U64(0)
    s.live = U64(1)
    put(pool.by_sender, pool.mask, sender_tag(pool, address), position)
    return position


@kernel
def release_if_empty(pool: Pool, position: U64) -> None:
    """Forget a sender that has no transactions."""
    s = sender_at(pool, position)
    if s.live != 0 and s.ready + s.waiting + s.included == 0:
        erase(pool.by_sender, pool.mask, sender_tag(pool, s.address), position)
        s.live = U64(0)
        s.root = pool.free_sender
        pool.free_sender = position + 1


@kernel(inline=True)
def bytes_of(tx: Transaction) -> U64:
    """What a transaction counts in the pool's memory."""
    return tx.raw_size + TRANSACTION_SIZE


@kernel
def fill_entry(
    pool: Pool, e: Entry, position: U64, tx: Transaction, verdict: Admission, batch: U64, arrived: U64
) -> None:
    """Make an entry that of a transaction; its sender, nonce, state and links are the caller's."""
    e.transaction = tx
    copy(e.hash, tx.hash, U64(32))
    e.cost = verdict.cost
    e.price = bucket_of(verdict.tip)
    e.gas = tx.gas_limit
    e.bytes = bytes_of(tx)
    e.batch = batch
    e.arrived = arrived
    e.tries = U64(0)
    pool.bytes += e.bytes
    pin(pool, batch, e.bytes)
    put(pool.by_hash, pool.mask, hash_tag(pool, e.hash), position)


@kernel
def new_entry(pool: Pool, sender: U64, tx: Transaction, verdict: Admission, batch: U64, arrived: U64) -> U64:
    """Position of a new entry, which has no state yet. The caller has seen that there is room (``make_room``)."""
    position = pool.entries_used
    if pool.free_entry != 0:
        position = pool.free_entry - 1
        pool.free_entry = entry_at(pool, position).left
    else:
        unpoison(pool.entries, address_of(entry_at(pool, position)), U64(ENTRY_SIZE))
        pool.entries_used = position + 1
    e = entry_at(pool, position)
    e.nonce = tx.nonce
    e.sender = sender
    fill_entry(pool, e, position, tx, verdict, batch, arrived)
    put(pool.by_nonce, pool.mask, nonce_tag(pool, sender, tx.nonce), position)
    pool.count += 1
    return position


@kernel
def open_batch(pool: Pool, number: U64) -> None:
    """A batch without transactions, under a number that nobody uses."""
    batch = batch_at(pool, number)
    batch.live = U64(0)
    batch.live_bytes = U64(0)
    batch.seen = U64(0)
    batch.size = U64(0)


@kernel(inline=True)
def pin(pool: Pool, number: U64, size: U64) -> None:
    """One transaction of a batch more."""
    batch = batch_at(pool, number)
    batch.live += 1
    batch.live_bytes += size


@kernel
def unpin(pool: Pool, number: U64, size: U64) -> None:
    """One transaction of a batch less; the last one releases it. The host empties both lists after each call.

    A batch is in either list once at most, and there are no more batches than these have room for.
    """
    batch = batch_at(pool, number)
    batch.live -= 1
    batch.live_bytes -= size
    if batch.live == 0:
        store64(pool.released + pool.released_count * 8, number)
        pool.released_count += 1
    elif batch.live_bytes * THIN_PART < batch.size:
        batch.size = U64(0)
        store64(pool.thin + pool.thin_count * 8, number)
        pool.thin_count += 1


@kernel
def count_left(pool: Pool, reason: U64) -> None:
    at = pool.left + reason * 8
    store64(at, load64(at) + 1)
