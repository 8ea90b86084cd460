"""Programs that multiply and add points by system calls: their runs fit together, as the emulator carries them out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from jovay.kernel.curves.secp256k1 import GENERATOR, MODULUS
from jovay.kernel.riscv.calls import (
    INVERSE_MODULO,
    MULMOD,
    ROOT_MODULO,
    SECP256K1_ADD,
    SECP256K1_DOUBLE,
    SECP256K1_SUBTRACT,
)
from jovay.prover.zk import audit
from jovay.prover.zk.machine import mulmod, secp256k1
from jovay.prover.zk.machine.buses import MEMORY
from jovay.prover.zk.machine.identities import split
from jovay.prover.zk.machine.program import Program
from jovay.prover.zk.machine.run import Run
from jovay.prover.zk.setup import development_setup
from rigs import rv64

BLOCK = rv64.DATA + 8
MULTIPLIED = rv64.DATA + 256


def program() -> Program:
    """Doubles the generator, adds it twice, subtracts it; a power of 3 modulo the prime, its inverse, a root."""
    p = rv64.Program().li(10, BLOCK).li(17, SECP256K1_DOUBLE)("ecall").li(17, SECP256K1_ADD)("ecall")("ecall")
    p.li(17, SECP256K1_SUBTRACT)("ecall")
    p.li(10, MULTIPLIED).li(17, MULMOD)("ecall")("ecall")("ecall").li(17, INVERSE_MODULO)("ecall")
    p.li(17, ROOT_MODULO)("ecall").li(17, 93).li(10, 0)("ecall")
    points = [word for number in (*GENERATOR, *GENERATOR) for word in split(number)]
    data = np.zeros((MULTIPLIED - BLOCK) // 8, np.uint64)
    data[: len(points)] = points
    factors = np.array([word for number in (3**100, 3**60, MODULUS) for word in split(number)], np.uint64)
    return Program(
        p.elf(np.concatenate([data, factors]).tobytes()), development_setup(8, 3), [mulmod, secp256k1]
    )


@pytest.fixture(scope="module")
def ran() -> tuple[Program, Run]:
    made = program()
    return made, Run.of(made.emulator, b"")


@pytest.fixture(autouse=True)
def _without_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Program, "key", {})


def faults(made: Program, run: Run) -> list[object]:
    tables = made.tables(run)
    return [*audit.broken(tables), *audit.unbalanced(tables, made.statement(len(run), 0).public)]


def test_runs_fit_together(ran: tuple[Program, Run]) -> None:
    made, run = ran
    assert {number: len(calls.clock) for number, calls in run.calls.items()} == {
        MULMOD: 3,
        SECP256K1_ADD: 2,
        SECP256K1_SUBTRACT: 1,
        SECP256K1_DOUBLE: 1,
        INVERSE_MODULO: 1,
        ROOT_MODULO: 1,
    }
    power = run.calls[MULMOD].after[-1, :4]
    assert power.tolist() == split(pow(3, 100 + 3 * 60, MODULUS))
    root = sum(int(word) << 64 * at for at, word in enumerate(run.calls[ROOT_MODULO].after[0, :4]))
    assert root**4 * pow(3, 2 * (100 + 3 * 60), MODULUS) % MODULUS == 1
    assert faults(made, run) == []


def test_another_result_does_not(ran: tuple[Program, Run]) -> None:
    made, run = ran
    after = run.calls[SECP256K1_ADD].after.copy()
    after[-1, 0] ^= np.uint64(1)
    calls = {**run.calls, SECP256K1_ADD: replace(run.calls[SECP256K1_ADD], after=after)}
    assert faults(made, replace(run, calls=calls))


def test_blocks_that_waited_are_renewed() -> None:
    """Once, before the first call; the machine's other tables say no more of memory then."""
    p = rv64.Program().li(5, 8400)("addi", rd=5, rs1=5, imm=-1)("bne", rs1=5, imm=-4)
    p.li(10, BLOCK).li(17, MULMOD)("ecall")("ecall").li(17, 93).li(10, 0)("ecall")
    words = [word for number in (3, 5, 97) for word in split(number)]
    made = Program(p.elf(np.array(words, np.uint64).tobytes()), development_setup(8, 3), [mulmod])
    tables = made.tables(Run.of(made.emulator, b""))
    renewed = next(table for table in tables if table.chip.name == "renew_word")
    assert sum(row[0] for row in audit.rows_of(renewed)) == len(words)
    memory = [table for table in tables if table.chip.name in ("renew_word", "mulmod", "memory")]
    assert not audit.broken(memory)
    assert not any(bus == MEMORY for bus, *_ in audit.unbalanced(memory))
    without = [table for table in memory if table is not renewed]
    assert sum(bus == MEMORY for bus, *_ in audit.unbalanced(without)) == 2 * len(words)
