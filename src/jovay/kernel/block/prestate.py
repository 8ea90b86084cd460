"""The keys that a block read or wrote, with their values before it: what a stateless execution of the block needs.

They come from the views that executed it, and only from runs that are part of it: what was predicted in vain, deferred,
postponed or set aside leaves nothing. Of the storage of an account that the block founded, only the place in the trie
is needed, of the slots that it has in the end: nothing lay under it before.

A key counts once, by the mark on its world record, when the block is through. Until then views that are about to be
emptied list their records, since the scheduler needs the marks.
"""

from ..lang import U64, U256, Ptr, Record, address_of, kernel, load64, store64
from ..machine.account import ACCOUNT_SIZE, SLOT_SIZE, Account, Slot, code_size, is_empty
from ..machine.loading import account_at_height, slot_at_height
from ..machine.machine import Machine
from ..state.history import find_version
from ..state.world import (
    FOUNDED,
    BaseAccount,
    BaseSlot,
    World,
    any_slot,
    find_account,
    find_slot,
    is_bare,
)
from ..transaction.record import L1_MESSAGE
from .changes import (
    ACCOUNT_CHANGE_SIZE,
    KEPT_CODE,
    KEPT_UPPER,
    SLOT_CHANGE_SIZE,
    AccountChange,
    SlotChange,
    write_current,
)
from .run import EXECUTED, run_at

TOUCHED = 0xFFFFFFFC


class Touched(Record):
    """Where the keys go; the arrays have room for all records of the world.

    ``kept`` of an account says which of its leaves the block left as they were. Of each array there is a twin, whose
    records are as they are after the block.
    """

    accounts: Ptr
    slots: Ptr
    founded: Ptr  # slots of accounts that the block founded
    accounts_after: Ptr
    slots_after: Ptr
    founded_after: Ptr
    account_count: U64
    slot_count: U64
    founded_count: U64
    missed: U64  # records without a value before the block, or that it changed and no view had
    ancestors: U64  # how many blocks back BLOCKHASH went
    mark: U64  # ``owner`` of records that are there
    height: U64  # whose state the values are from
    world: World
    account: Account  # room for a record each
    slot: Slot


@kernel
def begin_touched(out: Touched, world: World, stamp: U64, height: U64, ancestors: U64) -> None:
    """Start with nothing; ``ancestors`` is what the block's system calls asked for."""
    out.world, out.mark, out.height = world, (stamp << 32) | TOUCHED, height
    out.account_count = out.slot_count = out.founded_count = out.missed = U64(0)
    out.ancestors = ancestors


@kernel
def list_touched(m: Machine, at: Ptr) -> U64:
    """List the world records in a serial view at ``at``, slots with bit 0 set; their number."""
    count = U64(0)
    for i in range(m.tables.account_count):
        a = Account(m.tables.accounts + U64(i) * ACCOUNT_SIZE)
        if address_of(a.base) != 0:
            store64(at + count * 8, address_of(a.base))
            count += 1
    for i in range(m.tables.slot_count):
        base = Slot(m.tables.slots + U64(i) * SLOT_SIZE).base
        if address_of(base) != 0:
            store64(at + count * 8, address_of(base) | 1)
            count += 1
    return count


@kernel
def had_storage(world: World, base: BaseAccount, height: U64) -> bool:
    """Whether anything could be stored under an account as of block ``height``, the one before the running one."""
    if base.changed & FOUNDED != 0:
        return False
    if base.exists != 0 or base.has_storage != 0 or base.version <= height:
        return base.exists != 0 or base.has_storage != 0
    before = find_version(world, base.history, height)
    return address_of(before) != 0 and before.exists != 0


@kernel
def collect_listed(out: Touched, at: Ptr, count: U64) -> None:
    """Append what ``list_touched`` listed."""
    for i in range(count):
        pointer = load64(at + U64(i) * 8)
        if pointer & 1 != 0:
            add_slot(out, BaseSlot(pointer - 1))
        else:
            add_account(out, BaseAccount(pointer))


