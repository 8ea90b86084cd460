"""An sqlite3 file that threads share: what is written is on the disk when the call, or the transaction, ends."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

#: Seconds that a file which another process writes to is waited for.
PATIENCE = 5.0


class SqliteFile:
    """Tables for small things. ``path`` None: in memory. ``schema``: statements that make what is not there yet.
    ``alone``: no other process may have the file open at the same time.

    Every method raises ``sqlite3.Error``.
    """

    def __init__(self, path: Path | None, schema: str, *, alone: bool = False) -> None:
        self._lock = threading.RLock()
        patience = 0.0 if alone else PATIENCE
        self._db = sqlite3.connect(
            path or ":memory:", timeout=patience, isolation_level=None, check_same_thread=False
        )
        try:
            if alone:
                self.rows("PRAGMA locking_mode = EXCLUSIVE")
            for pragma in ("journal_mode = WAL", "synchronous = FULL"):
                self.rows(f"PRAGMA {pragma}")
            with self.transaction() as db:
                for statement in schema.split(";"):
                    db.execute(statement)
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Let another process have it."""
        with self._lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All that is written within, or nothing of it. Other threads wait."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def write(self, statement: str, *values: object) -> None:
        """One statement: a transaction of its own, or part of the one that is open."""
        with self._lock:
            self._db.execute(statement, values)

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """All rows."""
        with self._lock:
            return self._db.execute(query, values).fetchall()

    def row(self, query: str, *values: object) -> tuple[Any, ...] | None:
        """The first row."""
        with self._lock:
            found: tuple[Any, ...] | None = self._db.execute(query, values).fetchone()
        return found
