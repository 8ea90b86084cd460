"""``RocksKV``: RocksDB (rocksdict, raw bytes) behind the ``KV`` interface, one column family per table.

Column families beat key prefixes here: no byte string is built per key, and each table has its own memtable,
bloom filter and compression. rocksdict holds the interpreter lock during a write, so callers cut large
batches where they need not be atomic (see ``state``), and blocks have files of their own (see ``blocks``).
"""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import dropwhile, takewhile
from pathlib import Path
from typing import cast

from rocksdict import (
    BlockBasedOptions,
    Cache,
    DbClosedError,
    DBCompressionType,
    DBRecoveryMode,
    Options,
    Rdict,
    ReadOptions,
    WriteBatch,
    WriteOptions,
)

from .errors import CorruptStoreError, DatadirLockedError, StorageError, StoreClosedError, UnknownTableError
from .kv import META, Batch, all_tables, bounds

MEBIBYTE = 1 << 20
ROCKS_FILES = 256
"""Most files that a database holds open; others are opened when they are read."""
Pairs = Iterator[tuple[bytes, bytes]]


def _options(cache: Cache, write_buffer: int) -> Options:
    """Options of one table: bloom filters of 10 bits per key, LZ4, ZSTD at the bottom level."""
    table = BlockBasedOptions()
    table.set_block_cache(cache)
    table.set_block_size(8 << 10)
    table.set_bloom_filter(10, False)
    table.set_cache_index_and_filter_blocks(True)
    table.set_pin_l0_filter_and_index_blocks_in_cache(True)
    table.set_format_version(5)
    options = Options(raw_mode=True)
    options.set_block_based_table_factory(table)
    options.set_compression_type(DBCompressionType.lz4())
    options.set_bottommost_compression_type(DBCompressionType.zstd())
    options.set_write_buffer_size(write_buffer)
    options.set_memtable_whole_key_filtering(True)
    options.set_memtable_prefix_bloom_ratio(0.05)
    options.set_level_compaction_dynamic_level_bytes(True)
    options.set_target_file_size_base(64 * MEBIBYTE)
    return options


def _database_options(options: Options) -> Options:
    options.create_if_missing(True)
    options.create_missing_column_families(True)
    options.set_max_background_jobs(2)
    options.set_bytes_per_sync(MEBIBYTE)
    options.set_wal_bytes_per_sync(MEBIBYTE)
    options.set_max_total_wal_size(256 * MEBIBYTE)
    options.set_keep_log_file_num(2)
    options.set_max_open_files(ROCKS_FILES)
    options.set_stats_dump_period_sec(0)
    options.set_wal_recovery_mode(DBRecoveryMode.point_in_time())
    return options


def _translate(path: Path, error: Exception) -> Exception:
    """The typed error for what rocksdict raised (it has one exception type; the text tells them apart)."""
    text = str(error)
    if isinstance(error, DbClosedError):
        return StoreClosedError(f"{path} is closed")
    if re.search(r"lock hold by current process|While lock file|Resource temporarily unavailable", text):
        here = "current process" in text
        return DatadirLockedError(path, "another handle of this process" if here else "another process")
    if text.startswith(("Corruption", "Invalid argument: Column family", "Data loss")):
        return CorruptStoreError(
            path, f"{text}: put the file back from a copy, or load a snapshot into another folder"
        )
    return StorageError(f"{path}: {text}")


