"""Comparisons and branches: equal or not, and less or not, of unsigned and of signed words."""

from __future__ import annotations

from typing import Any

import numpy as np

from jovay.kernel.riscv.decode import CODE
from jovay.prover.zk.chip import Chip, Message, Row
from jovay.prover.zk.field import U64
from jovay.prover.zk.tables import Table

from .buses import WORD
from .parts import (
    LIMBS,
    OPERANDS,
    boolean,
    chosen,
    common,
    composed,
    executed,
    flags,
    half,
    inverses,
    is_one_of,
    limbs_of,
    nothing,
    ranged,
    total,
)
from .run import Run

EQUAL_NAMES = ("beq", "bne")
COMPARE_NAMES = ("bltu", "bgeu", "slt", "blt", "bge")
_SIGNED = COMPARE_NAMES[2:]
_SIGN = 1 << 63
#: Operands that are columns of ``compare``.
_OTHERS = ("clock", "pc", "b", "imm")


def _branch(row: Row) -> Any:
    """Where a branch leads; at the immediate's distance, modulo 2^64, if it is taken."""
    return row.pc + 4 + row.taken * (row.imm - 4) - row.wrap * WORD - row.next


def _wraps(run: Run, taken: U64) -> U64:
    """Whether the distance is negative."""
    return taken * (run.imm >> np.uint64(63))


# ---- equal -----------------------------------------------------------------------------------------------------------


def _equal(row: Row) -> list[Any]:
    used = row.beq + row.bne
    return [
        *flags(row, EQUAL_NAMES),
        boolean(row.equal),
        boolean(row.wrap),
        (row.a - row.b) * row.equal,
        used - row.equal - (row.a - row.b) * row.inverse,
        row.beq * row.equal + row.bne * (1 - row.equal) - row.taken,
        used * _branch(row),
    ]


EQUAL = Chip(
    "equal",
    (*EQUAL_NAMES, *OPERANDS, "next", "equal", "inverse", "taken", "wrap"),
    _equal,
    lambda row: [executed(row, EQUAL_NAMES, c=nothing(row), next=row.next)],
)


def equal_table(run: Run) -> Table:
    """The rows of a run."""
    part, marks = chosen(run, EQUAL_NAMES)
    equal = (part.a == part.b).astype(np.uint64)
    taken = np.where(part.operation == CODE["beq"], equal, 1 - equal)
    columns = [*marks, *common(part, (*OPERANDS, "next")), equal, np.zeros_like(equal), taken]
    made = Table.of_words(EQUAL, [*columns, _wraps(part, taken)])
    a, b = (made.column(name) for name in "ab")
    made.set("inverse", inverses(a - b, equal))
    return made


# ---- sltu ------------------------------------------------------------------------------------------------------------


def _less_messages(row: Row) -> list[Message]:
    """a − y = limbs − 2^64·less, where y is b or the immediate; a is what it has to be."""
    limbs = list(row.many("limb"))
    a = row.b + row.imm + composed(limbs) - row.less * WORD
    return [executed(row, ("sltu",), a=a, c=row.less), *ranged(limbs, row.sltu)]


LESS = Chip(
    "less",
    ("sltu", "clock", "pc", "b", "imm", "less", *(f"limb{i}" for i in range(LIMBS))),
    lambda row: [boolean(row.sltu), boolean(row.less)],
    _less_messages,
)


def less_table(run: Run) -> Table:
    """The rows of a run."""
    part, marks = chosen(run, ("sltu",))
    difference: U64 = part.a - part.b - part.imm
    return Table.of_words(
        LESS, [*marks, *common(part, ("clock", "pc", "b", "imm", "c")), *limbs_of(difference)]
    )


# ---- all others ------------------------------------------------------------------------------------------------------


def _first(row: Row) -> Any:
    """a is what it has to be."""
    return row.y + (row.sign_a - row.sign_y - row.less) * WORD + composed(list(row.many("limb")))


def _compare(row: Row) -> list[Any]:
    """a < y, where y is b, and the immediate too if the result goes to a register.

    Signed words are compared with 2^63 added to both, modulo 2^64; their signs are the highest bits.
    """
    used, signed = total([getattr(row, name) for name in COMPARE_NAMES]), row.slt + row.blt + row.bge
    return [
        *flags(row, COMPARE_NAMES),
        *map(boolean, (row.less, row.wrap, row.sign_a, row.sign_y)),
        row.y - row.b - row.slt * row.imm,
        signed * (_first(row) - row.sign_a * _SIGN - composed(list(row.many("rest_a")))),
        signed * (row.y - row.sign_y * _SIGN - composed(list(row.many("rest_y")))),
        (used - signed) * (row.sign_a + row.sign_y),
        row.c - row.slt * row.less,
        row.taken - (row.bltu + row.blt) * row.less - (row.bgeu + row.bge) * (1 - row.less),
        used * _branch(row),
    ]


def _compare_messages(row: Row) -> list[Message]:
    used, signed = total([getattr(row, name) for name in COMPARE_NAMES]), row.slt + row.blt + row.bge
    found = [
        executed(row, COMPARE_NAMES, a=_first(row), next=row.next),
        *ranged(list(row.many("limb")), used),
    ]
    for prefix in ("rest_a", "rest_y"):
        *lower, highest = row.many(prefix)
        found += [*ranged(lower, signed), *half(highest, signed)]
    return found


COMPARE = Chip(
    "compare",
    (
        *(*COMPARE_NAMES, *_OTHERS, "c", "next", "y", "less", "taken", "wrap", "sign_a", "sign_y"),
        *(f"{prefix}{i}" for prefix in ("limb", "rest_a", "rest_y") for i in range(LIMBS)),
    ),
    _compare,
    _compare_messages,
)


def compare_table(run: Run) -> Table:
    """The rows of a run."""
    part, marks = chosen(run, COMPARE_NAMES)
    signed, to_register = is_one_of(part.operation, _SIGNED), part.operation == CODE["slt"]
    y = part.b + np.where(to_register, part.imm, np.uint64(0))
    less = np.where(signed, part.a.view(np.int64) < y.view(np.int64), part.a < y).astype(np.uint64)
    negated = is_one_of(part.operation, ("bgeu", "bge"))
    taken = np.where(to_register, np.uint64(0), np.where(negated, 1 - less, less))
    signs = [np.where(signed, word >> np.uint64(63), np.uint64(0)) for word in (part.a, y)]
    rests = [np.where(signed, word % np.uint64(_SIGN), np.uint64(0)) for word in (part.a, y)]
    columns = [*marks, *common(part, (*_OTHERS, "c", "next")), y, less, taken, _wraps(part, taken), *signs]
    return Table.of_words(
        COMPARE, [*columns, *limbs_of(part.a - y), *limbs_of(rests[0]), *limbs_of(rests[1])]
    )
