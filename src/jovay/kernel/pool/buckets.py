"""Entries in buckets by what they pay, so that the worst paying is found at once."""

from ..lang import U64, Ptr, ctz, kernel, load64, store64
from .entries import entry_at
from .price import PRICES
from .record import BUCKET_SIZE, WAITING, Bucket, Entry, Pool

#: Words of a bitmap of buckets.
MARKS = (PRICES + 63) // 64


@kernel(inline=True)
def bucket_at(pool: Pool, waits: U64, price: U64) -> Bucket:
    return Bucket(pool.prices + (waits * PRICES + price) * BUCKET_SIZE)


@kernel(inline=True)
def mark_at(pool: Pool, waits: U64, word: U64) -> Ptr:
    return pool.marks + (waits * MARKS + word) * 8


@kernel
def enter_bucket(pool: Pool, e: Entry, position: U64) -> None:
    """Enter an entry that has its state."""
    waits = U64(e.state == WAITING)
    bucket = bucket_at(pool, waits, e.price)
    e.before = U64(0)
    e.beside = bucket.first
    if bucket.first != 0:
        entry_at(pool, bucket.first - 1).before = position + 1
    else:
        mark = mark_at(pool, waits, e.price >> 6)
        store64(mark, load64(mark) | U64(1) << (e.price & 63))
    bucket.first = position + 1
    bucket.bytes += e.bytes


@kernel
def leave_bucket(pool: Pool, e: Entry) -> None:
    """Take an entry out that still has its state."""
    waits = U64(e.state == WAITING)
    bucket = bucket_at(pool, waits, e.price)
    if e.before != 0:
        entry_at(pool, e.before - 1).beside = e.beside
    else:
        bucket.first = e.beside
    if e.beside != 0:
        entry_at(pool, e.beside - 1).before = e.before
    bucket.bytes -= e.bytes
    if bucket.first == 0:
        mark = mark_at(pool, waits, e.price >> 6)
        store64(mark, load64(mark) & ~(U64(1) << (e.price & 63)))


@kernel
def lowest_price(pool: Pool, waits: U64) -> U64:
    """The lowest bucket with entries; PRICES if there is none."""
    for i in range(MARKS):
        word = load64(mark_at(pool, waits, U64(i)))
        if word != 0:
            return U64(i) * 64 + ctz(word)
    return U64(PRICES)


@kernel
def bytes_below(pool: Pool, waits: U64, price: U64) -> U64:
    """Bytes of the entries in buckets below ``price``."""
    total = U64(0)
    for i in range(price):
        total += bucket_at(pool, waits, U64(i)).bytes
    return total