class RocksKV:
    """A RocksDB directory. ``cache_bytes`` is shared by all tables, ``write_buffer`` is per table."""

    def __init__(
        self,
        path: str | Path,
        tables: Iterable[str] = (),
        *,
        cache_bytes: int = 128 * MEBIBYTE,
        write_buffer: int = 32 * MEBIBYTE,
    ) -> None:
        self.path = Path(path)
        cache = Cache(cache_bytes)
        try:
            exists = (self.path / "CURRENT").exists()
            known = Rdict.list_cf(str(path), Options(raw_mode=True)) if exists else []
            self._tables = all_tables([*tables, *(name for name in known if name != "default")])
            os.makedirs(path, exist_ok=True)
            families = {name: _options(cache, write_buffer) for name in self._tables}
            self._database = Rdict(str(path), _database_options(_options(cache, MEBIBYTE)), families)
            self._readers = {name: self._database.get_column_family(name) for name in self._tables}
            self._handles = {name: self._database.get_column_family_handle(name) for name in self._tables}
        except Exception as error:
            raise _translate(self.path, error) from error
        self._synced, self._unsynced = WriteOptions(), WriteOptions()
        self._synced.sync = True

    @property
    def tables(self) -> tuple[str, ...]:
        return self._tables

    def _reader(self, table: str) -> Rdict:
        if table not in self._readers:
            self._fail(table)
        return self._readers[table]

    def _fail(self, table: str) -> None:
        if not self._readers:
            raise StoreClosedError(f"{self.path} is closed")
        raise UnknownTableError(table, self._tables)

    def get(self, table: str, key: bytes) -> bytes | None:
        try:
            return cast(bytes | None, self._reader(table).get(key))
        except StorageError:
            raise
        except Exception as error:
            raise _translate(self.path, error) from error

    def multi_get(self, table: str, keys: Sequence[bytes]) -> list[bytes | None]:
        reader = self._reader(table)
        try:
            return cast(list[bytes | None], reader.get(list(keys))) if keys else []
        except Exception as error:
            raise _translate(self.path, error) from error

    def write(self, batch: Batch, *, sync: bool = False) -> None:
        raw = WriteBatch(raw_mode=True)
        for kind, table, keys, values in batch.operations:
            if table not in self._handles:
                self._fail(table)
            if kind == "range":
                if keys[0] < keys[1]:
                    raw.delete_range(keys[0], keys[1], self._handles[table])
                continue
            raw.set_default_column_family(self._handles[table])
            # map over the bound method keeps the loop in C: 0.1 µs per key instead of 0.2
            if kind == "put":
                deque(map(raw.put, keys, values), maxlen=0)
            else:
                deque(map(raw.delete, keys), maxlen=0)
        if not self._handles:
            self._fail(META)
        try:
            self._database.write(raw, self._synced if sync else self._unsynced)
        except Exception as error:
            raise _translate(self.path, error) from error

    def iterate(
        self,
        table: str,
        *,
        prefix: bytes = b"",
        start: bytes | None = None,
        end: bytes | None = None,
        reverse: bool = False,
    ) -> Iterator[tuple[bytes, bytes]]:
        low, high = bounds(prefix, start, end)
        if high is not None and low >= high:
            return iter(())
        options = ReadOptions()
        options.set_readahead_size(2 * MEBIBYTE)
        reader = self._reader(table)
        # Both ends are handled here: rocksdict (0.3.29) sets the upper bound where it should set the lower one, and
        # its iterator reads the upper bound from memory that the options gave back.
        try:
            if not reverse:
                pairs = self._whole(
                    reader, cast(Pairs, reader.items(from_key=low, read_opt=options)), reverse
                )
                return pairs if high is None else takewhile(lambda pair: pair[0] < high, pairs)
            if high is None:
                pairs = cast(Pairs, reader.items(backwards=True, read_opt=options))
                pairs = self._whole(reader, pairs, reverse)
            else:
                pairs = cast(Pairs, reader.items(backwards=True, from_key=high, read_opt=options))
                pairs = self._whole(reader, pairs, reverse)
                pairs = dropwhile(lambda pair: pair[0] >= high, pairs)
        except Exception as error:
            raise _translate(self.path, error) from error
        return takewhile(lambda pair: pair[0] >= low, pairs) if low else pairs

    def _whole(self, reader: Rdict, pairs: Pairs, reverse: bool) -> Pairs:
        """The same pairs; raises ``CorruptStoreError`` where they end because a file is damaged.

        rocksdict ends an iteration at what it cannot read as if nothing came any more.
        """
        last: bytes | None = None
        for pair in pairs:
            last = pair[0]
            yield pair
        try:
            after = reader.iter()
            if last is not None:
                after.seek(last)
                after.prev() if reverse else after.next()
            elif reverse:
                after.seek_to_last()
            else:
                after.seek_to_first()
            after.status()
        except Exception as error:
            raise _translate(self.path, error) from error

    def delete_range(self, table: str, start: bytes, end: bytes) -> None:
        batch = Batch()
        batch.delete_range(table, start, end)
        self.write(batch)

    def flush(self) -> None:
        if not self._handles:
            self._fail(META)
        try:
            self._database.flush_wal(sync=True)
        except Exception as error:
            raise _translate(self.path, error) from error

    def close(self) -> None:
        if not self._readers:
            return
        try:
            self._database.flush_wal(sync=True)
        finally:
            for reader in self._readers.values():
                reader.close()
            self._readers, self._handles = {}, {}
            self._database.close()
