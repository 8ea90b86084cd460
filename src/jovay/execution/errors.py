"""Errors of native execution."""

from __future__ import annotations


class ExecutionError(Exception):
    """Base of what native execution raises."""


class WorldFullError(ExecutionError):
    """A table of the world is full; nothing was lost, but the block cannot go on."""

    def __init__(self, table: str, capacity: int) -> None:
        super().__init__(f"the native state's table of {table} is full ({capacity})")
        self.table, self.capacity = table, capacity


class ArenaFullError(ExecutionError):
    """An execution needed more memory than its machine has."""


class TrieError(ExecutionError):
    """The state trie could not take a write set."""

    def __init__(self, status: int, accounts: int, slots: int) -> None:
        super().__init__(f"state trie: status {status} for {accounts} accounts and {slots} slots")
        self.status = status


class GuestError(ExecutionError):
    """The stateless program did not reach its end in the emulator."""
