"""Sums and differences modulo 2^64, and jumps."""

from __future__ import annotations

from typing import Any

import numpy as np

from jovay.kernel.riscv.decode import CODE
from jovay.prover.zk.chip import Chip, Message, Row
from jovay.prover.zk.field import U64
from jovay.prover.zk.tables import Table

from .buses import LIMB, WORD
from .parts import (
    EXTENSION,
    LIMBS,
    OPERANDS,
    boolean,
    chosen,
    common,
    composed,
    executed,
    flags,
    half,
    limbs_of,
    ranged,
    split_top,
    top_bit,
    total,
)
from .run import Run

_LIMBS = tuple(f"limb{i}" for i in range(LIMBS))


def _result(row: Row) -> Any:
    return composed(list(row.many("limb")))


# ---- add and sub: registers hold words, and so does the immediate; a is what it has to be -----------------------


def _add_messages(row: Row) -> list[Message]:
    """a + b + immediate = result + 2^64·carry; of b and the immediate one is 0."""
    a = _result(row) + row.carry * WORD - row.b - row.imm
    return [executed(row, ("add",), a=a, c=_result(row)), *ranged(list(row.many("limb")), row.add)]


def _subtract_messages(row: Row) -> list[Message]:
    """a − b = result − 2^64·carry."""
    a = _result(row) - row.carry * WORD + row.b
    known = {"a": a, "imm": 0 * row.clock, "c": _result(row)}
    return [executed(row, ("sub",), **known), *ranged(list(row.many("limb")), row.sub)]


ADD = Chip(
    "add",
    ("add", "clock", "pc", "b", "imm", "carry", *_LIMBS),
    lambda row: [boolean(row.add), boolean(row.carry)],
    _add_messages,
)
SUBTRACT = Chip(
    "subtract",
    ("sub", "clock", "pc", "b", "carry", *_LIMBS),
    lambda row: [boolean(row.sub), boolean(row.carry)],
    _subtract_messages,
)


def table(run: Run) -> Table:
    """The rows of a run's sums."""
    part, marks = chosen(run, ("add",))
    carry = (part.c < part.a).astype(np.uint64)
    return Table.of_words(ADD, [*marks, *common(part, ("clock", "pc", "b", "imm")), carry, *limbs_of(part.c)])


def subtract_table(run: Run) -> Table:
    """The rows of a run's differences."""
    part, marks = chosen(run, ("sub",))
    carry = (part.a < part.b).astype(np.uint64)
    return Table.of_words(SUBTRACT, [*marks, *common(part, ("clock", "pc", "b")), carry, *limbs_of(part.c)])


# ---- addw and subw ----------------------------------------------------------------------------------------------

NARROW_NAMES = ("addw", "subw")


def _narrow(row: Row) -> list[Any]:
    """Of the sum or difference, four limbs, the lower two are extended."""
    second, carried = row.b + row.imm, row.carry * WORD
    return [
        *flags(row, NARROW_NAMES),
        boolean(row.carry),
        boolean(row.sign),
        row.addw * (row.a + second - carried - _result(row)),
        row.subw * (row.a - second + carried - _result(row)),
        (row.addw + row.subw) * top_bit(row.limb1, row.sign, row.rest),
    ]


def _narrow_messages(row: Row) -> list[Message]:
    used = row.addw + row.subw
    c = row.limb0 + row.limb1 * LIMB + row.sign * EXTENSION
    limbs = ranged(list(row.many("limb")), used)
    return [executed(row, NARROW_NAMES, c=c), *limbs, *half(row.rest, used)]


ADD_NARROW = Chip(
    "add_narrow", (*NARROW_NAMES, *OPERANDS, "carry", "sign", "rest", *_LIMBS), _narrow, _narrow_messages
)


def narrow_table(run: Run) -> Table:
    """The rows of sums and differences of 32 bits."""
    part, marks = chosen(run, NARROW_NAMES)
    second = part.b + part.imm
    sums = part.operation == CODE["addw"]
    result = np.where(sums, part.a + second, part.a - second)
    carry = np.where(sums, result < part.a, part.a < second).astype(np.uint64)
    limbs = limbs_of(result)
    return Table.of_words(ADD_NARROW, [*marks, *common(part, OPERANDS), carry, *split_top(limbs[1]), *limbs])


# ---- jumps ------------------------------------------------------------------------------------------------------

JUMP_NAMES = ("auipc", "jal", "jalr")


def _jump(row: Row) -> list[Any]:
    """The sum of pc, or a, and the immediate is the result or the next pc."""
    carried, result = row.carry * WORD, _result(row)
    return [
        *flags(row, JUMP_NAMES),
        boolean(row.carry),
        boolean(row.odd),
        row.auipc * (row.pc + row.imm - carried - result),
        row.auipc * (row.pc + 4 - row.next),
        row.jal * (row.pc + row.imm - carried - row.next),
        row.jalr * (row.a + row.imm - carried - row.odd - row.next),
        (row.jal + row.jalr) * (row.pc + 4 - result),
    ]


def _jump_messages(row: Row) -> list[Message]:
    used = total([getattr(row, name) for name in JUMP_NAMES])
    found = [executed(row, JUMP_NAMES, c=_result(row), next=row.next)]
    return found + ranged(list(row.many("limb")), used)


JUMP = Chip("jump", (*JUMP_NAMES, *OPERANDS, "next", "carry", "odd", *_LIMBS), _jump, _jump_messages)


def jump_table(run: Run) -> Table:
    """The rows of a run."""
    part, marks = chosen(run, JUMP_NAMES)
    indirect = part.operation == CODE["jalr"]
    base = np.where(indirect, part.a, part.pc)
    sums: U64 = base + part.imm
    odd = np.where(indirect, sums % np.uint64(2), np.uint64(0))
    carry = (sums < base).astype(np.uint64)
    return Table.of_words(JUMP, [*marks, *common(part, (*OPERANDS, "next")), carry, odd, *limbs_of(part.c)])
