"""The write set of a block: the records it changed, as flat arrays for storage and followers."""

from ..lang import U64, U256, Ptr, Record, address_of, kernel, load64, poison
from ..state.code import find_code
from ..state.history import is_alive, push_account, push_slot, version_at
from ..state.world import (
    CODE_CHANGED,
    EMPTY_CODE_HASH,
    FOUNDED,
    UPPER_CHANGED,
    BaseAccount,
    BaseSlot,
    Code,
    World,
    any_slot,
    find_account,
    find_slot,
    insert_account,
    insert_slot,
    is_bare,
)


class AccountChange(Record):
    """An account after the block. ``exists`` 0: it is gone, and its storage with it."""

    address: U256
    balance: U256
    code_hash: U256
    nonce: U64
    exists: U64
    code_size: U64
    wiped: U64  # storage epoch: differs from 0 where storage was wiped since the account was loaded
    kept: U64  # KEPT_CODE, KEPT_UPPER: leaves of the state trie that the block left as they were


class SlotChange(Record):
    """A storage slot after the block."""

    address: U256
    key: U256
    value: U256


class Changes(Record):
    """Where the write set goes, and how much there is."""

    accounts: Ptr
    slots: Ptr
    account_count: U64
    slot_count: U64


ACCOUNT_CHANGE_SIZE = AccountChange.size
SLOT_CHANGE_SIZE = SlotChange.size
LISTED = 0xFFFFFFFD
#: Bits of ``kept``.
KEPT_CODE, KEPT_UPPER = CODE_CHANGED, UPPER_CHANGED


@kernel
def collect_changes(world: World, stamp: U64, out: Changes) -> None:
    """Write every changed record once; ``out`` has room for ``changed_count`` of each kind. Empties the list.

    Neither array overflows: each entry of the list writes one record at most.
    """
    mark = (stamp << 32) | LISTED
    out.account_count = U64(0)
    out.slot_count = U64(0)
    for i in range(world.changed_count):
        pointer = load64(world.changed + U64(i) * 8)
        if pointer & 1 != 0:
            write_slot(world, BaseSlot(pointer - 1), mark, out)
    for i in range(world.changed_count):  # after the slots, which look at what became of their accounts
        pointer = load64(world.changed + U64(i) * 8)
        if pointer & 1 == 0:
            write_account(world, BaseAccount(pointer), mark, out)
    poison(world.changed, world.changed_count * 8)
    world.changed_count = U64(0)


@kernel
def write_account(world: World, base: BaseAccount, mark: U64, out: Changes) -> None:
    if base.owner == mark:
        return
    base.owner = mark
    kept = ~base.changed & (KEPT_CODE | KEPT_UPPER)
    base.changed = U64(0)
    if is_alive(world, base.history):  # changed back within the block?
        before = version_at(world, base.history)
        same = before.balance == base.balance and before.nonce == base.nonce and before.exists == base.exists
        if same and before.code_hash == base.code_hash and before.storage_epoch == base.storage_epoch:
            return
    change = AccountChange(out.accounts + out.account_count * ACCOUNT_CHANGE_SIZE)
    out.account_count += 1
    write_current(base, kept, change)


@kernel
def write_current(base: BaseAccount, kept: U64, change: AccountChange) -> None:
    """An account as the world has it now."""
    change.address = base.address
    change.balance = base.balance
    change.code_hash = base.code_hash
    change.nonce = base.nonce
    change.exists = base.exists
    change.code_size = Code(base.code).size if base.code != 0 else U64(0)
    change.wiped = base.storage_epoch
    change.kept = kept


@kernel
def write_slot(world: World, base: BaseSlot, mark: U64, out: Changes) -> None:
    if base.owner == mark:
        return
    base.owner = mark
    account = base.account
    if is_alive(world, base.history):
        before = version_at(world, base.history)
        if before.balance == base.value and before.storage_epoch == base.storage_epoch:
            return
    value = base.value if base.storage_epoch == account.storage_epoch else U256(0)
    if value == 0 and account.changed & FOUNDED != 0:  # as before, where nothing could be
        return
    change = SlotChange(out.slots + out.slot_count * SLOT_CHANGE_SIZE)
    out.slot_count += 1
    change.address = account.address
    change.key = base.key
    change.value = value


@kernel
def load_accounts(world: World, changes: Ptr, n: U64, version: U64) -> U64:
    """Bring ``n`` AccountChange records, known to hold since block ``version``, into the tables. Answers how many fit.

    Code must have been interned before. Records that are in the tables already stay as they are.
    """
    for i in range(n):
        change = AccountChange(changes + U64(i) * ACCOUNT_CHANGE_SIZE)
        if address_of(find_account(world, change.address)) == 0:
            base = insert_account(world, change.address)
            if address_of(base) == 0:
                return U64(i)
            base.balance = change.balance
            base.code_hash = change.code_hash
            base.nonce = change.nonce
            base.exists = change.exists
            base.version = version
            base.code = U64(0)
            if change.code_hash != EMPTY_CODE_HASH:
                base.code = address_of(find_code(world, change.code_hash))
    return n


@kernel
def load_slots(world: World, changes: Ptr, n: U64, version: U64) -> U64:
    """Bring ``n`` SlotChange records into the tables; answers how many, which is less if the table is full.

    Their accounts must be there already: a slot says nothing about its account.
    """
    for i in range(n):
        change = SlotChange(changes + U64(i) * SLOT_CHANGE_SIZE)
        account = find_account(world, change.address)
        if address_of(account) == 0:
            return U64(i)
        if address_of(find_slot(world, account, change.key)) == 0:
            slot = insert_slot(world, account, change.key)
            if address_of(slot) == 0:
                return U64(i)
            slot.value = change.value
            slot.version = version
            if change.value != 0:
                account.has_storage = U64(1)
    return n


@kernel
def apply_changes(world: World, changes: Changes, height: U64) -> U64:
    """Replay a block's write set: recovery and followers. 0, or 1 when a table is full.

    Every changed record must be in the tables already (load it first), so that its history is right.
    """
    world.height = height
    for i in range(changes.account_count):
        change = AccountChange(changes.accounts + U64(i) * ACCOUNT_CHANGE_SIZE)
        base = insert_account(world, change.address)
        if address_of(base) == 0:
            return U64(1)
        push_account(world, base)
        base.version = height
        if change.exists == 0 and base.exists != 0:
            base.storage_epoch += 1
            base.has_storage = U64(0)
        base.balance = change.balance
        base.code_hash = change.code_hash
        base.nonce = change.nonce
        base.exists = change.exists
        base.code = U64(0)
        if change.code_hash != EMPTY_CODE_HASH:
            base.code = address_of(find_code(world, change.code_hash))
    for i in range(changes.slot_count):
        change = SlotChange(changes.slots + U64(i) * SLOT_CHANGE_SIZE)
        account = insert_account(world, change.address)
        if address_of(account) == 0:
            return U64(1)
        slot = insert_slot(world, account, change.key)
        if address_of(slot) == 0:
            return U64(1)
        push_slot(world, slot)
        slot.version = height
        slot.storage_epoch = account.storage_epoch
        slot.value = change.value
        if change.value != 0:
            account.has_storage = U64(1)
        elif account.has_storage != 0 and is_bare(account.nonce, account.code_hash):  # by an edit
            account.has_storage = U64(address_of(any_slot(world, account)) != 0)
    return U64(0)
