"""Pruning of the block store: sealed files are rewritten without the parts that nobody needs any more."""

from __future__ import annotations

import os
from array import array
from dataclasses import dataclass
from pathlib import Path

from .blocks import BlockStore
from .frame import FRAME, FrameHeader, Part
from .segment import Segment

_PIECE = 1 << 20
BODY = (Part.TX_HASHES, Part.SENDERS, Part.TX_OFFSETS, Part.TRANSACTIONS)
RECEIPTS = (Part.RECEIPTS, Part.LOGS, Part.LOG_DATA)
WRITES = (Part.WRITES,)


@dataclass(frozen=True, slots=True)
class Keep:
    """First block whose part must stay, by kind; 0 keeps all. ``headers`` removes whole blocks before it."""

    headers: int = 0
    bodies: int = 0
    receipts: int = 0
    writes: int = 0

    def dropped(self, last: int) -> int:
        """Mask of the parts that a file ending with block ``last`` can lose."""
        mask = 0
        for parts, first in ((BODY, self.bodies), (RECEIPTS, self.receipts), (WRITES, self.writes)):
            if last < first:
                mask |= sum(1 << part for part in parts)
        return mask


def prune(store: BlockStore, keep: Keep) -> int:
    """Free space in sealed files all of whose blocks may lose a part; returns the bytes freed.

    Space is freed file by file, so more than asked for stays, never less. Call it from the writing thread or
    while nothing is appended; readers may go on. The caller keeps
    the write sets after the state's checkpoint.
    """
    kept: list[Segment] = []
    gone: list[Path] = []
    freed = 0
    for segment in store.segments[:-1]:
        if segment.last < keep.headers:
            gone += [segment.path, segment.path.with_suffix(".offsets")]
            freed += segment.end
            continue
        mask = keep.dropped(segment.last)
        if mask & ~segment.dropped:
            smaller = rewrite(segment, mask | segment.dropped)
            # At once, since the old file is held open until nobody reads it.
            store.replace_segments([smaller if one is segment else one for one in store.segments], [])
            freed += segment.end - smaller.end
            segment = smaller
        kept.append(segment)
    if gone:
        store.replace_segments([*kept, *store.segments[-1:]], gone)
    return freed


def rewrite(segment: Segment, mask: int) -> Segment:
    """Replace a sealed file by one without the parts in ``mask``. Readers of the old file can finish."""
    temporary = segment.path.with_suffix(".tmp")
    offsets: array[int] = array("Q")
    position = 0
    with open(temporary, "wb", buffering=_PIECE) as out:
        for number in range(segment.first, segment.last + 1):
            header, parts = segment.whole(number)
            lengths = tuple(0 if mask >> part & 1 else header.lengths[part] for part in Part)
            checksums = tuple(0 if mask >> part & 1 else header.checksums[part] for part in Part)
            shorter = FrameHeader(
                number, header.hash, header.tx_count, header.group_index, header.group_size,
                header.dropped | mask, lengths, checksums,
            )  # fmt: skip
            out.write(shorter.pack())
            out.writelines(part for part, length in zip(parts, lengths, strict=True) if length)
            out.write(bytes(shorter.size - FRAME.size - sum(lengths)))
            offsets.append(position)
            position += shorter.size
        out.flush()
        os.fsync(out.fileno())
    segment.source.hold()
    os.replace(temporary, segment.path)
    new = Segment(segment.path, segment.first)
    new.offsets, new.end, new.dropped = offsets, position, mask
    new.write_sidecar()
    return new
