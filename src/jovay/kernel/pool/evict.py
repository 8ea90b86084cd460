"""Room for newcomers: the worst paying make way for those who pay better, the oldest leave in any case."""

from ..lang import U64, U256, kernel
from .buckets import bucket_at, bytes_below, lowest_price
from .entries import entry_at, find_nonce, release_if_empty, sender_at
from .price import PRICES, least_tip
from .record import EVICTED, EXPIRED, INCLUDED, POOL_FULL, TAKEN, UNDERPRICED, WAITING, Pool
from .turns import remove
from .waiting import last_waiting


@kernel
def make_room(pool: Pool, sender: U64, nonce: U64, price: U64, size: U64, waits: U64) -> U64:
    """Room for one transaction of ``size`` bytes, of a sender that is there. 0, or why there is none.

    What waits takes no place from what is ready; what is ready takes that of what waits and pays no more.
    """
    if pool.bytes + size > pool.most_bytes or (
        waits != 0 and pool.waiting_bytes + size > pool.most_waiting_bytes
    ):
        if not is_enough_below(pool, price, size, waits):
            return U64(UNDERPRICED)
    if waits != 0:
        while pool.waiting >= pool.most_waiting or pool.waiting_bytes + size > pool.most_waiting_bytes:
            how = evict(pool, sender, nonce, price, U64(1))
            if how != 0:
                return how
    while pool.count >= pool.most or pool.bytes + size > pool.most_bytes:
        how = evict(pool, sender, nonce, price, waits)
        if how != 0:
            return how
    return U64(0)


@kernel
def is_enough_below(pool: Pool, price: U64, size: U64, waits: U64) -> bool:
    """Whether those that would have to make way have as many bytes as are needed, so that none does in vain."""
    below = bytes_below(pool, U64(1), price + U64(waits == 0))
    if waits != 0 and pool.waiting_bytes + size > pool.most_waiting_bytes + below:
        return False
    if waits == 0:
        below += bytes_below(pool, U64(0), price)
    return pool.bytes + size <= pool.most_bytes + below


@kernel
def evict(pool: Pool, sender: U64, nonce: U64, price: U64, waits: U64) -> U64:
    """Remove the last transaction of the sender with the worst paying one. 0, or why it stays.

    It is the last one, so that no gap is torn into its sender's nonces; the worst paying one is as far away as before.
    """
    kind, low = U64(1), lowest_price(pool, U64(1))
    ready = lowest_price(pool, U64(0))
    if waits == 0 and ready < low:
        kind, low = U64(0), ready
    if low == PRICES:
        return U64(POOL_FULL)
    if low > price or (low == price and (waits != 0 or kind == 0)):
        return U64(UNDERPRICED)
    owner = entry_at(pool, bucket_at(pool, kind, low).first - 1).sender
    s = sender_at(pool, owner)
    last = last_waiting(pool, s)
    if last == 0:
        last = find_nonce(pool, owner, s.next_nonce - 1)
    if last == 0:
        return U64(POOL_FULL)
    victim = entry_at(pool, last - 1)
    if victim.state == TAKEN or victim.state == INCLUDED:
        return U64(POOL_FULL)
    if owner == sender and (victim.state != WAITING or victim.nonce < nonce):
        return U64(UNDERPRICED)
    if victim.state != WAITING:
        s.next_nonce = victim.nonce
    remove(pool, last - 1, U64(EVICTED))
    if owner != sender:
        release_if_empty(pool, owner)
    return U64(0)


@kernel
def needed_tip(pool: Pool) -> U256:
    """The least tip that drives out the worst paying transaction."""
    ready, waiting = lowest_price(pool, U64(0)), lowest_price(pool, U64(1))
    return least_tip((ready if ready < waiting else waiting) + 1)


@kernel
def expire(pool: Pool, before: U64) -> None:
    """Remove what has waited since ``before`` or longer."""
    while pool.oldest != 0 and entry_at(pool, pool.oldest - 1).since < before:
        position = pool.oldest - 1
        sender = entry_at(pool, position).sender
        remove(pool, position, U64(EXPIRED))
        release_if_empty(pool, sender)
