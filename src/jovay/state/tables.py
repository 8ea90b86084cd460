"""The tables of one world: an arena in which the kernel has laid out a World."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from typing import Any

import numpy.typing as npt

from jovay.kernel.lang import RED_ZONE
from jovay.kernel.state.code import code_footprint
from jovay.kernel.state.history import VERSION_SIZE
from jovay.kernel.state.layout import WORLD_SIZE, WorldSizes, init_world
from jovay.kernel.state.world import BaseAccount, BaseSlot, Code, World
from jovay.native.arena import Arena
from jovay.native.library import Library
from jovay.native.records import new_record

CODE_INDEX, CHANGED = 1 << 20, 1 << 22


def power_of_two(least: int) -> int:
    """The smallest power of two that is at least ``least``."""
    return 1 << max(4, (least - 1).bit_length())


def world_sizes(accounts: int, slots: int, code_bytes: int, history: int) -> dict[str, int]:
    """The fields of ``WorldSizes`` for these capacities."""
    return {
        "accounts": accounts,
        "account_index": power_of_two(2 * accounts + 1),
        "slots": slots,
        "slot_index": power_of_two(2 * slots + 1),
        "code_bytes": code_bytes,
        "code_index": CODE_INDEX,
        "history": history,
        "changed": CHANGED,
    }


class Tables:
    """An empty world, laid out in ``arena``: whoever has addresses in it must keep it."""

    def __init__(self, library: Library, sizes: Mapping[str, int]) -> None:
        total = sizes["accounts"] * BaseAccount.size + sizes["account_index"] * 4
        total += sizes["slots"] * BaseSlot.size + sizes["slot_index"] * 4
        total += sizes["code_bytes"] + sizes["code_index"] * 8 + sizes["history"] * VERSION_SIZE
        self.arena = Arena(total + sizes["changed"] * 8 + 4096)
        library[init_world](self.arena, new_record(WorldSizes, sizes), secrets.randbits(64))
        self.view = self.arena.record(World)

    def __index__(self) -> int:
        return self.arena.address

    def accounts(self) -> npt.NDArray[Any]:
        """The BaseAccount records, in place."""
        return self.arena.array(BaseAccount, self.view.account_count, self.view.accounts)

    def slots(self) -> npt.NDArray[Any]:
        """The BaseSlot records, in place."""
        return self.arena.array(BaseSlot, self.view.slot_count, self.view.slots)

    def codes(self, since: int = 0) -> Iterator[bytes]:
        """All code, or what was added after so many bytes of it were in use."""
        at, end = self.view.codes + since, self.view.codes + self.view.codes_used
        while at < end:
            code = self.code(at)
            yield code
            at += int(code_footprint(len(code)))

    def code(self, at: int) -> bytes:
        """What the Code record at an address holds."""
        code = self.arena.record(Code, at)
        return self.arena.read(code.size, code.bytes)


assert WORLD_SIZE + 9 * (63 + RED_ZONE) <= 4096
