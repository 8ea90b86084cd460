"""Rows in which a chip does nothing say nothing, and what is looked up is nobody's choice."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

import pytest

from jovay.kernel.riscv.decode import CODE
from jovay.prover.zk import audit
from jovay.prover.zk.chip import Chip
from jovay.prover.zk.field import R
from jovay.prover.zk.layout import LEAST_VARIABLES
from jovay.prover.zk.machine import bitwise, fixed, shift
from jovay.prover.zk.machine.accelerators import ACCELERATORS
from jovay.prover.zk.machine.access import ACCESS
from jovay.prover.zk.machine.buses import BYTES, OFFSET, POWER, RANGE
from jovay.prover.zk.machine.program import Program
from jovay.prover.zk.machine.run import Run
from jovay.prover.zk.setup import development_setup
from jovay.prover.zk.tables import Table
from rigs import rv64
from rigs.determinism import Formula

_LOOKED_UP = {RANGE, BYTES, POWER, OFFSET}


@pytest.fixture(scope="module")
def program() -> Program:
    p = rv64.Program()("addi", rd=1, imm=5)("addi", rd=2, imm=64)("sll", rd=3, rs1=1, rs2=2)
    p.li(4, rv64.DATA + 8)("sd", rs1=4, rs2=3)("lw", rd=5, rs1=4, imm=6)
    p("addi", rd=17, imm=93)("addi", rd=10, rs1=3)("ecall")
    return Program(p.elf(), development_setup(8, 3), tuple(ACCELERATORS.values()))


# ---- of all chips ---------------------------------------------------------------------------------------------------


def formulas(chip: Chip) -> tuple[list[Formula], list[Any]]:
    row = chip.row([Formula({(name,): 1}) for name in chip.names])
    return [Formula.of(each) for each in chip.constraints(row)], list(chip.messages(row))


def with_values(formula: Formula, known: Mapping[str, int]) -> Formula:
    total = Formula({})
    for monomial, factor in formula.terms.items():
        rest = tuple(name for name in monomial if name not in known)
        for name in monomial:
            factor *= known.get(name, 1)
        total = total + Formula({rest: factor})
    return Formula({monomial: factor for monomial, factor in total.terms.items() if factor % R})


def value_of(formula: Formula, known: Mapping[str, int]) -> int:
    return sum(factor * math.prod(known[name] for name in names) for names, factor in formula.terms.items())


def followed(constraints: list[Formula], known: dict[str, int]) -> dict[str, int] | None:
    """What else is known then, of columns that stand alone in a constraint; None if one does not hold."""
    while True:
        before = len(known)
        for constraint in constraints:
            left = with_values(constraint, known)
            if left.terms.keys() == {()}:
                return None
            names = left.names
            if len(names) == 1 and all(len(monomial) < 2 for monomial in left.terms):
                (name,) = names
                known[name] = -left.terms.get((), 0) * pow(left.terms[(name,)], -1, R) % R
        if len(known) == before:
            return known


def is_boolean(constraints: list[Formula], name: str) -> bool:
    return any(each.terms == {(name, name): 1, (name,): -1} for each in constraints)


def test_who_does_nothing_says_nothing(program: Program) -> None:
    for chip in program.chips:
        if chip.fixed:
            continue
        constraints, messages = formulas(chip)
        times = [Formula.of(m.multiplicity) for m in messages]
        named = {name for each in times for name in each.names}
        flags = sorted(name for name in named if is_boolean(constraints, name))
        pure = [each for each in constraints if each.names <= set(flags)]
        for values in itertools.product((0, 1), repeat=len(flags)):
            chosen = dict(zip(flags, values, strict=True))
            if any(value_of(each, chosen) % R for each in pure):
                continue
            known = followed(constraints, chosen)
            if known is None:
                continue
            said = [with_values(each, known) for each in times]
            answers = {
                name
                for m, each in zip(messages, said, strict=True)
                if m.bus in _LOOKED_UP and each.terms
                for value in m.values
                for name in Formula.of(value).names
            }
            assert {name for each in said for name in each.names} <= answers, (chip.name, chosen)
            if not any(chosen.values()):
                assert not any(each.terms for each in said), chip.name


def test_tables_to_look_up_in_are_fixed(program: Program) -> None:
    """Their rows, how many there are, and that there is none besides those that were meant."""
    for chip in program.chips:
        constraints, messages = formulas(chip)
        counted = [
            m
            for m in messages
            if any(
                name in chip.columns and not is_boolean(constraints, name)
                for name in names_of(m.multiplicity)
            )
        ]
        if constraints:
            continue
        assert chip.fixed, chip.name
        for m in counted:
            assert not {n for value in m.values for n in names_of(value)} & set(chip.columns), chip.name
    tables = program.fixed()
    assert [table.chip for table in tables] == [chip for chip in program.chips if chip.fixed]
    for table in tables:
        if table.chip is not fixed.REGISTER_CHIP:
            assert all(any(row) for row in audit.rows_of(table)[1:]), table.chip.name


def names_of(value: Any) -> set[str]:
    return Formula.of(value).names


def test_no_table_to_look_up_in_has_another_height(program: Program) -> None:
    tables = program.fixed()
    heights = {table.chip.name: table.variables for table in tables}
    assert {fixed.RANGE_CHIP.name, bitwise.AND_TABLE.name} <= heights.keys()
    free = {chip.name for chip in program.chips if chip.computed and chip.name not in heights}
    assert free == {"cpu", "memory"}
    assert min(heights.values()) >= LEAST_VARIABLES


# ---- what could be forged -------------------------------------------------------------------------------------------


def faults(program: Program, run: Run, tables: list[Table], status: int) -> list[object]:
    public = program.statement(len(run), status).public
    return [*audit.broken(tables), *audit.unbalanced(tables, public)]


def changed(table: Table, row: int, **values: int) -> None:
    for name, value in values.items():
        table.put(name, row, value % R)


@pytest.fixture
def run(program: Program, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(Program, "key", {})
    return Run.of(program.emulator, b"")


def recounted(tables: list[Table]) -> list[Table]:
    return [*tables[:-2], bitwise.and_table(tables[:-2]), fixed.range_table(tables[:-2])]


def test_memory_is_not_written_by_a_row_without_an_instruction(program: Program, run: Run) -> None:
    tables = program.tables(run)
    assert faults(program, run, tables, 5) == []
    by_name = {table.chip.name: table for table in tables}
    access, memory = by_name["access"], by_name["memory"]
    word = (rv64.DATA + 8) // 8
    at = memory.column("word").values().index(word)
    time, old = memory.column("time").values()[at], memory.column("final").values()[at]
    clock, new = time // 4 + 5, 0x1234
    idle = len(access.columns[0]) - 1
    gap = 4 * clock + 2 - 1 - time
    changed(
        access, idle, clock=clock, index=word - 1, across=1, writable1=1, word1=old, gap1_low=gap,
        crossing=old << 64, second_0=new, first_0=(old - new) << 64, whole=old << 64, high_0=old << 64, power=1,
        size=1, low_0=0,
    )  # fmt: skip
    changed(memory, at, final=new, time=4 * clock + 2)
    tables = recounted(tables)
    assert [each.chip for each in audit.broken(tables)] == [ACCESS.name]
    assert audit.unbalanced(tables, program.statement(len(run), 5).public) == {}


def test_a_shift_by_nothing_is_none(program: Program, run: Run) -> None:
    """A table of powers with a row of zeros would say that 2⁰ is 0."""
    assert (0, 0, 0, 0) not in zip(*(map(int, c) for c in _lowest(shift.power_columns())), strict=True)
    tables = program.tables(run)
    powers = next(table for table in tables if table.chip is shift.POWER_TABLE)
    assert [0] * 4 not in [list(row[1:]) for row in audit.rows_of(powers)]
    assert CODE["sll"] in run.operation


def _lowest(columns: list[Any]) -> list[Any]:
    return [column if column.ndim == 1 else column[0] | column[1] for column in columns]
