"""The tables of one world: an arena in which the kernel has laid out a World."""

from __future__ import annotations

import ctypes
import secrets
from collections.abc import Mapping

from jovay.kernel.lang import RED_ZONE
from jovay.kernel.state.history import VERSION_SIZE
from jovay.kernel.state.layout import WORLD_SIZE, WorldSizes, init_world
from jovay.kernel.state.world import BASE_ACCOUNT_SIZE, BASE_SLOT_SIZE, World
from jovay.native.arena import Arena
from jovay.native.library import Library
from jovay.native.records import View, new_record

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
    """An empty world at ``address``. Whoever reads it must keep this object."""

    def __init__(self, library: Library, sizes: Mapping[str, int]) -> None:
        total = sizes["accounts"] * BASE_ACCOUNT_SIZE + sizes["account_index"] * 4
        total += sizes["slots"] * BASE_SLOT_SIZE + sizes["slot_index"] * 4
        total += sizes["code_bytes"] + sizes["code_index"] * 8 + sizes["history"] * VERSION_SIZE
        self._arena = Arena(total + sizes["changed"] * 8 + 4096)
        self.address = self._arena.address
        spec = new_record(WorldSizes, sizes)
        library[init_world](self.address, ctypes.addressof(spec), secrets.randbits(64))
        self.view = View(World, self.address)


assert WORLD_SIZE + 9 * (63 + RED_ZONE) <= 4096
