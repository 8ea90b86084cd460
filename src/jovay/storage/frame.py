"""The form of one block in the block log: a fixed header with lengths and checksums, then the parts one by
one.

All integers are little-endian. The header is ``FRAME.size`` bytes; the parts follow in the order of
``Part``, and zero bytes round the frame up to eight. Blocks committed together form a group; a group counts
only when whole.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from .errors import CorruptStoreError

MAGIC = b"JVB1"


class Part(IntEnum):
    """Parts of a stored block, in file order. The contents are opaque here unless said otherwise."""

    HEADER = 0
    """Header RLP."""
    TX_HASHES = 1
    """32 bytes per transaction."""
    SENDERS = 2
    """20 bytes per transaction."""
    TX_OFFSETS = 3
    """uint32 offsets into TRANSACTIONS, one more than transactions."""
    TRANSACTIONS = 4
    """Raw transactions (EIP-2718), one after the other."""
    RECEIPTS = 5
    """Records of one size, one per transaction."""
    LOGS = 6
    LOG_DATA = 7
    WRITES = 8
    """Write set: what the block changed, as absolute new values."""
    STANDING = 9
    """Where a settled chain stands after the block (``storage/standing.py``); empty on others."""


PARTS = len(Part)
FRAME = struct.Struct(f"<4sHHQ32sIHHHH{PARTS}I{PARTS}II")
FORMAT = 3
_BODY = struct.Struct(f"<4sHHQ32sIHHHH{PARTS}I{PARTS}I")
_CRC = struct.Struct("<I")
_PADDING = (b"", *(bytes(8 - n) for n in range(1, 8)))


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """What a frame begins with; ``checksums`` are CRC-32, ``dropped`` is a bit mask of pruned parts."""

    number: int
    hash: bytes
    tx_count: int
    group_index: int
    group_size: int
    dropped: int
    lengths: tuple[int, ...]
    checksums: tuple[int, ...]

    @property
    def size(self) -> int:
        """Bytes of the whole frame with its padding."""
        return (FRAME.size + sum(self.lengths) + 7) & ~7

    def position(self, part: Part) -> int:
        """Where a part begins, from the start of the frame."""
        return FRAME.size + sum(self.lengths[:part])

    def pack(self) -> bytes:
        """The header's bytes."""
        body = _BODY.pack(
            MAGIC, FORMAT, FRAME.size, self.number, self.hash, self.tx_count,
            self.group_index, self.group_size, self.dropped, 0, *self.lengths, *self.checksums,
        )  # fmt: skip
        return body + _CRC.pack(zlib.crc32(body))


def parse(data: bytes, where: str | Path) -> FrameHeader:
    """Read a frame header; ``CorruptStoreError`` names ``where`` if it is not one."""
    if len(data) < FRAME.size:
        raise CorruptStoreError(where, "file ends within a block header", FRAME.size, len(data))
    fields = FRAME.unpack_from(data)
    if fields[0] != MAGIC:
        raise CorruptStoreError(where, "no block begins here", MAGIC, fields[0])
    if fields[1] != FORMAT:  # another format has its checksum elsewhere
        raise CorruptStoreError(where, "block format version", FORMAT, fields[1])
    checksum = zlib.crc32(data[: _BODY.size])
    if checksum != fields[-1]:
        raise CorruptStoreError(where, "block header checksum", fields[-1], checksum)
    if not fields[6] < fields[7]:
        raise CorruptStoreError(where, "index in its group", f"below {fields[7]}", fields[6])
    number, block_hash, tx_count, group_index, group_size, dropped = fields[3:9]
    lengths, checksums = fields[10 : 10 + PARTS], fields[10 + PARTS : -1]
    return FrameHeader(number, block_hash, tx_count, group_index, group_size, dropped, lengths, checksums)


def build(
    number: int,
    block_hash: bytes,
    parts: Sequence[bytes],
    tx_count: int,
    group: tuple[int, int],
    dropped: int,
) -> tuple[list[bytes], int]:
    """Buffers of a frame (header, non-empty parts, padding) and its size; ``group`` is (index, size)."""
    lengths = tuple(map(len, parts))
    header = FrameHeader(
        number, block_hash, tx_count, *group, dropped, lengths, tuple(map(zlib.crc32, parts))
    )
    padding = _PADDING[(FRAME.size + sum(lengths)) & 7]
    return [header.pack(), *(part for part in (*parts, padding) if part)], header.size


def check(header: FrameHeader, frame: bytes, where: str | Path) -> None:
    """Compare the checksum of every part; ``frame`` must be the whole frame."""
    if len(frame) != header.size:
        raise CorruptStoreError(where, f"file ends within block {header.number}", header.size, len(frame))
    view = memoryview(frame)
    position = FRAME.size
    for part, length, wanted in zip(Part, header.lengths, header.checksums, strict=True):
        found = zlib.crc32(view[position : position + length])
        if found != wanted:
            raise CorruptStoreError(where, f"checksum of {part.name} of block {header.number}", wanted, found)
        position += length
