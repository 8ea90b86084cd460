"""Where a transaction or a block is, by hash: derived from the block log, and made again from it where it is
missing or damaged.

The newest entries are in a dictionary. When it is full, a background thread sorts its entries by the first
eight bytes of the hash into a file (``pair_files``), and merges neighbouring files of about equal size, so
that a look-up searches few files and an entry is rewritten a logarithmic number of times. Everything is numpy;
the cost in the writing thread is one bulk dictionary update per block. A file covers a range of blocks and
appears whole or not at all; ranges that no file covers after a crash are added again from the log by
``blocks``, and a file in which a look-up meets a wrong checksum is made again in the background.

A location is ``number << 24 | index``; index ``BLOCK`` means the block itself. Entries found in files match
by eight bytes only, so the caller compares the whole hash.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np

from .errors import CorruptStoreError, IndexRepairError, StorageError
from .pair_files import PairFile, U64Array, merge, write_sorted
from .segment import sync_directory

log = logging.getLogger("jovay.hash_index")
BLOCK = (1 << 24) - 1
"""Index in a location that stands for the block itself."""
FAN_OUT = 4
REBUILT_ENTRIES = 1 << 20
"""Entries of one file that is made again; merging puts them together later."""

Source = Callable[[int], tuple[bytes, bytes]]
"""Number of a block in the log → its hash, and its transactions' hashes back to back."""


def prefixes(hashes: bytes) -> U64Array:
    """The first eight bytes of each 32-byte hash, as big-endian numbers, so that order of hashes is kept."""
    return np.frombuffer(hashes, ">u8")[::4].astype(np.uint64)


def entries_of(number: int, block_hash: bytes, tx_hashes: bytes) -> tuple[U64Array, U64Array]:
    """Keys and locations of a block and its transactions."""
    count, base = len(tx_hashes) // 32, number << 24
    locations = np.empty(count + 1, np.uint64)
    locations[0] = base | BLOCK
    locations[1:] = np.arange(base, base + count, dtype=np.uint64)
    return prefixes(block_hash + tx_hashes), locations


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
        keys, locations = entries_of(number, block_hash, tx_hashes)
        self.keys.append(keys)
        self.locations.append(locations)
        self.first = number if self.first < 0 else self.first
        self.last = number

    def until(self, latest: int) -> _Memory:
        """Those of the blocks up to ``latest``."""
        part = _Memory()
        if 0 <= self.first <= latest < self.last:
            part.entries = {key: at for key, at in self.entries.items() if at >> 24 <= latest}
            whole = latest - self.first + 1
            part.keys, part.locations = self.keys[:whole], self.locations[:whole]
            part.first, part.last = self.first, latest
        return self if self.last <= latest else part


