"""What is known of L1, on disk: the queue of messages, and what became of batches, each with the L1 block that told it.

Nothing is ever overwritten: what a later block takes back (a revert, claims that are voided) is marked with that
block. So when L1 itself takes back blocks, their entries and marks go, and what was before stands again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from jovay.bridge.wire.batch_header import SIZE as HEADER_SIZE
from jovay.bridge.wire.batch_header import BatchHeader
from jovay.bridge.wire.l1_message import NO_MESSAGES
from jovay.storage.sqlite import SqliteFile

from .batches import GENESIS_BATCH, CommittedBatch

#: Blocks of L1 whose hashes are kept, behind the newest: no reorganisation that is survived is deeper.
REMEMBERED = 1_024
_TABLES = """
CREATE TABLE IF NOT EXISTS blocks (number INTEGER PRIMARY KEY, hash BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS messages (
    number INTEGER PRIMARY KEY, block INTEGER NOT NULL, raw BLOB NOT NULL, rolling_hash BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS batches (
    block INTEGER NOT NULL, log INTEGER NOT NULL, taken_back INTEGER, number INTEGER NOT NULL, header BLOB NOT NULL,
    l1_messages INTEGER NOT NULL, time INTEGER NOT NULL, tx BLOB NOT NULL, hashes BLOB NOT NULL,
    calldata BLOB NOT NULL, PRIMARY KEY (block, log));
CREATE INDEX IF NOT EXISTS standing_batches ON batches (number) WHERE taken_back IS NULL;
CREATE TABLE IF NOT EXISTS claims (
    block INTEGER NOT NULL, log INTEGER NOT NULL, taken_back INTEGER, kind INTEGER NOT NULL, number INTEGER NOT NULL,
    state_root BLOB NOT NULL, l2_msg_root BLOB NOT NULL, time INTEGER NOT NULL, tx BLOB NOT NULL,
    PRIMARY KEY (block, log));
CREATE INDEX IF NOT EXISTS standing_claims ON claims (number, kind) WHERE taken_back IS NULL;
CREATE TABLE IF NOT EXISTS rules (
    block INTEGER NOT NULL, log INTEGER NOT NULL, first INTEGER NOT NULL, config_hash BLOB NOT NULL,
    PRIMARY KEY (block, log));
CREATE TABLE IF NOT EXISTS ranges (hash BLOB PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS progress (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""
_BATCH = "header, l1_messages, block, time, tx, hashes, calldata"
_UNDONE = ("batches", "claims")
_EXODUS = "exodus"


class Kind(IntEnum):
    """What is claimed of a batch: by the provers (Rollup's numbers), or by the contract when both agree."""

    ZK = 0
    TEE = 1
    FINAL = 2


@dataclass(frozen=True, slots=True)
class Point:
    """A block of L1."""

    number: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """``block``, ``time`` (seconds) and ``transaction``: where on L1 it was made."""

    kind: Kind
    batch: int
    state_root: bytes
    l2_msg_root: bytes
    block: int
    time: int
    transaction: bytes


class L1Record:
    """One file, for one writer; any thread may read. ``None`` for a path: in memory."""

    def __init__(self, path: Path | None) -> None:
        self._file = SqliteFile(path, _TABLES)

    def close(self) -> None:
        self._file.close()

    def writing(self) -> AbstractContextManager[Connection]:
        """All that is written within, or nothing of it."""
        return self._file.transaction()

    def _number(self, query: str, *values: object) -> int:
        """The only value of the only row, 0 without one."""
        rows = self._file.rows(query, *values)
        return int(rows[0][0] or 0) if rows else 0

    def view(self) -> tuple[int, int] | None:
        """The newest block of L1 that was read, and how many messages there are up to it; None before the first."""
        newest = self.newest()
        return None if newest is None else (newest.number, self.message_count)

    # ---- blocks of L1 ----------------------------------------------------------------------------------------

    def points(self) -> list[Point]:
        """Blocks that were read, newest first; not every one, and old ones are forgotten."""
        return [
            Point(*row) for row in self._file.rows("SELECT number, hash FROM blocks ORDER BY number DESC")
        ]

    def newest(self) -> Point | None:
        """The block that everything is read up to."""
        rows = self._file.rows("SELECT number, hash FROM blocks ORDER BY number DESC LIMIT 1")
        return Point(*rows[0]) if rows else None

    def read_to(self, points: Sequence[Point]) -> None:
        """Everything in these blocks is written down. Within ``writing``."""
        for point in points:
            self._file.write("INSERT INTO blocks VALUES (?, ?)", point.number, point.hash)
        self._file.write("DELETE FROM blocks WHERE number < ?", points[-1].number - REMEMBERED)

    def undo(self, block: int) -> None:
        """Forget all that blocks of L1 behind ``block`` told."""
        with self.writing() as db:
            db.execute("DELETE FROM blocks WHERE number > ?", (block,))
            for table in ("messages", "rules", *_UNDONE):
                db.execute(f"DELETE FROM {table} WHERE block > ?", (block,))
            for table in _UNDONE:
                db.execute(f"UPDATE {table} SET taken_back = NULL WHERE taken_back > ?", (block,))
            db.execute("DELETE FROM progress WHERE name = ? AND value > ?", (_EXODUS, block))

    # ---- messages --------------------------------------------------------------------------------------------

    @property
    def message_count(self) -> int:
        return self._number("SELECT MAX(number) + 1 FROM messages")

    def rolling_hash(self, count: int) -> bytes:
        """Of the first ``count`` messages."""
        if not count:
            return NO_MESSAGES
        found: bytes
        ((found,),) = self._file.rows("SELECT rolling_hash FROM messages WHERE number = ?", count - 1)
        return found

    def rolling_hashes(self, first: int) -> Iterator[bytes]:
        """Of the first ``first`` messages, of one more, and so on."""
        return (self.rolling_hash(count) for count in range(first, self.message_count + 1))

    def messages(self, first: int, most: int = 256) -> list[bytes]:
        """The L2 transactions of messages from number ``first`` on."""
        rows = self._file.rows(
            "SELECT raw FROM messages WHERE number >= ? ORDER BY number LIMIT ?", first, most
        )
        return [raw for (raw,) in rows]

    def put_message(self, number: int, block: int, raw: bytes, rolling_hash: bytes) -> None:
        self._file.write("INSERT INTO messages VALUES (?, ?, ?, ?)", number, block, raw, rolling_hash)

    # ---- batches ---------------------------------------------------------------------------------------------

    @property
    def last_batch(self) -> int:
        """The newest that stands."""
        return self._number("SELECT MAX(number) FROM batches WHERE taken_back IS NULL")

    def batch(self, index: int) -> CommittedBatch | None:
        """The batch with a number, if one stands."""
        if index == 0:
            return CommittedBatch(GENESIS_BATCH, 0, 0, 0, bytes(32), ())
        query = f"SELECT {_BATCH} FROM batches WHERE number = ? AND taken_back IS NULL"
        return next((_batch(row) for row in self._file.rows(query, index)), None)

    def put_batch(self, batch: CommittedBatch, log: int) -> None:
        header, hashes = batch.header.encode(), b"".join(batch.versioned_hashes)
        row = (batch.block, log, None, batch.index, header, batch.l1_messages, batch.time, batch.transaction)
        query = "INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        self._file.write(query, *row, hashes, batch.calldata)

    def take_back_batches(self, last: int, block: int) -> None:
        """Batches behind number ``last`` were reverted, and with them all claims on them."""
        for table in _UNDONE:
            query = f"UPDATE {table} SET taken_back = ? WHERE number > ? AND taken_back IS NULL"
            self._file.write(query, block, last)

    def blocks_of(self, batch: CommittedBatch) -> tuple[int, int] | None:
        """First and last L2 block of a batch, once somebody has found out; (0, 0) for genesis."""
        if batch.index == 0:
            return 0, 0
        rows = self._file.rows("SELECT first, last FROM ranges WHERE hash = ?", batch.header.hash)
        return rows[0] if rows else None

    def put_blocks(self, batch: CommittedBatch, first: int, last: int) -> None:
        self._file.write("REPLACE INTO ranges VALUES (?, ?, ?)", batch.header.hash, first, last)

    def put_rules(self, first: int, config_hash: bytes, block: int, log: int) -> None:
        """From batch ``first`` on, another configuration is proven by."""
        self._file.write("INSERT INTO rules VALUES (?, ?, ?, ?)", block, log, first, config_hash)

    def config_hash(self, index: int) -> bytes | None:
        """That of the configuration that a batch is proven by; what is scheduled later replaces what begins later."""
        rows = self._file.rows("SELECT first, config_hash FROM rules ORDER BY block DESC, log DESC")
        replaced = 1 << 64
        for first, config_hash in rows:
            assert isinstance(config_hash, bytes)
            if first < replaced and first <= index:
                return config_hash
            replaced = min(replaced, first)
        return None

    def forget_blocks(self, last: int) -> None:
        """L2 blocks after ``last`` leave the chain: which batches they are is to be found out anew."""
        self._file.write("DELETE FROM ranges WHERE last > ?", last)

    # ---- claims ----------------------------------------------------------------------------------------------

    def claim(self, kind: Kind, index: int) -> Claim | None:
        """What is claimed of a batch, if it stands."""
        query = (
            "SELECT kind, number, state_root, l2_msg_root, block, time, tx FROM claims"
            " WHERE number = ? AND kind = ? AND taken_back IS NULL"
        )
        return next((_claim(row) for row in self._file.rows(query, index, kind)), None)

    def put_claim(self, claim: Claim, log: int) -> None:
        row = (claim.block, log, None, int(claim.kind), claim.batch, claim.state_root, claim.l2_msg_root)
        query = "INSERT INTO claims VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        self._file.write(query, *row, claim.time, claim.transaction)

    def take_back_claims(self, kind: Kind, first: int, block: int) -> None:
        """Claims of a kind from batch ``first`` on were voided."""
        query = "UPDATE claims SET taken_back = ? WHERE kind = ? AND number >= ? AND taken_back IS NULL"
        self._file.write(query, block, int(kind), first)

    @property
    def exodus(self) -> int:
        """The block of L1 in which exodus opened; 0 before."""
        return self._number("SELECT value FROM progress WHERE name = ?", _EXODUS)

    def put_exodus(self, block: int) -> None:
        self._file.write("REPLACE INTO progress VALUES (?, ?)", _EXODUS, block)


def _batch(row: Sequence[Any]) -> CommittedBatch:
    header, l1_messages, block, time, transaction, hashes, calldata = row
    assert len(header) == HEADER_SIZE
    split = tuple(hashes[at : at + 32] for at in range(0, len(hashes), 32))
    return CommittedBatch(BatchHeader.decode(header), l1_messages, block, time, transaction, split, calldata)


def _claim(row: Sequence[Any]) -> Claim:
    kind, *rest = row
    return Claim(Kind(kind), *rest)
