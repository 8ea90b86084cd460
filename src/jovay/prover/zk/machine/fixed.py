"""Tables that are the same for all runs of a program: the program, the registers, and the numbers below 2^16."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from jovay.compiler.riscv.elf import Image
from jovay.prover.zk.chip import Chip, Message, Row
from jovay.prover.zk.field import U64
from jovay.prover.zk.tables import Table

from .buses import LIMB, PROGRAM, RANGE, REGISTER
from .cpu import Accesses
from .lookups import asked
from .run import Run, unpacked

#: x0 … x31, and the place where writes to x0 go.
REGISTERS = 33

_INSTRUCTION = ("pc", "operation", "rd", "rs1", "rs2", "imm")
PROGRAM_CHIP = Chip(
    "program",
    ("times",),
    lambda row: [],
    lambda row: [Message(PROGRAM, -row.times, tuple(getattr(row, name) for name in _INSTRUCTION))],
    fixed=_INSTRUCTION,
)
RANGE_CHIP = Chip(
    "range",
    ("times",),
    lambda row: [],
    lambda row: [Message(RANGE, -row.times, (row.number,))],
    fixed=("number",),
)


def _registers(row: Row) -> list[Message]:
    """All are 0 at time 0; what they hold at the end, and since when, is taken back."""
    return [
        Message(REGISTER, row.there, (row.index, 0 * row.there, 0 * row.there)),
        Message(REGISTER, -row.there, (row.index, row.value, row.time)),
    ]


REGISTER_CHIP = Chip(
    "registers", ("value", "time"), lambda row: [], _registers, fixed=("there",), computed=("index",)
)


def program_columns(image: Image, decoded: U64) -> list[U64]:
    """The fixed columns of a program."""
    pc = np.uint64(image.text.address) + 4 * np.arange(len(decoded), dtype=np.uint64)
    return [pc, *unpacked(decoded)]


def program_table(image: Image, decoded: U64, run: Run) -> Table:
    """How often each instruction is carried out."""
    where = ((run.pc - np.uint64(image.text.address)) >> np.uint64(2)).astype(np.int64)
    times = np.bincount(where, minlength=len(decoded)).astype(np.uint64)
    return Table.of_words(PROGRAM_CHIP, [times], program_columns(image, decoded))


def register_columns() -> list[U64]:
    """The fixed column of the registers: those that there are, and one that there is not."""
    return [np.append(np.ones(REGISTERS, np.uint64), np.uint64(0))]


def register_table(accesses: Accesses) -> Table:
    """What the registers hold in the end."""
    value, time = np.zeros(REGISTERS, np.uint64), np.zeros(REGISTERS, np.uint64)
    last = accesses.register[accesses.last].astype(np.int64)
    value[last], time[last] = accesses.value[accesses.last], accesses.time[accesses.last]
    return Table.of_words(REGISTER_CHIP, [value, time], register_columns())


def range_columns() -> list[U64]:
    """The numbers. They are fixed, since with another height the prover would have chosen which there are."""
    return [np.arange(LIMB, dtype=np.uint64)]


def range_table(tables: Iterable[Table]) -> Table:
    """How often each number below 2^16 is asked for; no others are there."""
    times = np.zeros(LIMB, np.int64)
    for (numbers,) in asked(tables, RANGE):
        times += np.bincount(numbers[numbers < LIMB].astype(np.int64), minlength=LIMB)
    return Table.of_words(RANGE_CHIP, [times.astype(np.uint64)], range_columns())
