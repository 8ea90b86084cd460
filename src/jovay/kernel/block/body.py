"""The body of a block as it is stored: raw transactions back to back, their hashes and senders."""

from ..lang import U64, Ptr, Record, copy, kernel, load64, store32
from .run import run_at


class Body(Record):
    """Where the parts go: 32 and 20 bytes per transaction, count + 1 offsets of 4 bytes, the raw bytes."""

    hashes: Ptr
    senders: Ptr
    offsets: Ptr
    transactions: Ptr
    capacity: U64
    size: U64  # bytes of transactions


@kernel
def write_body(runs: Ptr, order: Ptr, count: U64, out: Body) -> U64:
    """Write the parts in block order. 0, or 1 where the transactions do not fit."""
    at = U64(0)
    for i in range(count):
        tx = run_at(runs, load64(order + U64(i) * 8)).transaction
        if at + tx.raw_size > out.capacity:
            return U64(1)
        copy(out.hashes + U64(i) * 32, tx.hash, U64(32))
        copy(out.senders + U64(i) * 20, tx.sender, U64(20))
        store32(out.offsets + U64(i) * 4, at)
        copy(out.transactions + at, tx.raw, tx.raw_size)
        at += tx.raw_size
    store32(out.offsets + count * 4, at)
    out.size = at
    return U64(0)
