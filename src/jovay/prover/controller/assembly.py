"""Complete tasks: batches that were handed in, with the witnesses of their chunks from the node."""

from __future__ import annotations

import logging
import threading
import time

from jovay.bridge.errors import BridgeError
from jovay.prover.controller.errors import WitnessError
from jovay.prover.controller.queue import ProofQueue
from jovay.prover.witnesses import Node, fetch_witness
from jovay.tracer.chunk_witness import ChunkWitness
from jovay.tracer.errors import FormatError

log = logging.getLogger("jovay.prover")

#: Seconds until the node is asked again for what it did not have.
_PAUSE = 1.0
#: Witnesses that were fetched ahead, at most.
_MOST_AHEAD = 64


class Assembler:
    """A thread that puts tasks together, in the order of batches."""

    def __init__(self, queue: ProofQueue, node: Node) -> None:
        self._queue, self._node = queue, node
        self._wake, self._is_over = threading.Event(), False
        self._ahead: dict[tuple[int, int], ChunkWitness] = {}
        self._thread = threading.Thread(target=self._run, name="tasks", daemon=True)
        self.problem = ""

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns when the node's last answer has come."""
        self._is_over = True
        self._wake.set()
        self._thread.join()

    def wake(self) -> None:
        """There may be something to do."""
        self._wake.set()

    def fetch_ahead(self, first: int, last: int) -> None:
        """A chunk is sealed: its witness will be asked for soon. Raises WitnessError."""
        witness = self._fetch(first, last)
        if len(self._ahead) >= _MOST_AHEAD:
            self._ahead.pop(next(iter(self._ahead)))
        self._ahead[first, last] = witness

    def assemble(self) -> None:
        """Complete what can be; raises WitnessError at the first batch that cannot."""
        for request, again in self._queue.without_task():
            began = time.monotonic()
            witnesses = [self._witness(*chunk, again) for chunk in request.chunks]
            task = request.task(witnesses).encode()
            self._queue.set_task(request.index, request.header.hash, task)
            seconds = round(time.monotonic() - began, 3)
            log.info("task complete", extra={"batch": request.index, "bytes": len(task), "seconds": seconds})

    def _witness(self, first: int, last: int, again: bool) -> ChunkWitness:
        """One that was fetched ahead is used once: if it is not good, the next is a new one."""
        return self._ahead.pop((first, last), None) or self._fetch(first, last, again)

    def _fetch(self, first: int, last: int, again: bool = False) -> ChunkWitness:
        try:
            return fetch_witness(self._node, first, last, again)
        except (BridgeError, FormatError) as error:
            raise WitnessError(f"blocks {first} to {last}: {error}") from error

    def _run(self) -> None:
        while not self._is_over:
            try:
                self.assemble()
                self.problem = ""
            except Exception as error:  # a full disk, too, is no reason to stop for good
                problem = str(error) or type(error).__name__
                if self.problem != problem:
                    expected = isinstance(error, WitnessError)
                    log.warning("task waits", extra={"reason": problem}, exc_info=None if expected else error)
                self.problem = problem
            self._wake.wait(_PAUSE)
            self._wake.clear()
