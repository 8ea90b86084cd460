"""Bring what a view changed into the world, as block ``world.height``."""

from ..lang import U64, U256, Ptr, address_of, kernel, load64, store64, unpoison
from ..state.code import intern_code
from ..state.history import push_account, push_slot
from ..state.world import CODE_CHANGED, FOUNDED, UPPER_CHANGED, World, insert_account, insert_slot
from .account import Account, Slot
from .machine import Machine

OK, WORLD_FULL = 0, 1


@kernel
def commit_view(m: Machine) -> U64:
    """Write every listed record that differs back to the world. OK, or WORLD_FULL with the rest not written."""
    return commit_range(m, U64(0), m.dirty.count)


@kernel
def commit_range(m: Machine, first: U64, end: U64) -> U64:
    """The same for a range of the list of changes."""
    for i in range(first, end):
        pointer = load64(m.dirty.records + U64(i) * 8)
        written = (
            commit_slot(m.world, Slot(pointer - 1))
            if pointer & 1 != 0
            else commit_account(m.world, Account(pointer))
        )
        if not written:
            return U64(WORLD_FULL)
    return U64(OK)


@kernel
def begin_change(world: World, pointer: Ptr) -> bool:
    """List a record as changed in this block (it may be listed more than once)."""
    if world.changed_count == world.changed_capacity:
        return False
    unpoison(world.changed, world.changed + world.changed_count * 8, U64(8))
    store64(world.changed + world.changed_count * 8, pointer)
    world.changed_count += 1
    return True


@kernel
def commit_account(world: World, a: Account) -> bool:
    base = a.base
    if address_of(base) == 0:
        if a.exists == 0:  # absent before and after; or a guess that was forgotten, whose address is nobody's
            return True
        base = insert_account(world, a.address)
        if address_of(base) == 0:
            return False
        a.base = base
    if a.exists == base.exists and a.nonce == base.nonce and a.balance == base.balance:
        if a.code_hash == base.code_hash and a.storage_epoch == base.storage_epoch:
            return True
    code = U64(0)
    if address_of(a.code) != 0:
        code = address_of(intern_code(world, a.code.bytes, a.code.size, a.code.hash))
        if code == 0:
            return False
    if not begin_change(world, address_of(base)):
        return False
    if base.version != world.height:
        if base.exists == 0 and base.has_storage == 0:
            base.changed |= FOUNDED
        push_account(world, base)
        base.version = world.height
    if base.code_hash != a.code_hash:
        base.changed |= CODE_CHANGED
    if base.balance >> 128 != a.balance >> 128:
        base.changed |= UPPER_CHANGED
    base.balance = a.balance
    base.nonce = a.nonce
    base.exists = a.exists
    base.code_hash = a.code_hash
    base.code = code
    if base.storage_epoch != a.storage_epoch:
        base.storage_epoch = a.storage_epoch
        base.has_storage = U64(0)
    return True


@kernel
def commit_slot(world: World, s: Slot) -> bool:
    a = s.account
    if s.storage_epoch != a.storage_epoch:  # wiped after it was written
        return True
    base = s.base
    if address_of(base) == 0:
        if s.value == 0:
            return True
        account = a.base
        if address_of(account) == 0:
            account = insert_account(world, a.address)
            if address_of(account) == 0:
                return False
            a.base = account
        base = insert_slot(world, account, s.key)
        if address_of(base) == 0:
            return False
        s.base = base
    current = base.value if base.storage_epoch == s.storage_epoch else U256(0)
    if current == s.value:
        return True
    if not begin_change(world, address_of(base) | 1):
        return False
    if base.version != world.height:
        push_slot(world, base)
        base.version = world.height
    base.value = s.value
    base.storage_epoch = s.storage_epoch
    if s.value != 0:
        base.account.has_storage = U64(1)
    return True
