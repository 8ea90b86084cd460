"""A machine's view of the world: records are copied on first use, changed in place and journalled.

``find_record`` and ``find_slot_record`` only say what the view has already. What it has not, a transaction must have
paid for before it is looked for in the world. A look-up there gives the null record when the key is not in memory (the
miss is listed) or may not be used by this conflict group; ``m.abort`` then says why, and the caller ends the
transaction with it.
"""

from ..lang import U64, U256, Ptr, address_of, fill, kernel, load64, poison, store64, unpoison
from ..state.world import BaseSlot, hash_word, slot_hash
from . import status
from .account import ACCOUNT_SIZE, SLOT_SIZE, Account, Slot
from .journal import clear_journal
from .loading import load_account, load_slot
from .log import LOG_SIZE
from .machine import Machine
from .misses import MISS_SIZE

#: An index entry has 32 bits for its generation. Beyond this one the indexes are cleared and counted from 1 again.
LAST_GENERATION = 1 << 31


@kernel
def forget_records(m: Machine) -> None:
    """Forget every record, every listed change and new code, which must be in the world by now or not wanted."""
    m.tables.generation += 1
    if m.tables.generation > LAST_GENERATION:
        fill(m.tables.account_index, U64(0), (m.tables.account_mask + 1) * 8)
        fill(m.tables.slot_index, U64(0), (m.tables.slot_mask + 1) * 8)
        m.tables.generation = U64(1)
    poison(m.tables.accounts, m.tables.account_count * ACCOUNT_SIZE)
    poison(m.tables.slots, m.tables.slot_count * SLOT_SIZE)
    poison(m.dirty.records, m.dirty.count * 8)
    poison(m.misses.entries, m.misses.count * MISS_SIZE)
    clear_journal(m)
    poison(m.code.start, m.code.used)
    m.tables.account_count = U64(0)
    m.tables.slot_count = U64(0)
    m.dirty.count = U64(0)
    m.dirty.stamp += 1
    m.code.used = U64(0)
    m.misses.count = U64(0)


@kernel
def reset_view(m: Machine) -> None:
    """Forget everything: records, listed changes, logs."""
    forget_records(m)
    poison(m.logs.records, m.logs.count * LOG_SIZE)
    poison(m.logs.data, m.logs.data_used)
    m.logs.count = U64(0)
    m.logs.data_used = U64(0)
    m.tx.index = U64(0)


@kernel
def forget_index(m: Machine) -> None:
    """Start another conflict group: it finds no record of the groups before, whose changes stay listed.

    Less than 2³¹ times between two resets of the view.
    """
    m.tables.generation += 1


@kernel(inline=False)
def forget_since(m: Machine, accounts: U64, slots: U64, dirty: U64) -> None:
    """Forget the newest records and listed changes down to the given numbers, so that others find room.

    Taken out newest first, index entries leave the probe paths of the older ones as they were.
    """
    while m.dirty.count > dirty:
        m.dirty.count -= 1
        pointer = load64(m.dirty.records + m.dirty.count * 8)
        if pointer & 1 != 0:
            Slot(pointer - 1).listed = U64(0)
        else:
            Account(pointer).listed = U64(0)
        poison(m.dirty.records + m.dirty.count * 8, U64(8))
    while m.tables.slot_count > slots:
        entry = (m.tables.generation << 32) | m.tables.slot_count
        m.tables.slot_count -= 1
        s = Slot(m.tables.slots + m.tables.slot_count * SLOT_SIZE)
        free_entry(
            m.tables.slot_index,
            m.tables.slot_mask,
            slot_hash(m.tables.seed, address_of(s.account), s.key),
            entry,
        )
        poison(address_of(s), U64(SLOT_SIZE))
    while m.tables.account_count > accounts:
        entry = (m.tables.generation << 32) | m.tables.account_count
        m.tables.account_count -= 1
        a = Account(m.tables.accounts + m.tables.account_count * ACCOUNT_SIZE)
        free_entry(m.tables.account_index, m.tables.account_mask, hash_word(m.tables.seed, a.address), entry)
        poison(address_of(a), U64(ACCOUNT_SIZE))


