"""What the keys that some blocks changed held before those blocks: a write set that leads back."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from jovay.kernel.block.changes import AccountChange, SlotChange
from jovay.kernel.block.historical import accounts_at, slots_at
from jovay.kernel.machine.account import Account, Slot
from jovay.native.records import View, dtype_of, new_record
from jovay.storage.blocks import BlockStore
from jovay.storage.errors import MissingBlockError, PrunedDataError

from .errors import HistoryUnavailableError
from .reader import StateReader
from .world import NativeWorld
from .writes import Records, WriteSet, last_of

MOST_KEYS = 100_000


def changed_keys(store: BlockStore, above: int, most: int = MOST_KEYS) -> tuple[Records, Records]:
    """Account and slot records, one for each key that blocks after ``above`` changed.

    Raises ``HistoryUnavailableError`` if there are more than ``most``.
    """
    accounts, slots, count = [], [], 0
    for number in range(store.latest, above, -1):
        writes = stored_writes(store, number)
        accounts.append(writes.accounts)
        slots.append(writes.slots)
        count += len(writes.accounts) + len(writes.slots)
        if count > most:
            reason = f"state of block {above} is too far back: more than {most} keys have changed since"
            raise HistoryUnavailableError(above, reason)
    if not accounts:
        return np.zeros(0, dtype_of(AccountChange)), np.zeros(0, dtype_of(SlotChange))
    changed = last_of(np.concatenate(accounts), ("address",)).copy()
    changed["kept"] = 0  # by one block, not by all of them
    return changed, last_of(np.concatenate(slots), ("address", "key"))


def stored_writes(store: BlockStore, number: int) -> WriteSet:
    """What a stored block changed. Raises ``HistoryUnavailableError`` where that is pruned."""
    try:
        return WriteSet.decode(store.writes(number))
    except (PrunedDataError, MissingBlockError) as error:
        raise HistoryUnavailableError(number, f"pruned history unavailable: {error}") from error


class HistoricalValues:
    """Reads many keys of one world at a height."""

    def __init__(self, world: NativeWorld, state: StateReader) -> None:
        self._world, self._state = world, state
        self._accounts_at, self._slots_at = world.library[accounts_at], world.library[slots_at]

    def writes(self, accounts: Records, slots: Records, height: int) -> WriteSet:
        """The values that these keys had after block ``height``. Raises ``HistoryUnavailableError``."""
        accounts, slots = np.ascontiguousarray(accounts).copy(), np.ascontiguousarray(slots).copy()
        scratch = new_record(Account), new_record(Slot)
        done = 0
        while (done := self._run(self._accounts_at, accounts, done, height, scratch[:1])) < len(accounts):
            self._read_account(accounts[done : done + 1], height)
            done += 1
        done = 0
        while (done := self._run(self._slots_at, slots, done, height, scratch)) < len(slots):
            self._read_slot(slots[done : done + 1], height)
            done += 1
        return WriteSet(accounts, slots)

    def _run(
        self, call: Callable[..., int], records: Records, first: int, height: int, scratch: tuple[View, ...]
    ) -> int:
        if first >= len(records):
            return first
        with self._world.lock.read():
            return call(self._world, records, first, len(records), height, *scratch)

    def _read_account(self, record: Records, height: int) -> None:
        """One that is not in memory: from the flat state, or not at all."""
        address = record["address"][0].tobytes()[19::-1]
        found = self._state.account_state(address, height)
        record["exists"], record["nonce"] = found.exists, found.nonce
        record["balance"] = np.void(found.balance.to_bytes(32, "little"))
        record["code_hash"] = np.void(found.code_hash[::-1])
        record["code_size"] = len(self._state.code(address, height)) if found.exists else 0
        record["wiped"] = record["kept"] = 0

    def _read_slot(self, record: Records, height: int) -> None:
        address = record["address"][0].tobytes()[19::-1]
        key = int.from_bytes(record["key"][0].tobytes(), "little")
        record["value"] = np.void(self._state.storage(address, key, height).to_bytes(32, "little"))
