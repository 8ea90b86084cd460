"""Who is ready: the queue, promotion of what waited, and waiting again."""

from ..evm.process import word_of_address
from ..lang import U64, Ptr, address_of, kernel, load64, store64
from ..state.world import World, find_account
from .entries import LOW, entry_at, find_nonce, is_current, reference, remove, sender_at
from .record import READY, WAITING, Pool


@kernel
def nonce_now(world: World, address: Ptr, otherwise: U64) -> U64:
    """Nonce of an account, or ``otherwise`` where it is not in memory: then no block has used it lately."""
    account = find_account(world, word_of_address(address))
    return otherwise if address_of(account) == 0 else account.nonce


@kernel
def compact(pool: Pool) -> None:
    """Drop the stale references of the queue."""
    kept, at = pool.head, pool.head
    while at != pool.tail:
        ref = load64(pool.queue + (at & pool.mask) * 8)
        if is_current(pool, ref):
            store64(pool.queue + (kept & pool.mask) * 8, ref)
            kept += 1
        at += 1
    pool.tail = kept


@kernel
def make_ready(pool: Pool, position: U64) -> None:
    """An entry that is counted nowhere gets its turn at the queue's end."""
    e = entry_at(pool, position)
    s = sender_at(pool, e.sender)
    e.state = U64(READY)
    s.ready += 1
    s.next_nonce = e.nonce + 1
    have_room(pool)
    store64(pool.queue + (pool.tail & pool.mask) * 8, reference(e, position))
    pool.tail += 1


@kernel
def have_room(pool: Pool) -> None:
    """Room for one more reference: at most half of the ring's are current."""
    if pool.tail - pool.head > pool.mask:
        compact(pool)


@kernel
def put_first(pool: Pool, position: U64) -> None:
    """An entry that was taken has its turn again, at the queue's head."""
    e = entry_at(pool, position)
    e.state = U64(READY)
    have_room(pool)
    pool.head -= 1
    store64(pool.queue + (pool.head & pool.mask) * 8, reference(e, position))


@kernel
def make_wait(pool: Pool, position: U64) -> None:
    """An entry that is counted nowhere waits."""
    e = entry_at(pool, position)
    s = sender_at(pool, e.sender)
    e.state = U64(WAITING)
    s.waiting += 1
    pool.waiting += 1


@kernel
def promote(pool: Pool, sender: U64) -> None:
    """What waited for the nonces before it is ready."""
    s = sender_at(pool, sender)
    while s.waiting != 0:
        found = find_nonce(pool, sender, s.next_nonce)
        if found == 0 or entry_at(pool, found - 1).state != WAITING:
            return
        s.waiting -= 1
        pool.waiting -= 1
        make_ready(pool, found - 1)


@kernel
def catch_up(pool: Pool, sender: U64, nonce: U64) -> None:
    """Go on from ``nonce``, the account's, which may rise without the pool (EIP-7702 does that)."""
    s = sender_at(pool, sender)
    at = s.first
    while at != 0:
        position = at - 1
        e = entry_at(pool, position)
        at = e.next
        if e.state == WAITING and e.nonce < nonce:
            remove(pool, position)
    s.next_nonce = nonce
    promote(pool, sender)


@kernel
def wait_again(pool: Pool, world: World, sender: U64, nonce: U64) -> None:
    """A sender's transactions from ``nonce`` on wait for one with that nonce; references to them become stale."""
    s = sender_at(pool, sender)
    if nonce < s.next_nonce:
        s.next_nonce = nonce
    at = s.first
    while at != 0:
        position = at - 1
        e = entry_at(pool, position)
        at = e.next
        if e.state != WAITING and e.nonce >= nonce:
            e.turn = (e.turn + 1) & LOW
            s.ready -= 1
            make_wait(pool, position)
    if s.ready == 0:
        catch_up(pool, sender, nonce_now(world, s.address, s.next_nonce))
    else:
        promote(pool, sender)
