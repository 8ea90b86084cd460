"""Proofs of batches: the kernel's batch program as the zkVM runs it, and what L1 knows it by."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Final

from jovay.bridge.wire.statement import Statement
from jovay.kernel.programs import guests
from jovay.native.kernel import load
from jovay.prover.batch import BatchExecutor, batch_input, state_batch
from jovay.prover.task import BatchTask
from jovay.tracer.guest import Guest

from . import ceremony
from .errors import ZkError
from .machine.accelerators import ACCELERATORS
from .machine.program import Program, RunProof, shown
from .progress import Tell
from .setup import Setup, stored_development_setup

#: Powers of τ, as a power of two, for the program's verification key. Proofs ask for more.
KEY_VARIABLES: Final = 17


def batch_program(setup: Setup) -> Program:
    """The program whose runs are proofs of batches."""
    return Program(Guest(guests.batch, tuple(ACCELERATORS)).elf, setup, tuple(ACCELERATORS.values()))


class BatchProver:
    """Proves batches, one at a time."""

    def __init__(self, setup: Setup) -> None:
        self.program = batch_program(setup)

    @cached_property
    def _executor(self) -> BatchExecutor:
        return BatchExecutor(load())

    def prove(self, task: bytes, tell: Tell) -> tuple[Statement, bytes]:
        """What holds of an encoded BatchTask, and the proof as ``ZkVerifier`` takes it.

        Raises ProverError for a batch that is wrong, ZkError for one that cannot be proven.
        """
        # 1. What is wrong is found natively, and has a name.
        tell("execution", 0.0)
        batch = BatchTask.decode(task)
        statement = state_batch(batch, self._executor)
        # 2. The same as a run of the program, whose output is the statement's hash.
        proof = self.program.prove(batch_input(batch, scale=0), tell)
        if (proof.status, proof.output) != (0, shown(statement.hash)):
            raise ZkError(
                f"the program ends with {proof.status} and {proof.output.hex()}, not {statement.hash.hex()}"
            )
        # 3. Nothing leaves unchecked.
        tell("verification", 1.0)
        self.program.verify(proof)
        return statement, proof.encode()


def verify(program: Program, statement_hash: bytes, proof: bytes) -> None:
    """Raises ``ZkError`` unless ``proof`` proves the statement with this hash."""
    program.verify(RunProof.decode(proof, 0, shown(statement_hash)))


def setup_of(ceremony_file: Path | None) -> Setup:
    """A ceremony's, or the one that everybody can forge with. Raises CeremonyError, OSError."""
    count = 1 << KEY_VARIABLES
    return stored_development_setup(count) if ceremony_file is None else ceremony.read(ceremony_file, count)


def make_prover(ceremony_file: Path | None = None) -> BatchProver:
    """For the process that proves."""
    return BatchProver(setup_of(ceremony_file))
