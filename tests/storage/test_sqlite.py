"""Tables in one file: transactions, threads, and who may have the file."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from jovay.storage.sqlite import SqliteFile

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS numbers (n INTEGER UNIQUE); CREATE TABLE IF NOT EXISTS others (n INTEGER)"
)


def test_a_transaction_is_all_or_nothing(tmp_path: Path) -> None:
    tables = SqliteFile(tmp_path / "file.sqlite", SCHEMA)
    tables.write("INSERT INTO numbers VALUES (?)", 1)
    with tables.transaction() as db:
        db.execute("INSERT INTO numbers VALUES (2)")
        tables.write("INSERT INTO others VALUES (?)", 3)
    with pytest.raises(sqlite3.IntegrityError):
        fill_and_fail(tables)
    tables.close()
    again = SqliteFile(tmp_path / "file.sqlite", SCHEMA)
    assert again.rows("SELECT n FROM numbers ORDER BY n") == [(1,), (2,)]
    assert again.row("SELECT n FROM others WHERE n > ?", 2) == (3,)
    assert again.row("SELECT n FROM others WHERE n > ?", 3) is None
    again.close()


def fill_and_fail(tables: SqliteFile) -> None:
    with tables.transaction() as db:
        db.execute("INSERT INTO numbers VALUES (4)")
        tables.write("DELETE FROM others")
        tables.write("INSERT INTO numbers VALUES (4)")


def test_threads_take_turns() -> None:
    tables = SqliteFile(None, SCHEMA)

    def count_up() -> None:
        for _ in range(50):
            with tables.transaction() as db:
                (most,) = db.execute("SELECT coalesce(max(n), 0) FROM numbers").fetchone()
                db.execute("INSERT INTO numbers VALUES (?)", (most + 1,))

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tables.row("SELECT count(DISTINCT n), max(n) FROM numbers") == (200, 200)


@pytest.mark.parametrize("second_alone", [False, True])
def test_a_file_of_one_alone(tmp_path: Path, second_alone: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jovay.storage.sqlite.PATIENCE", 0.0)
    first = SqliteFile(tmp_path / "file.sqlite", SCHEMA, alone=True)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        SqliteFile(tmp_path / "file.sqlite", SCHEMA, alone=second_alone)
    first.close()
    SqliteFile(tmp_path / "file.sqlite", SCHEMA, alone=second_alone).close()
