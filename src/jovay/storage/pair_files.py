"""Sorted files of (key, location): the first eight bytes of a hash, and where in the block log it is.

A file holds a header, all keys in ascending order, all locations, and a table of pages: for each ``PAGE``
entries their first key and the checksums of their keys and locations. Header and table are checked when the
file is opened, a page when it is read; so a look-up trusts no byte that has changed since it was written, and
costs the checksum of one kilobyte.
"""

from __future__ import annotations

import mmap
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .errors import CorruptStoreError
from .segment import sync_directory, write_file

PAGE = 128
"""Entries of a page."""
SLICE = 1 << 20
_HEAD = struct.Struct("<8sQQQI")
_MAGIC = b"JVHASH02"
_START = 64
_PAGE_ENTRY = np.dtype([("first", "<u8"), ("keys", "<u4"), ("locations", "<u4")])

U64Array = npt.NDArray[np.uint64]
PageTable = npt.NDArray[np.void]


class PairFile:
    """The entries of the blocks ``first`` to ``last``. Raises ``CorruptStoreError`` for a file that is not whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with open(path, "rb") as file:
            head = file.read(_START)
            size = os.fstat(file.fileno()).st_size
            if len(head) < _START or head[:8] != _MAGIC or head != _sealed(head[: _HEAD.size]):
                raise CorruptStoreError(path, "hash index header")
            _, self.count, self.first, self.last, table_checksum = _HEAD.unpack_from(head)
            table_at = _START + 16 * self.count
            expected = table_at + -(-self.count // PAGE) * _PAGE_ENTRY.itemsize
            if size != expected:
                raise CorruptStoreError(path, "length of hash index", expected, size)
            view = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ)
        self.keys: U64Array = np.frombuffer(view, np.uint64, self.count, _START)
        self.locations: U64Array = np.frombuffer(view, np.uint64, self.count, _START + 8 * self.count)
        table = view[table_at:]
        if zlib.crc32(table) != table_checksum:
            raise CorruptStoreError(path, "page table of hash index", table_checksum, zlib.crc32(table))
        self._pages: PageTable = np.frombuffer(table, _PAGE_ENTRY)

    def find(self, key: int) -> list[int]:
        """Locations whose key is ``key``. Raises ``CorruptStoreError``."""
        wanted, found = np.uint64(key), list[int]()
        firsts = self._pages["first"]
        page = max(int(firsts.searchsorted(wanted)) - 1, 0)  # equal keys may begin at the end of a page
        while page < len(firsts) and firsts[page] <= wanted:
            keys = self._checked("keys", self.keys, page)
            low, high = keys.searchsorted(wanted), keys.searchsorted(wanted, "right")
            if low < high:
                found += self._checked("locations", self.locations, page)[low:high].tolist()
            page += 1
        return found

    def _checked(self, name: str, column: U64Array, page: int) -> U64Array:
        """The entries of a page in one of the two columns."""
        entries = column[page * PAGE : (page + 1) * PAGE]
        wanted, found = int(self._pages[name][page]), zlib.crc32(entries.data)
        if found != wanted:
            raise CorruptStoreError(self.path, f"checksum of {name} in page {page}", wanted, found)
        return entries

    def verify(self) -> None:
        """Compare all checksums."""
        for page in range(len(self._pages)):
            self._checked("keys", self.keys, page)
            self._checked("locations", self.locations, page)


def file_name(first: int, last: int) -> str:
    """Name of the file for a range of blocks; names sort by range."""
    return f"hashes-{first:012d}-{last:012d}.index"


def _sealed(head: bytes) -> bytes:
    return (head + zlib.crc32(head).to_bytes(4, "little")).ljust(_START, b"\0")


def _head(count: int, first: int, last: int, table: bytes) -> bytes:
    return _sealed(_HEAD.pack(_MAGIC, count, first, last, zlib.crc32(table)))


def _page_table(keys: U64Array, locations: U64Array) -> bytes:
    table = np.zeros(-(-len(keys) // PAGE), _PAGE_ENTRY)
    table["first"] = keys[::PAGE]
    for name, column in (("keys", keys), ("locations", locations)):
        table[name] = [zlib.crc32(column[at : at + PAGE].data) for at in range(0, len(column), PAGE)]
    return table.tobytes()


def write_sorted(folder: Path, first: int, last: int, keys: U64Array, locations: U64Array) -> PairFile:
    """Sort entries and write them as one file."""
    order = np.argsort(keys)
    keys, locations = keys[order], locations[order]
    table = _page_table(keys, locations)
    path = folder / file_name(first, last)
    write_file(path, (_head(len(keys), first, last, table), keys.tobytes(), locations.tobytes(), table))
    return PairFile(path)


class _Writer:
    """Writes sorted entries piece by piece; the page table is made as whole pages come."""

    def __init__(self, path: Path, count: int) -> None:
        self._path, self._count, self._written = path, count, 0
        self._file = open(path, "wb")  # noqa: SIM115 (closed by ``finish`` and by ``abandon``)
        self._table: list[bytes] = []
        self._rest = (np.empty(0, np.uint64), np.empty(0, np.uint64))

    def write(self, keys: U64Array, locations: U64Array, *, final: bool = False) -> None:
        keys, locations = (np.concatenate(pair) for pair in zip(self._rest, (keys, locations), strict=True))
        whole = len(keys) if final else len(keys) // PAGE * PAGE
        self._rest = keys[whole:], locations[whole:]
        keys, locations = keys[:whole], locations[:whole]
        self._table.append(_page_table(keys, locations))
        os.pwrite(self._file.fileno(), keys.data, _START + 8 * self._written)
        os.pwrite(self._file.fileno(), locations.data, _START + 8 * (self._count + self._written))
        self._written += whole

    def finish(self, first: int, last: int) -> None:
        self.write(*(np.empty(0, np.uint64) for _ in range(2)), final=True)
        table = b"".join(self._table)
        with self._file as file:
            os.pwrite(file.fileno(), table, _START + 16 * self._count)
            os.pwrite(file.fileno(), _head(self._count, first, last, table), 0)
            os.fsync(file.fileno())

    def abandon(self) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)


def merge(folder: Path, files: list[PairFile], oldest: int) -> PairFile:
    """Merge neighbouring files, slice by slice of the key space; leaves out blocks before ``oldest``.

    Raises ``CorruptStoreError`` if one of them is damaged: a new checksum must not bless it.
    """
    for file in files:
        file.verify()
    first, last = max(files[0].first, min(oldest, files[-1].last)), files[-1].last
    total = sum(file.count for file in files)
    edges = np.linspace(0, 2.0**64, total // SLICE + 2)[1:-1].astype(np.uint64)
    cuts = [[0, *map(int, file.keys.searchsorted(edges)), file.count] for file in files]
    floor = np.uint64(oldest << 24)
    count = total
    if oldest > files[0].first:
        count = sum(int(np.count_nonzero(file.locations >= floor)) for file in files)
    path = folder / file_name(first, last)
    writer = _Writer(path.with_suffix(".tmp"), count)
    try:
        for piece in range(len(edges) + 1):
            ranges = [(file, cut[piece], cut[piece + 1]) for file, cut in zip(files, cuts, strict=True)]
            keys = np.concatenate([file.keys[low:high] for file, low, high in ranges])
            locations = np.concatenate([file.locations[low:high] for file, low, high in ranges])
            if count != total:
                keep = locations >= floor
                keys, locations = keys[keep], locations[keep]
            order = np.argsort(keys, kind="stable")  # timsort: merges the sorted runs that are already there
            writer.write(keys[order], locations[order])
        writer.finish(first, last)
    except BaseException:
        writer.abandon()
        raise
    os.replace(path.with_suffix(".tmp"), path)
    sync_directory(folder)
    return PairFile(path)
