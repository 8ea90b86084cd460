"""The transaction manager's memory: requests, what was signed for them, and what became of them. sqlite3, each
method one transaction that is on the disk when it returns."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from jovay.bridge.errors import RequestConflictError, TransactionStoreError
from jovay.bridge.l1.fees import Fees
from jovay.bridge.l1.records import L1Receipt
from jovay.bridge.l1.sidecars import Sidecar
from jovay.storage.sqlite import SqliteFile

_SCHEMA = """
create table if not exists owner (account blob not null, chain integer not null);
create table if not exists requests (
    id integer primary key,
    key text unique not null, digest blob not null,
    recipient blob not null, data blob not null, value text not null, gas integer,
    blobs integer not null,
    filler integer not null default 0,
    stage integer not null,
    nonce integer,
    receipt blob,
    reason text
);
create index if not exists requests_by_stage on requests (stage, nonce);
create table if not exists sidecars (
    request integer primary key references requests, version integer, blobs blob, commitments blob, proofs blob
);
create table if not exists attempts (
    id integer primary key,
    request integer not null references requests,
    hash blob not null, raw blob not null, nonce integer not null, block integer not null,
    fee text not null, tip text not null, blob_fee text not null
);
create index if not exists attempts_by_request on attempts (request);
"""
_COLUMNS = "id, key, recipient, data, value, gas, blobs, filler, stage, nonce, receipt, reason"


class Stage(IntEnum):
    """How far a request is. A reorganisation leads from MINED back to SENT."""

    QUEUED = 0
    SENT = 1
    MINED = 2
    FINAL = 3
    REFUSED = 4


@dataclass(frozen=True, slots=True)
class Request:
    """A transaction that is wanted once. ``key`` names it; ``gas`` None: as estimated. Amounts in wei."""

    to: bytes
    data: bytes
    key: str
    value: int = 0
    blobs: Sequence[bytes] = ()
    gas: int | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """A signed transaction (without sidecar) that may have been sent; ``block`` was the newest one then.

    ``raw`` is empty for one with the same content that somebody else sent.
    """

    hash: bytes
    raw: bytes
    nonce: int
    fees: Fees
    block: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A request (``blobs`` left out) with its stage; a filler only takes a nonce that nothing else took."""

    id: int
    request: Request
    has_blobs: bool
    filler: bool
    stage: Stage
    nonce: int
    receipt: L1Receipt | None
    reason: str | None


