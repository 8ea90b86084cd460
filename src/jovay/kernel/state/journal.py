"""Undo log: the 32 bytes at an address before they were written. Undoing in reverse restores any earlier state."""

from ..evm.machine import Machine
from ..lang import U64, Ptr, kernel, load64, load256, store64, store256

ENTRY = 40


@kernel(inline=True)
def save(m: Machine, pointer: Ptr) -> None:
    """Remember the 32 bytes at ``pointer``. A full journal drops the entry and marks itself over-full."""
    count = m.journal_count
    m.journal_count = count + 1
    if count < m.journal_capacity:
        entry = m.journal + count * ENTRY
        store64(entry, pointer)
        store256(entry + 8, load256(pointer))


@kernel
def undo_to(m: Machine, checkpoint: U64) -> None:
    """Restore everything written since ``checkpoint``."""
    count = m.journal_count
    if count > m.journal_capacity:
        count = m.journal_capacity
    while count > checkpoint:
        count -= 1
        entry = m.journal + count * ENTRY
        store256(load64(entry), load256(entry + 8))
    m.journal_count = checkpoint


@kernel(inline=True)
def is_full(m: Machine) -> bool:
    return m.journal_count > m.journal_capacity
