"""Shifts, by products with powers of two."""

from __future__ import annotations

from typing import Any

import numpy as np

from jovay.kernel.riscv.decode import CODE
from jovay.prover.zk.chip import Chip, Message, Row
from jovay.prover.zk.field import U64
from jovay.prover.zk.tables import Table

from .buses import LIMB_BITS, POWER, WORD
from .parts import (
    EXECUTED,
    EXTENSION,
    LIMBS,
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

NAMES = ("sll", "srl", "sra", "sllw", "srlw", "sraw")
_WIDE, _NARROW = 64, 32
_COLUMNS = (
    *(*NAMES, *EXECUTED, "x", "shift", "power", "fill", "product", "sign", "rest"),
    *(f"{prefix}_{i}" for prefix in ("more", "a", "low", "high", "gap") for i in range(LIMBS)),
)


def _kinds(row: Row) -> tuple[Any, Any, Any]:
    """Whether it is one; whether it is of words of 32 bits; whether it shifts to the left."""
    used = total([getattr(row, name) for name in NAMES])
    return used, row.sllw + row.srlw + row.sraw, row.sll + row.sllw


def _constraints(row: Row) -> list[Any]:
    """b or the immediate is shift + 64·more, or shift + 32·more; x is a, or its lower half.

    To the left, x·2^shift = low + 2^64·high, or low + 2^32·high. To the right, x = low·2^shift + high, where
    high + gap + 1 = 2^shift. What is negative is filled up; what is of 32 bits is extended.
    """
    used, narrow, left = _kinds(row)
    a, low, high = (list(row.many(f"{name}_")) for name in ("a", "low", "high"))
    lower, result = a[0] + a[1] * (1 << LIMB_BITS), composed(low)
    right = used - left
    extended = row.sllw + row.srlw
    return [
        *flags(row, NAMES),
        boolean(row.sign),
        row.a - composed(a),
        row.b + row.imm - row.shift - (_WIDE * used - _NARROW * narrow) * composed(list(row.many("more_"))),
        row.x - (used - narrow) * composed(a) - narrow * lower,
        row.product - row.power * (left * row.x + right * result),
        row.sll * (row.product - result - composed(high) * WORD),
        row.sllw * (row.product - result - composed(high) * (1 << _NARROW)),
        row.sllw * (low[2] + low[3]),
        right * (row.x - row.product - composed(high)),
        right * (row.power - 1 - composed(high) - composed(list(row.many("gap_")))),
        row.sra * top_bit(a[3], row.sign, row.rest),
        row.sraw * top_bit(a[1], row.sign, row.rest),
        extended * top_bit(low[1], row.sign, row.rest),
        (row.sll + row.srl) * row.sign,
        row.c - result - row.sign * ((row.sra + row.sraw) * row.fill + extended * EXTENSION),
        used * (row.pc + 4 - row.next),
    ]


def _messages(row: Row) -> list[Message]:
    used, narrow, left = _kinds(row)
    limbs = [limb for name in ("more", "a", "low", "high") for limb in row.many(f"{name}_")]
    return [
        executed(row, NAMES),
        Message(POWER, used, (narrow, row.shift, row.power, row.fill)),
        *ranged(limbs, used),
        *ranged(list(row.many("gap_")), used - left),
        *half(row.rest, used - row.sll - row.srl),
    ]


SHIFT = Chip("shift", _COLUMNS, _constraints, _messages)
_POWERS = ("narrow", "shift", "power", "fill")
POWER_TABLE = Chip(
    "powers",
    ("times",),
    lambda row: [],
    lambda row: [Message(POWER, -row.times, tuple(getattr(row, name) for name in _POWERS))],
    fixed=_POWERS,
)


def power_columns() -> list[U64]:
    """Shifts of words, then of those of 32 bits."""
    rows = [(0, s, 1 << s, WORD - (1 << _WIDE - s)) for s in range(_WIDE)]
    rows += [(1, s, 1 << s, WORD - (1 << _NARROW - s)) for s in range(_NARROW)]
    return [np.array(column, np.uint64) for column in zip(*rows, strict=True)]


def _split(part: Run) -> tuple[U64, U64, U64]:
    """Whether of 32 bits, the shift, and what is above it."""
    narrow = np.isin(part.operation, [CODE[name] for name in NAMES[3:]]).astype(np.uint64)
    by, bits = part.b + part.imm, np.uint64(_WIDE) >> narrow
    return narrow, by % bits, by // bits


def table(run: Run) -> Table:
    """The rows of a run."""
    part, marks = chosen(run, NAMES)
    narrow, shift, more = _split(part)
    x = np.where(narrow == 1, part.a % np.uint64(1 << _NARROW), part.a)
    left = np.isin(part.operation, [CODE["sll"], CODE["sllw"]])
    sllw = part.operation == CODE["sllw"]
    power = np.uint64(1) << shift
    low = np.where(left, x << shift, x >> shift)
    low = np.where(sllw, low % np.uint64(1 << _NARROW), low)
    above = np.where(shift == 0, np.uint64(0), x >> (np.uint64(_WIDE) - shift) % np.uint64(_WIDE))
    high = np.where(
        left, np.where(sllw, (x << shift) >> np.uint64(_NARROW), above), x & (power - np.uint64(1))
    )
    gap = np.where(left, np.uint64(0), power - np.uint64(1) - high)
    signs = {"sra": limbs_of(part.a)[3], "sraw": limbs_of(part.a)[1]} | dict.fromkeys(
        ("sllw", "srlw"), limbs_of(low)[1]
    )
    looked = np.zeros_like(x)
    for name, limb in signs.items():
        looked = np.where(part.operation == CODE[name], limb, looked)
    fill = power_columns()[3][(narrow * np.uint64(_WIDE) + shift).astype(np.int64)]
    columns = [*marks, *common(part), x, shift, power, fill, np.zeros_like(x), *split_top(looked)]
    columns += [limb for word in (more, part.a, low, high, gap) for limb in limbs_of(word)]
    made = Table.of_words(SHIFT, columns)
    factor = np.where(left, x, low)
    made.fill("product", (one * other for one, other in zip(factor.tolist(), power.tolist(), strict=True)))
    return made


def power_table(run: Run) -> Table:
    """How often each shift is asked for."""
    part, _ = chosen(run, NAMES)
    narrow, shift, _ = _split(part)
    times = np.bincount((narrow * np.uint64(_WIDE) + shift).astype(np.int64), minlength=_WIDE + _NARROW)
    return Table.of_words(POWER_TABLE, [times.astype(np.uint64)], power_columns())
