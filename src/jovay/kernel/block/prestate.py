"""The keys a block read or wrote, with their values before it: what a stateless execution of the block needs."""

from ..lang import U64, Ptr, address_of, kernel
from ..machine.account import ACCOUNT_SIZE, SLOT_SIZE, Account, Slot, code_size
from ..machine.loading import account_at_height, slot_at_height
from ..machine.machine import Machine
from ..state.world import BaseAccount, BaseSlot, any_slot, is_bare
from .changes import ACCOUNT_CHANGE_SIZE, SLOT_CHANGE_SIZE, AccountChange, Changes, SlotChange

TOUCHED = 0xFFFFFFFC


@kernel
def collect_touched(m: Machine, stamp: U64, height: U64, out: Changes, scratch: Ptr) -> None:
    """Append every world record in the views of ``m``, once per block, with its value as of block ``height``.

    ``scratch`` has room for an Account and a Slot, ``out`` for all records of the world. Call it for all machines
    before ``collect_changes``.
    """
    mark = (stamp << 32) | TOUCHED
    for i in range(m.account_count):
        base = Account(m.accounts + U64(i) * ACCOUNT_SIZE).base
        if address_of(base) != 0:
            add_account(m, base, mark, height, out, Account(scratch))
    for i in range(m.slot_count):
        slot = Slot(m.slots + U64(i) * SLOT_SIZE).base
        if address_of(slot) != 0:
            add_slot(m, slot, mark, height, out, scratch)


@kernel
def add_account(m: Machine, base: BaseAccount, mark: U64, height: U64, out: Changes, a: Account) -> None:
    if base.owner == mark:
        return
    base.owner = mark
    if not account_at_height(m.world, base, height, a):
        return
    entry = AccountChange(out.accounts + out.account_count * ACCOUNT_CHANGE_SIZE)
    out.account_count += 1
    entry.address = base.address
    entry.balance = a.balance
    entry.code_hash = a.code_hash
    entry.nonce = a.nonce
    entry.exists = a.exists
    entry.code_size = code_size(a)
    entry.wiped = U64(0)
    if base.has_storage != 0 and is_bare(a.nonce, a.code_hash) and is_bare(base.nonce, base.code_hash):
        add_any_slot(m, base, mark, height, out, address_of(a))


@kernel(inline=False)
def add_any_slot(m: Machine, base: BaseAccount, mark: U64, height: U64, out: Changes, scratch: Ptr) -> None:
    """Append a slot that shows that an account has storage, which forbids a creation (EIP-7610).

    That can only be where the state was edited, so a search is good enough.
    """
    s = any_slot(m.world, base)
    if address_of(s) != 0:
        add_slot(m, s, mark, height, out, scratch)


@kernel
def add_slot(m: Machine, base: BaseSlot, mark: U64, height: U64, out: Changes, scratch: Ptr) -> None:
    if base.owner == mark:
        return
    base.owner = mark
    s = Slot(scratch + ACCOUNT_SIZE)
    s.storage_epoch = base.storage_epoch
    if not slot_at_height(m.world, base, height, s):
        return
    account = base.account
    entry = SlotChange(out.slots + out.slot_count * SLOT_CHANGE_SIZE)
    out.slot_count += 1
    entry.address = account.address
    entry.key = base.key
    entry.value = s.value
