"""``RocksKV`` and ``MemoryKV`` behave alike; locks, schema, typed errors."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jovay.storage.errors import CorruptStoreError, DatadirLockedError, StoreClosedError, UnknownTableError
from jovay.storage.kv import KV, Batch, MemoryKV, prefix_end
from jovay.storage.rocks import RocksKV

TABLES = ("a", "b")
KEY = st.one_of(
    st.binary(max_size=3), st.sampled_from([b"\x00", b"\xff", b"\xff\xff", b"ab", b"ab\x00", b"b"])
)
OPERATION = st.one_of(
    st.tuples(st.just("put"), st.sampled_from(TABLES), KEY, st.binary(max_size=5)),
    st.tuples(st.just("delete"), st.sampled_from(TABLES), KEY),
    st.tuples(st.just("range"), st.sampled_from(TABLES), KEY, KEY),
)
QUERY = st.tuples(st.sampled_from(TABLES), KEY, st.none() | KEY, st.none() | KEY, st.booleans())


@pytest.fixture(scope="module")
def rocks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RocksKV]:
    store = RocksKV(tmp_path_factory.mktemp("rocks") / "db", TABLES)
    yield store
    store.close()


def fill(store: KV, batches: list[list[tuple[Any, ...]]]) -> None:
    for operations in batches:
        batch = Batch()
        for operation in operations:
            if operation[0] == "put":
                batch.put(*operation[1:])
            elif operation[0] == "delete":
                batch.delete(*operation[1:])
            else:
                batch.delete_range(*operation[1:])
        store.write(batch)


def clear(store: KV) -> None:
    batch = Batch()
    for table in store.tables:
        batch.delete_many(table, [key for key, _ in store.iterate(table)])
    store.write(batch)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(OPERATION, max_size=12), max_size=4), queries=st.lists(QUERY, max_size=6))
def test_twins_agree(
    rocks: RocksKV, batches: list[list[tuple[Any, ...]]], queries: list[tuple[Any, ...]]
) -> None:
    clear(rocks)
    memory = MemoryKV(TABLES)
    fill(rocks, batches)
    fill(memory, batches)
    for table in TABLES:
        everything = list(memory.iterate(table))
        assert list(rocks.iterate(table)) == everything
        keys = [key for key, _ in everything] + [b"absent", b""]
        assert rocks.multi_get(table, keys) == memory.multi_get(table, keys)
        assert [rocks.get(table, key) for key in keys] == [memory.get(table, key) for key in keys]
    for table, prefix, start, end, reverse in queries:
        wanted = {"prefix": prefix, "start": start, "end": end, "reverse": reverse}
        assert list(rocks.iterate(table, **wanted)) == list(memory.iterate(table, **wanted))


@given(prefix=st.binary(max_size=4), key=st.binary(max_size=6))
def test_prefix_end(prefix: bytes, key: bytes) -> None:
    end = prefix_end(prefix)
    inside = key >= prefix and (end is None or key < end)
    assert inside == key.startswith(prefix)


@pytest.mark.parametrize("kind", ["rocks", "memory"])
def test_iteration_sees_the_beginning(kind: str, tmp_path: Path) -> None:
    store: KV = RocksKV(tmp_path / "db", TABLES) if kind == "rocks" else MemoryKV(TABLES)
    fill(store, [[("put", "a", bytes([i]), b"old") for i in range(10)]])
    pairs = store.iterate("a")
    first = next(pairs)
    fill(store, [[("put", "a", bytes([i]), b"new") for i in range(20)]])
    assert [first, *pairs] == [(bytes([i]), b"old") for i in range(10)]
    store.close()


@pytest.mark.parametrize("reverse", [False, True])
def test_a_bounded_iteration_ends_where_it_should(tmp_path: Path, reverse: bool) -> None:
    """Also when the memory in which its bounds once lay has come to hold something else."""
    store = RocksKV(tmp_path / "db", TABLES)
    keys = [
        prefix * 20 + number.to_bytes(32, "big")
        for prefix in (b"\6", b"\7", b"\x08")
        for number in range(300)
    ]
    fill(store, [[("put", "a", key, b"v") for key in keys]])
    for turn in range(20):
        pairs = store.iterate("a", prefix=b"\7" * 20, reverse=reverse)
        found = [next(pairs)]
        junk = [bytes((k + turn) % 256 for k in range(20)) for _ in range(500)]
        found += pairs
        assert sorted(key for key, _ in found) == keys[300:600], len(junk)
    store.close()


@pytest.mark.parametrize("kind", ["rocks", "memory"])
def test_errors(kind: str, tmp_path: Path) -> None:
    store: KV = RocksKV(tmp_path / "db", TABLES) if kind == "rocks" else MemoryKV(TABLES)
    with pytest.raises(UnknownTableError):
        store.get("nope", b"x")
    batch = Batch()
    batch.put("a", b"k", b"v")
    batch.put("nope", b"k", b"v")
    with pytest.raises(UnknownTableError):
        store.write(batch)
    assert store.get("a", b"k") is None, "a refused batch leaves nothing behind"
    with pytest.raises(ValueError, match="2 keys but 1 values"):
        Batch().put_many("a", [b"1", b"2"], [b"1"])
    store.close()
    store.close()
    for use in (
        lambda: store.get("a", b"k"),
        lambda: store.multi_get("a", [b"k"]),
        lambda: store.write(Batch()),
        lambda: store.iterate("a"),
        store.flush,
    ):
        with pytest.raises(StoreClosedError):
            use()


def test_reopen_keeps_data_and_lock_is_exclusive(tmp_path: Path) -> None:
    store = RocksKV(tmp_path / "db", TABLES)
    fill(store, [[("put", "a", b"k", b"v")]])
    with pytest.raises(DatadirLockedError) as caught:
        RocksKV(tmp_path / "db", TABLES)
    assert caught.value.path == str(tmp_path / "db")
    store.flush()
    store.close()
    again = RocksKV(tmp_path / "db", ["c"])
    assert again.get("a", b"k") == b"v", "tables of an earlier opening stay readable"
    assert set(again.tables) == {"meta", "a", "b", "c"}
    again.close()


def test_readers_in_threads(rocks: RocksKV) -> None:
    clear(rocks)
    batch = Batch()
    keys = [i.to_bytes(4, "big") for i in range(2000)]
    batch.put_many("a", keys, keys)
    rocks.write(batch, sync=True)
    wrong: list[bytes] = []

    def read() -> None:
        wrong.extend(key for key, value in zip(keys, rocks.multi_get("a", keys), strict=True) if value != key)
        wrong.extend(key for key in keys if rocks.get("a", key) != key)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("query", [{}, {"reverse": True}, {"start": b"\0" * 18}])
def test_a_damaged_file_is_told_and_does_not_end_the_table(tmp_path: Path, query: dict[str, Any]) -> None:
    with closing(RocksKV(tmp_path / "db", TABLES)) as store:
        batch = Batch()
        for number in range(5_000):
            batch.put(TABLES[0], number.to_bytes(20, "big"), random.Random(number).randbytes(64))
        store.write(batch)
        store._readers[TABLES[0]].flush()
    (path,) = (tmp_path / "db").glob("*.sst")
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 0xFF
    path.write_bytes(raw)
    with (
        closing(RocksKV(tmp_path / "db", TABLES)) as store,
        pytest.raises(CorruptStoreError, match=rf"{path.name}.*put the file back from a copy"),
    ):
        list(store.iterate(TABLES[0], **query))
