"""The world in native memory: tables of accounts, slots and code, filled from a source on demand."""

from __future__ import annotations

import ctypes
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from jovay.compiler.arena import Arena
from jovay.compiler.native import Library
from jovay.kernel.block import changes as kernel_changes
from jovay.kernel.block.changes import AccountChange, Changes, SlotChange
from jovay.kernel.setup import WORLD_SIZE, WorldSizes, init_world
from jovay.kernel.state import code as kernel_code
from jovay.kernel.state.history import VERSION_SIZE
from jovay.kernel.state.world import BASE_ACCOUNT_SIZE, BASE_SLOT_SIZE, BaseAccount, BaseSlot, World
from jovay.records import View, array_at, dtype_of, new_record
from jovay.types import EMPTY_CODE_HASH

from .errors import WorldFullError
from .hashing import keccak256
from .lock import StateLock

if TYPE_CHECKING:
    from .writes import WriteSet

MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Misses:
    """Keys that were not in memory: addresses (32-byte words, little-endian), and (address, slot) pairs."""

    accounts: Sequence[int]
    slots: Sequence[tuple[int, int]]

    def __bool__(self) -> bool:
        return bool(self.accounts or self.slots)


class StateSource(Protocol):
    """Where state comes from that is not in memory."""

    def read(self, misses: Misses) -> tuple[npt.NDArray[Any], npt.NDArray[Any], list[bytes]]:
        """AccountChange records, SlotChange records and the accounts' code; absent keys as absent records."""


class NothingElse:
    """The source of a state that is wholly in memory: what is missing does not exist."""

    def read(self, misses: Misses) -> tuple[npt.NDArray[Any], npt.NDArray[Any], list[bytes]]:
        accounts = np.zeros(len(misses.accounts), dtype_of(AccountChange))
        for i, address in enumerate(misses.accounts):
            accounts[i]["address"] = address.to_bytes(32, "little")
            accounts[i]["code_hash"] = EMPTY_CODE_HASH[::-1]
        slots = np.zeros(len(misses.slots), dtype_of(SlotChange))
        for i, (address, key) in enumerate(misses.slots):
            slots[i]["address"] = address.to_bytes(32, "little")
            slots[i]["key"] = key.to_bytes(32, "little")
        return accounts, slots, []


def power_of_two(least: int) -> int:
    """The smallest power of two that is at least ``least``."""
    return 1 << max(4, (least - 1).bit_length())


class NativeWorld:
    """One world: its arena, its lock, and loading into it. Capacities bound its memory, not its address space."""

    def __init__(
        self,
        library: Library,
        accounts: int = 4_000_000,
        slots: int = 16_000_000,
        code_bytes: int = 512 * MEGABYTE,
        history: int = 2_000_000,
        source: StateSource | None = None,
        version: int = 0,
    ) -> None:
        self.library = library
        self.lock = StateLock()
        self.source: StateSource = source or NothingElse()
        self.version = version
        sizes = {
            "accounts": accounts,
            "account_index": power_of_two(2 * accounts + 1),
            "slots": slots,
            "slot_index": power_of_two(2 * slots + 1),
            "code_bytes": code_bytes,
            "code_index": 1 << 20,
            "history": history,
            "changed": 1 << 22,
        }
        total = accounts * BASE_ACCOUNT_SIZE + sizes["account_index"] * 4 + slots * BASE_SLOT_SIZE
        total += sizes["slot_index"] * 4 + code_bytes + (1 << 23) + history * VERSION_SIZE + (1 << 25) + 4096
        self._arena = Arena(total)
        self.address = self._arena.address
        spec = new_record(WorldSizes, sizes)
        library[init_world](self.address, ctypes.addressof(spec), secrets.randbits(64))
        self.view = View(World, self.address)

    def load(self, misses: Misses) -> None:
        """Read missing keys from the source, all at once, and bring them into the tables."""
        accounts, slots, codes = self.source.read(misses)
        with self.lock.write():
            self.insert(accounts, slots, codes)

    def insert(self, accounts: npt.NDArray[Any], slots: npt.NDArray[Any], codes: Sequence[bytes]) -> None:
        """Bring records into the tables (the caller has the lock, or nobody else knows the world yet)."""
        for code in codes:
            self.intern(code)
        if len(accounts):
            done = self.library[kernel_changes.load_accounts](
                self.address, accounts.ctypes.data, len(accounts), self.version
            )
            if done != len(accounts):
                raise WorldFullError("accounts", self.view.account_capacity)
        if len(slots):
            done = self.library[kernel_changes.load_slots](
                self.address, slots.ctypes.data, len(slots), self.version
            )
            if done != len(slots):
                raise WorldFullError("slots", self.view.slot_capacity)

    def intern(self, code: bytes) -> None:
        """Keep contract code by its hash."""
        data = ctypes.create_string_buffer(code, max(1, len(code)))
        code_hash = int.from_bytes(keccak256(self.library, code), "big")
        if not self.library[kernel_code.intern_code](
            self.address, ctypes.addressof(data), len(code), code_hash
        ):
            raise WorldFullError("code", self.view.codes_capacity)

    def bring(self, writes: WriteSet, height: int) -> None:
        """Change the state as a write set says, as block ``height``: recovery, edits, the way back to a block."""
        accounts = [int.from_bytes(bytes(a), "little") for a in writes.accounts["address"]]
        slots = [
            (int.from_bytes(bytes(s["address"]), "little"), int.from_bytes(bytes(s["key"]), "little"))
            for s in writes.slots
        ]
        self.load(Misses([*accounts, *{a for a, _ in slots}], slots))
        with self.lock.write():
            for code in writes.codes:
                self.intern(code)
            self.apply(writes.accounts, writes.slots, height)

    def known_since(self, height: int) -> None:
        """Let what is known to hold since a later block hold since ``height``: nothing changed in between.

        For the way back to a block before the world was opened; what changed after it must have been brought in.
        """
        with self.lock.write():
            for address, count, record in (
                (self.view.accounts, self.view.account_count, BaseAccount),
                (self.view.slots, self.view.slot_count, BaseSlot),
            ):
                versions = array_at(address, count, record)["version"]
                np.minimum(versions, np.uint64(height), out=versions)
            self.version = min(self.version, height)

    def apply(self, accounts: npt.NDArray[Any], slots: npt.NDArray[Any], height: int) -> None:
        """Change records that are in the tables (the caller has the lock)."""
        spec = new_record(
            Changes,
            {
                "accounts": accounts.ctypes.data if len(accounts) else 0,
                "slots": slots.ctypes.data if len(slots) else 0,
                "account_count": len(accounts),
                "slot_count": len(slots),
            },
        )
        if self.library[kernel_changes.apply_changes](self.address, ctypes.addressof(spec), height):
            raise WorldFullError("records", self.view.slot_capacity)


assert WORLD_SIZE <= 4096
