"""Sums and differences modulo 2^64, and jumps."""

from __future__ import annotations

from typing import Any

import numpy as np

from jovay.kernel.riscv.decode import CODE
from jovay.prover.zk.chip import Chip, Message, Row
from jovay.prover.zk.tables import Table

from .buses import WORD
from .parts import (
    EXECUTED,
    LIMBS,
    boolean,
    chosen,
    common,
    composed,
    executed,
    flags,
    limbs_of,
    ranged,
    total,
)
from .run import Run

NAMES = ("add", "sub", "auipc", "jal", "jalr")
_COLUMNS = (*NAMES, *EXECUTED, "carry", "odd", *(f"limb{i}" for i in range(LIMBS)))


def _constraints(row: Row) -> list[Any]:
    """Registers hold words, and so does the immediate; of b and it one is 0 in a sum."""
    second, carried = row.b + row.imm, row.carry * WORD
    return [
        *flags(row, NAMES),
        boolean(row.carry),
        boolean(row.odd),
        row.add * (row.a + second - carried - row.c),
        row.sub * (row.a - second + carried - row.c),
        row.auipc * (row.pc + row.imm - carried - row.c),
        row.jal * (row.pc + row.imm - carried - row.next),
        row.jalr * (row.a + row.imm - carried - row.odd - row.next),
        (row.jal + row.jalr) * (row.pc + 4 - row.c),
        (row.add + row.sub + row.auipc) * (row.pc + 4 - row.next),
        row.c - composed(list(row.many("limb"))),
    ]


def _messages(row: Row) -> list[Message]:
    used = total([getattr(row, name) for name in NAMES])
    return [executed(row, NAMES), *ranged(list(row.many("limb")), used)]


ADD = Chip("add", _COLUMNS, _constraints, _messages)


def table(run: Run) -> Table:
    """The rows of a run."""
    part, marks = chosen(run, NAMES)
    second = part.b + part.imm
    base = np.where(np.isin(part.operation, [CODE["auipc"], CODE["jal"]]), part.pc, part.a)
    sums = base + np.where(part.operation == CODE["add"], second, part.imm)
    carry = np.where(part.operation == CODE["sub"], part.a < second, sums < base).astype(np.uint64)
    odd = np.where(part.operation == CODE["jalr"], sums % np.uint64(2), np.uint64(0))
    return Table.of_words(ADD, [*marks, *common(part), carry, odd, *limbs_of(part.c)])
