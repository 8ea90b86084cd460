"""Files of the block log. The newest one grows; the others are sealed and have a sidecar with block
offsets."""

from __future__ import annotations

import contextlib
import mmap
import os
import struct
import zlib
from array import array
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from .descriptors import Descriptor, LazyFile
from .errors import CorruptStoreError, PrunedDataError
from .frame import FRAME, MAGIC, FrameHeader, Part, check, parse

GROWTH = 4 << 20
"""The growing file is extended by this many bytes, so that a commit seldom changes its length."""
KEEP_CACHED = 16 << 20
"""Written bytes that stay in the page cache (the newest blocks are in memory anyway)."""
CHECKED_PARTS = 1024
"""Parts of a segment whose pieces are read without comparing the checksum of the whole again."""
_SIDECAR = struct.Struct("<8sQQII")
_SIDECAR_MAGIC = b"JVOFFS01"
_IOV_MAX = 1000


def sync_directory(path: Path) -> None:
    """Make created, renamed and removed names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_file(path: Path, chunks: Iterable[bytes]) -> None:
    """Write a whole file so that after a crash there is either the old one or the new one."""
    temporary = path.with_suffix(".tmp")
    with open(temporary, "wb") as file:
        for chunk in chunks:
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    sync_directory(path.parent)


class Segment:
    """One file with blocks from ``first`` on; ``offsets[i]`` is where block ``first + i`` begins."""

    def __init__(self, path: Path, first: int) -> None:
        self.path, self.first = path, first
        self.offsets: array[int] = array("Q")
        self.dropped = 0
        self.end = 0
        self.source = LazyFile(path)
        self._checked: set[tuple[int, Part]] = set()

    @property
    def file(self) -> Descriptor:
        """The open file, for as long as the reference is kept."""
        try:
            return self.source.get()
        except FileNotFoundError:
            raise PrunedDataError(self.first, "file") from None

    @property
    def last(self) -> int:
        return self.first + len(self.offsets) - 1

    def frame(self, number: int) -> tuple[FrameHeader, int]:
        """Header of a block and where its frame begins."""
        offset = self.offsets[number - self.first]
        file = self.file
        header = parse(os.pread(file.number, FRAME.size, offset), f"{self.path} at {offset}")
        if header.number != number:
            raise CorruptStoreError(f"{self.path} at {offset}", "block number", number, header.number)
        return header, offset

    def read(self, number: int, part: Part, start: int = 0, length: int | None = None) -> bytes:
        """Bytes of a part, whose checksum is compared first, or was not long ago."""
        header, offset = self.frame(number)
        if header.dropped >> part & 1:
            raise PrunedDataError(number, part.name)
        available = header.lengths[part]
        wanted = max(available - start, 0) if length is None else length
        if start < 0 or wanted < 0 or start + wanted > available:
            raise IndexError(
                f"bytes {start} to {start + wanted} of {available} in {part.name} of block {number}"
            )
        position, where = offset + header.position(part), f"{self.path} at {offset}"
        if wanted < available and (number, part) in self._checked:
            return self._pread(position + start, wanted, where)
        data = self._pread(position, available, where)
        found = zlib.crc32(data)
        if found != header.checksums[part]:
            detail = f"checksum of {part.name} of block {number}"
            raise CorruptStoreError(where, detail, header.checksums[part], found)
        if wanted == available:
            return data
        if len(self._checked) >= CHECKED_PARTS:
            self._checked.clear()
        self._checked.add((number, part))
        return data[start : start + wanted]

    def _pread(self, position: int, wanted: int, where: str) -> bytes:
        file = self.file
        data = os.pread(file.number, wanted, position) if wanted else b""
        if len(data) != wanted:
            raise CorruptStoreError(where, f"file ends at byte {position + len(data)}", wanted, len(data))
        return data

    def whole(self, number: int) -> tuple[FrameHeader, list[bytes]]:
        """All parts of a block, checked; dropped parts are empty."""
        file = self.file
        header, offset = self.frame(number)
        data = os.pread(file.number, header.size, offset)
        check(header, data, f"{self.path} at {offset}")
        parts, position = [], FRAME.size
        for length in header.lengths:
            parts.append(data[position : position + length])
            position += length
        return header, parts

    def load_sealed(self) -> None:
        """Take the offsets from the sidecar, or from the frames if it is missing or does not fit."""
        file = self.file
        self.end = os.fstat(file.number).st_size
        if not self._load_sidecar():
            problem = self.scan()
            if problem is not None or self.end != os.fstat(file.number).st_size:
                raise problem or CorruptStoreError(
                    self.path, "sealed file has bytes after the last block", self.end
                )
            self.write_sidecar()

    def _load_sidecar(self) -> bool:
        try:
            data = self.path.with_suffix(".offsets").read_bytes()
        except FileNotFoundError:
            return False
        if len(data) < _SIDECAR.size:
            return False
        magic, size, count, dropped, checksum = _SIDECAR.unpack_from(data)
        body = data[_SIDECAR.size :]
        if (magic, size, 8 * count, checksum) != (_SIDECAR_MAGIC, self.end, len(body), zlib.crc32(body)):
            return False
        self.offsets, self.dropped = array("Q", body), dropped
        return True

    def write_sidecar(self) -> None:
        """Write the sidecar of a sealed file."""
        body = self.offsets.tobytes()
        head = _SIDECAR.pack(_SIDECAR_MAGIC, self.end, len(self.offsets), self.dropped, zlib.crc32(body))
        write_file(self.path.with_suffix(".offsets"), (head, body))

    def scan(self) -> CorruptStoreError | None:
        """Find the blocks from the frames, checking every byte; sets ``offsets``, ``dropped`` and ``end``.

        Returns what stands after the last whole group, if anything: a group that was being written when the
        machine stopped. Damage that a later group follows is no such torn tail and raises.
        """
        file = self.file
        size = os.fstat(file.number).st_size
        self.offsets, self.end, self.dropped = array("Q"), 0, 0
        if size == 0:
            return None
        with mmap.mmap(file.number, size, access=mmap.ACCESS_READ) as view:
            problem = self._scan_frames(view, size)
            self._refuse_later_group(view, problem)
            if problem is None and view[self.end :].strip(b"\0"):
                problem = CorruptStoreError(self.path, "bytes after the last group", found=size - self.end)
        return problem

    def _scan_frames(self, view: mmap.mmap, size: int) -> CorruptStoreError | None:
        position = group = whole = 0
        problem = None
        while position + FRAME.size <= size and view[position : position + 4] != bytes(4):
            where = f"{self.path} at {position}"
            try:
                header = parse(view[position : position + FRAME.size], where)
                self._follow(header, where, group)
                check(header, view[position : position + header.size], where)
            except CorruptStoreError as error:
                problem = error
                break
            self.offsets.append(position)
            self.dropped |= header.dropped
            position += header.size
            group = (header.group_index + 1) % header.group_size
            if group == 0:
                self.end, whole = position, len(self.offsets)
        del self.offsets[whole:]
        return problem

    def _follow(self, header: FrameHeader, where: str, group: int) -> None:
        expected = self.first + len(self.offsets)
        if header.number != expected or header.group_index != group:
            raise CorruptStoreError(
                where, "block out of order", (expected, group), (header.number, header.group_index)
            )

    def _refuse_later_group(self, view: mmap.mmap, problem: CorruptStoreError | None) -> None:
        """Raise if after the whole groups stands a block of a group later than the next one."""
        at = view.find(MAGIC, self.end)
        while at >= 0:
            header = None
            with contextlib.suppress(CorruptStoreError):
                header = parse(view[at : at + FRAME.size], self.path)
            if header is not None and header.number - header.group_index > self.last + 1:
                detail = f"{problem or 'missing bytes'}; block {header.number} stands after it"
                raise CorruptStoreError(self.path, detail)
            at = view.find(MAGIC, at + 1)


class GrowingSegment(Segment):
    """The file that new blocks go to. One thread writes, any number read."""

    def __init__(self, path: Path, first: int) -> None:
        if not path.exists():
            write_file(path, ())
        super().__init__(path, first)
        self.source.hold()
        self._allocated = os.fstat(self.file.number).st_size
        self._released = 0

    def write(self, buffers: list[bytes], size: int) -> None:
        """Write frames at the end (``size`` bytes together) without making them durable or visible."""
        descriptor, position = self.file.number, self.end
        if position + size > self._allocated:
            grown = -(-(position + size) // GROWTH) * GROWTH
            os.posix_fallocate(descriptor, self._allocated, grown - self._allocated)
            self._allocated = grown
        for start in range(0, len(buffers), _IOV_MAX):
            position += self._write_some(buffers[start : start + _IOV_MAX], position)

    def _write_some(self, buffers: list[bytes], position: int) -> int:
        total = sum(map(len, buffers))
        written = os.pwritev(self.file.number, buffers, position)
        if written < total:  # a signal or a full disk: continue with one buffer, which raises if it cannot
            rest = memoryview(b"".join(buffers))
            while written < total:
                written += os.pwrite(self.file.number, rest[written:], position + written)
        return total

    def sync(self) -> None:
        """Make everything written durable."""
        os.fdatasync(self.file.number)

    def accept(self, sizes: Iterable[int]) -> None:
        """Make written frames visible to readers."""
        for size in sizes:
            self.offsets.append(self.end)
            self.end += size
        if self.end - self._released > 2 * KEEP_CACHED:
            os.posix_fadvise(self.file.number, self._released, KEEP_CACHED, os.POSIX_FADV_DONTNEED)
            self._released += KEEP_CACHED

    def cut(self, last: int) -> None:
        """Remove the blocks after ``last`` and whatever else stands behind them."""
        self.source.hold()  # it grows again, also after it was sealed
        keep = max(last - self.first + 1, 0)
        if keep < len(self.offsets):
            self._end_group(keep)
            self.end = self.offsets[keep]
            del self.offsets[keep:]
        self._checked.clear()
        os.ftruncate(self.file.number, self.end)
        os.fsync(self.file.number)
        self._allocated = self.end
        self._released = min(self._released, self.end)

    def _end_group(self, keep: int) -> None:
        """Let a group of which only the first blocks stay be one of these: half a group counts for nothing at a start.

        Whichever of its frames are written when this is cut off, the blocks that stay are whole: the last of them says
        so, or the group that was.
        """
        if not keep:
            return
        descriptor = self.file.number
        last = parse(os.pread(descriptor, FRAME.size, self.offsets[keep - 1]), self.path)
        size = last.group_index + 1
        if size == last.group_size:
            return
        for offset in self.offsets[keep - size : keep]:
            header = parse(os.pread(descriptor, FRAME.size, offset), self.path)
            os.pwrite(descriptor, replace(header, group_size=size).pack(), offset)
        os.fsync(descriptor)
