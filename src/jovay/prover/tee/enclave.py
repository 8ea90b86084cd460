"""The enclave: a process that makes a key, shows it by a quote, re-executes batches and signs what they state.

It reads frames (``protocol``) from its standard input and answers on its standard output. It begins without
environment, user's or site's start-up files and compiled Python files (``launch``), loads all that it will ever run,
measures it, and from then on refuses to load or to connect to anything. The key never leaves it, not even to a disk: an
enclave that ends takes its key along.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import sys
from pathlib import Path
from typing import Any, BinaryIO, Final

from coincurve import PrivateKey
from eth_utils.crypto import keccak

from jovay.bridge.errors import BridgeError
from jovay.kernel.programs.batch import begin_batch, end_batch, execute_part
from jovay.native.library import Library
from jovay.prover.batch import BatchExecutor, state_batch
from jovay.prover.errors import ProverError
from jovay.prover.task import BatchTask
from jovay.prover.tee import protocol
from jovay.prover.tee.binding import proof_digest, report_data
from jovay.prover.tee.errors import EnclaveError, PlatformError
from jovay.prover.tee.image import image_digest
from jovay.prover.tee.platform import TeePlatform
from jovay.prover.tee.protocol import ADDRESS_SIZE, QuoteRequest, Refusal

SIMULATED, TSM = "simulated", "tsm"
PLATFORMS: Final = (SIMULATED, TSM)
#: Address space beside the kernel's arenas: interpreter, libraries, the largest task and what is made of it.
_BESIDE_ARENAS = 6 << 30
#: What an enclave at work has no reason to do, as Python's audit events name it.
_FORBIDDEN = (
    "import",
    "ctypes.dlopen",
    "socket.",
    "subprocess.",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.system",
)


class Enclave:
    """The key, and what is done with it."""

    def __init__(self, platform: TeePlatform, executor: BatchExecutor) -> None:
        self._platform, self._executor = platform, executor
        self._key = PrivateKey()
        self.address = keccak(self._key.public_key.format(compressed=False)[1:])[12:]

    def hello(self) -> bytes:
        """Who this is, as JSON."""
        measurement, address = self._platform.measure().hex(), self.address.hex()
        shown = {
            "platform": self._platform.name,
            "measurement": f"0x{measurement}",
            "enclave": f"0x{address}",
        }
        return json.dumps(shown).encode()

    def quote(self, asked: QuoteRequest) -> bytes:
        """A quote that binds the key."""
        where = (asked.l1_chain_id, asked.verifier, self.address, asked.l1_block, asked.l1_block_hash)
        return self._platform.quote(report_data(*where))

    def prove(self, verifier: bytes, task: bytes) -> tuple[bytes, bytes]:
        """Signature and statement (JSON) of an encoded task; raises what refuses it."""
        statement = state_batch(BatchTask.decode(task), self._executor)
        digest = proof_digest(statement.l1_chain_id, verifier, statement.hash)
        return self._sign(digest), json.dumps(statement.to_json()).encode()

    def _sign(self, digest: bytes) -> bytes:
        """r ‖ s ‖ v as ``ecrecover`` takes them."""
        signature = self._key.sign_recoverable(digest, hasher=None)
        return signature[:64] + bytes((27 + signature[64],))

    def answer(self, kind: int, body: bytes) -> tuple[bytes, ...]:
        """The parts of the answer to a frame."""
        if kind == protocol.HELLO:
            return (self.hello(),)
        if kind == protocol.QUOTE:
            return (self.quote(QuoteRequest.decode(body)),)
        if kind == protocol.PROVE:
            return self.prove(body[:ADDRESS_SIZE], body[ADDRESS_SIZE:])
        raise EnclaveError(f"frames of kind {kind} mean nothing")


def serve(enclave: Enclave, questions: BinaryIO, answers: BinaryIO) -> None:
    """Answer until the questions end."""
    while frame := protocol.read_frame(questions):
        try:
            parts = enclave.answer(*frame)
        except Exception as error:  # an enclave that ends takes along a key whose registration was paid for
            final = isinstance(error, (ProverError, BridgeError)) and not isinstance(error, PlatformError)
            refusal = Refusal(type(error).__name__, str(error), final)
            protocol.write_frame(answers, protocol.REFUSED, refusal.encode())
        else:
            protocol.write_frame(answers, protocol.DONE, *parts)


def make_platform(name: str, image: bytes) -> TeePlatform:
    """The platform of this name; only its own code is loaded."""
    if name == TSM:
        from jovay.prover.tee.tsm import TsmPlatform

        return TsmPlatform()
    from jovay.prover.tee.simulated.authority import SimulatedAuthority
    from jovay.prover.tee.simulated.platform import SimulatedPlatform

    return SimulatedPlatform(SimulatedAuthority.development(), image)


def forbid(event: str, arguments: tuple[Any, ...]) -> None:
    """Audit hook of an enclave at work."""
    if event.startswith(_FORBIDDEN):
        raise EnclaveError(f"{event} in an enclave at work")


def main() -> None:
    """The process. Standard output carries frames alone: what else is printed goes to the error stream."""
    parser = argparse.ArgumentParser(prog="enclave")
    parser.add_argument("--platform", choices=PLATFORMS, required=True)
    parser.add_argument("--kernel", type=Path, required=True, help="the kernel's object code")
    parser.add_argument("--arena-mib", type=int, required=True, help="address space that a chunk may use")
    parser.add_argument("--workers", type=int, required=True, help="chunks that are executed at a time")
    given = parser.parse_args()
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    arena = given.arena_mib << 20
    room = given.workers * arena + _BESIDE_ARENAS
    resource.setrlimit(resource.RLIMIT_AS, (room, room))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core would hold the key
    kernel = given.kernel.read_bytes()
    library = Library(kernel, [begin_batch, execute_part, end_batch])
    executor = BatchExecutor(library, arena, workers=given.workers)
    # Once through everything, so that nothing is loaded later.
    trial = Enclave(make_platform(given.platform, bytes(32)), executor)
    trial.quote(QuoteRequest(0, bytes(ADDRESS_SIZE), 0, bytes(32)))
    trial._sign(bytes(32))
    enclave = Enclave(make_platform(given.platform, image_digest(kernel)), executor)
    sys.addaudithook(forbid)
    with contextlib.suppress(BrokenPipeError):  # the worker ended before it had its answer
        serve(enclave, sys.stdin.buffer, answers)
    os._exit(0)  # at once, and without another look at pipes that nobody reads


if __name__ == "__main__":
    main()
