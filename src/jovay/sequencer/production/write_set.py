"""A block's write set, out of the world that it has changed."""

from __future__ import annotations

from jovay.kernel.block import changes
from jovay.kernel.block.changes import AccountChange, Changes, SlotChange
from jovay.native.arena import Arena
from jovay.native.library import Library
from jovay.native.records import new_record
from jovay.state.world import NativeWorld
from jovay.state.writes import WriteSet

MAX_CHANGES = 1 << 22


class Changed:
    """What has changed in a world since ``begin``."""

    def __init__(self, library: Library, world: NativeWorld) -> None:
        self._library, self._world = library, world
        self._accounts = Arena(MAX_CHANGES * AccountChange.size, name="changes.accounts")
        self._slots = Arena(MAX_CHANGES * SlotChange.size, name="changes.slots")
        self.begin()

    def begin(self) -> None:
        """A block begins."""
        self._first_code = self._world.view.codes_used

    def take(self, stamp: int) -> WriteSet:
        """What the block with this stamp has changed."""
        found = new_record(Changes, {"accounts": self._accounts, "slots": self._slots})
        self._library[changes.collect_changes](self._world, stamp, found)
        return WriteSet(
            self._accounts.array(AccountChange, found.account_count).copy(),
            self._slots.array(SlotChange, found.slot_count).copy(),
            self._new_codes(),
        )

    def _new_codes(self) -> list[bytes]:
        return list(self._world.tables.codes(self._first_code))
