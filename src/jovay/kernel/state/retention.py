"""Eviction: what blocks used lately moves into a new world, and the rest stays behind in the old one.

A key that is not in memory is read from the flat state, so what changed after its checkpoint must move; and what
changed after an earlier block, if the state since then shall stay known. Of the rest, the last block that used a
record decides (``owner``, where the scheduler and the write set leave the block's stamp). Readers may go on in the old
world, which nobody changes any more.
"""

from ..lang import U64, Ptr, Record, address_of, clz, copy, kernel, load64, store64, unpoison
from .code import intern_code
from .history import VERSION_SIZE, is_alive, version_at
from .world import (
    BaseAccount,
    BaseSlot,
    Code,
    World,
    account_at,
    insert_account,
    insert_slot,
    slot_at,
)

#: Classes of records: what must move, then the rest by the number of bits of its age; 33 if no block has used it.
CLASSES = 35


class Horizon(Record):
    """What moves: records newer than block ``height``, and those that one of the last ``blocks`` blocks used."""

    height: U64
    stamp: U64  # of the newest block
    blocks: U64


@kernel
def age(owner: U64, stamp: U64) -> U64:
    """Blocks since a record was used; 2³² if none did. Stamps count to 2³² and begin again."""
    used = owner >> 32
    return (stamp - used) & 0xFFFFFFFF if used != 0 else U64(1 << 32)


@kernel
def age_bits(owner: U64, stamp: U64) -> U64:
    """Number of bits of the age."""
    return 64 - clz(age(owner, stamp))


@kernel
def must_move(version: U64, owner: U64, horizon: Horizon) -> bool:
    return version > horizon.height or age(owner, horizon.stamp) < horizon.blocks


@kernel
def count_classes(world: World, horizon: Horizon, out: Ptr) -> None:
    """Numbers of accounts by class as U64 at ``out``, then of slots."""
    for i in range(world.account_count):
        a = account_at(world, U64(i))
        count_one(a.version, a.owner, horizon, out)
    for i in range(world.slot_count):
        s = slot_at(world, U64(i))
        count_one(s.version, s.owner, horizon, out + U64(CLASSES * 8))


@kernel(inline=True)
def count_one(version: U64, owner: U64, horizon: Horizon, out: Ptr) -> None:
    at = out
    if version <= horizon.height:
        at += (1 + age_bits(owner, horizon.stamp)) * 8
    store64(at, load64(at) + 1)


@kernel
def move_world(old: World, new: World, horizon: Horizon) -> U64:
    """Fill ``new``, which is empty and not smaller, with what moves and its history. 0, or 1 when it is full."""
    new.height = old.height
    new.history_next = old.history_next
    written = old.history_next if old.history_next < old.history_capacity else old.history_capacity
    unpoison(new.history, new.history, written * VERSION_SIZE)
    copy(new.history, old.history, written * VERSION_SIZE)
    for i in range(old.account_count):
        a = account_at(old, U64(i))
        a.first_user = U64(0)
        if must_move(a.version, a.owner, horizon) and address_of(move_account(a, new)) == 0:
            return U64(1)
    for i in range(old.slot_count):
        s = slot_at(old, U64(i))
        if must_move(s.version, s.owner, horizon) and not move_slot(s, new):
            return U64(1)
    return U64(0)


@kernel
def move_account(a: BaseAccount, new: World) -> BaseAccount:
    """The account's record in ``new``; null when there is no room for it or for code that it has or had.

    Its address is noted in ``first_user``, which only the scheduler uses otherwise.
    """
    if a.first_user != 0:
        return BaseAccount(a.first_user)
    moved = insert_account(new, a.address)
    if address_of(moved) == 0:
        return moved
    a.first_user = address_of(moved)
    moved.balance = a.balance
    moved.code_hash = a.code_hash
    moved.nonce = a.nonce
    moved.exists = a.exists
    moved.has_storage = a.has_storage
    moved.storage_epoch = a.storage_epoch
    moved.version = a.version
    moved.history = a.history
    moved.owner = a.owner
    moved.code = move_code(a.code, new)
    full = a.code != 0 and moved.code == 0
    link = moved.history
    while is_alive(new, link):
        v = version_at(new, link)
        before = address_of(v.code)
        v.code = Code(move_code(before, new))
        full = full or (before != 0 and address_of(v.code) == 0)
        link = v.older
    return BaseAccount(U64(0)) if full else moved


@kernel
def move_code(code: Ptr, new: World) -> Ptr:
    """Address of the Code record in ``new`` that equals the one at ``code``; 0 for 0, or when there is no room."""
    if code == 0:
        return code
    old = Code(code)
    return address_of(intern_code(new, old.bytes, old.size, old.hash))


@kernel
def move_slot(s: BaseSlot, new: World) -> bool:
    account = move_account(s.account, new)
    if address_of(account) == 0:
        return False
    moved = insert_slot(new, account, s.key)
    if address_of(moved) == 0:
        return False
    moved.value = s.value
    moved.storage_epoch = s.storage_epoch
    moved.version = s.version
    moved.history = s.history
    moved.owner = s.owner
    return True
