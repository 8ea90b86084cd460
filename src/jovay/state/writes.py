"""Write sets between the kernel's records, the block log and the checkpointed flat state."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from jovay.chain.types import EMPTY_CODE_HASH
from jovay.kernel.block.changes import AccountChange, SlotChange
from jovay.kernel.lang import Record
from jovay.native.records import dtype_of
from jovay.storage.state import ACCOUNT, StateStore

from .misses import Misses

Records = npt.NDArray[Any]
_HEAD = struct.Struct("<III")
_LENGTH = struct.Struct("<I")
#: Odd factors, one for each word of a key.
_SPREAD = np.frombuffer(hashlib.shake_256(b"spread").digest(64), np.uint64) | np.uint64(1)


@dataclass(frozen=True, slots=True)
class WriteSet:
    """What a block changed: AccountChange and SlotChange records, and code that was new."""

    accounts: Records
    slots: Records
    codes: Sequence[bytes] = ()

    def encode(self) -> bytes:
        """Counts, records, then each code behind its length; all little-endian."""
        head = _HEAD.pack(len(self.accounts), len(self.slots), len(self.codes))
        codes = [part for code in self.codes for part in (_LENGTH.pack(len(code)), code)]
        return b"".join([head, self.accounts.tobytes(), self.slots.tobytes(), *codes])

    @classmethod
    def decode(cls, data: bytes) -> WriteSet:
        """The inverse of ``encode``; ``ValueError`` for anything else."""
        if len(data) < _HEAD.size:
            raise ValueError(f"a write set of {len(data)} bytes")
        accounts, slots, codes = _HEAD.unpack_from(data)
        at = _HEAD.size
        first = (
            np.frombuffer(data, dtype_of(AccountChange), accounts, at) if accounts else empty(AccountChange)
        )
        at += accounts * AccountChange.size
        second = np.frombuffer(data, dtype_of(SlotChange), slots, at) if slots else empty(SlotChange)
        at += slots * SlotChange.size
        found: list[bytes] = []
        while len(found) < codes and at + _LENGTH.size <= len(data):
            (length,) = _LENGTH.unpack_from(data, at)
            at += _LENGTH.size + length
            found.append(data[at - length : at])
        if at != len(data) or len(found) != codes:
            raise ValueError(f"a write set of {len(data)} bytes whose parts take {at}")
        return cls(first, second, found)


def empty(record: type[Record]) -> Records:
    """No records."""
    return np.zeros(0, dtype_of(record))


def little_endian(rows: npt.NDArray[np.uint8]) -> npt.NDArray[np.void]:
    """Big-endian rows as 32-byte little-endian words."""
    out = np.zeros((len(rows), 32), np.uint8)
    out[:, : rows.shape[1]] = rows[:, ::-1]
    return out.view("V32").reshape(len(rows))


def last_of(records: Records, keys: tuple[str, ...]) -> Records:
    """The last record of each key, in their order."""
    count = len(records)
    if count < 2:
        return records
    words = np.hstack([np.frombuffer(records[k].tobytes(), np.uint64).reshape(count, 4) for k in keys])
    # Numbers sort many times faster than rows of bytes; should two keys share one, rows of bytes decide.
    mixed = (words * _SPREAD[: words.shape[1]]).sum(axis=1, dtype=np.uint64)
    order = np.argsort(mixed, kind="stable")
    same = mixed[order[1:]] == mixed[order[:-1]]
    if (words[order[1:]][same] != words[order[:-1]][same]).any():
        rows = np.ascontiguousarray(words).view(f"V{8 * words.shape[1]}").reshape(-1)
        order = np.argsort(rows, kind="stable")
        same = rows[order[1:]] == rows[order[:-1]]
    return chosen(records, np.sort(order[np.append(~same, True)]))


def chosen(records: Records, which: npt.NDArray[Any]) -> Records:
    """``records[which]``, the records copied as bytes: field by field it takes numpy five times as long."""
    kind = records.dtype
    found: Records = records.view(f"V{kind.itemsize}")[which].view(kind)
    return found


def keys_at(places: Sequence[tuple[int, int]]) -> WriteSet:
    """Slots, each an account and a key, and their accounts; nothing is said of their values."""
    accounts = np.zeros(len(places), dtype_of(AccountChange))
    slots = np.zeros(len(places), dtype_of(SlotChange))
    for n, (address, key) in enumerate(places):
        accounts[n]["address"] = slots[n]["address"] = np.void(address.to_bytes(32, "little"))
        slots[n]["key"] = np.void(key.to_bytes(32, "little"))
    return WriteSet(accounts, slots)


def merged(first: WriteSet, second: WriteSet) -> WriteSet:
    """One write set in place of two, the second having the last word."""
    accounts = np.concatenate([first.accounts, second.accounts])
    slots = np.concatenate([first.slots, second.slots])
    codes = [*first.codes, *second.codes]
    return WriteSet(last_of(accounts, ("address",)), last_of(slots, ("address", "key")), codes)


class StoredState:
    """The flat state of the data directory as the source of keys that are not in memory."""

    def __init__(self, store: StateStore) -> None:
        self._store = store

    def read(self, misses: Misses) -> tuple[Records, Records, list[bytes]]:
        """All missing keys in one read; absent ones come as absent records.

        With an account that has storage but neither code nor nonce comes one of its slots (EIP-7610).
        """
        pairs = misses.slot_words
        addresses = misses.account_words[:, 19::-1].tobytes()
        keys = np.hstack([pairs[:, 19::-1], pairs[:, :31:-1]]).tobytes()
        found, rows, values = self._store.read_many(addresses, keys)
        if self._store.may_have_bare_storage:
            keys, values = self._with_bare_storage(addresses, found, rows, keys, values)
        return self._accounts(addresses, found, rows), slot_records(keys, values), self._codes(rows[found])

    def _with_bare_storage(
        self,
        addresses: bytes,
        found: npt.NDArray[np.bool_],
        rows: npt.NDArray[np.uint8],
        keys: bytes,
        values: npt.NDArray[np.uint8],
    ) -> tuple[bytes, npt.NDArray[np.uint8]]:
        accounts = np.frombuffer(rows.tobytes(), ACCOUNT)
        no_code = (accounts["code_hash"] == np.frombuffer(EMPTY_CODE_HASH, np.uint8)).all(axis=1)
        bare = np.flatnonzero(found & no_code & (accounts["nonce"] == 0)).tolist()
        slots = [slot for i in bare if (slot := self._store.first_slot(addresses[20 * i : 20 * i + 20]))]
        if not slots:
            return keys, values
        more = np.frombuffer(b"".join(value for _, value in slots), np.uint8).reshape(-1, 32)
        return keys + b"".join(key for key, _ in slots), np.concatenate([values, more])

    @staticmethod
    def _accounts(addresses: bytes, found: npt.NDArray[np.bool_], rows: npt.NDArray[np.uint8]) -> Records:
        return account_records(addresses, found, np.frombuffer(rows.tobytes(), ACCOUNT))

    def _codes(self, rows: npt.NDArray[np.uint8]) -> list[bytes]:
        hashes = {h.tobytes() for h in np.frombuffer(rows.tobytes(), ACCOUNT)["code_hash"]} - {
            EMPTY_CODE_HASH
        }
        wanted = b"".join(hashes)
        return [code for code in self._store.codes(wanted) if code is not None]


def account_records(addresses: bytes, found: npt.NDArray[np.bool_], rows: npt.NDArray[Any]) -> Records:
    """AccountChange records of stored accounts."""
    out = np.zeros(len(rows), dtype_of(AccountChange))
    if not len(rows):
        return out
    out["address"] = little_endian(np.frombuffer(addresses, np.uint8).reshape(-1, 20))
    out["nonce"] = rows["nonce"]
    out["balance"] = np.ascontiguousarray(rows["balance"]).view("V32").reshape(-1)
    hashes = rows["code_hash"].copy()
    hashes[~found] = np.frombuffer(EMPTY_CODE_HASH, np.uint8)
    out["code_hash"] = little_endian(hashes)
    out["exists"] = found
    return out


def slot_records(keys: bytes, values: npt.NDArray[np.uint8]) -> Records:
    """SlotChange records of stored slots (address ‖ key, big-endian)."""
    out = np.zeros(len(values), dtype_of(SlotChange))
    if not len(values):
        return out
    rows = np.frombuffer(keys, np.uint8).reshape(-1, 52)
    out["address"], out["key"] = little_endian(rows[:, :20]), little_endian(rows[:, 20:])
    out["value"] = little_endian(values)
    return out
