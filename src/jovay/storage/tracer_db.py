"""TracerDB: what was recorded of blocks for provers, in files of their own, for as long as there is room.

A record is written once and never synchronised: it survives the end of the process, not that of the machine. One that
is missing or torn is no loss, since its block can be executed again; nothing here is a source of truth. The contents
are opaque; whoever reads them proves them against the state root.

A record: 64 bytes of head (magic, CRC-32 of what follows in it, block number, size of the contents, block hash, zeros),
then the contents. All integers are little-endian. Each process begins a file of its own.
"""

from __future__ import annotations

import os
import struct
import threading
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

_HEAD = struct.Struct("<4sIQQ32s8x")
_MAGIC = b"JVT1"
_CHECKED = 8  # magic and checksum come first
SEGMENT = 64 << 20
EVERY_BLOCK = 1 << 64
Buffer = bytes | memoryview


def _head(number: int, block_hash: bytes, size: int) -> bytes:
    head = _HEAD.pack(_MAGIC, 0, number, size, block_hash)
    return _MAGIC + struct.pack("<I", zlib.crc32(head[_CHECKED:])) + head[_CHECKED:]


class _File:
    """One file; ``places`` says where a block's newest record has its contents, and how much of them."""

    def __init__(self, path: Path, places: dict[int, tuple[bytes, int, int]] | None = None) -> None:
        self.path, self.serial = path, int(path.stem.partition("-")[2])
        self._places = places
        self._size: int | None = None

    def places(self) -> dict[int, tuple[bytes, int, int]]:
        """Hash, position and size of contents by number; read from the file once, up to what is torn."""
        if self._places is None:
            self._places = {}
            with open(self.path, "rb") as file:
                at, end = 0, os.fstat(file.fileno()).st_size
                while at + _HEAD.size <= end:
                    file.seek(at)
                    raw = file.read(_HEAD.size)
                    _, _, number, size, block_hash = _HEAD.unpack(raw)
                    at += _HEAD.size + size
                    if raw != _head(number, block_hash, size) or at > end:
                        break
                    self._places[number] = block_hash, at - size, size
        return self._places

    def last(self) -> int:
        """The newest block in it."""
        try:
            return max(self.places(), default=0)
        except FileNotFoundError:
            return 0

    def size(self) -> int:
        """Bytes, once it does not grow any more."""
        if self._size is None:
            try:
                self._size = self.path.stat().st_size
            except FileNotFoundError:
                self._size = 0
        return self._size


class TracerDB:
    """Records in ``path``, the newest ``keep_bytes`` of them (whole files go). One thread appends, any may read.

    Some may have to stay, however much they take: see ``keep_after``.
    """

    def __init__(self, path: Path, keep_bytes: int, segment_bytes: int = SEGMENT) -> None:
        self.path, self._keep, self._segment = path, keep_bytes, min(segment_bytes, max(1, keep_bytes // 4))
        self._lock = threading.Lock()
        self._may_go: Callable[[], int] = lambda: EVERY_BLOCK
        self._descriptor, self._end = -1, 0
        self._files: list[_File] = []
        if path.exists():
            found = [_File(file) for file in path.glob("records-*.log")]
            self._files = sorted(found, key=lambda file: file.serial)

    def append(self, number: int, block_hash: bytes, contents: Sequence[Buffer]) -> None:
        """Keep a record, in place of an earlier one of the same number."""
        size = sum(map(len, contents))
        if self._descriptor < 0 or self._end >= self._segment:
            self._begin_file()
        _write(self._descriptor, [_head(number, block_hash, size), *contents])
        with self._lock:
            self._files[-1].places()[number] = block_hash, self._end + _HEAD.size, size
        self._end += _HEAD.size + size

    def keep_after(self, block: Callable[[], int]) -> None:
        """From now on records of blocks after ``block()`` stay."""
        self._may_go = block

    def is_full(self) -> bool:
        """Whether records that have to stay take more than ``keep_bytes``."""
        with self._lock:
            older = self._files[:-1]
        return sum(file.size() for file in older) + self._end > self._keep and not self._gone(older)

    def read(self, number: int, block_hash: bytes, limit: int | None = None) -> bytes | None:
        """What ``append`` was given of the block, if it is still there; no more than the first ``limit`` bytes."""
        with self._lock:
            files = self._files[::-1]
        for file in files:
            try:
                place = file.places().get(number)
                if place is not None and place[0] == block_hash:
                    size = place[2] if limit is None else min(limit, place[2])
                    with open(file.path, "rb") as opened:
                        opened.seek(place[1])
                        contents = opened.read(size)
                    return contents if len(contents) == size else None
            except FileNotFoundError:  # it has been removed meanwhile
                continue
        return None

    def close(self) -> None:
        """Close the file that grows. Twice is fine."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _begin_file(self) -> None:
        self.close()
        self.path.mkdir(parents=True, exist_ok=True)
        serial = self._files[-1].serial + 1 if self._files else 0
        file = _File(self.path / f"records-{serial:08}.log", {})
        self._descriptor = os.open(file.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        self._end = 0
        with self._lock:
            self._files.append(file)
        self._retire()

    def _retire(self) -> None:
        """Remove the oldest files that are not within ``keep_bytes``, with room for the one that begins."""
        gone = self._gone(self._files[:-1])
        with self._lock:
            self._files = self._files[len(gone) :]
        for file in gone:
            file.path.unlink(missing_ok=True)

    def _gone(self, files: Sequence[_File]) -> list[_File]:
        """The first of these that may go, and are not within ``keep_bytes``."""
        kept, last = self._segment + sum(file.size() for file in files), self._may_go()
        gone = []
        for file in files:
            if kept <= self._keep or file.last() > last:
                break
            kept -= file.size()
            gone.append(file)
        return gone


def _write(descriptor: int, buffers: list[Buffer]) -> None:
    """All of them, in as few calls as it takes."""
    left = [memoryview(buffer) for buffer in buffers if len(buffer)]
    while left:
        done = os.writev(descriptor, left[:1000])
        while left and done >= len(left[0]):
            done -= len(left.pop(0))
        if left and done:
            left[0] = left[0][done:]
