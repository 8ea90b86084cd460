"""Values of the world's records, as of a block, become records of a view."""

from ..lang import U64, U256, address_of, kernel, poison, store64, unpoison
from ..state.history import Version, find_version
from ..state.world import (
    EMPTY_CODE_HASH,
    FOUNDED,
    BaseAccount,
    BaseSlot,
    Code,
    World,
    find_account,
    find_slot,
)
from . import status
from .account import ACCOUNT_SIZE, Account, Slot
from .machine import Machine
from .misses import GUESSED, may_guess, miss

#: ``owner`` of records that several groups of a block may read and none may write: the block's stamp with this.
READ_ONLY_GROUP = 0xFFFFFFFF


@kernel
def account_at_height(world: World, base: BaseAccount, height: U64, into: Account) -> bool:
    """Copy the account as of block ``height``; false when that is no longer kept."""
    if base.version <= height:
        into.balance = base.balance
        into.code_hash = base.code_hash
        into.nonce = base.nonce
        into.code = Code(base.code)
        into.exists = base.exists
        into.storage_epoch = base.storage_epoch
        return True
    v = find_version(world, base.history, height)
    if v == Version(U64(0)):
        return False
    into.balance = v.balance
    into.code_hash = v.code_hash
    into.nonce = v.nonce
    into.code = v.code
    into.exists = v.exists
    into.storage_epoch = v.storage_epoch
    return True


@kernel
def slot_at_height(world: World, base: BaseSlot, height: U64, into: Slot) -> bool:
    """Copy the slot's value as of block ``height`` (zero if the account was wiped since); false if not kept."""
    if base.version <= height:
        into.value = base.value if base.storage_epoch == into.storage_epoch else U256(0)
        return True
    v = find_version(world, base.history, height)
    if v == Version(U64(0)):
        return False
    into.value = v.balance if v.storage_epoch == into.storage_epoch else U256(0)
    return True


@kernel
def permission(m: Machine, owner: U64) -> U64:
    """What the running group may do with a record: 0 nothing, 1 read, 2 write."""
    if m.isolation.group == 0 or owner == m.isolation.group:
        return U64(2)
    return U64(1) if owner == m.isolation.group | READ_ONLY_GROUP else U64(0)


@kernel(inline=False)
def load_account(m: Machine, address: U256, at: U64) -> Account:
    """Copy an account from the world into index position ``at``."""
    nothing = Account(U64(0))
    if m.isolation.sealed != 0:
        miss(m, U64(0), address, U256(0))
        return nothing
    base = find_account(m.world, address)
    known = address_of(base) != 0
    guessed = not known and (m.world.complete == 0 or m.isolation.parallel != 0)
    allowed = U64(2)
    if known:
        allowed = permission(m, base.owner)
        if allowed == 0:
            m.abort = U64(status.LEFT_SET)
            return nothing
    elif guessed and not may_guess(m, U64(0), address, U256(0)):
        return nothing
    if (
        m.isolation.parallel != 0 and address == m.block.coinbase
    ):  # its balance is known only when all fees are
        m.abort = U64(status.LEFT_SET)
        return nothing
    position = m.tables.account_count
    if position * 2 > m.tables.account_mask or position == m.tables.account_capacity:
        m.abort = U64(status.ARENA_FULL)
        return nothing
    a = Account(m.tables.accounts + position * ACCOUNT_SIZE)
    unpoison(m.tables.accounts, address_of(a), U64(ACCOUNT_SIZE))
    a.address = address
    a.base = base
    a.read_only = U64(allowed == 1)
    a.group = m.isolation.group
    a.guessed = U64(guessed)
    a.prepaid = U64(0)
    a.warm = U64(0)
    a.created = U64(0)
    a.destructed = U64(0)
    a.touched = U64(0)
    a.listed = U64(0)
    a.seen = U64(0)
    if not known:
        clear_account(a)
        a.storage_epoch = U64(0)
    elif not account_at_height(m.world, base, m.tables.height, a):
        miss(m, U64(0), address, U256(0))
        poison(address_of(a), U64(ACCOUNT_SIZE))
        return nothing
    m.tables.account_count = position + 1
    store64(m.tables.account_index + at * 8, (m.tables.generation << 32) | (position + 1))
    return a


@kernel
def clear_account(a: Account) -> None:
    """Make an account absent; its storage epoch stays."""
    a.balance = U256(0)
    a.nonce = U64(0)
    a.code_hash = EMPTY_CODE_HASH
    a.code = Code(U64(0))
    a.exists = U64(0)


@kernel(inline=False)
def load_slot(m: Machine, a: Account, s: Slot) -> bool:
    """Copy a slot's value from the world; false when it is missing or not ours."""
    if m.isolation.sealed != 0:
        miss(m, U64(1), a.address, s.key)
        return False
    s.value = U256(0)
    base_account = a.base
    if address_of(base_account) == 0 or a.storage_epoch > base_account.storage_epoch:
        s.loaded = U64(1)
        return True
    base = find_slot(m.world, base_account, s.key)
    if address_of(base) != 0:
        allowed = permission(m, base.owner)
        if allowed == 0:
            m.abort = U64(status.LEFT_SET)
            return False
        s.read_only = U64(allowed == 1)
        s.base = base
        if not slot_at_height(m.world, base, m.tables.height, s):
            miss(m, U64(1), a.address, s.key)
            return False
        s.loaded = U64(1)
        return True
    if base_account.exists == 0 and base_account.has_storage == 0 and base_account.version <= m.tables.height:
        s.loaded = U64(1)  # nothing can be stored under an account that does not exist
        return True
    if base_account.changed & FOUNDED != 0:
        s.loaded = U64(1)
        return True
    if m.world.complete == 0 or m.isolation.parallel != 0:
        if not may_guess(m, U64(1), a.address, s.key):
            return False
        s.loaded = U64(GUESSED)
        return True
    s.loaded = U64(1)
    return True
