"""Where a transaction or a block is, by hash: derived from the block log, and rebuilt from it where it is
missing.

The newest entries are in a dictionary. When it is full, a background thread sorts its entries by the first
eight bytes of the hash into a file (keys, then locations), and merges neighbouring files of about equal
size, so that a look-up searches few files and an entry is rewritten a logarithmic number of times.
Everything is numpy; the cost in the writing thread is one bulk dictionary update per block. A file covers a
range of blocks and appears whole or not at all; ranges that no file covers after a crash are added again
from the log by ``blocks``.

A location is ``number << 24 | index``; index ``BLOCK`` means the block itself. Entries found in files match
by eight bytes only, so the caller compares the whole hash.
"""

from __future__ import annotations

import logging
import mmap
import os
import struct
import zlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .errors import CorruptStoreError
from .segment import sync_directory, write_file

log = logging.getLogger("jovay.hash_index")
BLOCK = (1 << 24) - 1
"""Index in a location that stands for the block itself."""
FAN_OUT = 4
SLICE = 1 << 20
_HEAD = struct.Struct("<8sQQQIII")
_MAGIC = b"JVHASH01"
_START = 64

U64Array = npt.NDArray[np.uint64]


def prefixes(hashes: bytes) -> U64Array:
    """The first eight bytes of each 32-byte hash, as big-endian numbers, so that order of hashes is kept."""
    return np.frombuffer(hashes, ">u8")[::4].astype(np.uint64)