@kernel
def free_entry(index: Ptr, mask: U64, first: U64, entry: U64) -> None:
    """Free the place of ``entry``, which was put in on the probe path that begins at ``first``."""
    at = first & mask
    while load64(index + at * 8) != entry:
        at = (at + 1) & mask
    store64(index + at * 8, U64(0))


@kernel(inline=True)
def find_record(m: Machine, address: U256) -> tuple[Account, U64]:
    """The view's record of ``address``, or the null record if it has none; and the place of either in the index."""
    at = hash_word(m.tables.seed, address) & m.tables.account_mask
    while True:
        entry = load64(m.tables.account_index + at * 8)
        if entry >> 32 != m.tables.generation:
            return Account(U64(0)), at
        found = Account(m.tables.accounts + ((entry & 0xFFFFFFFF) - 1) * ACCOUNT_SIZE)
        if found.address == address:
            return found, at
        at = (at + 1) & m.tables.account_mask


@kernel(inline=True)
def account(m: Machine, address: U256) -> Account:
    """The view's record of ``address``, loaded from the world if need be."""
    found, at = find_record(m, address)
    return found if address_of(found) != 0 else load_account(m, address, at)


@kernel(inline=True)
def find_slot_record(m: Machine, a: Account, key: U256) -> tuple[Slot, U64]:
    """The view's record of a slot, or the null record if it has none; and the place of either in the index."""
    at = slot_hash(m.tables.seed, address_of(a), key) & m.tables.slot_mask
    while True:
        entry = load64(m.tables.slot_index + at * 8)
        if entry >> 32 != m.tables.generation:
            return Slot(U64(0)), at
        found = Slot(m.tables.slots + ((entry & 0xFFFFFFFF) - 1) * SLOT_SIZE)
        if found.key == key and found.account == a:
            return found, at
        at = (at + 1) & m.tables.slot_mask


@kernel(inline=True)
def slot_entry(m: Machine, a: Account, key: U256) -> Slot:
    """The view's record of a slot, made if need be; its persistent value may not be loaded yet."""
    found, at = find_slot_record(m, a, key)
    return found if address_of(found) != 0 else add_slot(m, a, key, at)


@kernel(inline=False)
def add_slot(m: Machine, a: Account, key: U256, at: U64) -> Slot:
    position = m.tables.slot_count
    if position * 2 > m.tables.slot_mask or position == m.tables.slot_capacity:
        m.abort = U64(status.ARENA_FULL)
        return Slot(U64(0))
    s = Slot(m.tables.slots + position * SLOT_SIZE)
    unpoison(m.tables.slots, address_of(s), U64(SLOT_SIZE))
    s.key = key
    s.account = a
    s.storage_epoch = a.storage_epoch
    s.value = U256(0)
    s.original_stamp = U64(0)
    s.loaded = U64(0)
    s.base = BaseSlot(U64(0))
    s.warm = U64(0)
    s.listed = U64(0)
    s.read_only = U64(0)
    s.prepaid = U64(0)
    s.transient_stamp = U64(0)
    m.tables.slot_count = position + 1
    store64(m.tables.slot_index + at * 8, (m.tables.generation << 32) | (position + 1))
    return s


@kernel(inline=True)
def slot(m: Machine, a: Account, key: U256) -> Slot:
    """The view's record of a slot with its value, loaded from the world if need be."""
    s = slot_entry(m, a, key)
    return with_value(m, a, s) if address_of(s) != 0 else s


@kernel(inline=True)
def with_value(m: Machine, a: Account, s: Slot) -> Slot:
    """A slot's record with its value loaded and its value at the transaction's start noted; null if it cannot be."""
    if s.loaded == 0 and not load_slot(m, a, s):
        return Slot(U64(0))
    if s.storage_epoch != a.storage_epoch:  # the account was wiped since
        s.storage_epoch = a.storage_epoch
        s.value = U256(0)
    if s.original_stamp != m.stamp:
        s.original = s.value
        s.original_stamp = m.stamp
    return s
