"""Errors of the storage layer. Each keeps the values it speaks of as attributes."""

from __future__ import annotations

from pathlib import Path


class StorageError(Exception):
    """Base of everything that storage raises on purpose."""


class CorruptStoreError(StorageError):
    """Stored bytes contradict themselves (checksum, length, order); ``where`` says which file or key."""

    def __init__(self, where: str | Path, detail: str, expected: object = None, found: object = None) -> None:
        self.where, self.detail, self.expected, self.found = str(where), detail, expected, found
        values = "" if expected is None and found is None else f" (expected {expected}, found {found})"
        super().__init__(f"{where}: {detail}{values}")


class LostBlocksError(StorageError):
    """The block log ends before blocks that it once held; going on would put others in their place."""

    def __init__(self, path: str | Path, latest: int, known: int) -> None:
        self.path, self.latest, self.known = str(path), latest, known
        super().__init__(
            f"{path}: the block log ends with block {latest}, but it has held block {known}: put the missing files"
            " blocks-*.log back from a copy, or, to give those blocks up, remove hashes-*.index and"
            " blocks-*.offsets"
        )


class IndexRepairError(StorageError):
    """A look-up met damage in the index of hashes; the file is being made again from the block log."""

    def __init__(self, path: str | Path, first: int, last: int) -> None:
        self.path, self.first, self.last = str(path), first, last
        super().__init__(
            f"{path}: the index of the blocks {first} to {last} is damaged and is being made again; try again"
        )


class DatadirLockedError(StorageError):
    """Another process (or another handle of this one) has the data directory open."""

    def __init__(self, path: str | Path, holder: str) -> None:
        self.path, self.holder = str(path), holder
        super().__init__(f"data directory {path} is in use by {holder}; one node per data directory")


class SchemaMismatchError(StorageError):
    """The data on disk was written with another layout version."""

    def __init__(self, path: str | Path, expected: int, found: int) -> None:
        self.path, self.expected, self.found = str(path), expected, found
        super().__init__(f"{path}: stored with schema version {found}, this program reads version {expected}")


class IncompleteDirectoryError(StorageError):
    """One half of a data directory is there without the other; starting over would write over what is left."""

    def __init__(self, path: str | Path, found: str, missing: str) -> None:
        self.path, self.found, self.missing = str(path), found, missing
        super().__init__(
            f"data directory {path} has {found} but no {missing}: put {missing} back from a copy,"
            " or begin with an empty directory"
        )


class StoreClosedError(StorageError):
    """The store was used after ``close``."""


class UnknownTableError(StorageError):
    """A table that the store was not opened with."""

    def __init__(self, table: str, tables: tuple[str, ...]) -> None:
        self.table, self.tables = table, tables
        super().__init__(f"unknown table {table!r}; the store has {', '.join(tables)}")


class MissingBlockError(StorageError):
    """No block of this number (the store holds ``oldest`` to ``latest``; -1 when empty)."""

    def __init__(self, number: int, oldest: int, latest: int) -> None:
        self.number, self.oldest, self.latest = number, oldest, latest
        super().__init__(f"block {number} is not stored; the store holds {oldest} to {latest}")


class PrunedDataError(StorageError):
    """The block is stored, but this part of it was pruned."""

    def __init__(self, number: int, part: str) -> None:
        self.number, self.part = number, part
        super().__init__(f"{part} of block {number} was pruned")


class BadBlockError(StorageError):
    """Block parts that contradict each other or do not follow the newest block."""

    def __init__(self, number: int, detail: str) -> None:
        self.number, self.detail = number, detail
        super().__init__(f"block {number}: {detail}")


class RecoveryGapError(StorageError):
    """State at ``checkpoint`` cannot reach ``target``: blocks or write sets between them are missing."""

    def __init__(self, checkpoint: int, target: int, latest: int) -> None:
        self.checkpoint, self.target, self.latest = checkpoint, target, latest
        super().__init__(
            f"state checkpoint {checkpoint} needs write sets up to block {target}, blocks end at {latest}"
        )


class SnapshotError(StorageError):
    """A snapshot file that cannot be taken or loaded; ``detail`` says why."""

    def __init__(self, path: str | Path, detail: str) -> None:
        self.path, self.detail = str(path), detail
        super().__init__(f"snapshot {path}: {detail}")
