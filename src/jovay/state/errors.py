"""Errors of native execution."""

from __future__ import annotations


class ExecutionError(Exception):
    """Base of what native execution raises."""


class WorldFullError(ExecutionError):
    """A table of the world is full; nothing was lost, but the block cannot go on."""

    def __init__(self, table: str, capacity: int) -> None:
        option = {"accounts": "--accounts", "slots": "--slots", "code": "--code-mib"}.get(table)
        more = (
            f"start the node with more of them ({option})" if option else "--accounts and --slots give room"
        )
        super().__init__(f"the native state's table of {table} is full ({capacity}): {more}")
        self.table, self.capacity = table, capacity


class CacheFullError(ExecutionError):
    """So much state is in memory that reading more of it is refused until records have left it: soon."""

    def __init__(self, table: str, capacity: int) -> None:
        super().__init__(
            f"three quarters of the native state's {capacity} {table} are in use: try again in a moment"
        )
        self.table, self.capacity = table, capacity


class ArenaFullError(ExecutionError):
    """An execution needed more memory than its machine has."""


class TrieError(ExecutionError):
    """The state trie could not take a write set."""

    def __init__(self, status: int, accounts: int, slots: int) -> None:
        super().__init__(f"state trie: status {status} for {accounts} accounts and {slots} slots")
        self.status = status


class TrieFullError(TrieError):
    """The state has more leaves than the state trie has room for; nothing was changed."""

    def __init__(self, status: int, accounts: int, slots: int, used: int, capacity: int) -> None:
        super().__init__(status, accounts, slots)
        self.args = (
            f"the state trie is full: {used} of {capacity} leaves are used, and {accounts} accounts and {slots} slots"
            f" do not fit; start the node with more room (--trie-leaves, 160 bytes each)",
        )
        self.used, self.capacity = used, capacity


class StateDamagedError(ExecutionError):
    """Stored state contradicts itself."""

    def __init__(self, what: str, address: bytes) -> None:
        super().__init__(
            f"the flat state is damaged: it has {what} of 0x{address.hex()}, but no such account. Files in state/ are"
            " damaged or missing: put them back from a copy, or load a snapshot (jovay snapshot load)"
        )
        self.address = address


class HistoryUnavailableError(ExecutionError):
    """The state after a block is no longer kept, or too far back; ``reason`` says more than that."""

    def __init__(self, number: int, reason: str = "") -> None:
        super().__init__(reason or f"historical state of block {number} is not available")
        self.number = number


class StateRootError(ExecutionError):
    """Older values do not lead back to the state root in a block's header."""

    def __init__(self, number: int, expected: bytes, found: bytes) -> None:
        super().__init__(
            f"the state of block {number} cannot be led back to: root {found.hex()} instead of {expected.hex()}"
        )
        self.number, self.expected, self.found = number, expected, found


class TrieBusyError(ExecutionError):
    """Looks at the state trie have taken so much of the sequencer's time that more are refused for a while."""

    def __init__(self) -> None:
        super().__init__("too much is asked of the state trie, try again later")


class StateMovedError(ExecutionError):
    """Records moved to other tables while an execution read them; done again, it finds them there."""

    def __init__(self) -> None:
        super().__init__("the state moved in memory: try again")


class UnknownBlockError(ExecutionError):
    """There is no such block."""

    def __init__(self, number: int) -> None:
        super().__init__(f"block #{number} not found")
        self.number = number
