"""The enclave seen from the worker: a child process, asked over pipes."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from jovay.bridge.wire.statement import Statement
from jovay.compiler.checked import VARIABLE, is_chosen
from jovay.compiler.kernel import compile_kernel, kernel_path
from jovay.prover.tee import protocol
from jovay.prover.tee.errors import EnclaveError, EnclaveRefusedError
from jovay.prover.tee.protocol import SIGNATURE_SIZE, QuoteRequest, Refusal

#: Address space that a chunk may use.
ARENA_MIB: Final = 32 << 10
_BEGIN = (
    "import sys; sys.path[:0] = sys.argv.pop(1).split(':'); from jovay.prover.tee.enclave import main; main()"
)
#: No environment, start-up files, packages of the user's; no compiled Python files, so that sources are what runs.
_ISOLATED = ("-I", "-S", "-B", "-X", "pycache_prefix=/nonexistent", "-c", _BEGIN)
_END_TIMEOUT = 5.0
#: Seconds for a start with the first answer, for a quote, for a batch; an enclave that takes longer is ended.
START_SECONDS, QUOTE_SECONDS, PROVE_SECONDS = 120.0, 60.0, 600.0


@dataclass(frozen=True, slots=True)
class Identity:
    """What an enclave says of itself: platform's name, measurement (32 bytes), address of its key (20)."""

    platform: str
    measurement: bytes
    enclave: bytes


class EnclaveProcess:
    """A started enclave. One question at a time; whatever goes wrong with the process is an EnclaveError."""

    def __init__(self, platform: str, arena_mib: int = ARENA_MIB, workers: int = 1) -> None:
        compile_kernel()
        where = ":".join(path for path in sys.path if os.path.isdir(path))
        options = ["--platform", platform, "--kernel", str(kernel_path()), "--arena-mib", str(arena_mib)]
        options += ["--workers", str(workers)]
        environment = {VARIABLE: os.environ[VARIABLE]} if is_chosen() else {}
        self._process = subprocess.Popen(
            [sys.executable, *_ISOLATED, where, *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, start_new_session=True,
        )  # fmt: skip
        self._asking = threading.Lock()
        try:
            self.identity = self._identity()
        except BaseException:
            self.close()
            raise

    def _identity(self) -> Identity:
        shown = json.loads(self._ask(START_SECONDS, protocol.HELLO))
        measurement, enclave = (bytes.fromhex(shown[name][2:]) for name in ("measurement", "enclave"))
        return Identity(shown["platform"], measurement, enclave)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def quote(self, asked: QuoteRequest) -> bytes:
        """A quote that binds the enclave's key. Raises EnclaveRefusedError, EnclaveError."""
        return self._ask(QUOTE_SECONDS, protocol.QUOTE, asked.encode())

    def prove(self, verifier: bytes, task: bytes) -> tuple[Statement, bytes]:
        """What holds of an encoded BatchTask, and the signature over it. Raises EnclaveRefusedError, EnclaveError."""
        answer = self._ask(PROVE_SECONDS, protocol.PROVE, verifier, task)
        return Statement.from_json(json.loads(answer[SIGNATURE_SIZE:])), answer[:SIGNATURE_SIZE]

    def kill(self) -> None:
        """End it from another thread than the one that asks, which then gets an EnclaveError."""
        self._process.kill()

    def close(self) -> None:
        """End it; its key is gone."""
        self.kill()
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):  # what was not sent yet, it does not want any more
                if stream:
                    stream.close()
        self._process.wait(_END_TIMEOUT)

    def _ask(self, seconds: float, kind: int, *parts: bytes) -> bytes:
        questions, answers = self._process.stdin, self._process.stdout
        if not questions or not answers:
            raise EnclaveError("the enclave has no pipes")
        with self._asking, self._watched(seconds):
            try:
                protocol.write_frame(questions, kind, *parts)  # type: ignore[arg-type]
                frame = protocol.read_frame(answers)  # type: ignore[arg-type]
            except (OSError, ValueError) as error:
                raise EnclaveError(f"the enclave ended: {error}") from error
        if frame is None:
            raise EnclaveError(f"the enclave ended with status {self._process.wait(_END_TIMEOUT)}")
        answered, body = frame
        if answered == protocol.REFUSED:
            refusal = Refusal.decode(body)
            raise EnclaveRefusedError(refusal.type, refusal.message, refusal.final)
        return body

    @contextlib.contextmanager
    def _watched(self, seconds: float) -> Iterator[None]:
        """The enclave is ended if it takes longer."""
        timer = threading.Timer(seconds, self.kill)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def measurement_of(platform: str) -> bytes:
    """The measurement that an enclave of this installation has, 32 bytes: what L1 must allow."""
    enclave = EnclaveProcess(platform)
    enclave.close()
    return enclave.identity.measurement
