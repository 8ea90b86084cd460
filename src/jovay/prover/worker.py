"""What works for the controller: takes a batch, proves it while its lease is renewed, reports."""

from __future__ import annotations

import logging
import os
import socket
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from jovay.bridge.controller_client import ControllerClient
from jovay.bridge.errors import BridgeError, ControllerRefusalError
from jovay.bridge.wire.statement import Statement
from jovay.chain.hexadecimal import hexed
from jovay.prover.controller.service import LEASE_SECONDS
from jovay.prover.errors import ProverError

log = logging.getLogger("jovay.prover")

#: Seconds between two looks for work, and after something went wrong.
_PAUSE, _PAUSE_AFTER_TROUBLE = 0.2, 2.0
#: The same where it went wrong again and again: doubling.
_LONGEST_PAUSE = 600.0
#: Characters of a reason that the controller takes.
_MOST_TOLD = 4096


class Worker(ABC):
    """``run`` works until ``stop``, which any thread may call. Everything that it holds may be lost at any time."""

    #: The type of proofs, as the controller knows it.
    kind: str

    def __init__(self, controller: ControllerClient, name: str) -> None:
        self._controller = controller
        self.name = name or f"{self.kind}-{socket.gethostname()}-{os.getpid()}"
        self._over, self._told = threading.Event(), ""
        #: Batches in a row over which it was not the task that failed.
        self._lost = 0

    def run(self) -> None:
        """Work; what goes wrong is told once and tried again."""
        while not self._over.is_set():
            try:
                pause = 0.0 if self.turn() else _PAUSE
            except Exception as error:  # a full disk, too, is no reason to stop for good
                self._tell(error)
                pause = self.rest
            self._over.wait(pause)
        self._end()

    @property
    def rest(self) -> float:
        """Seconds until the next turn after one that failed."""
        return min(_PAUSE_AFTER_TROUBLE * (1 << min(self._lost, 16)), _LONGEST_PAUSE)

    def stop(self) -> None:
        """End after the batch at hand."""
        self._over.set()

    @abstractmethod
    def kill(self) -> None:
        """End at once."""

    @abstractmethod
    def turn(self) -> bool:
        """Whether there was a batch to prove. Raises ProverError, BridgeError."""

    @abstractmethod
    def _end(self) -> None:
        """Give back what is held."""

    # ---- the controller

    def _leased(self, about: Mapping[str, str]) -> tuple[str, int] | None:
        """A lease and its batch's number; None if nothing waits."""
        answer = self._controller.call("lease", type=self.kind, worker=self.name, about=dict(about))
        self._told = ""
        return None if answer["lease"] is None else (answer["lease"], answer["index"])

    @contextmanager
    def _kept(self, lease: str, doing: Callable[[], Mapping[str, Any]] = dict) -> Iterator[None]:
        """The lease is renewed until the block ends; ``doing`` says how far the work is (docs/prover.md)."""
        is_over = threading.Event()

        def renew() -> None:
            while not is_over.wait(self._renewal):
                try:
                    self._controller.call("renew_lease", lease=lease, **doing())
                except ControllerRefusalError:
                    return  # whoever has the batch now reports it
                except BridgeError as error:
                    log.warning("lease not renewed", extra={"reason": str(error)})

        thread = threading.Thread(target=renew, name="lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            is_over.set()

    #: Seconds between two renewals.
    _renewal = LEASE_SECONDS / 4

    def _report(self, index: int, statement: Statement, proof: bytes) -> None:
        self._controller.call(
            "report_proof", index=index, type=self.kind, worker=self.name,
            statement=statement.to_json(), proof=hexed(proof),
        )  # fmt: skip
        self._lost = 0

    def _report_failure(self, lease: str, error: Exception, refused: bool = False) -> None:
        self._controller.call("report_proof", lease=lease, error=str(error)[:_MOST_TOLD], refused=refused)

    def _tell(self, error: Exception) -> None:
        """The same trouble is told once."""
        if str(error) != self._told and not self._over.is_set():
            self._told = str(error)
            expected = isinstance(error, ProverError | BridgeError)
            log.warning(
                "%s prover waits",
                self.kind.upper(),
                extra={"reason": self._told},
                exc_info=None if expected else error,
            )
