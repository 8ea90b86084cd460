"""``ZkVerifier`` takes proofs that a program has left a statement's hash, and no others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from jovay.prover.zk.encoding import decode
from jovay.prover.zk.field import R
from jovay.prover.zk.machine.program import Program, RunProof
from jovay.prover.zk.setup import Setup, development_setup
from jovay.prover.zk.solidity.cost import Cost, intrinsic_gas
from jovay.prover.zk.solidity.key import key, setup_points
from rigs import rv64
from rigs.zk_contracts import Chain, Compiled, compiled, sources

HASH = bytes.fromhex("00112233445566778899aabbccddeeff0123456789abcdeffedcba9876543210")
OWNER, COUNCIL, CALLER = (f"0x{byte * 20}" for byte in ("22", "33", "11"))
OUTPUT = 0x2000_0000


def leaving(output: bytes, status: int) -> rv64.Program:
    """Writes its output, the length before it, and exits."""
    p = rv64.Program().li(20, OUTPUT).li(21, len(output))
    p("sd", rs1=20, rs2=21, imm=0)
    for at in range(0, len(output), 8):
        p.li(21, int.from_bytes(output[at : at + 8], "little"))("sd", rs1=20, rs2=21, imm=8 + at)
    return p.li(17, 93).li(10, status)("ecall")


@dataclass
class OnL1:
    """The verifier of one program."""

    chain: Chain
    contract: Compiled
    address: str
    program: Program

    def refusal(self, statement: bytes, proof: bytes) -> str | None:
        """The error's name; None if the proof is accepted."""
        return self.call("verify", statement, 1, proof)

    def call(self, name: str, *arguments: Any, caller: str = CALLER) -> str | None:
        """The error's name, or None."""
        return self.chain.refusal(self.address, self.contract, self.contract.call(name, *arguments), caller)


@pytest.fixture(scope="module")
def setup() -> Setup:
    return development_setup(1 << 16, 0xFEDCBA9876543210)


def deployed(elf: bytes, setup: Setup) -> OnL1:
    program, chain = Program(elf, setup), Chain()
    statement = program.statement(0, 0, bytes(40))
    contract = compiled(sources("src/l1/ZkVerifier.sol"))["ZkVerifier"]
    points, evaluating = setup_points(setup), chain.deploy_evaluators(statement)
    entry = program.emulator.image.entry
    address = chain.deploy(contract, OWNER, COUNCIL, entry, key(statement, evaluating), points)
    return OnL1(chain, contract, address, program)


@pytest.fixture(scope="module")
def verifier(setup: Setup) -> OnL1:
    return deployed(leaving(HASH, 0).elf(), setup)


@pytest.fixture(scope="module")
def run(verifier: OnL1) -> RunProof:
    return verifier.program.prove(b"")


def shown(run: RunProof) -> bytes:
    return run.cycles.to_bytes(32, "big") + run.proof


def test_a_run_is_accepted_for_its_output_alone(verifier: OnL1, run: RunProof) -> None:
    assert run.output == len(HASH).to_bytes(8, "little") + HASH
    assert verifier.refusal(HASH, shown(run)) is None
    for at in (0, 7, 8, 31):
        other = bytearray(HASH)
        other[at] ^= 1
        assert verifier.refusal(bytes(other), shown(run)) == "LayerDoesNotHold"
    assert verifier.refusal(HASH[::-1], shown(run)) == "LayerDoesNotHold"


def test_cycles_are_part_of_the_statement(verifier: OnL1, run: RunProof) -> None:
    for cycles in (run.cycles - 1, run.cycles + 1, 0):
        assert verifier.refusal(HASH, cycles.to_bytes(32, "big") + run.proof) == "LayerDoesNotHold"
    for cycles in (run.cycles + R, 1 << 64):
        assert verifier.refusal(HASH, cycles.to_bytes(32, "big") + run.proof) == "CyclesOutOfRange"
    assert verifier.refusal(HASH, b"") == verifier.refusal(HASH, bytes(31)) == "ProofLength"
    assert verifier.refusal(HASH, run.proof) is not None


def test_a_run_that_fails_is_none(setup: Setup) -> None:
    failing = deployed(leaving(HASH, 1).elf(), setup)
    run = failing.program.prove(b"")
    failing.program.verify(run)
    assert run.status == 1
    assert failing.refusal(HASH, shown(run)) == "LayerDoesNotHold"


def test_the_gas_is_the_models(verifier: OnL1, run: RunProof) -> None:
    assert verifier.refusal(HASH, shown(run)) is None
    result = verifier.chain.evm.result
    data = verifier.contract.call("verify", HASH, 1, shown(run))
    taken = result.gas_used + result.gas_refunded - intrinsic_gas(data)
    statement = verifier.program.statement(run.cycles, 0, run.output)
    layout, _ = decode(statement, run.proof)
    cost = Cost(layout)
    assert cost.proof_bytes == len(run.proof)
    print(f"{taken:,} gas, {cost.gas:,} by the model, {len(run.proof):,} bytes")
    assert abs(taken - cost.gas) < 0.1 * taken


def test_a_program_that_is_taken_back_proves_nothing(setup: Setup, run: RunProof) -> None:
    own = deployed(leaving(HASH, 0).elf(), setup)
    assert own.refusal(HASH, shown(run)) is None
    assert own.call("revokeProgram") == "NotOwnerOrCouncil"
    assert own.refusal(HASH, shown(run)) is None
    assert own.call("revokeProgram", caller=COUNCIL) is None
    assert own.refusal(HASH, shown(run)) == "ProgramIsRevoked"