class PairFile:
    """A sorted file of (key, location) for the blocks ``first`` to ``last``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with open(path, "rb") as file:
            head = file.read(_START)
            size = os.fstat(file.fileno()).st_size
            if (
                len(head) < _START
                or head[:8] != _MAGIC
                or zlib.crc32(head[:40]) != _HEAD.unpack_from(head)[6]
            ):
                raise CorruptStoreError(path, "hash index header")
            _, count, self.first, self.last, self._keys_crc, self._locations_crc, _ = _HEAD.unpack_from(head)
            if size != _START + 16 * count:
                raise CorruptStoreError(path, "length of hash index", _START + 16 * count, size)
            view = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ)
        self.keys: U64Array = np.frombuffer(view, np.uint64, count, _START)
        self.locations: U64Array = np.frombuffer(view, np.uint64, count, _START + 8 * count)

    def find(self, key: int) -> list[int]:
        """Locations whose key is ``key``."""
        wanted = np.uint64(key)
        low = int(self.keys.searchsorted(wanted))
        if low == len(self.keys) or self.keys[low] != wanted:
            return []
        return [
            int(location) for location in self.locations[low : int(self.keys.searchsorted(wanted, "right"))]
        ]

    def verify(self) -> None:
        """Compare both checksums."""
        for name, data, wanted in (
            ("keys", self.keys, self._keys_crc),
            ("locations", self.locations, self._locations_crc),
        ):
            found = zlib.crc32(data.data)
            if found != wanted:
                raise CorruptStoreError(self.path, f"checksum of {name}", wanted, found)


def file_name(first: int, last: int) -> str:
    """Name of the file for a range of blocks; names sort by range."""
    return f"hashes-{first:012d}-{last:012d}.index"


def _head(count: int, first: int, last: int, keys_crc: int, locations_crc: int) -> bytes:
    body = _HEAD.pack(_MAGIC, count, first, last, keys_crc, locations_crc, 0)
    return (body[:40] + zlib.crc32(body[:40]).to_bytes(4, "little")).ljust(_START, b"\0")


def write_sorted(folder: Path, first: int, last: int, keys: U64Array, locations: U64Array) -> PairFile:
    """Sort entries and write them as one file."""
    order = np.argsort(keys)
    keys, locations = keys[order], locations[order]
    head = _head(len(keys), first, last, zlib.crc32(keys.data), zlib.crc32(locations.data))
    path = folder / file_name(first, last)
    write_file(path, (head, keys.tobytes(), locations.tobytes()))
    return PairFile(path)


def merge(folder: Path, files: list[PairFile], oldest: int) -> PairFile:
    """Merge neighbouring files, slice by slice of the key space; leaves out blocks before ``oldest``."""
    first, last = max(files[0].first, min(oldest, files[-1].last)), files[-1].last
    total = sum(len(file.keys) for file in files)
    edges = np.linspace(0, 2.0**64, total // SLICE + 2)[1:-1].astype(np.uint64)
    cuts = [[0, *map(int, file.keys.searchsorted(edges)), len(file.keys)] for file in files]
    floor = np.uint64(oldest << 24)
    count = (
        sum(int(np.count_nonzero(file.locations >= floor)) for file in files)
        if oldest > files[0].first
        else total
    )
    path = folder / file_name(first, last)
    temporary = path.with_suffix(".tmp")
    keys_crc = locations_crc = written = 0
    with open(temporary, "wb") as out:
        for piece in range(len(edges) + 1):
            ranges = [(file, cut[piece], cut[piece + 1]) for file, cut in zip(files, cuts, strict=True)]
            keys = np.concatenate([file.keys[low:high] for file, low, high in ranges])
            locations = np.concatenate([file.locations[low:high] for file, low, high in ranges])
            if count != total:
                keep = locations >= floor
                keys, locations = keys[keep], locations[keep]
            order = np.argsort(keys, kind="stable")  # timsort: merges the sorted runs that are already there
            keys, locations = keys[order], locations[order]
            keys_crc, locations_crc = (
                zlib.crc32(keys.data, keys_crc),
                zlib.crc32(locations.data, locations_crc),
            )
            os.pwrite(out.fileno(), keys.data, _START + 8 * written)
            os.pwrite(out.fileno(), locations.data, _START + 8 * (count + written))
            written += len(keys)
        os.pwrite(out.fileno(), _head(count, first, last, keys_crc, locations_crc), 0)
        os.fsync(out.fileno())
    os.replace(temporary, path)
    sync_directory(folder)
    return PairFile(path)


class _Memory:
    """The entries that no file has yet."""

    def __init__(self) -> None:
        self.entries: dict[bytes, int] = {}
        self.keys: list[U64Array] = []
        self.locations: list[U64Array] = []
        self.first = self.last = -1

    def add(self, number: int, block_hash: bytes, tx_hashes: bytes) -> None:
        base, count = number << 24, len(tx_hashes) // 32
        self.entries[block_hash] = base | BLOCK
        if count:
            self.entries.update(
                zip(np.frombuffer(tx_hashes, "V32").tolist(), range(base, base + count), strict=True)
            )
        self.keys.append(prefixes(block_hash + tx_hashes))
        locations = np.empty(count + 1, np.uint64)
        locations[0] = base | BLOCK
        locations[1:] = np.arange(base, base + count, dtype=np.uint64)
        self.locations.append(locations)
        self.first = number if self.first < 0 else self.first
        self.last = number


class HashIndex:
    """All entries: in memory, being written, and in files. One thread adds, any number look up."""

    def __init__(self, folder: Path, memory_entries: int = 1 << 17) -> None:
        self.folder, self.memory_entries = folder, memory_entries
        self.oldest = 0
        self._memory = _Memory()
        self._frozen: list[_Memory] = []
        self._files: list[PairFile] = []
        self._worker = ThreadPoolExecutor(1, "hash-index")
        self._pending: list[Future[None]] = []
        for path in sorted(folder.glob("hashes-*.tmp")):
            path.unlink()
        for path in sorted(
            folder.glob("hashes-*.index"), key=lambda path: (path.name[7:19], -int(path.name[20:32]))
        ):
            try:
                file = PairFile(path)
            except CorruptStoreError as error:
                log.warning("made again from the block log: %s", error)
                path.unlink()
                continue
            if self._files and file.last <= self._files[-1].last:
                path.unlink()  # its merged successor is there
            else:
                self._files.append(file)

    def missing(self, oldest: int, latest: int) -> Iterator[range]:
        """Ranges of blocks within ``oldest`` to ``latest`` that no file covers."""
        position = oldest
        for file in self._files:
            if file.first > position:
                yield range(position, min(file.first, latest + 1))
            position = max(position, file.last + 1)
        if position <= latest:
            yield range(position, latest + 1)

    def add(self, number: int, block_hash: bytes, tx_hashes: bytes) -> None:
        """Enter a block and its transactions; must be durable in the log already."""
        if self._memory.last >= 0 and number != self._memory.last + 1:
            self.freeze()
        self._memory.add(number, block_hash, tx_hashes)
        if len(self._memory.entries) >= self.memory_entries:
            self.freeze()

    def find(self, wanted: bytes) -> Iterator[tuple[int, bool]]:
        """Possible locations of a hash, newest first, each with whether the whole hash is known to match."""
        for memory in (self._memory, *reversed(self._frozen)):
            location = memory.entries.get(wanted)
            if location is not None:
                yield location, True
        key = int.from_bytes(wanted[:8], "big")
        for file in reversed(self._files):
            for location in file.find(key):
                yield location, False

    def freeze(self) -> None:
        """Hand the entries in memory to the background thread."""
        if self._memory.last < 0:
            return
        frozen, self._frozen = self._memory, [*self._frozen, self._memory]
        self._memory = _Memory()
        while self._pending and self._pending[0].done():
            self._pending.pop(0).result()
        self._pending.append(self._worker.submit(self._store, frozen))

    def _store(self, frozen: _Memory) -> None:
        keys, locations = np.concatenate(frozen.keys), np.concatenate(frozen.locations)
        file = write_sorted(self.folder, frozen.first, frozen.last, keys, locations)
        # Readers take each list once, so an entry is seen twice for a moment, never missed.
        self._files = sorted([*self._files, file], key=lambda file: file.first)
        self._frozen = [memory for memory in self._frozen if memory is not frozen]
        while (start := self._mergeable()) is not None:
            old = self._files[start : start + FAN_OUT]
            merged = merge(self.folder, old, self.oldest)
            self._files = [*self._files[:start], merged, *self._files[start + FAN_OUT :]]
            for path in {file.path for file in old} - {merged.path}:
                path.unlink()

    def _mergeable(self) -> int | None:
        """Start of ``FAN_OUT`` neighbouring files of the same size class, the newest such run."""
        sizes = [max(len(file.keys) // self.memory_entries, 1).bit_length() // 2 for file in self._files]
        for start in range(len(sizes) - FAN_OUT, -1, -1):
            if len(set(sizes[start : start + FAN_OUT])) == 1:
                return start
        return None

    def wait(self) -> None:
        """Return when the background thread is idle; raises what went wrong there."""
        while self._pending:
            self._pending.pop(0).result()

    def truncate(self, latest: int) -> None:
        """Forget the blocks after ``latest``; call it before they leave the log."""
        self.wait()
        self._frozen = []
        kept, limit = [], np.uint64((latest + 1) << 24)
        for file in self._files:
            if file.last <= latest:
                kept.append(file)
                continue
            if file.first <= latest:
                keep = file.locations < limit
                kept.append(
                    write_sorted(self.folder, file.first, latest, file.keys[keep], file.locations[keep])
                )
            file.path.unlink()
        self._files = kept
        memory, self._memory = self._memory, _Memory()
        if 0 <= memory.first <= latest:
            self._memory.entries = {key: at for key, at in memory.entries.items() if at >> 24 <= latest}
            whole = latest - memory.first + 1
            self._memory.keys, self._memory.locations = memory.keys[:whole], memory.locations[:whole]
            self._memory.first, self._memory.last = memory.first, latest

    def forget_before(self, oldest: int) -> None:
        """Blocks before ``oldest`` have left the log: drop files that only speak of them."""
        self.oldest = oldest
        self.wait()
        for file in [file for file in self._files if file.last < oldest]:
            self._files = [other for other in self._files if other is not file]
            file.path.unlink()

    def verify(self) -> None:
        """Compare the checksums of all files."""
        for file in self._files:
            file.verify()

    def close(self) -> None:
        """Write what is in memory and stop the background thread."""
        try:
            self.freeze()
            self.wait()
        finally:
            self._worker.shutdown()
