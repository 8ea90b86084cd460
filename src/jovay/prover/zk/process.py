"""Proofs in a process of their own: its memory goes when it ends, and whatever ends it, its parent goes on."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from typing import Protocol

from jovay.bridge.wire.statement import Statement
from jovay.prover.errors import ProverError

from .errors import BatchRefusedError, ProvingEndedError, ZkError
from .progress import Tell

Answer = tuple[Statement, bytes]


#: Proofs take what the rest of a machine leaves.
_NICENESS = 10


class Prover(Protocol):
    """What proves; made in the process."""

    def prove(self, task: bytes, tell: Tell) -> Answer:
        """What holds of an encoded BatchTask, and the proof. Raises ProverError for one that is wrong, ZkError."""
        ...


class ProvingProcess:
    """Started when it is first asked, and again after it has ended. One question at a time; any thread may ``kill``."""

    def __init__(self, make: Callable[[], Prover]) -> None:
        """``make``: a function of a module, or a partial of one."""
        self._make, self._context = make, multiprocessing.get_context("spawn")
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None

    def prove(self, task: bytes, tell: Tell) -> Answer:
        """As ``Prover.prove``; raises BatchRefusedError, ZkError, and ProvingEndedError."""
        process, pipe = self._started()
        try:
            pipe.send(task)
            while True:
                wait([pipe, process.sentinel])
                if not pipe.poll():
                    raise EOFError
                match pipe.recv():
                    case ("told", str(stage), float(share)):
                        tell(stage, share)
                    case ("proven", Statement() as statement, bytes(proof)):
                        return statement, proof
                    case ("refused", str(reason)):
                        raise BatchRefusedError(reason)
                    case (_, reason):
                        raise ZkError(str(reason))
        except (EOFError, OSError) as error:
            process.join()
            raise ProvingEndedError(process.exitcode) from error

    def kill(self) -> None:
        """End it, whatever it does."""
        if self._process is not None:
            self._process.kill()

    def _started(self) -> tuple[multiprocessing.process.BaseProcess, Connection]:
        if self._process is None or self._pipe is None or not self._process.is_alive():
            self._pipe, other = self._context.Pipe()
            self._process = self._context.Process(
                target=_serve, args=(self._make, other), name="prover", daemon=True
            )
            self._process.start()
            other.close()
        return self._process, self._pipe


def _serve(make: Callable[[], Prover], pipe: Connection) -> None:
    """Answer until nobody asks any more; a parent that is gone ends a proof at once."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=lambda: (wait([parent.sentinel]), os._exit(1)), daemon=True).start()
    os.nice(_NICENESS)
    prover = make()
    while True:
        try:
            task = pipe.recv()
        except EOFError:
            return
        try:
            statement, proof = prover.prove(
                task, lambda stage, share: pipe.send(("told", stage, float(share)))
            )
            pipe.send(("proven", statement, proof))
        except (ZkError, MemoryError) as error:
            pipe.send(("failed", f"{type(error).__name__}: {error}"))
        except ProverError as error:
            pipe.send(("refused", str(error)))
