"""Undo log: the 32 bytes at an address before they were written. Undoing in reverse restores any earlier state.

Those 32 bytes may hold several fields: all of them must be ones that a revert undoes. Marks that outlive it (what is on
a list, what is loaded) lie elsewhere in their records.

A full journal must not cost the power to undo. Values of the state (balances, nonces, code, slots) are therefore only
written where ``has_room`` says so. Marks that hold a transaction's stamp may be written without an entry: they mean
nothing to later transactions, and ``m.abort`` makes the frame's end give this one up.
"""

from ..lang import U64, Ptr, kernel, load64, load256, poison, store64, store256, unpoison
from .account import ACCOUNT_SIZE, SLOT_SIZE
from .machine import Machine
from .status import ARENA_FULL

ENTRY = 40
#: Entries that one change of the state takes at most.
CHANGE = 3


@kernel(inline=True)
def save(m: Machine, pointer: Ptr) -> None:
    """Remember the 32 bytes at ``pointer``. A full journal drops the entry and has the transaction aborted."""
    count = m.journal.count
    if count == m.journal.capacity:
        m.abort = U64(ARENA_FULL)
        return
    entry = m.journal.entries + count * ENTRY
    unpoison(m.journal.entries, entry, U64(ENTRY))
    store64(entry, pointer)
    store256(entry + 8, load256(pointer))
    m.journal.count = count + 1


@kernel(inline=True)
def has_room(m: Machine, entries: U64) -> bool:
    """Whether the journal takes ``entries`` more; else the transaction is aborted."""
    if m.journal.count + entries <= m.journal.capacity:
        return True
    m.abort = U64(ARENA_FULL)
    return False


@kernel
def undo_to(m: Machine, checkpoint: U64) -> None:
    """Restore everything written since ``checkpoint``."""
    count = m.journal.count
    while count > checkpoint:
        count -= 1
        entry = m.journal.entries + count * ENTRY
        store256(load64(entry), load256(entry + 8))
        poison(entry, U64(ENTRY))
    m.journal.count = checkpoint


@kernel
def restore_before(m: Machine, accounts: Ptr, slots: Ptr) -> None:
    """Undo the last finished transaction in copies of the view's account and slot tables."""
    count = m.journal.finished
    account_end, slot_end = (
        m.tables.accounts + m.tables.account_count * ACCOUNT_SIZE,
        m.tables.slots + m.tables.slot_count * SLOT_SIZE,
    )
    while count > 0:
        count -= 1
        entry = m.journal.entries + count * ENTRY
        pointer = load64(entry)
        if pointer >= m.tables.accounts and pointer < account_end:
            store256(accounts + (pointer - m.tables.accounts), load256(entry + 8))
        elif pointer >= m.tables.slots and pointer < slot_end:
            store256(slots + (pointer - m.tables.slots), load256(entry + 8))


@kernel
def clear_journal(m: Machine) -> None:
    """Forget what was before: what was written stays."""
    poison(m.journal.entries, m.journal.count * ENTRY)
    poison(m.journal.entries, m.journal.finished * ENTRY)
    m.journal.count = U64(0)
    m.journal.finished = U64(0)
