"""TracerDB: what was appended is read, for as long as it is kept; what is torn or of another block is not there."""

from __future__ import annotations

from pathlib import Path

from jovay.storage.tracer_db import TracerDB

KIB = 1024


def digest(number: int, fork: int = 0) -> bytes:
    return number.to_bytes(16, "big") + fork.to_bytes(16, "big")


def contents(number: int, fork: int = 0) -> bytes:
    return digest(number, fork) * (number % 7 + 1)


def fill(database: TracerDB, first: int, end: int, fork: int = 0) -> None:
    for number in range(first, end):
        whole = contents(number, fork)
        database.append(number, digest(number, fork), [whole[:5], b"", memoryview(whole)[5:]])


def test_records_are_read_by_this_and_later_processes(tmp_path: Path) -> None:
    database = TracerDB(tmp_path / "tracer", KIB * KIB)
    fill(database, 1, 50)
    for opened in (database, TracerDB(tmp_path / "tracer", KIB * KIB)):
        for number in range(1, 50):
            assert opened.read(number, digest(number)) == contents(number)
            assert opened.read(number, digest(number), 40) == contents(number)[:40]
        assert opened.read(50, digest(50)) is None
        assert opened.read(7, digest(7, 1)) is None


def test_nothing_is_made_before_there_is_something_to_keep(tmp_path: Path) -> None:
    assert TracerDB(tmp_path / "tracer", KIB).read(1, digest(1)) is None
    assert not (tmp_path / "tracer").exists()


def test_blocks_of_another_branch_take_their_places(tmp_path: Path) -> None:
    database = TracerDB(tmp_path, KIB * KIB)
    fill(database, 1, 20)
    fill(database, 10, 15, fork=1)
    database.close()
    fill(database, 12, 14, fork=2)
    for opened in (database, TracerDB(tmp_path, KIB * KIB)):
        for number, fork in ((9, 0), (11, 1), (12, 2), (13, 2), (14, 1), (19, 0)):
            assert opened.read(number, digest(number, fork)) == contents(number, fork)


def test_a_torn_record_is_none(tmp_path: Path) -> None:
    database = TracerDB(tmp_path, KIB * KIB)
    fill(database, 1, 10)
    database.close()
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    for cut in (1, 40, len(contents(9)), len(contents(9)) + 30):
        path.write_bytes(whole[: len(whole) - cut])
        opened = TracerDB(tmp_path, KIB * KIB)
        assert opened.read(9, digest(9)) is None
        assert opened.read(8, digest(8)) == contents(8)
    fill(opened, 9, 11)  # in a file of its own
    assert opened.read(9, digest(9)) == contents(9)
    assert TracerDB(tmp_path, KIB * KIB).read(10, digest(10)) == contents(10)
    flipped = bytearray(whole)
    flipped[9] ^= 1  # the first head
    path.write_bytes(flipped)
    assert TracerDB(tmp_path, KIB * KIB).read(3, digest(3)) is None


def test_the_oldest_go(tmp_path: Path) -> None:
    database = TracerDB(tmp_path, 16 * KIB)
    fill(database, 1, 1000)
    kept = [number for number in range(1, 1000) if database.read(number, digest(number)) is not None]
    assert kept == list(range(kept[0], 1000))
    assert sum(map(len, map(contents, kept))) > 6 * KIB
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 16 * KIB + 1000
    assert TracerDB(tmp_path, 16 * KIB).read(kept[0], digest(kept[0])) == contents(kept[0])


def test_what_has_to_stay_stays(tmp_path: Path) -> None:
    database, last = TracerDB(tmp_path, 16 * KIB), 0
    database.keep_after(lambda: last)
    fill(database, 1, 50)
    assert not database.is_full()
    fill(database, 50, 300)
    assert database.is_full()
    assert all(database.read(number, digest(number)) == contents(number) for number in range(1, 300))
    last = 150
    assert not database.is_full(), "there is something that may go"
    fill(database, 300, 400)
    kept = [number for number in range(1, 400) if database.read(number, digest(number)) is not None]
    assert 100 < kept[0] <= 151
    assert kept == list(range(kept[0], 400))
    opened = TracerDB(tmp_path, 16 * KIB)
    opened.keep_after(lambda: last)
    assert opened.is_full()
    last = 450
    fill(opened, 400, 500)
    assert not opened.is_full()
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 16 * KIB + 1000
