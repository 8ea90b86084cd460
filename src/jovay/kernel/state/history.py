"""Older values of world records: a ring of versions, chained from newest to oldest.

A version holds the value that a record had from block ``version`` until the next newer one. A link is the count of
versions ever written; it is dead once the ring has gone round it.
"""

from ..lang import U64, U256, Record, address_of, kernel, unpoison
from .world import BaseAccount, BaseSlot, Code, World


class Version(Record):
    version: U64
    older: U64
    balance: U256  # a slot's value stands here
    code_hash: U256
    nonce: U64
    code: Code
    exists: U64
    storage_epoch: U64


VERSION_SIZE = Version.size


@kernel(inline=True)
def version_at(world: World, link: U64) -> Version:
    return Version(world.history + ((link - 1) % world.history_capacity) * VERSION_SIZE)


@kernel(inline=True)
def is_alive(world: World, link: U64) -> bool:
    return link != 0 and link + world.history_capacity > world.history_next


@kernel
def push_account(world: World, base: BaseAccount) -> None:
    """Keep the present value of ``base`` as its newest older version."""
    if world.history_capacity == 0:
        return
    world.history_next += 1
    v = version_at(world, world.history_next)
    unpoison(world.history, address_of(v), U64(VERSION_SIZE))
    v.version = base.version
    v.older = base.history
    v.balance = base.balance
    v.code_hash = base.code_hash
    v.nonce = base.nonce
    v.code = Code(base.code)
    v.exists = base.exists
    v.storage_epoch = base.storage_epoch
    base.history = world.history_next


@kernel
def push_slot(world: World, base: BaseSlot) -> None:
    """Keep the present value of ``base`` as its newest older version."""
    if world.history_capacity == 0:
        return
    world.history_next += 1
    v = version_at(world, world.history_next)
    unpoison(world.history, address_of(v), U64(VERSION_SIZE))
    v.version = base.version
    v.older = base.history
    v.balance = base.value
    v.storage_epoch = base.storage_epoch
    base.history = world.history_next


@kernel
def find_version(world: World, link: U64, height: U64) -> Version:
    """The newest version at or below ``height`` on a chain; null when it is no longer kept."""
    while is_alive(world, link):
        v = version_at(world, link)
        if v.version <= height:
            return v
        link = v.older
    return Version(U64(0))
