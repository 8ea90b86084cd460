"""Random sums find in tables what plain ones do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jovay.kernel.programs import guests
from jovay.native.library import Library
from jovay.prover.batch import batch_input
from jovay.prover.zk import audit
from jovay.prover.zk.machine.accelerators import ACCELERATORS
from jovay.prover.zk.machine.program import Program, shown
from jovay.prover.zk.machine.run import Run
from jovay.prover.zk.setup import development_setup
from jovay.tracer.guest import Guest
from rigs import rv64
from rigs.real_batch import real_batch


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Program, "key", {})


def test_what_does_not_fit_is_found() -> None:
    p = rv64.Program()("addi", rd=1, imm=5)("sub", rd=2, rs1=0, rs2=1)("srai", rd=3, rs1=2, imm=1)
    p("addi", rd=17, imm=93)("addi", rd=10, rs1=3, imm=9)("ecall")
    program = Program(p.elf(), development_setup(8, 3))
    run = Run.of(program.emulator, b"")
    tables, public = program.tables(run), program.statement(len(run), 6).public
    assert audit.broken_chips(tables) == []
    assert audit.loose(tables, public) == []
    assert {
        (each.chip, each.times) for each in audit.loose(tables, program.statement(len(run), 7).public)
    } == {
        ("system", 1),
        ("", -1),
    }
    for table in tables[:3]:
        row = audit.rows_of(table)[0]
        for column, name in enumerate(table.chip.columns):
            changed = [*row[:column], row[column] + 1, *row[column + 1 :]]
            table.put(name, 0, changed[column])
            assert bool(audit.broken_chips(tables)) == bool(table.chip.broken([changed]))
            assert audit.is_noticed(table.chip, row, changed) == bool(
                audit.broken_chips(tables) or audit.loose(tables, public)
            )
            table.put(name, 0, row[column])


@pytest.mark.slow
def test_a_batch_fits_together(library: Library) -> None:
    """The guest on a batch of three blocks, with all chips that its program has."""
    elf = Guest(guests.batch, ACCELERATORS).elf
    program = Program(elf, development_setup(8, 3), tuple(ACCELERATORS.values()))
    run = Run.of(program.emulator, batch_input(real_batch(library), scale=0))
    output = shown(run.output)
    assert len(run.output) == 32
    tables, public = program.tables(run, output), program.statement(len(run), 0, output).public
    assert audit.broken_chips(tables) == []
    assert audit.loose(tables, public) == []
    other = [*public[:-1], replace(public[-1], values=(public[-1].values[0], public[-1].values[1] ^ 1))]
    assert {each.chip for each in audit.loose(tables, other)} == {"memory", ""}
