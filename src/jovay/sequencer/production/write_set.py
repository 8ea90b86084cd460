"""A block's write set, out of the world that it has changed."""

from __future__ import annotations

import ctypes

from jovay.kernel.block import changes
from jovay.kernel.block.changes import AccountChange, Changes, SlotChange
from jovay.kernel.state.code import code_footprint
from jovay.kernel.state.world import Code
from jovay.native.arena import Arena
from jovay.native.library import Library
from jovay.native.records import View, array_at, new_record
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
        self._first_code = self._end_of_code()

    def _end_of_code(self) -> int:
        return int(self._world.view.codes + self._world.view.codes_used)

    def take(self, stamp: int) -> WriteSet:
        """What the block with this stamp has changed."""
        spec = new_record(Changes, {"accounts": self._accounts.address, "slots": self._slots.address})
        at = ctypes.addressof(spec)
        self._library[changes.collect_changes](self._world.address, stamp, at)
        found = View(Changes, at)
        return WriteSet(
            array_at(self._accounts.address, found.account_count, AccountChange).copy(),
            array_at(self._slots.address, found.slot_count, SlotChange).copy(),
            self._new_codes(),
        )

    def _new_codes(self) -> list[bytes]:
        at, end, codes = self._first_code, self._end_of_code(), []
        while at < end:
            code = View(Code, at)
            codes.append(ctypes.string_at(code.bytes, code.size))
            at += int(code_footprint(code.size))
        return codes
