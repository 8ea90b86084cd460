"""Keys that an execution wanted and that were not in memory."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint8]


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
