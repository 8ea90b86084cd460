"""Batches that have become thin: what is left of one moves to memory of its own, and the rest is not kept for it."""

from ..lang import U64, Ptr, address_of, copy, kernel
from ..transaction.record import TRANSACTION_SIZE, Transaction
from .entries import entry_at, find_hash, open_batch, pin, unpin
from .record import Pool


@kernel
def pooled_of(pool: Pool, number: U64, tx: Transaction) -> U64:
    """Position + 1 of the entry that points to this record of a batch, or 0."""
    found = find_hash(pool, tx.hash)
    if found == 0:
        return found
    e = entry_at(pool, found - 1)
    return found if e.batch == number and address_of(e.transaction) == address_of(tx) else U64(0)


@kernel
def live_bytes(pool: Pool, number: U64, n: U64, records: Ptr) -> U64:
    """Bytes of raw transactions that the pool still has of a batch of ``n`` records."""
    size = U64(0)
    for i in range(n):
        tx = Transaction(records + U64(i) * TRANSACTION_SIZE)
        if pooled_of(pool, number, tx) != 0:
            size += tx.raw_size
    return size


@kernel
def move_live(
    pool: Pool, number: U64, n: U64, records: Ptr, new: U64, new_records: Ptr, new_raw: Ptr
) -> None:
    """Copy what ``live_bytes`` counted to another batch, whose number nobody uses yet; the old one is released."""
    open_batch(pool, new)
    for i in range(n):
        tx = Transaction(records + U64(i) * TRANSACTION_SIZE)
        found = pooled_of(pool, number, tx)
        if found != 0:
            copy(new_raw, tx.raw, tx.raw_size)
            copy(new_records, address_of(tx), U64(TRANSACTION_SIZE))
            moved = Transaction(new_records)
            moved.data = shifted(tx, tx.data, new_raw)
            moved.access_list = shifted(tx, tx.access_list, new_raw)
            moved.authorizations = shifted(tx, tx.authorizations, new_raw)
            moved.blob_hashes = shifted(tx, tx.blob_hashes, new_raw)
            moved.signed = shifted(tx, tx.signed, new_raw)
            moved.raw = new_raw
            e = entry_at(pool, found - 1)
            e.transaction = moved
            e.batch = new
            pin(pool, new, e.bytes)
            unpin(pool, number, e.bytes)
            new_raw += tx.raw_size
            new_records += TRANSACTION_SIZE


@kernel(inline=True)
def shifted(tx: Transaction, pointer: Ptr, new_raw: Ptr) -> Ptr:
    """A pointer into the raw transaction, where its copy is; another one as it is."""
    inside = tx.raw <= pointer and pointer <= tx.raw + tx.raw_size
    return new_raw + (pointer - tx.raw) if inside else pointer