@kernel
def collect_runs(out: Touched, runs: Ptr, n: U64, coinbase: U256) -> None:
    """Append what the executed runs touched, but for records of the serial ones: those are listed.

    All changes must be in the world.
    """
    paid = False
    for i in range(n):
        r = run_at(runs, U64(i))
        if r.state == EXECUTED:
            if r.result.ancestors > out.ancestors:
                out.ancestors = r.result.ancestors
            if r.parent != n:
                collect_range(out, r.machine, r.first_account, r.account_end, r.first_slot, r.slot_end)
                paid = paid or r.transaction.kind != L1_MESSAGE
    if paid:
        base = find_account(out.world, coinbase)
        if address_of(base) != 0:
            add_account(out, base)


@kernel
def collect_slot(out: Touched, address: U256, key: U256) -> bool:
    """Append a slot and its account, whether or not the block touched them; false where one is not in memory."""
    account = find_account(out.world, address)
    if address_of(account) == 0:
        return False
    slot = find_slot(out.world, account, key)
    if address_of(slot) == 0:
        return False
    add_account(out, account)
    add_slot(out, slot)
    return True


@kernel
def collect_missed(out: Touched) -> None:
    """Count what the block changed, in the world's list, and is not among the keys."""
    for i in range(out.world.changed_count):
        pointer = load64(out.world.changed + U64(i) * 8)
        owner = BaseSlot(pointer - 1).owner if pointer & 1 != 0 else BaseAccount(pointer).owner
        if owner != out.mark:
            out.missed += 1


@kernel
def collect_range(
    out: Touched, m: Machine, first_account: U64, account_end: U64, first_slot: U64, slot_end: U64
) -> None:
    """Append records of a parallel view, all of which the world has."""
    for i in range(first_account, account_end):
        add_account(out, Account(m.tables.accounts + U64(i) * ACCOUNT_SIZE).base)
    for i in range(first_slot, slot_end):
        s = Slot(m.tables.slots + U64(i) * SLOT_SIZE)
        if address_of(s.base) != 0:
            add_slot(out, s.base)


@kernel
def add_account(out: Touched, base: BaseAccount) -> None:
    if base.owner == out.mark:
        return
    base.owner = out.mark
    a = out.account
    if not account_at_height(out.world, base, out.height, a):
        out.missed += 1
        return
    entry = AccountChange(out.accounts + out.account_count * ACCOUNT_CHANGE_SIZE)
    out.account_count += 1
    entry.address = base.address
    entry.balance = a.balance
    entry.code_hash = a.code_hash
    entry.nonce = a.nonce
    entry.exists = U64(not is_empty(a))  # an empty account (EIP-161) is none in the trie
    entry.code_size = code_size(a)
    entry.wiped = U64(0)
    entry.kept = U64(0)
    if base.code_hash == a.code_hash:
        entry.kept |= KEPT_CODE
    if base.balance >> 128 == a.balance >> 128:
        entry.kept |= KEPT_UPPER
    write_current(
        base, entry.kept, AccountChange(out.accounts_after + (out.account_count - 1) * ACCOUNT_CHANGE_SIZE)
    )
    if base.has_storage != 0 and is_bare(a.nonce, a.code_hash) and is_bare(base.nonce, base.code_hash):
        add_any_slot(out, base)


@kernel(inline=False)
def add_any_slot(out: Touched, base: BaseAccount) -> None:
    """Append a slot that shows that an account has storage, which forbids a creation (EIP-7610).

    That can only be where the state was edited, so a search is good enough.
    """
    s = any_slot(out.world, base)
    if address_of(s) != 0:
        add_slot(out, s)


@kernel
def add_slot(out: Touched, base: BaseSlot) -> None:
    if base.owner == out.mark:
        return
    base.owner = out.mark
    s, account = out.slot, base.account
    s.storage_epoch = base.storage_epoch
    if not slot_at_height(out.world, base, out.height, s):
        out.missed += 1
        return
    value = base.value if base.storage_epoch == account.storage_epoch else U256(0)
    if had_storage(out.world, account, out.height):
        at = out.slot_count * SLOT_CHANGE_SIZE
        write_key(SlotChange(out.slots + at), account, base, s.value)
        write_key(SlotChange(out.slots_after + at), account, base, value)
        out.slot_count += 1
    elif value != 0:
        at = out.founded_count * SLOT_CHANGE_SIZE
        write_key(SlotChange(out.founded + at), account, base, U256(0))
        write_key(SlotChange(out.founded_after + at), account, base, value)
        out.founded_count += 1


@kernel
def write_key(entry: SlotChange, account: BaseAccount, base: BaseSlot, value: U256) -> None:
    entry.address = account.address
    entry.key = base.key
    entry.value = value
