"""The block store: an append-only log of blocks in segment files, an index by hash, and the newest blocks
in memory.

Blocks have files of their own instead of RocksDB: a body is written once (RocksDB writes a value to its
log, to a table and again at each compaction), the interpreter lock is free while the disk works, a single
receipt is read by position, and the log needs no other log to be recovered. What ``append`` returned from
is durable; after a crash the log ends with the last whole group.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .block_parts import FIELDS, BlockParts
from .errors import (
    BadBlockError,
    CorruptStoreError,
    LostBlocksError,
    MissingBlockError,
    PrunedDataError,
    StorageError,
    StoreClosedError,
)
from .frame import Part, build
from .hash_index import BLOCK, HashIndex
from .segment import GrowingSegment, Segment, sync_directory

BLOOM_POSITION = 192
"""Where the logs bloom stands in a header's RLP: the six fields before it have fixed lengths."""
BLOOM_SIZE = 256
MAX_GROUP = (1 << 16) - 1


class BlockStore:
    """Blocks ``oldest`` to ``latest`` (-1 when empty). One thread appends, any number read."""

    def __init__(
        self,
        path: str | Path,
        *,
        sync: bool = True,
        segment_bytes: int = 256 << 20,
        segment_blocks: int = 1 << 16,
        recent_bytes: int = 128 << 20,
        index_entries: int = 1 << 17,
    ) -> None:
        """Open or create.

        ``sync=False`` leaves durability to the operating system (survives kill -9 only).
        """
        self.path, self.sync = Path(path), sync
        self.segment_bytes, self.segment_blocks = segment_bytes, segment_blocks
        self.recent_bytes, self._recent_size = recent_bytes, 0
        self._recent: dict[int, BlockParts] = {}
        self._failed: BaseException | None = None
        self._closed = False
        self.path.mkdir(parents=True, exist_ok=True)
        self.torn: CorruptStoreError | None = None
        """What was cut off the end of the log at this start, if anything."""
        self.oldest = self.latest = -1
        self._set_segments(self._open_segments())
        self._set_ends()
        self._index = HashIndex(self.path, self._hashes, index_entries)
        self._check_end()
        self._complete_index()

    # ---- opening ----

    def _open_segments(self) -> list[Segment]:
        for path in self.path.glob("blocks-*.tmp"):
            path.unlink()
        segments: list[Segment] = []
        paths = sorted(self.path.glob("blocks-*.log"))
        for path in paths:
            first = int(path.stem[7:])
            if segments and segments[-1].last + 1 != first:
                raise CorruptStoreError(path, "first block does not follow", segments[-1].last + 1, first)
            if path is paths[-1]:
                growing = GrowingSegment(path, first)
                self.torn = growing.scan()
                segments.append(growing)
            else:
                segments.append(Segment(path, first))
                segments[-1].load_sealed()
        return segments

    def _set_segments(self, segments: list[Segment]) -> None:
        # One assignment, so that readers see files and first numbers that belong together.
        self._layout = segments, [segment.first for segment in segments]

    def _set_ends(self) -> None:
        filled = [segment for segment in self.segments if len(segment.offsets)]
        self.oldest, self.latest = (filled[0].first, filled[-1].last) if filled else (-1, -1)

    def _check_end(self) -> None:
        """Cut off a torn group; refuse a log that has lost blocks, of which something derived is still there."""
        if self._index.latest > self.latest:
            raise LostBlocksError(self.path, self.latest, self._index.latest) from self.torn
        if not self.segments:
            return
        last = self.segments[-1]
        if len(last.offsets) and last.path.with_suffix(".offsets").exists():
            raise LostBlocksError(self.path, self.latest, self.latest + 1)  # a sealed file is never the last
        if isinstance(last, GrowingSegment):
            last.cut(last.last)

    def _complete_index(self) -> None:
        self._index.forget_before(max(self.oldest, 0))
        self._index.truncate(self.latest)
        if self.latest < 0:
            return
        for numbers in list(self._index.missing(self.oldest, self.latest)):
            for number in numbers:
                self._index.add(number, *self._hashes(number))

    def _hashes(self, number: int) -> tuple[bytes, bytes]:
        """Hash of a block, and of its transactions unless they are pruned."""
        header, _ = self._segment(number).frame(number)
        return header.hash, b"" if header.dropped >> Part.TX_HASHES & 1 else self.tx_hashes(number)

    # ---- writing ----

    def append(self, blocks: Sequence[BlockParts]) -> None:
        """Store consecutive blocks in one group: after a crash there are all of them or none.

        When it returns they are durable (unless ``sync`` is off) and visible to readers. Fields that are not
        ``bytes`` are copied once. The first block of an empty store may have any number.
        """
        self._usable()
        blocks = [block.frozen() for block in blocks]
        if not blocks:
            return
        if len(blocks) > MAX_GROUP:
            raise BadBlockError(
                blocks[0].number, f"{len(blocks)} blocks in one group, at most {MAX_GROUP} can be"
            )
        expected = self.latest + 1 if self.latest >= 0 else blocks[0].number
        buffers: list[bytes] = []
        sizes: list[int] = []
        for index, block in enumerate(blocks):
            if block.number != expected + index:
                raise BadBlockError(block.number, f"does not follow: block {expected + index} is next")
            parts = [getattr(block, name) for name in FIELDS]
            group = (index, len(blocks))
            frame, size = build(block.number, block.hash, parts, block.tx_count, group, block.dropped)
            buffers += frame
            sizes.append(size)
        self._commit(self._growing(expected, sum(sizes)), buffers, sizes)
        try:
            for block in blocks:
                self._index.add(block.number, block.hash, block.tx_hashes)
                self._remember(block)
        except BaseException as error:
            self._failed = error  # the log has these blocks already; a start indexes them
            raise
        self.oldest = expected if self.oldest < 0 else self.oldest
        self.latest = blocks[-1].number

    def _usable(self) -> None:
        if self._closed:
            raise StoreClosedError(f"{self.path} is closed")
        if self._failed is not None:
            raise StorageError(
                f"{self.path} is read-only after a failed write: {self._failed}"
            ) from self._failed

    def _growing(self, number: int, size: int) -> GrowingSegment:
        """The segment for the next group: the newest one, or a new one if that is full."""
        kept = list(self.segments)
        if kept and len(kept[-1].offsets) == 0 and kept[-1].first != number:
            kept.pop().path.unlink()
        if kept and isinstance(kept[-1], GrowingSegment):
            last = kept[-1]
            full = last.end + size > self.segment_bytes or len(last.offsets) >= self.segment_blocks
            if not full or len(last.offsets) == 0:
                last.source.hold()  # it may have been sealed before later blocks were taken back
                return last
            last.cut(last.last)  # gives back the unused space
        growing = GrowingSegment(self.path / f"blocks-{number:012d}.log", number)
        if kept:
            # Only now: a sealed file that is the last one tells that others were lost.
            kept[-1].write_sidecar()
            kept[-1].source.release()
        self._set_segments([*kept, growing])
        return growing

    def _commit(self, segment: GrowingSegment, buffers: list[bytes], sizes: list[int]) -> None:
        try:
            segment.write(buffers, sum(sizes))
            if self.sync:
                segment.sync()
        except OSError as error:
            # After a failed fsync the kernel may have forgotten the dirty pages: nothing may be
            # built on them.
            self._failed = error
            raise StorageError(f"{segment.path}: {error}") from error
        segment.accept(sizes)

    def _remember(self, block: BlockParts) -> None:
        self._recent[block.number] = block
        self._recent_size += block.weight
        while self._recent_size > self.recent_bytes and len(self._recent) > 1:
            self._recent_size -= self._recent.pop(next(iter(self._recent))).weight

    def truncate(self, above: int) -> None:
        """Remove the blocks after ``above`` (all of them for -1), newest first. Used by ``evm_revert``."""
        self._usable()
        if above >= self.latest:
            return
        self._index.truncate(above)
        for number in [number for number in self._recent if number > above]:
            self._recent_size -= self._recent.pop(number).weight
        self.latest = max(above, -1) if above >= self.oldest else -1
        for segment in self.segments:  # stopped in between, no sealed file may be found to be the last one
            if segment.last >= above:
                segment.path.with_suffix(".offsets").unlink(missing_ok=True)
        sync_directory(self.path)
        while self.segments and self.segments[-1].last > above:
            segment = self.segments[-1]
            if segment.first > above:
                self._set_segments(self.segments[:-1])
                segment.path.unlink(missing_ok=True)
                sync_directory(self.path)
                continue
            if isinstance(segment, GrowingSegment):
                growing = segment
            else:
                growing = GrowingSegment(segment.path, segment.first)
                growing.scan()
            growing.cut(above)
            self._set_segments([*self.segments[:-1], growing])
        self._set_ends()

    def replace_segments(self, segments: list[Segment], gone: Sequence[Path]) -> None:
        """Put other files in the place of sealed ones (``prune``) and delete the files that are gone."""
        self._set_segments(segments)
        self._set_ends()
        for path in gone:
            path.unlink(missing_ok=True)
        sync_directory(self.path)
        self._index.forget_before(max(self.oldest, 0))

    @property
    def segments(self) -> list[Segment]:
        """The files, oldest first; all but the last are sealed."""
        return self._layout[0]

    def close(self) -> None:
        """Finish background work and release the files. Closing twice is fine."""
        if self._closed:
            return
        self._closed = True
        self._index.close()
        self._set_segments([])
        self._recent.clear()

    # ---- reading ----

    def _segment(self, number: int) -> Segment:
        if not self.oldest <= number <= self.latest or number < 0:
            raise MissingBlockError(number, self.oldest, self.latest)
        segments, firsts = self._layout
        if not segments:
            raise StoreClosedError(f"{self.path} is closed")
        return segments[bisect_right(firsts, number) - 1]

    def read(self, number: int, part: Part, start: int = 0, length: int | None = None) -> bytes:
        """``length`` bytes of a part from ``start`` (default: all), without reading the rest of the block.

        Raises ``MissingBlockError``, ``PrunedDataError``, ``CorruptStoreError`` or ``IndexError``.
        """
        block = self._recent.get(number)
        if block is None or number > self.latest:
            return self._segment(number).read(number, part, start, length)
        data = block.part(part)
        if start == 0 and length is None:
            return data
        stop = len(data) if length is None else start + length
        if not 0 <= start <= stop <= len(data):
            raise IndexError(f"bytes {start} to {stop} of {len(data)} in {part.name} of block {number}")
        return data[start:stop]

    def recent(self, number: int) -> BlockParts | None:
        """The whole block if it is in memory, as the newest ones are."""
        return self._recent.get(number) if number <= self.latest else None

    def block(self, number: int) -> BlockParts:
        """The whole block, checked; parts that are pruned are empty and marked in ``dropped``."""
        block = self._recent.get(number)
        if block is not None and number <= self.latest:
            return block
        header, parts = self._segment(number).whole(number)
        return BlockParts.of(header, parts)

    def hash_of(self, number: int) -> bytes:
        """Block hash by number."""
        block = self._recent.get(number)
        if block is not None and number <= self.latest:
            return block.hash
        return self._segment(number).frame(number)[0].hash

    def tx_count(self, number: int) -> int:
        """Number of transactions, also when the body is pruned."""
        block = self._recent.get(number)
        if block is not None and number <= self.latest and not block.dropped:
            return block.tx_count
        return self._segment(number).frame(number)[0].tx_count

    def header(self, number: int) -> bytes:
        """Header RLP."""
        return self.read(number, Part.HEADER)

    def tx_hashes(self, number: int) -> bytes:
        """32 bytes per transaction."""
        return self.read(number, Part.TX_HASHES)

    def senders(self, number: int) -> bytes:
        """20 bytes per transaction."""
        return self.read(number, Part.SENDERS)

    def transactions(self, number: int) -> tuple[npt.NDArray[np.uint32], bytes]:
        """Offsets (one more than transactions) and the raw transactions they cut."""
        return np.frombuffer(self.read(number, Part.TX_OFFSETS), np.uint32), self.read(
            number, Part.TRANSACTIONS
        )

    def receipts(self, number: int) -> bytes:
        """All receipt records."""
        return self.read(number, Part.RECEIPTS)

    def logs(self, number: int) -> tuple[bytes, bytes]:
        """Log records and log data."""
        return self.read(number, Part.LOGS), self.read(number, Part.LOG_DATA)

    def writes(self, number: int) -> bytes:
        """The write set."""
        return self.read(number, Part.WRITES)

    def transaction(self, number: int, index: int) -> bytes:
        """One raw transaction; ``IndexError`` if the block has fewer."""
        low, high = np.frombuffer(self.read(number, Part.TX_OFFSETS, 4 * index, 8), np.uint32)
        return self.read(number, Part.TRANSACTIONS, int(low), int(high) - int(low))

    def tx_hash(self, number: int, index: int) -> bytes:
        """Hash of one transaction."""
        return self.read(number, Part.TX_HASHES, 32 * index, 32)

    def sender(self, number: int, index: int) -> bytes:
        """Sender of one transaction."""
        return self.read(number, Part.SENDERS, 20 * index, 20)

    def receipt(self, number: int, index: int) -> bytes:
        """One receipt record; ``IndexError`` if the block has fewer."""
        count = self.tx_count(number)
        if not 0 <= index < count:
            raise IndexError(f"transaction {index} of {count} in block {number}")
        block = self._recent.get(number)
        if block is not None and not block.dropped:
            size = len(block.receipts) // count
        else:
            size = self._segment(number).frame(number)[0].lengths[Part.RECEIPTS] // count
        return self.read(number, Part.RECEIPTS, size * index, size)

    def blooms(self, start: int, stop: int) -> npt.NDArray[np.uint8]:
        """Logs blooms of the blocks start … stop-1 from their headers, shape (stop - start, 256)."""
        rows = [self.read(number, Part.HEADER, BLOOM_POSITION, BLOOM_SIZE) for number in range(start, stop)]
        return np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), BLOOM_SIZE)

    def number_of(self, block_hash: bytes) -> int | None:
        """Number of the block with this hash. Raises ``IndexRepairError``."""
        for location, exact in self._index.find(block_hash):
            number = location >> 24
            if location & BLOCK != BLOCK or not self.oldest <= number <= self.latest:
                continue
            if exact or self.hash_of(number) == block_hash:
                return number
        return None

    def locate(self, tx_hash: bytes) -> tuple[int, int] | None:
        """(block number, index) of a transaction; None if it is not stored or its block's body is pruned.

        Raises ``IndexRepairError``.
        """
        for location, exact in self._index.find(tx_hash):
            number, index = location >> 24, location & BLOCK
            if index == BLOCK or not self.oldest <= number <= self.latest:
                continue
            try:
                if exact or self.tx_hash(number, index) == tx_hash:
                    return number, index
            except PrunedDataError:
                continue
        return None

    def verify(self) -> None:
        """Read everything and compare all checksums; raises the first ``CorruptStoreError``."""
        for number in range(max(self.oldest, 0), self.latest + 1):
            self._segment(number).whole(number)
        self._index.wait()
        self._index.verify()
