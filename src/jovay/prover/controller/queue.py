"""The queue: batches to be proven, who has leased which, and results. One sqlite3 file, on disk before a call returns.

A proof is wanted, then leased, then done or failed. A lease that runs out is handed to the next worker who asks. A
batch is known by index and hash: another one under the same index takes the place of it and of all after it, and
results for what was replaced are refused.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jovay.bridge.wire.statement import Statement
from jovay.prover.controller.errors import SupersededError, UnknownBatchError
from jovay.prover.controller.requests import BatchRequest
from jovay.storage.sqlite import SqliteFile

QUEUED, LEASED, DONE, FAILED = "queued", "leased", "done", "failed"
#: How often a batch is handed out before it is given up, and how often a prover may refuse it: the second time its
#: witnesses come from executing its blocks once more.
MOST_ATTEMPTS: Final = 5
MOST_REFUSALS: Final = 2
#: Batches that are kept behind the newest one when nothing of them is waited for.
KEPT: Final = 256
#: Longest lease. One that ends still later is of a clock that has gone back since, and over.
MOST_SECONDS: Final = 3600
_SCHEMA = """
CREATE TABLE IF NOT EXISTS batches (
    number INTEGER PRIMARY KEY, hash BLOB NOT NULL, request TEXT NOT NULL, task BLOB);
CREATE TABLE IF NOT EXISTS proofs (
    number INTEGER NOT NULL, type TEXT NOT NULL, status TEXT NOT NULL, lease TEXT, worker TEXT, expires REAL,
    attempts INTEGER NOT NULL DEFAULT 0, refusals INTEGER NOT NULL DEFAULT 0, statement TEXT, proof BLOB, error TEXT,
    PRIMARY KEY (number, type));
