"""A ZK prover: takes batches from the controller, proves them in a process of its own, reports.

A worker that is killed loses nothing but time: its lease runs out, and another takes the batch from the beginning.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from jovay.bridge.controller_client import ZK, ControllerClient
from jovay.prover.worker import Worker
from jovay.prover.zk.errors import BatchRefusedError, ZkError
from jovay.prover.zk.process import ProvingProcess

log = logging.getLogger("jovay.prover")


class ZkWorker(Worker):
    """One batch at a time."""

    kind = ZK
    _renewal = 2.0  # a lease is held for minutes, and people look how far it is

    def __init__(
        self, controller: ControllerClient, process: ProvingProcess, about: dict[str, str], name: str = ""
    ) -> None:
        super().__init__(controller, name)
        self._process, self._about = process, about
        self._stage, self._share = "", 0.0

    def turn(self) -> bool:
        """Whether there was a batch to prove. Raises ZkError, BridgeError."""
        if (leased := self._leased(self._about)) is None:
            return False
        self._prove(*leased)
        return True

    def kill(self) -> None:
        """End the proof at hand."""
        self._over.set()
        self._process.kill()

    def _end(self) -> None:
        self._process.kill()

    def _prove(self, lease: str, index: int) -> None:
        begun = time.monotonic()
        self._stage, self._share = "begins", 0.0
        try:
            task = self._controller.task(lease)
            with self._kept(lease, self._doing):
                statement, proof = self._process.prove(task, self._told_of)
        except BatchRefusedError as error:
            log.error("batch refused", extra={"batch": index, "reason": str(error)})
            self._report_failure(lease, error, refused=True)
        except ZkError as error:
            self._lost += 1
            if not self._over.is_set():
                self._report_failure(lease, error)
            raise
        else:
            self._report(index, statement, proof)
            seconds = round(time.monotonic() - begun, 1)
            log.info(
                "batch proven",
                extra={"batch": index, "seconds": seconds, "bytes": len(proof), "statement": statement.hash},
            )

    def _told_of(self, stage: str, share: float) -> None:
        self._stage, self._share = stage, share

    def _doing(self) -> dict[str, Any]:
        return {"stage": self._stage, "permille": round(1000 * self._share)}
