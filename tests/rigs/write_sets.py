"""Records of write sets from rows of numbers."""

from __future__ import annotations

import numpy as np

from jovay.kernel.block.changes import AccountChange, SlotChange
from jovay.native.records import dtype_of
from jovay.state.writes import Records


def slot_changes(rows: list[tuple[int, int, int]]) -> Records:
    """Slots by address, key and value."""
    records = np.zeros(len(rows), dtype_of(SlotChange))
    for record, row in zip(records, rows, strict=True):
        for name, value in zip(("address", "key", "value"), row, strict=True):
            record[name] = value.to_bytes(32, "little")
    return records


def account_changes(rows: list[tuple[int, int, int, bool, int]]) -> Records:
    """Accounts by address, balance, nonce, whether they exist, and a storage epoch (not 0 where storage was wiped)."""
    records = np.zeros(len(rows), dtype_of(AccountChange))
    for record, (address, balance, nonce, exists, wiped) in zip(records, rows, strict=True):
        record["address"], record["balance"] = address.to_bytes(32, "little"), balance.to_bytes(32, "little")
        record["code_hash"] = bytes(range(nonce, nonce + 32))
        record["nonce"], record["exists"], record["wiped"] = nonce, exists, wiped
    return records
