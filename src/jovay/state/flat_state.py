"""Write sets of consecutive blocks as one change of the flat state, made by the kernel without the interpreter."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import numpy as np

from jovay.kernel.block import flat_state
from jovay.kernel.block.flat_state import ACCOUNT_VALUE, ADDRESS, SLOT_KEY, SLOT_VALUE, Latest
from jovay.native.arena import Arena
from jovay.native.hashing import keccak256
from jovay.native.library import Library
from jovay.native.places import address
from jovay.native.records import new_record
from jovay.storage.state import StateChanges

from .writes import Records, WriteSet

#: Bytes of output for each record.
ACCOUNT_ROOM = {"accounts": ADDRESS, "account_values": ACCOUNT_VALUE, "deleted": ADDRESS, "wiped": ADDRESS}
SLOT_ROOM = {"slots": SLOT_KEY, "slot_values": SLOT_VALUE}
_BEYOND = 64
"""Bytes that the kernel may write behind an array, as it stores whole words."""


def state_changes(library: Library, sets: Sequence[WriteSet]) -> StateChanges:
    """What the flat state is after ``sets``: the latest value of each key."""
    accounts = _Merge([one.accounts for one in sets], ACCOUNT_ROOM)
    library[flat_state.latest_accounts](*accounts.arguments)
    slots = _Merge([one.slots for one in sets], SLOT_ROOM)
    library[flat_state.latest_slots](*slots.arguments)
    codes = {keccak256(library, code): code for one in sets for code in one.codes}
    return StateChanges(
        accounts=accounts.taken("accounts", "account_count"),
        account_values=accounts.taken("account_values", "account_count"),
        deleted=accounts.taken("deleted", "deleted_count"),
        wiped=accounts.taken("wiped", "wiped_count"),
        slots=slots.taken("slots", "slot_count"),
        slot_values=slots.taken("slot_values", "slot_count"),
        code_hashes=b"".join(codes),
        code_offsets=np.cumsum([0, *map(len, codes.values())]).tolist(),
        codes=b"".join(codes.values()),
    )


class _Merge:
    """Memory for one kind of records, and the arguments of the call that fills it."""

    def __init__(self, parts: Sequence[Records], room: dict[str, int]) -> None:
        self._room, self._parts = room, [np.ascontiguousarray(part) for part in parts]
        total = sum(map(len, parts))
        words = 1 << (2 * total + 1).bit_length()
        sizes = {"index": 8 * words, "seen": 8 * total} | {name: size * total for name, size in room.items()}
        self._arena = Arena(sum(sizes.values()) + 2 * _BEYOND * len(sizes))
        places, at = {}, self._arena.address
        for name, size in sizes.items():
            places[name] = at
            self._arena.part(at - self._arena.address, size + _BEYOND // 4, f"latest.{name}")
            at += -(-(size + _BEYOND) // 64) * 64
        self._record = new_record(Latest, places | {"mask": words - 1, "seed": secrets.randbits(64)})
        pointers = np.array([address(part) for part in self._parts], np.uint64)
        counts = np.array([len(part) for part in self._parts], np.uint64)
        self.arguments = self._record, len(parts), pointers, counts

    def taken(self, name: str, count: str) -> bytes:
        """One of the arrays."""
        size = self._room[name] * getattr(self._record, count)
        return self._arena.read(size, getattr(self._record, name))
