"""State roots of simulated blocks: a part of the state trie that the requests' changes are brought into."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jovay.chain.types import Address, Hash32
from jovay.storage.datadir import DataDirectory

from .errors import HistoryUnavailableError
from .historical_tries import HistoricalTries
from .historical_values import stored_writes
from .misses import Misses
from .trie import StateTrie
from .view_state import OVERRIDDEN_EPOCH
from .world import absent_slots
from .writes import Records, WriteSet, last_of

MOST_SLOTS = 100_000
"""Slots of one account that a request may wipe."""


class RootsAfter:
    """``StateRoots`` over the state after block ``number``."""

    def __init__(self, data: DataDirectory, tries: HistoricalTries, number: int) -> None:
        self._data, self._tries, self._number = data, tries, number
        self._expected: list[tuple[int, int]] = []
        self._known: set[bytes] = set()
        self._trie: StateTrie | None = None
        self._wiped: dict[bytes, Records] = {}

    def expect(self, slots: Sequence[tuple[int, int]]) -> None:
        """(address, key) of slots that later writes will hold."""
        self._expected += slots

    def root(self, writes: WriteSet) -> Hash32:
        """Root with all changes to the block's state; errors as ``HistoricalTries`` has."""
        slots = last_of(np.concatenate([*self._emptied(writes.accounts), writes.slots]), ("address", "key"))
        writes = WriteSet(writes.accounts, slots)
        keys = {*_keys(writes.accounts, "address"), *_keys(slots, "address", "key")}
        if self._trie is None or not keys <= self._known:
            expected = absent_slots(Misses([], self._expected).slot_words)
            wanted = WriteSet(writes.accounts, np.concatenate([slots, expected]))
            self._trie = self._tries.part(self._number, wanted)
            self._known = keys | set(_keys(expected, "address", "key"))
        return self._trie.update(writes)

    def _emptied(self, accounts: Records) -> list[Records]:
        """What was stored under accounts whose storage is replaced, as slots that are zero."""
        for row in accounts:
            address = row["address"].tobytes()[19::-1]
            if row["wiped"] >= OVERRIDDEN_EPOCH and address not in self._wiped:
                self._wiped[address] = self._stored_slots(address)
        return list(self._wiped.values())

    def _stored_slots(self, address: Address) -> Records:
        """Every slot that may have a value after the block: those of the checkpoint and those changed around it."""
        state, blocks, word = self._data.state, self._data.blocks, int.from_bytes(address, "big")
        # Looked at before the table is read: a newer checkpoint in between does no harm.
        checkpoint = state.height
        found: set[int] = set()
        for keys, _ in state.slots(address=address):
            found.update([int.from_bytes(key[20:].tobytes(), "big") for key in keys])
            self._check(address, found)
        for number in range(min(checkpoint, self._number) + 1, blocks.latest + 1):
            slots = stored_writes(blocks, number).slots
            own = slots[slots["address"] == np.void(word.to_bytes(32, "little"))]
            found.update([int.from_bytes(key.tobytes(), "little") for key in own["key"]])
            self._check(address, found)
        return absent_slots(Misses([], [(word, key) for key in found]).slot_words)

    def _check(self, address: Address, found: set[int]) -> None:
        if len(found) > MOST_SLOTS:
            reason = f"0x{address.hex()} has too much storage for it to be replaced"
            raise HistoryUnavailableError(self._number, reason)


def _keys(records: Records, *names: str) -> list[bytes]:
    columns = [records[name].tolist() for name in names]
    return [b"".join(parts) for parts in zip(*columns, strict=True)]
