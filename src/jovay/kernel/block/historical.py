"""Values of the world's records as they were after an earlier block, for many keys at a time."""

from ..lang import U64, Ptr, address_of, kernel
from ..machine.account import Account, Slot, code_size
from ..machine.loading import account_at_height, slot_at_height
from ..state.world import World, find_account, find_slot
from .changes import ACCOUNT_CHANGE_SIZE, SLOT_CHANGE_SIZE, AccountChange, SlotChange


@kernel
def accounts_at(world: World, changes: Ptr, first: U64, n: U64, height: U64, scratch: Account) -> U64:
    """Fill the AccountChange records from ``first`` to ``n`` with what their addresses had after block ``height``.

    Answers n, or the first one that the world cannot tell. ``scratch`` is room for one record.
    """
    for i in range(first, n):
        change = AccountChange(changes + U64(i) * ACCOUNT_CHANGE_SIZE)
        base = find_account(world, change.address)
        if address_of(base) == 0 or not account_at_height(world, base, height, scratch):
            return U64(i)
        change.balance = scratch.balance
        change.code_hash = scratch.code_hash
        change.nonce = scratch.nonce
        change.exists = scratch.exists
        change.code_size = code_size(scratch)
        change.wiped = U64(0)
        change.kept = U64(0)
    return n


@kernel
def slots_at(
    world: World, changes: Ptr, first: U64, n: U64, height: U64, account: Account, slot: Slot
) -> U64:
    """The same for SlotChange records. ``account`` and ``slot`` are room for a record each."""
    for i in range(first, n):
        change = SlotChange(changes + U64(i) * SLOT_CHANGE_SIZE)
        base_account = find_account(world, change.address)
        if address_of(base_account) == 0 or not account_at_height(world, base_account, height, account):
            return U64(i)
        base = find_slot(world, base_account, change.key)
        slot.storage_epoch = account.storage_epoch
        if address_of(base) == 0 or not slot_at_height(world, base, height, slot):
            return U64(i)
        change.value = slot.value
    return n