class TransactionStore:
    """One account's transactions on one chain. Raises TransactionStoreError if it is another's, or in use."""

    def __init__(self, path: Path, account: bytes, chain_id: int) -> None:
        self._adding = threading.Lock()
        self._settled = 0, 0  # up to which request nothing changes, and the wei that those took
        try:
            self._file = SqliteFile(path, _SCHEMA, alone=True)
        except sqlite3.OperationalError as error:
            raise TransactionStoreError(f"{path}: {error}") from error
        owner = self._file.row("select account, chain from owner")
        if owner is None:
            self._file.write("insert into owner values (?, ?)", account, chain_id)
        elif owner != (account, chain_id):
            self.close()
            raise TransactionStoreError(f"{path} belongs to 0x{owner[0].hex()} on chain {owner[1]}")

    def close(self) -> None:
        """Let another process have it."""
        self._file.close()

    def add(self, request: Request) -> None:
        """A new request, at the end of the queue; nothing if it is known. Raises RequestConflictError."""
        with self._file.transaction():
            query = "select digest from requests where key = ?"
            known = self._file.row(query, request.key)
            if known is None:
                number = self._insert(request, Stage.QUEUED, None)
                if request.blobs:
                    joined = b"".join(request.blobs)
                    self._file.write("insert into sidecars (request, blobs) values (?, ?)", number, joined)
        if known is not None and known[0] != _digest(request):
            raise RequestConflictError(request.key)

    def find(self, key: str) -> Entry | None:
        """The request of that name."""
        return self._one("key = ?", key)

    def queued(self) -> Entry | None:
        """The request that is to be sent next."""
        return self._one("stage = ? order by id limit 1", Stage.QUEUED)

    def sent(self) -> list[Entry]:
        """Requests with a nonce that are not mined, by nonce."""
        return self._all("stage = ? order by nonce", Stage.SENT)

    def mined(self) -> list[Entry]:
        """Requests that are mined and not yet final, by nonce."""
        return self._all("stage = ? order by nonce", Stage.MINED)

    def receipts(self, prefix: str) -> list[L1Receipt]:
        """Of the mined requests whose names begin so, in the order in which they were made."""
        query = "select receipt from requests where key >= ? and key < ? and receipt is not null order by id"
        rows = self._file.rows(query, prefix, prefix + "\U0010ffff")
        return [msgspec.msgpack.decode(row[0], type=L1Receipt) for row in rows]

    def spent(self) -> int:
        """Wei that all mined requests took. Those that nothing changes any more are added up once."""
        ((last, opened),) = self._file.rows(
            "select coalesce(max(id), 0), min(iif(stage in (3, 4), null, id)) from requests"
        )
        with self._adding:
            settled = last if opened is None else opened - 1
            if settled > self._settled[0]:
                self._settled = settled, self._settled[1] + self._cost(self._settled[0], settled)
            return self._settled[1] + self._cost(self._settled[0], last)

    def _cost(self, after: int, last: int) -> int:
        query = "select receipt from requests where id > ? and id <= ? and receipt is not null"
        rows = self._file.rows(query, after, last)
        return sum(msgspec.msgpack.decode(row[0], type=L1Receipt).cost for row in rows)

    def last_nonce(self) -> int:
        """The highest that was given to a request that still has one; -1 without any."""
        ((found,),) = self._file.rows("select max(nonce) from requests where stage in (1, 2, 3)")
        return -1 if found is None else int(found)

    def attempts(self, entry: Entry) -> list[Attempt]:
        """What was signed for a request, oldest first."""
        query = (
            "select hash, raw, nonce, fee, tip, blob_fee, block from attempts where request = ? order by id"
        )
        rows = self._file.rows(query, entry.id)
        return [
            Attempt(hash_, raw, nonce, Fees(int(fee), int(tip), int(blob_fee)), block)
            for hash_, raw, nonce, fee, tip, blob_fee, block in rows
        ]

    def blobs(self, entry: Entry) -> Sidecar | bytes:
        """The sidecar, or the joined blobs for which none was computed."""
        query = "select version, blobs, commitments, proofs from sidecars where request = ?"
        ((version, blobs, commitments, proofs),) = self._file.rows(query, entry.id)
        return blobs if version is None else Sidecar.unpack(version, blobs, commitments, proofs)

    # ---- transitions

    def set_sidecar(self, entry: Entry, sidecar: Sidecar) -> None:
        """Keep what was computed."""
        columns = "version = ?, blobs = ?, commitments = ?, proofs = ?"
        self._file.write(f"update sidecars set {columns} where request = ?", *sidecar.pack(), entry.id)

    def sign(self, entry: Entry, attempt: Attempt) -> None:
        """An attempt for a request, whose nonce it fixes. Before it is sent."""
        with self._file.transaction():
            self._add_attempt(entry.id, attempt)
            self._set(entry, "stage = ?, nonce = ?", Stage.SENT, attempt.nonce)

    def adopt(self, entry: Entry, attempt: Attempt) -> None:
        """A transaction of somebody else that does what the request asks for."""
        with self._file.transaction():
            self._add_attempt(entry.id, attempt)

    def fill(self, request: Request, attempt: Attempt) -> None:
        """A transaction that only takes its nonce."""
        with self._file.transaction():
            number = self._insert(request, Stage.SENT, attempt.nonce)
            self._add_attempt(number, attempt)

    def mine(self, entry: Entry, receipt: L1Receipt, reason: str | None) -> None:
        """It is in a block; ``reason``: why it reverted."""
        with self._file.transaction():
            packed = msgspec.msgpack.encode(receipt)
            self._set(entry, "stage = ?, receipt = ?, reason = ?", Stage.MINED, packed, reason)

    def unmine(self, entry: Entry) -> None:
        """Its block is no longer in the chain."""
        with self._file.transaction():
            self._set(entry, "stage = ?, receipt = null, reason = null", Stage.SENT)

    def requeue(self, entry: Entry) -> None:
        """Another transaction has its nonce for good: it gets a new one. A filler has nothing to do any more."""
        with self._file.transaction():
            self._set(entry, "stage = ?, nonce = null", Stage.REFUSED if entry.filler else Stage.QUEUED)

    def finish(self, entry: Entry) -> None:
        """No reorganisation is expected to reach it: what could send it again goes."""
        with self._file.transaction():
            self._set(entry, "stage = ?, data = x''", Stage.FINAL)
            self._file.write("delete from attempts where request = ?", entry.id)
            self._file.write("delete from sidecars where request = ?", entry.id)

    def refuse(self, entry: Entry, reason: str) -> None:
        """It is never sent."""
        with self._file.transaction():
            self._set(entry, "stage = ?, data = x'', reason = ?", Stage.REFUSED, reason)
            self._file.write("delete from sidecars where request = ?", entry.id)

    # ---- parts

    def _insert(self, request: Request, stage: Stage, nonce: int | None) -> int:
        columns = {
            "key": request.key,
            "digest": _digest(request),
            "recipient": request.to,
            "data": request.data,
            "value": str(request.value),
            "gas": request.gas,
            "blobs": len(request.blobs),
            "filler": nonce is not None,
            "stage": stage,
            "nonce": nonce,
        }
        places = ", ".join("?" * len(columns))
        self._file.write(f"insert into requests ({', '.join(columns)}) values ({places})", *columns.values())
        ((number,),) = self._file.rows("select id from requests where key = ?", request.key)
        return int(number)

    def _add_attempt(self, request: int, attempt: Attempt) -> None:
        fees = map(str, (attempt.fees.fee, attempt.fees.tip, attempt.fees.blob_fee))
        self._file.write(
            "insert into attempts (request, hash, raw, nonce, block, fee, tip, blob_fee)"
            " values (?, ?, ?, ?, ?, ?, ?, ?)",
            request, attempt.hash, attempt.raw, attempt.nonce, attempt.block, *fees,
        )  # fmt: skip

    def _set(self, entry: Entry, columns: str, *values: object) -> None:
        self._file.write(f"update requests set {columns} where id = ?", *values, entry.id)

    def _one(self, where: str, value: object) -> Entry | None:
        row = self._file.row(f"select {_COLUMNS} from requests where {where}", value)
        return None if row is None else _entry(row)

    def _all(self, where: str, value: object) -> list[Entry]:
        return list(map(_entry, self._file.rows(f"select {_COLUMNS} from requests where {where}", value)))


def _digest(request: Request) -> bytes:
    """Of all that a request asks for."""
    content = (request.to, request.data, str(request.value), tuple(request.blobs))
    return sha256(msgspec.msgpack.encode(content)).digest()


def _entry(row: Sequence[Any]) -> Entry:
    number, key, to, data, value, gas, blobs, filler, stage, nonce, receipt, reason = row
    return Entry(
        id=number,
        request=Request(to, data, key, int(value), (), gas),
        has_blobs=bool(blobs),
        filler=bool(filler),
        stage=Stage(stage),
        nonce=-1 if nonce is None else nonce,
        receipt=None if receipt is None else msgspec.msgpack.decode(receipt, type=L1Receipt),
        reason=reason,
    )
