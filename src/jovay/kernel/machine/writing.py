"""Changes of the state in a view: what is written is listed and journalled."""

from ..lang import U64, U256, Ptr, address_of, kernel, store64, unpoison
from ..state.world import Code
from . import status
from .account import Account, Slot
from .journal import CHANGE, has_room, save
from .machine import Machine
from .marks import WARM_OFFSET, list_touched, touch

BALANCE_OFFSET = Account.fields["balance"][1]
NONCE_OFFSET = Account.fields["nonce"][1]
CODE_HASH_OFFSET = Account.fields["code_hash"][1]
SLOT_VALUE_OFFSET = Slot.fields["value"][1]


@kernel
def may_write_account(m: Machine, a: Account) -> bool:
    """List ``a`` as changed; false when the group may only read it, or where the journal is full."""
    if a.read_only != 0:
        m.abort = U64(status.LEFT_SET)
        return False
    if not has_room(m, U64(CHANGE)):
        return False
    if a.listed != m.dirty.stamp:
        if not list_dirty(m, address_of(a)):
            return False
        a.listed = m.dirty.stamp
    return True


@kernel
def list_dirty(m: Machine, pointer: Ptr) -> bool:
    """List a record as changed. It is listed once: ``listed`` is never undone, so there is room for all records."""
    if m.dirty.count == m.dirty.capacity:
        m.abort = U64(status.ARENA_FULL)
        return False
    unpoison(m.dirty.records, m.dirty.records + m.dirty.count * 8, U64(8))
    store64(m.dirty.records + m.dirty.count * 8, pointer)
    m.dirty.count += 1
    return True


@kernel
def set_balance(m: Machine, a: Account, balance: U256) -> bool:
    if not may_write_account(m, a):
        return False
    save(m, address_of(a) + BALANCE_OFFSET)
    a.balance = balance
    if a.exists == 0:
        save(m, address_of(a) + NONCE_OFFSET)
        a.exists = U64(1)
    touch(m, a)
    return True


@kernel
def set_nonce(m: Machine, a: Account, nonce: U64) -> bool:
    if not may_write_account(m, a):
        return False
    save(m, address_of(a) + NONCE_OFFSET)
    a.nonce = nonce
    a.exists = U64(1)
    return True


@kernel
def set_code(m: Machine, a: Account, code: Code, code_hash: U256) -> bool:
    if not may_write_account(m, a):
        return False
    save(m, address_of(a) + CODE_HASH_OFFSET)
    save(m, address_of(a) + NONCE_OFFSET)
    a.code_hash = code_hash
    a.code = code
    a.exists = U64(1)
    return True


@kernel
def set_slot(m: Machine, s: Slot, value: U256) -> bool:
    if s.read_only != 0:
        m.abort = U64(status.LEFT_SET)
        return False
    if not has_room(m, U64(CHANGE)):
        return False
    if s.listed != m.dirty.stamp:
        if not list_dirty(m, address_of(s) | 1):
            return False
        s.listed = m.dirty.stamp
    save(m, address_of(s) + SLOT_VALUE_OFFSET)
    s.value = value
    return True


@kernel
def mark_destructed(m: Machine, a: Account) -> bool:
    """Remove ``a`` at the end of its transaction; false if the group may not write it."""
    if not may_write_account(m, a):
        return False
    save(m, address_of(a) + WARM_OFFSET)
    a.destructed = m.stamp
    list_touched(m, a)
    return True
