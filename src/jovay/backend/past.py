"""What the keys that some blocks changed held before those blocks: a write set that leads back."""

from __future__ import annotations

import numpy as np

from jovay.execution.writes import Records, WriteSet, last_of
from jovay.kernel.block.changes import AccountChange, SlotChange
from jovay.records import dtype_of
from jovay.rpc.backend import HistoryUnavailableError
from jovay.storage.blocks import BlockStore

from .state import StateReader

MOST_KEYS = 200_000


def changed_keys(store: BlockStore, above: int, most: int = MOST_KEYS) -> tuple[Records, Records]:
    """Account and slot records, one for each key that blocks after ``above`` changed.

    Raises ``HistoryUnavailableError`` if there are more than ``most``.
    """
    accounts, slots, count = [], [], 0
    for number in range(store.latest, above, -1):
        writes = WriteSet.decode(store.writes(number))
        accounts.append(writes.accounts)
        slots.append(writes.slots)
        count += len(writes.accounts) + len(writes.slots)
        if count > most:
            raise HistoryUnavailableError(
                f"state of block {above} is too far back: more than {most} keys have changed since"
            )
    return (
        last_of(np.concatenate(accounts), ("address",)) if accounts else np.zeros(0, dtype_of(AccountChange)),
        last_of(np.concatenate(slots), ("address", "key")) if slots else np.zeros(0, dtype_of(SlotChange)),
    )


def writes_before(state: StateReader, accounts: Records, slots: Records, height: int) -> WriteSet:
    """The values that these keys had after block ``height``."""
    old_accounts, old_slots = accounts.copy(), slots.copy()
    for row in old_accounts:
        address = row["address"].tobytes()[19::-1]
        found = state.account_state(address, height)
        row["exists"], row["nonce"] = found.exists, found.nonce
        row["balance"] = np.void(found.balance.to_bytes(32, "little"))
        row["code_hash"] = np.void(found.code_hash[::-1])
        row["code_size"] = len(state.code(address, height)) if found.exists else 0
        row["wiped"] = row["kept"] = 0
    for row in old_slots:
        address, key = row["address"].tobytes()[19::-1], int.from_bytes(row["key"].tobytes(), "little")
        row["value"] = np.void(state.storage(address, key, height).to_bytes(32, "little"))
    return WriteSet(old_accounts, old_slots)
