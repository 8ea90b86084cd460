"""Comparisons and branches: equal or not, and less or not, of unsigned and of signed words."""

from __future__ import annotations

from typing import Any

import numpy as np

from jovay.kernel.riscv.decode import CODE
from jovay.prover.zk.chip import Chip, Message, Row
from jovay.prover.zk.field import U64
from jovay.prover.zk.tables import Table

from .buses import LIMB, RANGE, WORD
from .parts import (
    EXECUTED,
    LIMBS,
    boolean,
    chosen,
    common,
    composed,
    executed,
    flags,
    inverse_or_zero,
    limbs_of,
    ranged,
    total,
)
from .run import Run

EQUAL_NAMES = ("beq", "bne")
LESS_NAMES = ("sltu", "bltu", "bgeu", "slt", "blt", "bge")
_SIGNED = LESS_NAMES[3:]
_SIGN = 1 << 63
_TOP = 1 << 15


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
        used * row.c,
        _branch(row) - (1 - used) * (row.pc + 4 - row.next),
    ]


EQUAL = Chip(
    "equal",
    (*EQUAL_NAMES, *EXECUTED, "equal", "inverse", "taken", "wrap"),
    _equal,
    lambda row: [executed(row, EQUAL_NAMES)],
)


def equal_table(run: Run) -> Table:
    """The rows of a run."""
    part, marks = chosen(run, EQUAL_NAMES)
    equal = (part.a == part.b).astype(np.uint64)
    taken = np.where(part.operation == CODE["beq"], equal, 1 - equal)
    made = Table.of_words(
        EQUAL, [*marks, *common(part), equal, np.zeros_like(equal), taken, _wraps(part, taken)]
    )
    differences = (int(a) - int(b) for a, b in zip(part.a, part.b, strict=True))
    made.fill("inverse", map(inverse_or_zero, differences))
    return made


# ---- less ------------------------------------------------------------------------------------------------------------


def _less(row: Row) -> list[Any]:
    """a < y, where y is b, and the immediate too if the result goes to a register.

    Signed words are compared with 2^63 added to both, modulo 2^64; their signs are the highest bits.
    """
    used, signed = total([getattr(row, name) for name in LESS_NAMES]), row.slt + row.blt + row.bge
    to_register, at_branch = row.sltu + row.slt, row.bltu + row.blt
    not_less = row.bgeu + row.bge
    return [
        *flags(row, LESS_NAMES),
        *map(boolean, (row.less, row.wrap, row.sign_a, row.sign_y)),
        row.y - row.b - to_register * row.imm,
        signed * (row.a - row.sign_a * _SIGN - composed(list(row.many("rest_a")))),
        signed * (row.y - row.sign_y * _SIGN - composed(list(row.many("rest_y")))),
        (used - signed) * (row.sign_a + row.sign_y),
        row.a - row.y - (row.sign_a - row.sign_y) * WORD + row.less * WORD - composed(list(row.many("limb"))),
        row.c - to_register * row.less,
        row.taken - at_branch * row.less - not_less * (1 - row.less),
        used * _branch(row),
    ]


def _less_messages(row: Row) -> list[Message]:
    used, signed = total([getattr(row, name) for name in LESS_NAMES]), row.slt + row.blt + row.bge
    found = [executed(row, LESS_NAMES), *ranged(list(row.many("limb")), used)]
    for prefix in ("rest_a", "rest_y"):
        rest = list(row.many(prefix))
        found += ranged(rest, signed)
        found.append(Message(RANGE, signed, (rest[-1] + _TOP,)))  # below 2^15
    return found


_LESS_COLUMNS = (
    *(*LESS_NAMES, *EXECUTED, "y", "less", "taken", "wrap", "sign_a", "sign_y"),
    *(f"{prefix}{i}" for prefix in ("limb", "rest_a", "rest_y") for i in range(LIMBS)),
)
LESS = Chip("less", _LESS_COLUMNS, _less, _less_messages)


def less_table(run: Run) -> Table:
    """The rows of a run."""
    part, marks = chosen(run, LESS_NAMES)
    signed = np.isin(part.operation, [CODE[name] for name in _SIGNED])
    to_register = np.isin(part.operation, [CODE["slt"], CODE["sltu"]])
    y = part.b + np.where(to_register, part.imm, np.uint64(0))
    less = np.where(signed, part.a.view(np.int64) < y.view(np.int64), part.a < y).astype(np.uint64)
    negated = np.isin(part.operation, [CODE["bgeu"], CODE["bge"]])
    taken = np.where(to_register, np.uint64(0), np.where(negated, 1 - less, less))
    signs = [np.where(signed, word >> np.uint64(63), np.uint64(0)) for word in (part.a, y)]
    rests = [np.where(signed, word % np.uint64(_SIGN), np.uint64(0)) for word in (part.a, y)]
    columns = [*marks, *common(part), y, less, taken, _wraps(part, taken), *signs, *limbs_of(part.a - y)]
    return Table.of_words(LESS, [*columns, *limbs_of(rests[0]), *limbs_of(rests[1])])


assert LIMB == 2 * _TOP
