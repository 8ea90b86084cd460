"""Marks that mean something within one transaction: touched, warm, created, destructed, transient."""

from ..lang import U64, U256, address_of, kernel, store64, unpoison
from . import status
from .account import Account, Slot
from .journal import save
from .machine import Machine

WARM_OFFSET = Account.fields["warm"][1]
SLOT_WARM_OFFSET = Slot.fields["warm"][1]
SLOT_TRANSIENT_OFFSET = Slot.fields["transient"][1]
SLOT_TRANSIENT_STAMP_OFFSET = Slot.fields["transient_stamp"][1]


@kernel
def touch(m: Machine, a: Account) -> None:
    """EIP-161: an account that is touched and empty at the end of its transaction is removed."""
    if a.touched != m.stamp:
        save(m, address_of(a) + WARM_OFFSET)
        a.touched = m.stamp
        list_touched(m, a)


@kernel
def list_touched(m: Machine, a: Account) -> None:
    count = m.touched.count
    if count == m.touched.capacity:
        m.abort = U64(status.ARENA_FULL)  # the frame's end aborts the transaction
        return
    unpoison(m.touched.accounts, m.touched.accounts + count * 8, U64(8))
    store64(m.touched.accounts + count * 8, address_of(a))
    m.touched.count = count + 1


@kernel(inline=True)
def warm_account(m: Machine, a: Account) -> bool:
    """Mark as accessed in this transaction (EIP-2929); true if it was cold."""
    if a.warm == m.stamp:
        return False
    save(m, address_of(a) + WARM_OFFSET)
    a.warm = m.stamp
    return True


@kernel(inline=True)
def warm_slot(m: Machine, s: Slot) -> bool:
    if s.warm == m.stamp:
        return False
    save(m, address_of(s) + SLOT_WARM_OFFSET)
    s.warm = m.stamp
    return True


@kernel
def mark_created(m: Machine, a: Account) -> None:
    save(m, address_of(a) + WARM_OFFSET)
    a.created = m.stamp


@kernel(inline=True)
def transient(m: Machine, s: Slot) -> U256:
    """EIP-1153."""
    return s.transient if s.transient_stamp == m.stamp else U256(0)


@kernel
def set_transient(m: Machine, s: Slot, value: U256) -> None:
    save(m, address_of(s) + SLOT_TRANSIENT_OFFSET)
    save(m, address_of(s) + SLOT_TRANSIENT_STAMP_OFFSET)
    s.transient = value
    s.transient_stamp = m.stamp
