"""Memory: what a word holds at the beginning is the program's to say; what nobody has accessed for long is renewed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from jovay.compiler.riscv.elf import PF_R, PF_W, PF_X, Image, Segment, write_elf
from jovay.compiler.riscv.layout import INPUT_BASE, PAGE
from jovay.prover.zk import audit
from jovay.prover.zk.field import R, Vector
from jovay.prover.zk.machine.buses import IMAGE, LIMB, RANGE, WINDOW
from jovay.prover.zk.machine.memory import MEMORY_CHIP, Layout
from jovay.prover.zk.machine.program import Program
from jovay.prover.zk.machine.run import Run
from jovay.prover.zk.setup import development_setup
from jovay.prover.zk.tables import Table
from rigs import rv64


@pytest.fixture(scope="module", autouse=True)
def _no_key() -> Iterator[None]:
    """Nothing is proven here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Program, "key", {})
        yield


def program(code: rv64.Program) -> Program:
    """With data that is partly zero, and an input window."""
    code("addi", rd=17, imm=93)("addi", rd=10)("ecall")
    text = b"".join(word.to_bytes(4, "little") for word in code.words)
    segments = (
        Segment(rv64.TEXT, text, len(text), PF_R | PF_X),
        Segment(rv64.CONSTANTS, b"abc" + bytes(20) + b"d", 100, PF_R),
        Segment(INPUT_BASE, b"", 4 * PAGE, PF_R),
        Segment(rv64.DATA, b"\1" * 9, 2 * PAGE, PF_R | PF_W),
    )
    segments = tuple(sorted(segments, key=lambda segment: segment.address))
    return Program(write_elf(Image(rv64.TEXT, segments)), development_setup(8, 3))


def touching() -> rv64.Program:
    """Loads from all parts of memory."""
    p = rv64.Program()
    for register, address in enumerate((rv64.CONSTANTS, INPUT_BASE, rv64.DATA), 5):
        p.li(register, address)
        for offset in (0, 8, 16, 96):
            p("ld", rd=8, rs1=register, imm=offset)
    return p("sd", rs1=7, rs2=8, imm=8)


def faults(made: Program, run: Run, tables: list[Table]) -> list[object]:
    return [*audit.broken(tables), *audit.unbalanced(tables, made.statement(len(run), 0).public)]


def test_each_word_lies_in_one_place() -> None:
    """In the image or in one window, which tell where memory may be written and where the input is."""
    layout = Layout.of(program(touching()).emulator.image)
    firsts, lasts, inputs = (np.asarray(each, np.int64) for each in layout.windows)
    spans = sorted(
        [*zip(firsts, lasts, strict=True), *((word, word) for word in layout.words.astype(np.int64))]
    )
    assert spans[0][0] == rv64.TEXT // 8 // (PAGE // 8) * (PAGE // 8)
    assert all(after[0] == before[1] + 1 for before, after in pairwise(spans))
    assert [(int(a), int(b)) for a, b, there in zip(firsts, lasts, inputs, strict=True) if there] == [
        (INPUT_BASE // 8, (INPUT_BASE + 4 * PAGE) // 8 - 1)
    ]
    writable = layout.window_columns()[3]
    assert all((first >= rv64.DATA // 8) == there for first, there in zip(firsts, writable, strict=True))
    assert not any(first < rv64.DATA // 8 <= last for first, last in zip(firsts, lasts, strict=True))


def test_no_word_begins_with_what_the_prover_likes() -> None:
    """Each row as another kind, with every window: nobody sells what it asks for."""
    made = program(touching())
    run = Run.of(made.emulator, b"input")
    tables = made.tables(run)
    assert faults(made, run, tables) == []
    at = next(i for i, table in enumerate(tables) if table.chip is MEMORY_CHIP)
    names = MEMORY_CHIP.columns
    known = {(IMAGE, *each) for each in zip(*(c.tolist() for c in made.layout.image_columns()), strict=True)}
    known |= {
        (WINDOW, *each) for each in zip(*(c.tolist() for c in made.layout.window_columns()), strict=True)
    }
    known |= {(RANGE, number) for number in range(LIMB)}
    used = [row[: len(names)] for row in audit.rows_of(tables[at]) if row[names.index("time")]]
    assert len(used) == 12
    for row in used:
        cells = dict(zip(names, row, strict=True))
        for kind in ("image", "input", "zero"):
            if cells[kind]:
                continue
            forged = cells | dict.fromkeys(("image", "input", "zero"), 0) | {kind: 1}
            if kind == "zero":
                forged |= {f"value_{i}": 0 for i in range(4)}
            for first, last, _ in made.layout.windows.T.tolist():
                for name, distance in (("from", cells["word"] - first), ("to", last - cells["word"])):
                    forged |= {f"{name}_low": distance % LIMB, f"{name}_high": (distance // LIMB) % R}
                values = [*forged.values(), 0]
                assert not MEMORY_CHIP.broken([values])
                messages = MEMORY_CHIP.messages(MEMORY_CHIP.row(values))
                asked = audit.messages_of(m for m in messages if m.bus in (RANGE, IMAGE, WINDOW))
                assert not asked.keys() <= known, (kind, cells["word"])
    messages = MEMORY_CHIP.messages(MEMORY_CHIP.row([*used[0], 0]))
    assert audit.messages_of(m for m in messages if m.bus in (RANGE, IMAGE, WINDOW)).keys() <= known


def test_what_is_old_is_renewed() -> None:
    """Registers and words that were accessed more than 2^16 time stamps ago, and those that never were."""
    p = rv64.Program().li(6, rv64.DATA).li(5, 5600)("sd", rs1=6, rs2=5, imm=8)("addi", rd=9, imm=1)
    p("addi", rd=5, rs1=5, imm=-1)("addi")("bne", rs1=5, imm=-8)
    p("ld", rd=7, rs1=6, imm=8)("ld", rd=7, rs1=6, imm=16)("sd", rs1=6, rs2=9, imm=16)("addi", rd=8, rs1=30)
    made = program(p)
    run = Run.of(made.emulator, b"")
    tables = made.tables(run)
    renewed = {
        table.chip.name: sum(row[0] for row in audit.rows_of(table))
        for table in tables
        if table.chip.name.startswith("renew")
    }
    assert renewed["renew_register"] >= 3
    assert renewed["renew_word"] == 2
    assert faults(made, run, tables) == []


def test_a_word_changes_with_its_time_alone() -> None:
    """What is loaded is what was stored last, not before, nor in another run's order."""
    made = program(touching())
    run = Run.of(made.emulator, b"input")
    tables = made.tables(run)
    for at, table in enumerate(tables):
        if table.chip.name not in ("load", "store"):
            continue
        for name in ("gap", "index"):
            words = table.column(name).lowest()
            words[0] += np.uint64(1)
            other = replace(table, columns=[*table.columns])
            other.set(name, Vector.of_words(words))
            assert faults(made, run, [*tables[:at], other, *tables[at + 1 :]])
