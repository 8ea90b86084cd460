"""The world in native memory: tables of accounts, slots and code, filled from a source on demand."""

from __future__ import annotations

import ctypes
import secrets
from collections.abc import Iterable, Sequence
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

from .errors import CacheFullError, WorldFullError
from .hashing import keccak256
from .lock import StateLock

if TYPE_CHECKING:
    from .writes import WriteSet

MEGABYTE = 1 << 20
Words = npt.NDArray[np.uint8]


def words_of(column: npt.NDArray[Any]) -> Words:
    """A column of 32-byte words as rows of bytes."""
    return np.frombuffer(column.tobytes(), np.uint8).reshape(-1, 32)


class Misses:
    """Keys that were not in memory, as kernel words (little-endian): addresses of 32, address ‖ slot of 64 bytes."""

    __slots__ = ("account_words", "slot_words")

    def __init__(self, accounts: Iterable[int] = (), slots: Iterable[tuple[int, int]] = ()) -> None:
        addresses = b"".join([address.to_bytes(32, "little") for address in accounts])
        pairs = [address.to_bytes(32, "little") + key.to_bytes(32, "little") for address, key in slots]
        self.account_words: Words = np.frombuffer(addresses, np.uint8).reshape(-1, 32)
        self.slot_words: Words = np.frombuffer(b"".join(pairs), np.uint8).reshape(-1, 64)

    @classmethod
    def of_words(cls, accounts: Words, slots: Words) -> Misses:
        """Of arrays (n, 32) and (m, 64); each key once, in the order of its first mention."""
        misses = cls()
        misses.account_words, misses.slot_words = distinct(accounts), distinct(slots)
        return misses

    @property
    def accounts(self) -> list[int]:
        """The addresses as numbers."""
        raw = self.account_words.tobytes()
        return [int.from_bytes(raw[at : at + 32], "little") for at in range(0, len(raw), 32)]

    @property
    def slots(self) -> list[tuple[int, int]]:
        """The slots as (address, key)."""
        raw = self.slot_words.tobytes()
        words = [int.from_bytes(raw[at : at + 32], "little") for at in range(0, len(raw), 32)]
        return list(zip(words[::2], words[1::2], strict=True))

    def __bool__(self) -> bool:
        return len(self) > 0

    def __len__(self) -> int:
        return len(self.account_words) + len(self.slot_words)


def distinct(rows: Words) -> Words:
    """The different rows of a matrix of bytes, in the order in which they come."""
    if len(rows) < 2:
        return rows
    width = rows.shape[1]
    found = dict.fromkeys(np.ascontiguousarray(rows).view(f"V{width}").reshape(-1).tolist())
    return np.frombuffer(b"".join(found), np.uint8).reshape(-1, width)


class StateSource(Protocol):
    """Where state comes from that is not in memory."""

    def read(self, misses: Misses) -> tuple[npt.NDArray[Any], npt.NDArray[Any], list[bytes]]:
        """AccountChange records, SlotChange records and the accounts' code; absent keys as absent records."""


class NothingElse:
    """The source of a state that is wholly in memory: what is missing does not exist."""

    def read(self, misses: Misses) -> tuple[npt.NDArray[Any], npt.NDArray[Any], list[bytes]]:
        return absent_accounts(misses.account_words), absent_slots(misses.slot_words), []


def absent_accounts(words: Words) -> npt.NDArray[Any]:
    """AccountChange records of addresses that do not exist."""
    records = np.zeros(len(words), dtype_of(AccountChange))
    records["address"] = np.ascontiguousarray(words).view("V32").reshape(-1)
    records["code_hash"] = np.void(EMPTY_CODE_HASH[::-1])
    return records


def absent_slots(words: Words) -> npt.NDArray[Any]:
    """SlotChange records of slots that are zero."""
    records = np.zeros(len(words), dtype_of(SlotChange))
    columns = np.ascontiguousarray(words).view("V32").reshape(-1, 2)
    records["address"], records["key"] = columns[:, 0], columns[:, 1]
    return records


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

    def load_for_reading(self, misses: Misses) -> None:
        """The same for those who only look, and pay nothing: they cannot fill the last quarter of the tables.

        Raises ``CacheFullError``; blocks go on.
        """
        view = self.view
        if view.account_count > view.account_capacity * 3 // 4:
            raise CacheFullError("accounts", view.account_capacity)
        if view.slot_count > view.slot_capacity * 3 // 4:
            raise CacheFullError("slots", view.slot_capacity)
        self.load(misses)

    def load_existing(self, addresses: Sequence[int]) -> None:
        """Load accounts, but not those that do not exist: strangers leave nothing behind."""
        accounts, slots, codes = self.source.read(Misses(addresses, []))
        with self.lock.write():
            self.insert(accounts[accounts["exists"] != 0], slots, codes)

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
        addresses = [words_of(writes.accounts["address"]), words_of(writes.slots["address"])]
        slots = np.hstack([addresses[1], words_of(writes.slots["key"])])
        self.load(Misses.of_words(np.concatenate(addresses), slots))
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
