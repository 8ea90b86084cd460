"""The controller's verbs: a JSON object in, a JSON object out (docs/prover.md lists them)."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from jovay import __version__
from jovay.chain.hexadecimal import hexed
from jovay.prover.controller.assembly import Assembler
from jovay.prover.controller.errors import UnknownVerbError
from jovay.prover.controller.queue import FAILED, MOST_SECONDS, ProofQueue
from jovay.prover.controller.requests import BatchRequest, Body, read_statement
from jovay.prover.witnesses import Node

log = logging.getLogger("jovay.prover")

#: Seconds that a worker has a batch for, unless it asks for others; it renews its lease while it works.
LEASE_SECONDS: Final = 60
_MOST_WORKERS: Final = 256
_STORE: Final = "controller.sqlite3"


class Controller:
    """The queue, the thread that completes tasks, and who was heard of. Threads may share it."""

    def __init__(self, datadir: Path, node: Node) -> None:
        self.queue = ProofQueue(datadir / _STORE)
        self.assembler = Assembler(self.queue, node)
        self._workers: dict[str, dict[str, Any]] = {}
        self._newest_block, self._lock = 0, threading.Lock()
        self.verbs: Mapping[str, Callable[[Body], dict[str, Any]]] = {
            "notify_block": self.notify_block,
            "notify_chunk": self.notify_chunk,
            "prove_batch": self.prove_batch,
            "get_proof": self.get_proof,
            "lease": self.lease,
            "renew_lease": self.renew_lease,
            "report_proof": self.report_proof,
            "re_prove_batch": self.re_prove_batch,
            "range_drop_proofs": self.range_drop_proofs,
        }

    def start(self) -> None:
        self.assembler.start()

    def close(self) -> None:
        self.assembler.stop()
        self.queue.close()

    def answer(self, verb: str, fields: object) -> dict[str, Any]:
        """Do what a verb says. Raises ControllerError."""
        if verb not in self.verbs:
            raise UnknownVerbError(f"there is no {verb}; there are {', '.join(self.verbs)}")
        return self.verbs[verb](Body(fields))

    def info(self) -> dict[str, Any]:
        """The queue, and the workers that were heard of, with what attests them."""
        with self._lock:
            workers = [{"name": name, **known} for name, known in self._workers.items()]
        return {
            "version": __version__,
            "newestBlock": self._newest_block,
            "queue": self.queue.counts(),
            "waitsFor": self.assembler.problem,
            "workers": workers,
        }

    # ---- of the relayer

    def notify_block(self, body: Body) -> dict[str, Any]:
        self._newest_block = max(self._newest_block, body.number("number"))
        return {}

    def notify_chunk(self, body: Body) -> dict[str, Any]:
        self.assembler.fetch_ahead(body.number("first"), body.number("last"))
        return {}

    def prove_batch(self, body: Body) -> dict[str, Any]:
        request = BatchRequest.read(body)
        is_new = self.queue.put(request, body.types())
        if is_new:
            log.info("batch to prove", extra={"batch": request.index, "hash": request.header.hash})
        self.assembler.wake()
        return {"accepted": True, "new": is_new}

    def get_proof(self, body: Body) -> dict[str, Any]:
        found = self.queue.proof(body.number("index"), body.type())
        return {
            "index": body.number("index"),
            "type": body.type(),
            "batchHash": hexed(found.batch_hash),
            "status": found.status,
            "statement": found.statement,
            "verifierProof": hexed(found.proof) if found.proof else None,
            "worker": found.worker,
            "attempts": found.attempts,
            "error": found.error or None,
        }

    def re_prove_batch(self, body: Body) -> dict[str, Any]:
        self.queue.reset(body.number("index"), body.types())
        self.assembler.wake()
        return {}

    def range_drop_proofs(self, body: Body) -> dict[str, Any]:
        return {"dropped": self.queue.drop(body.number("first"), body.number("last"))}

    # ---- of workers

    def lease(self, body: Body) -> dict[str, Any]:
        """``worker`` says who it is in a text, ``about`` what it likes to be known of it in an object of texts."""
        kind, worker = body.type(), body.text("worker")
        self._heard_of(worker, kind, body)
        lease = self.queue.lease(kind, worker, self._seconds(body))
        if lease is None:
            return {"lease": None}
        log.info("batch leased", extra={"batch": lease.index, "type": kind, "worker": worker})
        return {
            "lease": lease.id,
            "index": lease.index,
            "batchHash": hexed(lease.batch_hash),
            "expires": lease.expires,
            "size": lease.size,
        }

    def renew_lease(self, body: Body) -> dict[str, Any]:
        """``stage`` and ``permille`` tell how far the work is, if the worker likes to."""
        index, worker = self.queue.renew(body.text("lease"), self._seconds(body))
        work: dict[str, Any] = {"batch": index}
        if body.has("stage"):
            work |= {"stage": body.text("stage"), "permille": min(body.number("permille"), 1000)}
        with self._lock:
            if known := self._workers.get(worker):
                known |= {"work": work, "lastSeen": int(time.time())}
        return {}

    def report_proof(self, body: Body) -> dict[str, Any]:
        """``index``, ``type``, ``worker``, ``statement``, ``proof``; or ``lease``, ``error`` and ``refused``."""
        if body.has("error"):
            error = body.text("error", most=4096)
            status = self.queue.fail(body.text("lease"), error, body.flag("refused"))
            level = logging.ERROR if status == FAILED else logging.WARNING
            log.log(level, "batch not proven", extra={"status": status, "reason": error})
            return {"status": status}
        index, kind, worker = body.number("index"), body.type(), body.text("worker")
        self.queue.complete(index, kind, worker, read_statement(body), body.octets("proof"))
        log.info("batch proven", extra={"batch": index, "type": kind, "worker": worker})
        return {"status": "done"}

    def _seconds(self, body: Body) -> float:
        return min(body.number("seconds"), MOST_SECONDS) if body.has("seconds") else LEASE_SECONDS

    def _heard_of(self, worker: str, kind: str, body: Body) -> None:
        about = dict(body.object("about")) if body.has("about") else {}
        known = {
            name: str(about[name])[:256]
            for name in ("platform", "measurement", "enclave", "program")
            if name in about
        }
        with self._lock:
            self._workers.pop(worker, None)
            if len(self._workers) >= _MOST_WORKERS:
                self._workers.pop(next(iter(self._workers)))
            self._workers[worker] = known | {"type": kind, "lastSeen": int(time.time())}
