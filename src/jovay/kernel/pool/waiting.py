"""Those that wait: by nonce in a tree for each sender, by age in one list.

The tree is a treap: a search tree by nonce and a heap by a random rank of each position, so that it stays about
2·ln n deep whatever the order in which nonces come.
"""

from ..lang import U64, Ptr, address_of, kernel, load64, store64
from ..state.world import mix
from .buckets import enter_bucket, leave_bucket
from .entries import entry_at, sender_at
from .record import WAITING, Entry, Pool, Sender

ROOT = Sender.fields["root"][1]
LEFT, RIGHT = Entry.fields["left"][1], Entry.fields["right"][1]


@kernel(inline=True)
def rank(pool: Pool, position: U64) -> U64:
    return mix(pool.seed ^ position)


@kernel(inline=True)
def child(e: Entry, nonce: U64) -> Ptr:
    """The link of ``e`` on the way to ``nonce``."""
    return address_of(e) + (RIGHT if e.nonce < nonce else LEFT)


@kernel
def plant(pool: Pool, s: Sender, position: U64) -> None:
    """Enter an entry into its sender's tree."""
    e, own, link = entry_at(pool, position), rank(pool, position), address_of(s) + ROOT
    at = load64(link)
    while at != 0 and rank(pool, at - 1) >= own:
        link = child(entry_at(pool, at - 1), e.nonce)
        at = load64(link)
    store64(link, position + 1)
    low, high = address_of(e) + LEFT, address_of(e) + RIGHT
    while at != 0:  # what was below this place, parted by nonce
        other = entry_at(pool, at - 1)
        if other.nonce < e.nonce:
            store64(low, at)
            low = address_of(other) + RIGHT
            at = load64(low)
        else:
            store64(high, at)
            high = address_of(other) + LEFT
            at = load64(high)
    store64(low, U64(0))
    store64(high, U64(0))


@kernel
def uproot(pool: Pool, s: Sender, position: U64) -> None:
    """Take an entry out of its sender's tree."""
    e, link = entry_at(pool, position), address_of(s) + ROOT
    while load64(link) != position + 1:
        link = child(entry_at(pool, load64(link) - 1), e.nonce)
    a, b = e.left, e.right
    while a != 0 and b != 0:  # the two trees below it become one
        if rank(pool, a - 1) > rank(pool, b - 1):
            store64(link, a)
            link = address_of(entry_at(pool, a - 1)) + RIGHT
            a = load64(link)
        else:
            store64(link, b)
            link = address_of(entry_at(pool, b - 1)) + LEFT
            b = load64(link)
    store64(link, a + b)


@kernel
def first_waiting(pool: Pool, s: Sender) -> U64:
    """Position + 1 of the waiting entry with the lowest nonce, or 0."""
    at = s.root
    while at != 0 and entry_at(pool, at - 1).left != 0:
        at = entry_at(pool, at - 1).left
    return at


@kernel
def last_waiting(pool: Pool, s: Sender) -> U64:
    """Position + 1 of the waiting entry with the highest nonce, or 0."""
    at = s.root
    while at != 0 and entry_at(pool, at - 1).right != 0:
        at = entry_at(pool, at - 1).right
    return at


@kernel
def make_wait(pool: Pool, position: U64) -> None:
    """An entry that is counted nowhere waits; whoever calls has seen that there is room."""
    e = entry_at(pool, position)
    s = sender_at(pool, e.sender)
    e.state = U64(WAITING)
    e.since = pool.now
    s.waiting += 1
    pool.waiting += 1
    pool.waiting_bytes += e.bytes
    plant(pool, s, position)
    e.older = pool.youngest
    e.younger = U64(0)
    if pool.youngest != 0:
        entry_at(pool, pool.youngest - 1).younger = position + 1
    else:
        pool.oldest = position + 1
    pool.youngest = position + 1
    enter_bucket(pool, e, position)


@kernel
def stop_waiting(pool: Pool, position: U64) -> None:
    """A waiting entry is counted nowhere."""
    e = entry_at(pool, position)
    s = sender_at(pool, e.sender)
    leave_bucket(pool, e)
    uproot(pool, s, position)
    if e.older != 0:
        entry_at(pool, e.older - 1).younger = e.younger
    else:
        pool.oldest = e.younger
    if e.younger != 0:
        entry_at(pool, e.younger - 1).older = e.older
    else:
        pool.youngest = e.older
    s.waiting -= 1
    pool.waiting -= 1
    pool.waiting_bytes -= e.bytes
