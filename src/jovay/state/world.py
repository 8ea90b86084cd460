"""The world in native memory: tables of accounts, slots and code, filled from a source on demand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from jovay.chain.types import EMPTY_CODE_HASH
from jovay.kernel.block import changes as kernel_changes
from jovay.kernel.block.changes import AccountChange, Changes, SlotChange
from jovay.kernel.state import code as kernel_code
from jovay.kernel.state.world import find_account
from jovay.native.hashing import keccak256
from jovay.native.library import Library
from jovay.native.records import dtype_of, new_record

from .errors import CacheFullError, StateDamagedError, StateMovedError, WorldFullError
from .lock import StateLock
from .misses import Misses, Words
from .tables import Tables, world_sizes
from .writes import WriteSet

MEGABYTE = 1 << 20
#: Parts of a table: above the first, records leave it if it has grown by the second since some left; reads may fill
#: it up to the third, so that the rest is for blocks.
CROWDED, GROWTH, READERS = 5 / 8, 1 / 16, 3 / 4
Records = npt.NDArray[Any]


def words_of(column: npt.NDArray[Any]) -> Words:
    """A column of 32-byte words as rows of bytes."""
    return np.frombuffer(column.tobytes(), np.uint8).reshape(-1, 32)


def _sizes(accounts: Records, slots: Records, codes: Sequence[bytes]) -> tuple[int, int, int, int]:
    """What records and code take of the tables at most, in the order of ``NativeWorld.fill``."""
    code_bytes = sum(int(kernel_code.code_footprint(len(code))) for code in codes)
    return len(accounts), len(slots), code_bytes, len(codes)


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


class NativeWorld:
    """One world: its memory, its lock, and loading into it. Capacities bound its memory, not its address space.

    Between two blocks its records may move to other ``tables`` (see ``eviction``): addresses are good only as long
    as the lock or the tables are held.
    """

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
        self.stored: StateSource = source or NothingElse()
        self.source = self.stored
        self.version = version
        self.sizes = world_sizes(accounts, slots, code_bytes, history)
        self._tell_crowded: Callable[[], None] = lambda: None
        self.settle(Tables(library, self.sizes))

    def move_to(self, tables: Tables, height: int) -> None:
        """Go on in ``tables``, which some records are not in: the source has those, as of block ``height`` or later.

        The caller has the lock.
        """
        # In this order: whoever sees the new tables must read what left it from where it is.
        self.source = self.stored
        self.version = max(self.version, height)
        self.settle(tables)

    def settle(self, tables: Tables) -> None:
        """Go on in ``tables`` (the caller has the lock, or nobody else knows the world yet)."""
        self.tables, self.view = tables, tables.view
        self.is_short = False  # a block found no room for keys: records should leave
        self._settled = {table: used for table, used, _ in self.fill()}  # as it was then

    def tell_when_crowded(self, listener: Callable[[], None]) -> None:
        """Call ``listener``, from any thread, whenever somebody finds the tables crowded."""
        self._tell_crowded = listener

    def go_to(self, height: int) -> None:
        """What changes from now on does so as block ``height``."""
        with self.lock.write():
            self.view.height = height

    def __index__(self) -> int:
        return self.tables.arena.address

    def holds_everything(self) -> None:
        """What is not in memory now does not exist: nothing is read from storage, until records are evicted."""
        self.source = NothingElse()

    def fill(self) -> tuple[tuple[str, int, int], ...]:
        """(table, used, capacity) of the tables that can get full; of code in bytes."""
        view = self.view
        return (
            ("accounts", view.account_count, view.account_capacity),
            ("slots", view.slot_count, view.slot_capacity),
            ("code", view.codes_used, view.codes_capacity),
            ("contracts", view.code_count, (view.code_mask + 1) // 2),
        )

    def is_crowded(self) -> bool:
        """Whether a table is so full that records should leave, and has grown since some did."""
        return self.is_short or any(
            used > max(capacity * CROWDED, self._settled[table] + capacity * GROWTH)
            for table, used, capacity in self.fill()
        )

    def load(self, misses: Misses, reserve: Sequence[int] | None = None) -> None:
        """Read missing keys from the source, all at once, and bring them into the tables.

        For those who make blocks: records stay where they are meanwhile. Raises ``WorldFullError``, with nothing
        brought in, if less than ``reserve`` would be left of the tables, which stand there in the order of ``fill``.
        """
        found = self.source.read(misses)
        with self.lock.write():
            if reserve is not None:
                sizes = _sizes(*found)
                for (table, used, capacity), size, rest in zip(self.fill(), sizes, reserve, strict=True):
                    if used + size + rest > capacity:
                        self.is_short = True
                        raise WorldFullError(table, capacity)
            self.insert(*found)

    def load_for_reading(self, misses: Misses, tables: Tables | None, most: float = READERS) -> None:
        """The same for those who only look, and pay nothing: they fill ``most`` of the tables, and not the rest.

        Raises ``CacheFullError``; blocks go on, and soon make room. Raises ``StateMovedError`` if the records are no
        longer in ``tables``: what was read may be stale, and accounts of its slots may be gone.
        """
        if self.is_crowded():
            self._tell_crowded()
        found = self.source.read(misses)
        with self.lock.write():
            if tables is not self.tables:
                raise StateMovedError
            self._insert_for_reading(*found, most)

    def load_existing(self, addresses: Sequence[int], for_blocks: bool = False) -> Tables:
        """Load accounts, but not those that do not exist: strangers leave nothing behind.

        Answers the tables that hold them now; they may leave it again before one looks. Raises ``CacheFullError``
        where readers may load no more, unless it is ``for_blocks``.
        """
        if self.is_crowded():
            self._tell_crowded()
        while True:
            tables = self.tables
            accounts, slots, codes = self.source.read(Misses(addresses))
            with self.lock.write():
                if tables is self.tables:
                    insert = self.insert if for_blocks else self._insert_for_reading
                    insert(accounts[accounts["exists"] != 0], slots, codes)
                    return tables

    def _insert_for_reading(
        self, accounts: Records, slots: Records, codes: Sequence[bytes], most: float = READERS
    ) -> None:
        for (table, used, capacity), count in zip(self.fill(), _sizes(accounts, slots, codes), strict=True):
            if count and used + count > capacity * most:
                raise CacheFullError(table, capacity)
        self.insert(accounts, slots, codes)

    def insert(self, accounts: Records, slots: Records, codes: Sequence[bytes]) -> None:
        """Bring records into the tables (the caller has the lock, or nobody else knows the world yet)."""
        for code in codes:
            self.intern(code)
        if len(accounts):
            done = self.library[kernel_changes.load_accounts](self, accounts, len(accounts), self.version)
            if done != len(accounts):
                raise WorldFullError("accounts", self.view.account_capacity)
        if len(slots):
            done = self.library[kernel_changes.load_slots](self, slots, len(slots), self.version)
            if done != len(slots):
                self._check_owner(slots[done : done + 1])
                raise WorldFullError("slots", self.view.slot_capacity)

    def _check_owner(self, slot: Records) -> None:
        """Raise ``StateDamagedError`` if a slot does not come in because its account is not there."""
        address = slot["address"].tobytes()[19::-1]
        if not self.library[find_account](self, int.from_bytes(address, "big")):
            raise StateDamagedError("a slot", address)

    def intern(self, code: bytes) -> None:
        """Keep contract code by its hash."""
        code_hash = int.from_bytes(keccak256(self.library, code), "big")
        if not self.library[kernel_code.intern_code](self, code, len(code), code_hash):
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
            for records in (self.tables.accounts(), self.tables.slots()):
                versions = records["version"]
                np.minimum(versions, np.uint64(height), out=versions)
            self.version = min(self.version, height)

    def apply(self, accounts: npt.NDArray[Any], slots: npt.NDArray[Any], height: int) -> None:
        """Change records that are in the tables (the caller has the lock)."""
        spec = new_record(
            Changes,
            {
                "accounts": accounts,
                "slots": slots,
                "account_count": len(accounts),
                "slot_count": len(slots),
            },
        )
        if self.library[kernel_changes.apply_changes](self, spec, height):
            raise WorldFullError("records", self.view.slot_capacity)