class HashIndex:
    """All entries: in memory, being written, and in files. One thread adds, any number look up."""

    def __init__(self, folder: Path, source: Source, memory_entries: int = 1 << 17) -> None:
        """``source`` reads the log, for files that must be made again."""
        self.folder, self.memory_entries, self._source = folder, memory_entries, source
        self.oldest = 0
        self._memory = _Memory()
        self._frozen: list[_Memory] = []
        self._files: list[PairFile] = []
        self._worker = ThreadPoolExecutor(1, "hash-index")
        self._pending: list[Future[None]] = []
        self._repairs: dict[Path, Future[None]] = {}
        self._repairing = threading.Lock()
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

    @property
    def latest(self) -> int:
        """Newest block that a file speaks of, -1 without files."""
        return self._files[-1].last if self._files else -1

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
        """Possible locations of a hash, newest first, each with whether the whole hash is known to match.

        Raises ``IndexRepairError`` where that cannot be known now: a page is damaged, and its file is being made
        again from the log.
        """
        for memory in (self._memory, *reversed(self._frozen)):
            location = memory.entries.get(wanted)
            if location is not None:
                yield location, True
        key = int.from_bytes(wanted[:8], "big")
        for file in reversed(self._files):
            try:
                locations = file.find(key)
            except CorruptStoreError as error:
                self._repair(file, error)
                raise IndexRepairError(file.path, file.first, file.last) from error
            for location in locations:
                yield location, False

    def _repair(self, file: PairFile, error: CorruptStoreError) -> None:
        """Have the background thread make a file again, once."""
        with self._repairing:
            if file.path not in self._repairs:
                log.warning("made again from the block log: %s", error)
                self._repairs[file.path] = self._worker.submit(self._rebuild, file)

    def _rebuild(self, damaged: PairFile) -> None:
        try:
            made = list(self._made_again(damaged.first, damaged.last))
        except (OSError, StorageError) as error:  # the next start tries again
            log.error("%s cannot be made again: %s", damaged.path, error)
            return
        others = [file for file in self._files if file is not damaged]
        self._files = sorted([*others, *made], key=lambda file: file.first)
        if all(file.path != damaged.path for file in made):
            damaged.path.unlink()
        with self._repairing:
            del self._repairs[damaged.path]

    def _made_again(self, first: int, last: int) -> Iterator[PairFile]:
        """Files for the blocks ``first`` to ``last``, from the log."""
        start, keys, locations, count = first, list[U64Array](), list[U64Array](), 0
        for number in range(first, last + 1):
            if number >= self.oldest:
                some_keys, some_locations = entries_of(number, *self._source(number))
                keys.append(some_keys)
                locations.append(some_locations)
                count += len(some_keys)
            if number == last or count >= REBUILT_ENTRIES:
                none = [np.empty(0, np.uint64)]
                whole = np.concatenate(keys or none), np.concatenate(locations or none)
                yield write_sorted(self.folder, start, number, *whole)
                start, keys, locations, count = number + 1, [], [], 0

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
            try:
                merged = merge(self.folder, old, self.oldest)
            except CorruptStoreError as error:
                self._repair_damaged(old, error)
                return  # the file that comes next tries again
            self._files = [*self._files[:start], merged, *self._files[start + FAN_OUT :]]
            for path in {file.path for file in old} - {merged.path}:
                path.unlink()

    def _repair_damaged(self, files: list[PairFile], error: CorruptStoreError) -> None:
        for file in files:
            if str(file.path) == error.where:
                self._repair(file, error)

    def _mergeable(self) -> int | None:
        """Start of ``FAN_OUT`` neighbouring files of the same size class, the newest such run."""
        sizes = [max(file.count // self.memory_entries, 1).bit_length() // 2 for file in self._files]
        for start in range(len(sizes) - FAN_OUT, -1, -1):
            if len(set(sizes[start : start + FAN_OUT])) == 1:
                return start
        return None

    def wait(self) -> None:
        """Return when the background thread is idle; raises what went wrong there."""
        while self._pending:
            self._pending.pop(0).result()
        for repair in list(self._repairs.values()):
            repair.result()

    def truncate(self, latest: int) -> None:
        """Forget the blocks after ``latest``; call it before they leave the log."""
        self.wait()
        self._frozen = []
        kept: list[PairFile] = []
        for file in self._files:
            if file.last <= latest:
                kept.append(file)
                continue
            if file.first <= latest:
                kept += self._cut(file, latest)
            file.path.unlink()
        self._files = kept
        sync_directory(self.folder)  # else a later start misses blocks that were removed on purpose
        self._memory = self._memory.until(latest)

    def _cut(self, file: PairFile, latest: int) -> list[PairFile]:
        """What is left of a file without the blocks after ``latest``."""
        try:
            file.verify()
        except CorruptStoreError as error:
            log.warning("made again from the block log: %s", error)
            return list(self._made_again(file.first, latest))
        keep = file.locations < np.uint64((latest + 1) << 24)
        return [write_sorted(self.folder, file.first, latest, file.keys[keep], file.locations[keep])]

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
