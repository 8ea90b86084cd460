"""Ordered key-value stores: the small interface that the rest of storage uses, and its in-memory twin.

Keys and values are bytes. Tables are separate key spaces fixed when a store is opened; one ``Batch`` may
touch several and is applied as a whole. Iteration sees the store as it was when the iteration began.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from .errors import StoreClosedError, UnknownTableError

META = "meta"
"""Table that every store has: schema version, checkpoint height, configuration."""


class Batch:
    """Puts, deletes and range deletes, applied in this order of calls by ``KV.write``."""

    __slots__ = ("operations",)

    def __init__(self) -> None:
        self.operations: list[tuple[str, str, Sequence[bytes], Sequence[bytes]]] = []

    def put(self, table: str, key: bytes, value: bytes) -> None:
        """Set one key."""
        self.operations.append(("put", table, (key,), (value,)))

    def put_many(self, table: str, keys: Sequence[bytes], values: Sequence[bytes]) -> None:
        """Set ``keys[i]`` to ``values[i]``; both must have the same length."""
        if len(keys) != len(values):
            raise ValueError(f"{len(keys)} keys but {len(values)} values")
        self.operations.append(("put", table, keys, values))

    def delete(self, table: str, key: bytes) -> None:
        """Remove one key; absent keys are fine."""
        self.operations.append(("delete", table, (key,), ()))

    def delete_many(self, table: str, keys: Sequence[bytes]) -> None:
        """Remove keys; absent keys are fine."""
        self.operations.append(("delete", table, keys, ()))

    def delete_range(self, table: str, start: bytes, end: bytes) -> None:
        """Remove all keys with start <= key < end."""
        self.operations.append(("range", table, (start, end), ()))

    def __len__(self) -> int:
        return sum(len(keys) for _, _, keys, _ in self.operations)


class KV(Protocol):
    """An ordered store of several tables. Safe for many reading threads and one writing thread."""

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables, ``meta`` first."""

    def get(self, table: str, key: bytes) -> bytes | None:
        """The value, or None."""

    def multi_get(self, table: str, keys: Sequence[bytes]) -> list[bytes | None]:
        """Values of many keys in their order, None where absent."""

    def write(self, batch: Batch, *, sync: bool = False) -> None:
        """Apply the batch as a whole; ``sync`` returns only when it is on stable storage.

        Unsynced writes survive the death of the process but not of the machine; after that an earlier state
        comes back, never a mixture.
        """

    def iterate(
        self,
        table: str,
        *,
        prefix: bytes = b"",
        start: bytes | None = None,
        end: bytes | None = None,
        reverse: bool = False,
    ) -> Iterator[tuple[bytes, bytes]]:
        """Pairs in key order with start <= key < end, within ``prefix`` if given."""

    def delete_range(self, table: str, start: bytes, end: bytes) -> None:
        """Remove all keys with start <= key < end."""

    def flush(self) -> None:
        """Return when everything written so far is on stable storage."""

    def close(self) -> None:
        """Release the store; later calls raise ``StoreClosedError``. Closing twice is fine."""


def prefix_end(prefix: bytes) -> bytes | None:
    """The first key after all keys that start with ``prefix``; None when there is none."""
    stripped = prefix.rstrip(b"\xff")
    return stripped[:-1] + bytes((stripped[-1] + 1,)) if stripped else None


def bounds(prefix: bytes, start: bytes | None, end: bytes | None) -> tuple[bytes, bytes | None]:
    """Combine a prefix with start and end into one half-open range; end None is unbounded."""
    low, high = prefix, prefix_end(prefix)
    if start is not None and start > low:
        low = start
    if end is not None and (high is None or end < high):
        high = end
    return low, high


def all_tables(tables: Iterable[str]) -> tuple[str, ...]:
    """``meta`` first, then the others in order, each once."""
    return (META, *(name for name in dict.fromkeys(tables) if name != META))


class MemoryKV:
    """The same semantics as ``RocksKV`` in dictionaries, for tests and throw-away chains."""

    def __init__(self, tables: Iterable[str] = ()) -> None:
        self._tables = all_tables(tables)
        self._data: dict[str, dict[bytes, bytes]] | None = {name: {} for name in self._tables}
        self._sorted: dict[str, list[bytes]] = {}

    @property
    def tables(self) -> tuple[str, ...]:
        return self._tables

    def _table(self, table: str) -> dict[bytes, bytes]:
        if self._data is None:
            raise StoreClosedError("the in-memory store is closed")
        if table not in self._data:
            raise UnknownTableError(table, self._tables)
        return self._data[table]

    def get(self, table: str, key: bytes) -> bytes | None:
        return self._table(table).get(key)

    def multi_get(self, table: str, keys: Sequence[bytes]) -> list[bytes | None]:
        return list(map(self._table(table).get, keys))

    def write(self, batch: Batch, *, sync: bool = False) -> None:
        for table in {META, *(operation[1] for operation in batch.operations)}:
            self._table(table)
        for kind, table, keys, values in batch.operations:
            data = self._table(table)
            if kind == "put":
                data.update(zip(keys, values, strict=True))
            elif kind == "delete":
                for key in keys:
                    data.pop(key, None)
            else:
                for key in [key for key in data if keys[0] <= key < keys[1]]:
                    del data[key]
            self._sorted.pop(table, None)

    def iterate(
        self,
        table: str,
        *,
        prefix: bytes = b"",
        start: bytes | None = None,
        end: bytes | None = None,
        reverse: bool = False,
    ) -> Iterator[tuple[bytes, bytes]]:
        data = self._table(table)
        if table not in self._sorted:
            self._sorted[table] = sorted(data)
        keys = self._sorted[table]
        low, high = bounds(prefix, start, end)
        chosen = keys[bisect_left(keys, low) : len(keys) if high is None else bisect_left(keys, high)]
        pairs = [(key, data[key]) for key in chosen]
        return iter(pairs[::-1] if reverse else pairs)

    def delete_range(self, table: str, start: bytes, end: bytes) -> None:
        batch = Batch()
        batch.delete_range(table, start, end)
        self.write(batch)

    def flush(self) -> None:
        self._table(META)

    def close(self) -> None:
        self._data = None
