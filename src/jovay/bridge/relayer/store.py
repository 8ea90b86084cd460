"""What the relayer remembers: batches that stand, every batch's raw data, and how often something was sent.

One sqlite3 file, written through to the disk before a call returns. What L1 knows is not repeated here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from jovay.bridge.relayer.errors import StoreError
from jovay.bridge.wire.batch_header import BatchHeader
from jovay.bridge.wire.da import DaData
from jovay.storage.sqlite import SqliteFile

_HASH = 32
_SCHEMA = """
CREATE TABLE IF NOT EXISTS chain (rollup BLOB, chain_id INTEGER);
CREATE TABLE IF NOT EXISTS batches (
    number INTEGER PRIMARY KEY, batch_hash BLOB NOT NULL, chunks TEXT NOT NULL, next_message INTEGER NOT NULL,
    last_block_hash BLOB NOT NULL, last_timestamp INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS raw_data (
    batch_hash BLOB PRIMARY KEY, header BLOB NOT NULL, da BLOB NOT NULL, versioned_hashes BLOB NOT NULL,
    l1_transaction BLOB NOT NULL DEFAULT x'');
CREATE TABLE IF NOT EXISTS blobs (versioned_hash BLOB PRIMARY KEY, batch_hash BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS attempts (what TEXT PRIMARY KEY, attempt INTEGER NOT NULL);
"""
_STANDING = (
    "SELECT header, da, versioned_hashes, chunks, next_message, last_block_hash, last_timestamp, l1_transaction"
    " FROM batches JOIN raw_data USING (batch_hash)"
)


@dataclass(frozen=True, slots=True)
class RawData:
    """What was published of a batch: ``versioned_hashes`` is empty where the data travelled as calldata, and
    ``l1_transaction`` until L1 has it.
    """

    header: BatchHeader
    da: DaData
    versioned_hashes: tuple[bytes, ...]
    l1_transaction: bytes = b""


@dataclass(frozen=True, slots=True)
class Tip:
    """Where the next batch begins: behind a batch with this header, these messages and this last block."""

    header: BatchHeader
    next_message: int
    block: int
    block_hash: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch that stands. ``chunks``: first and last block of each; ``next_message``: number of L1 messages that the
    batches up to this one execute; ``last_timestamp`` in milliseconds.
    """

    raw: RawData
    chunks: tuple[tuple[int, int], ...]
    next_message: int
    last_block_hash: bytes
    last_timestamp: int

    @property
    def index(self) -> int:
        return self.raw.header.index

    @property
    def hash(self) -> bytes:
        """The batch hash."""
        return self.raw.header.hash

    @property
    def first_block(self) -> int:
        return self.chunks[0][0]

    @property
    def last_block(self) -> int:
        return self.chunks[-1][1]


class BatchStore:
    """Opened once; threads may share it. ``StoreError`` if the file belongs to another chain."""

    def __init__(self, path: Path, rollup: bytes, chain_id: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = SqliteFile(path, _SCHEMA)
        self._belongs_to(path, rollup, chain_id)

    def close(self) -> None:
        self._file.close()

    def _belongs_to(self, path: Path, rollup: bytes, chain_id: int) -> None:
        found = self._file.row("SELECT rollup, chain_id FROM chain")
        if found is None:
            self._file.write("INSERT INTO chain VALUES (?, ?)", rollup, chain_id)
        elif found != (rollup, chain_id):
            raise StoreError(f"{path} holds batches of Rollup 0x{found[0].hex()} on L1 chain {found[1]}")

    # ---- batches

    @property
    def last_index(self) -> int:
        """Of the newest batch; 0 without any."""
        found = self._file.row("SELECT max(number) FROM batches")
        return found[0] or 0 if found else 0

    def batch(self, index: int) -> Batch | None:
        found = self._file.row(f"{_STANDING} WHERE number = ?", index)
        if found is None:
            return None
        header, da, hashes, chunks, next_message, last_hash, last_timestamp, transaction = found
        return Batch(
            _raw(header, da, hashes, transaction),
            tuple((first, last) for first, last in json.loads(chunks)),
            next_message,
            last_hash,
            last_timestamp,
        )

    def hash_of(self, index: int) -> bytes:
        """The batch hash; empty where none stands."""
        found = self._file.row("SELECT batch_hash FROM batches WHERE number = ?", index)
        return found[0] if found else b""

    def tip(self, index: int) -> Tip | None:
        """Behind the batch with an index. Like its hash, it is read without the batch's data."""
        found = self._file.row(
            "SELECT header, next_message, chunks, last_block_hash FROM batches JOIN raw_data USING (batch_hash)"
            " WHERE number = ?",
            index,
        )
        if found is None:
            return None
        header, next_message, chunks, last_hash = found
        return Tip(BatchHeader.decode(header), next_message, json.loads(chunks)[-1][1], last_hash)

    def add(self, batch: Batch) -> None:
        """The next batch, with its data."""
        if batch.index != self.last_index + 1:
            raise StoreError(f"batch {batch.index} does not follow batch {self.last_index}")
        raw = batch.raw
        hashes = b"".join(raw.versioned_hashes)
        data = batch.hash, raw.header.encode(), raw.da.calldata, hashes, raw.l1_transaction
        chunks = json.dumps(batch.chunks)
        row = batch.index, batch.hash, chunks, batch.next_message, batch.last_block_hash, batch.last_timestamp
        with self._file.transaction() as db:
            db.execute("INSERT OR IGNORE INTO raw_data VALUES (?, ?, ?, ?, ?)", data)
            db.execute("INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?)", row)
            blobs = [(one, batch.hash) for one in raw.versioned_hashes]
            db.executemany("REPLACE INTO blobs VALUES (?, ?)", blobs)

    def drop_from(self, index: int) -> None:
        """These batches do not stand any more. Their data are kept."""
        self._file.write("DELETE FROM batches WHERE number >= ?", index)

    def carried(self, batch_hash: bytes, l1_transaction: bytes) -> None:
        """Which transaction of L1 committed a batch."""
        text = "UPDATE raw_data SET l1_transaction = ?1 WHERE batch_hash = ?2 AND l1_transaction <> ?1"
        self._file.write(text, l1_transaction, batch_hash)

    def raw_data(self, batch_hash: bytes) -> RawData | None:
        """Of any batch that there ever was."""
        found = self._file.row(
            "SELECT header, da, versioned_hashes, l1_transaction FROM raw_data WHERE batch_hash = ?",
            batch_hash,
        )
        return _raw(*found) if found else None

    def with_blob(self, versioned_hash: bytes) -> RawData | None:
        """The data of a batch that has this blob."""
        found = self._file.row("SELECT batch_hash FROM blobs WHERE versioned_hash = ?", versioned_hash)
        return self.raw_data(found[0]) if found else None

    # ---- attempts

    def attempt(self, what: str) -> int:
        """How often ``what`` was given up and begun anew."""
        found = self._file.row("SELECT attempt FROM attempts WHERE what = ?", what)
        return found[0] if found else 0

    def begin_anew(self, what: str) -> None:
        text = "INSERT INTO attempts VALUES (?, 1) ON CONFLICT (what) DO UPDATE SET attempt = attempt + 1"
        self._file.write(text, what)


def _raw(header: bytes, da: bytes, hashes: bytes, transaction: bytes) -> RawData:
    versioned = tuple(hashes[at : at + _HASH] for at in range(0, len(hashes), _HASH))
    return RawData(BatchHeader.decode(header), DaData.from_calldata(da), versioned, transaction)
