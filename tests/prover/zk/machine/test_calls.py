"""System calls that a chip answers: what it is asked, and what it does to memory."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from jovay.compiler.riscv.encoding import encode
from jovay.native import emulator
from jovay.native.emulator import Emulator
from jovay.prover.zk import audit
from jovay.prover.zk.chip import Chip, Message, Row
from jovay.prover.zk.errors import ZkError
from jovay.prover.zk.field import R
from jovay.prover.zk.machine.buses import MEMORY
from jovay.prover.zk.machine.calls import Calls, called, gap_names, given, taken
from jovay.prover.zk.machine.parts import boolean, composed, limbs_of, ranged
from jovay.prover.zk.machine.program import Program
from jovay.prover.zk.machine.run import Run
from jovay.prover.zk.setup import development_setup
from jovay.prover.zk.tables import Table
from rigs import rv64

ONES = (1 << 64) - 1

# ---- a call that turns the bits of a word around, and leaves the next one ---------------------------------------

NUMBER, WORDS = 0x7F0, 2
CALLS = {NUMBER: WORDS}


def _messages(row: Row) -> list[Message]:
    found = [called(row, NUMBER, row.used)]
    after = composed(list(row.many("after")))
    for word, (before, now) in enumerate([(row.before, after), (row.kept, row.kept)]):
        found += [*taken(row, word, before, row.used), given(row, word, now, row.used)]
    return [*found, *ranged(list(row.many("after")), row.used)]


CHIPS = (
    Chip(
        "invert",
        ("used", "clock", "index", "before", "kept", *gap_names(WORDS), *(f"after{i}" for i in range(4))),
        lambda row: [
            boolean(row.used),
            row.used * (row.before + composed(list(row.many("after"))) - ONES),
        ],
        _messages,
    ),
)


def tables(calls: Calls) -> list[Table]:
    columns = [
        np.ones(len(calls), np.uint64),
        calls.clock,
        calls.index,
        calls.before[:, 0],
        calls.before[:, 1],
    ]
    return [Table.of_words(CHIPS[0], [*columns, *calls.gap_columns(), *limbs_of(calls.after[:, 0])])]


def fixed() -> list[Table]:
    return []


# ---- runs -------------------------------------------------------------------------------------------------------


def code() -> tuple[rv64.Program, list[int]]:
    """A loop of three calls, between accesses; and where the stores are that stand for the calls."""
    p = rv64.Program().li(10, rv64.DATA + 64).li(17, NUMBER)("addi", rd=5, imm=3)
    start = p.pc
    p("ld", rd=6, rs1=10)("xori", rd=6, rs1=6, imm=-1)
    at = len(p.words)
    p("sd", rs1=10, rs2=6)("lw", rd=7, rs1=10, imm=6)("addi", rd=10, rs1=10, imm=-8)(
        "addi", rd=5, rs1=5, imm=-1
    )
    p("bne", rs1=5, imm=start - p.pc)("sd", rs1=10, rs2=7, imm=16)
    p("addi", rd=17, imm=93)("addi", rd=10, imm=7)("ecall")
    return p, [at]


def with_calls(program: rv64.Program, places: Sequence[int]) -> tuple[Program, Run]:
    """A program that calls where another stores, and its run: that of the other, but for the calls."""
    data = bytes(range(1, 200))
    trace = Emulator(program.elf(data)).trace(b"", 10_000)
    for at in places:
        program.words[at] = encode("ecall")
    made = Program(program.elf(data), development_setup(8, 3), [sys.modules[__name__]])
    steps, image = trace.steps.copy(), made.emulator.image
    here = np.isin((steps["pc"] - np.uint64(image.text.address)) // np.uint64(4), places)
    found = steps[here]
    steps["decoded"][here] = made.emulator.decoded[places[0]]
    for register in "abc":
        steps[register][here] = 0
    words = [np.stack([found[f"{name}0"], found[f"{name}1"]], 1) for name in ("word", "new")]
    blocks = emulator.Calls(np.flatnonzero(here).astype(np.uint64) + np.uint64(1), found["a"], *words)
    return made, Run.traced(replace(trace, steps=steps, calls={NUMBER: blocks}))


@pytest.fixture(scope="module")
def ran() -> tuple[Program, Run]:
    return with_calls(*code())


def faults(program: Program, run: Run, tables: list[Table], status: int = 7) -> list[object]:
    public = program.statement(len(run), status).public
    return [*audit.broken(tables), *audit.unbalanced(tables, public)]


def test_calls_fit_together(ran: tuple[Program, Run], monkeypatch: pytest.MonkeyPatch) -> None:
    program, run = ran
    monkeypatch.setattr(Program, "key", {})
    tables = program.tables(run)
    assert [table.chip.name for table in tables] == [chip.name for chip in program.chips]
    assert len(run.calls[NUMBER].clock) == 3
    assert faults(program, run, tables) == []
    assert faults(program, run, tables, status=8)


def test_no_cell_of_a_call_can_be_another(ran: tuple[Program, Run]) -> None:
    program, run = ran
    for table in program.tables(run):
        if table.chip.name not in ("system", "invert"):
            continue
        for row in [row for row in audit.rows_of(table) if row[0] + row[1]]:
            for column, name in enumerate(table.chip.columns):
                for change in (1, R - 1, 1 << 64):
                    other = [*row[:column], (row[column] + change) % R, *row[column + 1 :]]
                    noticed = audit.is_noticed(table.chip, row, other)
                    assert noticed or (name == "index" and table.chip.name == "system" and row[0]), (
                        table.chip.name,
                        name,
                    )  # of the exit


def other_block(run: Run, **changes: Any) -> Run:
    """The run with something else said of its calls."""
    blocks = run.calls[NUMBER]
    return replace(
        run,
        calls={
            NUMBER: replace(
                blocks, **{name: change(getattr(blocks, name)) for name, change in changes.items()}
            )
        },
    )


def test_what_a_call_does_is_seen(ran: tuple[Program, Run], monkeypatch: pytest.MonkeyPatch) -> None:
    """Another result, other words before, other blocks, other times; and a call that nobody answers."""
    program, run = ran
    monkeypatch.setattr(Program, "key", {})
    one, eight = np.uint64(1), np.uint64(8)
    for changes in (
        {"after": lambda words: words ^ one},
        {"before": lambda words: words ^ one, "after": lambda words: words ^ one},
        {"address": lambda address: address + eight},
        {"clock": lambda clock: clock + one},
    ):
        other = other_block(run, **changes)
        assert faults(program, other, program.tables(other))
    nobody = Program.__new__(Program)
    nobody.__dict__.update(vars(program) | {"accelerators": ()})
    with pytest.raises(ZkError, match="2032"):
        nobody.tables(run)


def test_what_is_called_lies_in_writable_memory(ran: tuple[Program, Run]) -> None:
    """Blocks that begin inside a word have no index that memory knows; what is not writable is not given back."""
    program, run = ran
    system = next(table for table in program.tables(run) if table.chip.name == "system")
    row = dict(zip(system.chip.columns, audit.rows_of(system)[0], strict=True))
    unaligned = row | {"a0": row["a0"] + 4}
    assert system.chip.broken([list(unaligned.values())])
    unaligned["index"] = unaligned["a0"] * pow(8, -1, R) % R
    assert not system.chip.broken([list(unaligned.values())])
    assert unaligned["index"] > 1 << 200
    row = CHIPS[0].row([1] * len(CHIPS[0].columns))
    assert {m.values[1] for m in _messages(row) if m.bus == MEMORY} == {1}
