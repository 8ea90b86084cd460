"""The data directory of one node: its lock, its key-value store and its blocks.

LOCK      held while a node has the directory open
state/    RocksDB: flat state, trie nodes, logs index, metadata
blocks/   block log and hash index
tracer/   what was recorded of blocks for provers
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from . import logs_index, state
from .blocks import BlockStore
from .errors import CorruptStoreError, DatadirLockedError, SchemaMismatchError
from .kv import KV, META, Batch
from .rocks import RocksKV
from .tracer_db import TracerDB

SCHEMA = 1
"""Layout version of everything under a data directory."""
_SCHEMA_KEY = b"schema"
TABLES = (*state.TABLES, logs_index.TABLE)


class DirectoryLock:
    """An exclusive lock on a directory that dies with the process."""

    def __init__(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(path / "LOCK", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._descriptor, 100, 0).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            raise DatadirLockedError(path, holder or "another process") from error
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"process {os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Give the lock back. Twice is fine."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def check_schema(kv: KV, path: Path) -> None:
    """Write the schema version into a new store; ``SchemaMismatchError`` if an old one has another."""
    stored = kv.get(META, _SCHEMA_KEY)
    if stored is None:
        batch = Batch()
        batch.put(META, _SCHEMA_KEY, SCHEMA.to_bytes(4, "big"))
        kv.write(batch, sync=True)
    elif len(stored) != 4:
        raise CorruptStoreError(path, "schema version", 4, len(stored))
    elif int.from_bytes(stored, "big") != SCHEMA:
        raise SchemaMismatchError(path, SCHEMA, int.from_bytes(stored, "big"))


class DataDirectory:
    """An open data directory: ``kv``, ``blocks``, ``state`` and ``tracer``.

    Use it as a context manager or ``close`` it.
    """

    def __init__(
        self, path: str | Path, tables: Iterable[str] = (), *, sync: bool = True, tracer_bytes: int = 1 << 32
    ) -> None:
        """``tables`` are those that other parts of the node need beside state and logs index; ``tracer_bytes`` bounds
        what is kept for provers.
        """
        self.path = Path(path)
        self._lock = DirectoryLock(self.path)
        try:
            self.kv = RocksKV(self.path / "state", (*TABLES, *tables))
            try:
                check_schema(self.kv, self.path)
                self.blocks = BlockStore(self.path / "blocks", sync=sync)
            except BaseException:
                self.kv.close()
                raise
        except BaseException:
            self._lock.release()
            raise
        self.state = state.StateStore(self.kv)
        self.tracer = TracerDB(self.path / "tracer", tracer_bytes)

    def close(self) -> None:
        """Close the stores, then release the lock. Twice is fine."""
        try:
            self.tracer.close()
            self.blocks.close()
            self.kv.close()
        finally:
            self._lock.release()

    def __enter__(self) -> DataDirectory:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
