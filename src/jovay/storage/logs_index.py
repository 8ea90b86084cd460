"""Which blocks may hold logs that match a filter: header blooms, turned by 90 degrees in sections of 4,096
blocks.

A section stores, for each of the 2,048 bloom bits that any of its blocks has set, one row of 4,096 bits. A
filter needs three rows per address or topic, so a section costs some kilobytes to read whatever the blocks
hold. Empty blocks cost nothing: rows of zeros are not stored. The open section is kept in memory and read
from the headers again after a start, so the stored rows are derived data and may be lost without harm.

Bloom bits: Yellow Paper 4.3.1 (three 11-bit numbers from the first six bytes of Keccak-256).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from .kv import KV, Batch

TABLE = "logs"
SECTION = 4096
_DONE = b"\xff\xff"

Bits = npt.NDArray[np.uint8]
Blooms = Callable[[int, int], Bits]
"""(start, stop) → blooms of these blocks from their headers, shape (stop - start, 256)."""


def _key(section: int, suffix: bytes) -> bytes:
    return section.to_bytes(4, "big") + suffix


class LogsIndex:
    """Bloom index over the blocks ``oldest`` … ``latest``; one thread appends, any number query."""

    def __init__(
        self, kv: KV, blooms: Blooms, oldest: int, latest: int, keccak: Callable[[bytes], bytes]
    ) -> None:
        """Open, and index the blocks that are not yet. ``latest`` is -1 for an empty chain."""
        self._kv, self._blooms, self._keccak = kv, blooms, keccak
        self.oldest, self.latest = oldest, -1
        self._section, self._head = -1, np.zeros((SECTION, 256), np.uint8)
        self._build(oldest, latest)

    def _build(self, oldest: int, latest: int) -> None:
        """Seal the full sections that are not stored, drop those beyond ``latest``, load the open one."""
        self._kv.delete_range(TABLE, _key((latest + 1) // SECTION, b""), b"\xff" * 5)
        self.latest = latest
        self._open(max(latest + 1, 0) // SECTION)
        if latest < 0:
            return
        for section in range(max(oldest, 0) // SECTION, self._section):
            if self._kv.get(TABLE, _key(section, _DONE)) is None:
                first = max(section * SECTION, oldest)
                rows = np.zeros((SECTION, 256), np.uint8)
                rows[first % SECTION :] = self._blooms(first, (section + 1) * SECTION)
                self._seal(section, rows)
        first = max(self._section * SECTION, oldest)
        if first <= latest:
            self._head[first % SECTION : latest % SECTION + 1] = self._blooms(first, latest + 1)

    def _open(self, section: int) -> None:
        # A new array, not a cleared one: a query may still be reading the old.
        self._section, self._head = section, np.zeros((SECTION, 256), np.uint8)

    def append(self, number: int, bloom: bytes | None) -> None:
        """Add the next block; ``bloom`` is the header's 256 bytes, or None if it has no logs."""
        if self.latest >= 0 and number != self.latest + 1:
            raise ValueError(f"block {self.latest + 1} is next in the logs index, not {number}")
        if number // SECTION != self._section:
            self._open(number // SECTION)
        if self.latest < 0:
            self.oldest = number
        if bloom is not None:
            self._head[number % SECTION] = np.frombuffer(bloom, np.uint8)
        if number % SECTION == SECTION - 1:
            self._seal(self._section, self._head)
            self._open(self._section + 1)
        self.latest = number

    def _seal(self, section: int, rows: Bits) -> None:
        columns = np.ascontiguousarray(rows.T)  # (256 bytes of a bloom, blocks)
        batch = Batch()
        for byte in np.flatnonzero(columns.any(axis=1)):
            for bit in range(8):
                row = np.packbits(columns[byte] >> np.uint8(bit) & np.uint8(1))
                if row.any():
                    batch.put(TABLE, _key(section, _suffix(int(byte), bit)), row.tobytes())
        batch.put(TABLE, _key(section, _DONE), b"")
        self._kv.write(batch)

    def truncate(self, above: int) -> None:
        """Forget the blocks after ``above``; call it when they have left the block store."""
        if above < self.latest:
            self._build(self.oldest, above if above >= self.oldest else -1)

    def candidates(
        self,
        first: int,
        last: int,
        addresses: Sequence[bytes] = (),
        topics: Sequence[Sequence[bytes]] = (),
    ) -> npt.NDArray[np.int64]:
        """Ascending numbers of the blocks first … last that may match; every match is among them.

        As in ``eth_getLogs``: one of the addresses (none: any), and at each topic position one of the topics
        there (none: any). Blocks that are not indexed are not returned.
        """
        first, last = max(first, self.oldest, 0), min(last, self.latest)
        if first > last:
            return np.empty(0, np.int64)
        clauses = [[self._bits(value) for value in clause] for clause in (addresses, *topics) if clause]
        if not clauses:
            return np.arange(first, last + 1)
        found = []
        head_section, head = self._section, self._head
        for section in range(first // SECTION, last // SECTION + 1):
            matches = _match_rows(head, clauses) if section == head_section else self._match(section, clauses)
            found.append(np.flatnonzero(matches) + section * SECTION)
        numbers = np.concatenate(found)
        return numbers[(numbers >= first) & (numbers <= last)]

    def _bits(self, value: bytes) -> list[tuple[int, int]]:
        """(byte, bit) positions that a block's bloom has set if one of its logs holds ``value``."""
        digest = self._keccak(value)
        numbers = {int.from_bytes(digest[at : at + 2], "big") & 2047 for at in (0, 2, 4)}
        return [(255 - number // 8, number % 8) for number in numbers]

    def _match(self, section: int, clauses: list[list[list[tuple[int, int]]]]) -> npt.NDArray[np.bool_]:
        wanted = sorted({place for clause in clauses for value in clause for place in value})
        stored = self._kv.multi_get(TABLE, [_key(section, _suffix(*place)) for place in wanted])
        empty = bytes(SECTION // 8)
        rows = {
            place: np.frombuffer(row if row is not None else empty, np.uint8)
            for place, row in zip(wanted, stored, strict=True)
        }
        packed = np.full(SECTION // 8, 0xFF, np.uint8)
        for clause in clauses:
            either = np.zeros(SECTION // 8, np.uint8)
            for value in clause:
                either |= np.bitwise_and.reduce([rows[place] for place in value])
            packed &= either
        return np.unpackbits(packed).view(np.bool_)


def _suffix(byte: int, bit: int) -> bytes:
    return (byte * 8 + bit).to_bytes(2, "big")


def _match_rows(blooms: Bits, clauses: list[list[list[tuple[int, int]]]]) -> npt.NDArray[np.bool_]:
    matches = np.ones(len(blooms), np.bool_)
    for clause in clauses:
        either = np.zeros(len(blooms), np.bool_)
        for value in clause:
            either |= np.logical_and.reduce([blooms[:, byte] >> np.uint8(bit) & 1 for byte, bit in value])
        matches &= either
    return matches
