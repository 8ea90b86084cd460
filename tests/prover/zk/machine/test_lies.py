"""Runs that lie once, in any of their steps, make tables that do not fit."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from jovay.kernel.riscv.calls import MULMOD
from jovay.prover.zk import audit, prover
from jovay.prover.zk.audit import Loose
from jovay.prover.zk.chip import Chip
from jovay.prover.zk.errors import ZkError
from jovay.prover.zk.field import R
from jovay.prover.zk.machine import fixed, mulmod
from jovay.prover.zk.machine.buses import RANGE
from jovay.prover.zk.machine.program import Program, RunProof, shown
from jovay.prover.zk.machine.renew import RENEW_REGISTER, RENEW_WORD
from jovay.prover.zk.machine.run import Run
from jovay.prover.zk.machine.word import LOAD
from jovay.prover.zk.setup import development_setup
from jovay.prover.zk.tables import Table
from rigs import rv64
from rigs.chips import is_accepted
from rigs.forger import LIES, Liar, Step, lies


def code() -> rv64.Program:
    """Something of everything: a loop, memory, both kinds of shifts, a product, a call, an output."""
    p = rv64.Program().li(10, rv64.DATA + 64)
    p("addi", rd=5, imm=3)
    start = p.pc
    p("ld", rd=6, rs1=10)("add", rd=7, rs1=7, rs2=6)("sd", rs1=10, rs2=7, imm=8)("ld", rd=8, rs1=10, imm=8)
    p("sb", rs1=10, rs2=5, imm=9)("lw", rd=9, rs1=10, imm=6)("addi", rd=10, rs1=10, imm=8)
    p("addi", rd=5, rs1=5, imm=-1)("bne", rs1=5, imm=start - p.pc)
    p("sll", rd=11, rs1=7, rs2=5)("srai", rd=12, rs1=11, imm=3)("mulhu", rd=13, rs1=8, rs2=7)
    p("sltu", rd=14, rs1=7, rs2=8)("blt", rs1=12, rs2=7, imm=8)("xor", rd=14, rs1=14, rs2=9)
    p("divu", rd=15, rs1=13, rs2=7)("jal", rd=1, imm=8)("ebreak")("auipc", rd=2)("jalr", rd=3, rs1=2, imm=8)
    p.li(10, rv64.DATA + 256).li(17, MULMOD)("ecall").li(16, rv64.DATA)("addi", rd=18, imm=16)
    p("sd", rs1=16, rs2=18)("sd", rs1=16, rs2=15, imm=8)
    return p("addi", rd=17, imm=93)("add", rs1=5, rs2=16)("addi", rd=10, rs1=14, imm=2)("ecall")


def data() -> bytes:
    words = np.zeros(63, np.uint64)
    words[7:10] = [7, (1 << 63) + 5, 9]
    words[31:43] = [11, 0, 0, 3, 5, 6, 7, 8, 1, 2, 3, 1 << 62]
    return words.tobytes()


@pytest.fixture(scope="module")
def program() -> Program:
    return Program(code().elf(data()), development_setup(1 << 18, 3), [mulmod])


@pytest.fixture
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Program, "key", {})


def fits(program: Program, run: Run, status: int) -> bool:
    output = shown(run.output)
    tables, public = program.tables(run, output), program.statement(len(run), status, output).public
    return not audit.broken_chips(tables) and not audit.loose(tables, public)


def test_an_honest_run_is_the_emulators(program: Program, no_key: None) -> None:
    machine = Liar(program, lambda *_: None)
    found, expected = machine.run(), Run.of(program.emulator, b"")
    for name in ("pc", "c", "next", "a", "b", "operation"):
        assert getattr(found, name).tolist() == getattr(expected, name).tolist(), name
    assert found.output == expected.output
    assert fits(program, found, machine.status)


def test_lies_are_noticed(program: Program, no_key: None) -> None:
    """Some of every kind."""
    told = Counter[str]()
    for name, when, run, status in lies(program, 100):
        told[name] += 1
        if told[name] <= 2:
            assert not fits(program, run, status), (name, when)
    assert told.keys() == LIES.keys()


@pytest.mark.slow
def test_all_lies_are_noticed(program: Program, no_key: None) -> None:
    told = Counter[str]()
    for name, when, run, status in lies(program, 100):
        told[name] += 1
        assert not fits(program, run, status), (name, when)
    print(dict(told))


@pytest.mark.slow
def test_no_lie_is_proven(program: Program) -> None:
    """An honest prover's code makes proofs of tables that do not fit, and they are refused."""
    seen = set[str]()
    for name, _, run, status in lies(program, 100):
        if name in seen:
            continue
        seen.add(name)
        output = shown(run.output)
        statement, tables = program.statement(len(run), status, output), program.tables(run, output)
        proof = prover.prove(statement, tables, development_setup(1 << 18, 3))
        with pytest.raises(ZkError):
            program.verify(RunProof(len(run), status, output, proof))
    assert seen == LIES.keys()


# ---- time ------------------------------------------------------------------------------------------------------------


def from_the_future(program: Program) -> tuple[Run, list[Table], Liar]:
    """A word is loaded with what is stored there later: the chain of its accesses is told in that order."""

    def lie(_: Liar, clock: int, step: Step) -> None:
        if step.name == "ld":
            step.before = step.after = [7]
            step.c = 7

    machine = Liar(program, lie)
    run = machine.run()
    honest = Liar(program, lambda *_: None)
    tables = program.tables(honest.run())
    told = {table.chip.name: table for table in program.tables(run)}
    tables = [told[t.chip.name] if t.chip.name not in ("memory", "store", "load") else t for t in tables]
    return run, tables, machine


def test_nothing_comes_from_the_future(no_key: None) -> None:
    p = rv64.Program().li(10, rv64.DATA + 64)("addi", rd=5, imm=7)("ld", rd=6, rs1=10)("sd", rs1=10, rs2=5)
    p("addi", rd=17, imm=93)("addi", rd=10, rs1=6)("ecall")
    program = Program(p.elf(), development_setup(8, 3), [mulmod])
    run, tables, machine = from_the_future(program)
    assert machine.status == 7
    public = program.statement(len(run), 7).public
    by_name = {table.chip.name: table for table in tables}
    load, store, memory = by_name["load"], by_name["store"], by_name["memory"]
    loaded, stored = (4 * table.column("clock").values()[0] + 2 for table in (load, store))
    load.put("value", 0, 7)
    load.put("gap", 0, (loaded - 1 - stored) % R)
    store.put("gap", 0, stored - 1)
    at = memory.column("word").values().index((rv64.DATA + 64) // 8)
    memory.put("time", at, loaded)
    tables[-1] = fixed.range_table(tables[:-1])
    assert not audit.broken_chips(tables)
    assert audit.loose(tables, public) == [Loose("load", LOAD_GAP, 0, 1)]


LOAD_GAP = next(i for i, m in enumerate(LOAD.messages(LOAD.row([1] * len(LOAD.columns)))) if m.bus == RANGE)


@pytest.mark.parametrize("chip", [RENEW_REGISTER, RENEW_WORD])
def test_nothing_is_renewed_backwards(chip: Chip) -> None:
    """A later time is later by one at least, and by 2^32 at most."""
    row = dict.fromkeys(chip.columns, 0) | {"used": 1, "since": 1_000}
    assert is_accepted(chip, row)
    for low, high in ((R - 1, 0), (1 << 16, 0), (0, R - 1), (0, 1 << 16), (R - 1_000, 0)):
        assert not is_accepted(chip, row | {"low": low, "high": high})
    for used in (2, R - 1):
        assert not is_accepted(chip, row | {"used": used})