"""
_FORGET = "lease = NULL, worker = NULL, expires = NULL"


@dataclass(frozen=True, slots=True)
class Lease:
    """A batch that a worker has until ``expires`` (seconds since 1970). ``size``: bytes of its task."""

    id: str
    index: int
    batch_hash: bytes
    expires: float
    size: int


@dataclass(frozen=True, slots=True)
class Proof:
    """What has come of a proof; ``statement`` and ``proof`` are there when it is done, ``error`` when it failed or was
    refused before.
    """

    batch_hash: bytes
    status: str
    statement: dict[str, Any] | None
    proof: bytes
    worker: str
    attempts: int
    error: str


class ProofQueue:
    """Threads may share it. ``clock`` tells seconds since 1970."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._clock, self._file = clock, SqliteFile(path, _SCHEMA)

    def close(self) -> None:
        self._file.close()

    # ---- batches

    def put(self, request: BatchRequest, types: Sequence[str]) -> bool:
        """Whether the batch is new; one that is known has its further types added."""
        index, batch_hash, text = request.index, request.header.hash, request.encode()
        with self._file.transaction() as db:
            known = db.execute("SELECT hash, request FROM batches WHERE number = ?", (index,)).fetchone()
            is_new: bool = known != (batch_hash, text)
            if is_new and known:
                for table in ("batches", "proofs"):
                    db.execute(f"DELETE FROM {table} WHERE number >= ?", (index,))
            if is_new:
                db.execute("INSERT INTO batches VALUES (?, ?, ?, NULL)", (index, batch_hash, text))
            rows = [(index, kind, QUEUED) for kind in types]
            db.executemany("INSERT OR IGNORE INTO proofs (number, type, status) VALUES (?, ?, ?)", rows)
            self._forget(db, index - KEPT)
        return is_new

    def without_task(self) -> list[tuple[BatchRequest, bool]]:
        """Batches that are waited for and whose witnesses are not there yet, in order, and whether a prover has refused
        those that were.
        """
        rows = self._file.rows(
            "SELECT request, max(refusals) > 0 FROM batches JOIN proofs USING (number)"
            " WHERE task IS NULL AND status IN (?, ?) GROUP BY number ORDER BY number",
            QUEUED, LEASED,
        )  # fmt: skip
        return [(BatchRequest.decode(text), bool(refused)) for text, refused in rows]

    def set_task(self, index: int, batch_hash: bytes, task: bytes) -> None:
        """The whole task of a batch; nothing happens if it was replaced meanwhile."""
        with self._file.transaction() as db:
            db.execute("UPDATE batches SET task = ? WHERE number = ? AND hash = ?", (task, index, batch_hash))

    def reset(self, index: int, types: Sequence[str]) -> None:
        """Prove it again, with witnesses fetched anew. Raises UnknownBatchError."""
        marks = ", ".join("?" * len(types))
        with self._file.transaction() as db:
            changed = db.execute(
                f"UPDATE proofs SET status = ?, {_FORGET}, attempts = 0, refusals = 0, statement = NULL, proof = NULL,"
                f" error = NULL WHERE number = ? AND type IN ({marks})", (QUEUED, index, *types)
            )  # fmt: skip
            if not changed.rowcount:
                raise UnknownBatchError(f"batch {index}")
            db.execute("UPDATE batches SET task = NULL WHERE number = ?", (index,))

    def drop(self, first: int, last: int) -> int:
        """Forget these batches and what was proven of them; how many there were."""
        with self._file.transaction() as db:
            db.execute("DELETE FROM proofs WHERE number BETWEEN ? AND ?", (first, last))
            return db.execute("DELETE FROM batches WHERE number BETWEEN ? AND ?", (first, last)).rowcount

    # ---- leases

    def lease(self, kind: str, worker: str, seconds: float) -> Lease | None:
        """The first batch that nobody works on; None if there is none whose task is complete."""
        now = self._clock()
        with self._file.transaction() as db:
            self._give_up(db, now)
            found = db.execute(
                "SELECT number, hash, length(task) FROM proofs JOIN batches USING (number) WHERE type = ? AND task NOT"
                " NULL AND (status = ? OR status = ? AND expires NOT BETWEEN ? AND ?) ORDER BY number LIMIT 1",
                (kind, QUEUED, LEASED, now, now + MOST_SECONDS),
            ).fetchone()
            if found is None:
                return None
            lease = Lease(secrets.token_hex(16), found[0], found[1], now + seconds, found[2])
            db.execute(
                "UPDATE proofs SET status = ?, lease = ?, worker = ?, expires = ?, attempts = attempts + 1"
                " WHERE number = ? AND type = ?", (LEASED, lease.id, worker, lease.expires, lease.index, kind)
            )  # fmt: skip
        return lease

    def task(self, lease: str) -> bytes:
        """The encoded BatchTask of a lease. Raises SupersededError."""
        found = self._file.rows("SELECT task FROM proofs JOIN batches USING (number) WHERE lease = ?", lease)
        if not found or found[0][0] is None:
            raise SupersededError(f"lease {lease} is over")
        task: bytes = found[0][0]
        return task

    def renew(self, lease: str, seconds: float) -> tuple[int, str]:
        """Its worker is alive: the batch and the worker. Raises SupersededError."""
        with self._file.transaction() as db:
            until = self._clock() + seconds
            found = db.execute(
                "UPDATE proofs SET expires = ? WHERE lease = ? RETURNING number, worker", (until, lease)
            ).fetchall()
            if not found:
                raise SupersededError(f"lease {lease} is over")
        index, worker = found[0]
        return index, worker

    # ---- results

    def complete(self, index: int, kind: str, worker: str, statement: Statement, proof: bytes) -> None:
        """A result, the first of those for this batch and type. It may come from a lease that ran out.

        Raises UnknownBatchError, SupersededError.
        """
        with self._file.transaction() as db:
            request, status = self._known(db, index, kind)
            if not request.is_about(statement):
                raise SupersededError(f"the statement is not of batch {index} as it is known now")
            if status not in (QUEUED, LEASED):
                raise SupersededError(f"the {kind} proof of batch {index} is {status}")
            db.execute(
                f"UPDATE proofs SET status = ?, {_FORGET}, worker = ?, statement = ?, proof = ?, error = NULL"
                " WHERE number = ? AND type = ?",
                (DONE, worker, json.dumps(statement.to_json()), proof, index, kind),
            )
            db.execute(
                "UPDATE batches SET task = NULL WHERE number = ?1 AND NOT EXISTS"
                " (SELECT 1 FROM proofs WHERE number = ?1 AND status IN (?2, ?3))", (index, QUEUED, LEASED)
            )  # fmt: skip

    def fail(self, lease: str, error: str, refused: bool) -> str:
        """The worker of a lease had no result; what becomes of the proof. ``refused``: the prover found the task
        wrong, which counts when witnesses that are fetched anew do not mend it. Raises SupersededError.
        """
        with self._file.transaction() as db:
            found = db.execute(
                "SELECT number, type, attempts, refusals FROM proofs WHERE lease = ?", (lease,)
            ).fetchone()
            if found is None:
                raise SupersededError(f"lease {lease} is over")
            index, kind, attempts, refusals = found
            refusals += refused
            is_over = refusals >= MOST_REFUSALS or attempts >= MOST_ATTEMPTS
            status = FAILED if is_over else QUEUED
            db.execute(
                f"UPDATE proofs SET status = ?, {_FORGET}, refusals = ?, error = ? WHERE number = ? AND type = ?",
                (status, refusals, error, index, kind),
            )
            if refused:
                db.execute("UPDATE batches SET task = NULL WHERE number = ?", (index,))
        return status

    def proof(self, index: int, kind: str) -> Proof:
        """What has come of it. Raises UnknownBatchError."""
        rows = self._file.rows(
            "SELECT hash, status, statement, proof, worker, attempts, error FROM proofs JOIN batches USING (number)"
            " WHERE number = ? AND type = ?", index, kind,
        )  # fmt: skip
        if not rows:
            raise UnknownBatchError(f"no {kind} proof of batch {index} was asked for")
        batch_hash, status, statement, proof, worker, attempts, error = rows[0]
        stated = json.loads(statement) if statement else None
        return Proof(batch_hash, status, stated, proof or b"", worker or "", attempts, error or "")

    def counts(self) -> dict[str, dict[str, int]]:
        """Of every type, how many proofs have which status."""
        found: dict[str, dict[str, int]] = {}
        for kind, status, count in self._file.rows(
            "SELECT type, status, count(*) FROM proofs GROUP BY type, status"
        ):
            found.setdefault(kind, dict.fromkeys((QUEUED, LEASED, DONE, FAILED), 0))[status] = count
        return found

    # ---- parts

    def _forget(self, db: sqlite3.Connection, before: int) -> None:
        """Drop batches below ``before`` of which nothing is waited for."""
        wanted = "SELECT number FROM proofs WHERE status IN (?, ?)"
        for table in ("batches", "proofs"):
            db.execute(
                f"DELETE FROM {table} WHERE number < ? AND number NOT IN ({wanted})", (before, QUEUED, LEASED)
            )

    def _known(self, db: sqlite3.Connection, index: int, kind: str) -> tuple[BatchRequest, str]:
        found = db.execute(
            "SELECT request, status FROM proofs JOIN batches USING (number) WHERE number = ? AND type = ?",
            (index, kind),
        ).fetchone()
        if found is None:
            raise UnknownBatchError(f"no {kind} proof of batch {index} was asked for")
        return BatchRequest.decode(found[0]), found[1]

    def _give_up(self, db: sqlite3.Connection, now: float) -> None:
        """Batches that nobody came back from too often have failed."""
        db.execute(
            f"UPDATE proofs SET status = ?, {_FORGET}, error = ? WHERE status = ? AND expires < ? AND attempts >= ?",
            (FAILED, f"{MOST_ATTEMPTS} workers did not come back", LEASED, now, MOST_ATTEMPTS),
        )
