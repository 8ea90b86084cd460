"""Shifts, by products with powers of two."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from jovay.kernel.riscv.decode import CODE
from jovay.prover.zk.chip import Chip, Message, Row
from jovay.prover.zk.field import U64
from jovay.prover.zk.tables import Table

from .buses import LIMB_BITS, POWER, WORD
from .parts import (
    EXTENSION,
    LIMBS,
    boolean,
    chosen,
    common,
    composed,
    executed,
    flags,
    half,
    high_words,
    is_one_of,
    limbs_of,
    nothing,
    ranged,
    split_top,
    top_bit,
    total,
)
from .run import Run

NAMES = ("sll", "srl", "sra", "sllw", "srlw", "sraw")
_WIDE, _NARROW = 64, 32
#: Kinds of powers, besides those of words and of 32 bits: for distances that the program tells, to the left and right.
_LEFT, _RIGHT = 2, 3

# ---- by distances that the program tells: half of the work of a product -----------------------------------------

FIXED_NAMES = ("sll", "srl")


def _product(row: Row) -> tuple[Any, Any]:
    return composed(list(row.many("low_"))), composed(list(row.many("high_")))


def _fixed(row: Row) -> list[Any]:
    """a·2^shift, or a·2^(64 − shift), has a low and a high word."""
    low, high = _product(row)
    return [
        *flags(row, FIXED_NAMES),
        row.a * row.power - low - high * WORD,
        row.c - row.sll * low - row.srl * high,
    ]


def _fixed_messages(row: Row) -> list[Message]:
    used, kind = row.sll + row.srl, _LEFT * row.sll + _RIGHT * row.srl
    limbs = [limb for name in ("low", "high") for limb in row.many(f"{name}_")]
    return [
        executed(row, FIXED_NAMES, b=nothing(row)),
        Message(POWER, used, (kind, row.imm, row.power, nothing(row))),
        *ranged(limbs, used),
    ]


SHIFT_FIXED = Chip(
    "shift_fixed",
    (
        *FIXED_NAMES,
        "clock",
        "pc",
        "a",
        "imm",
        "c",
        "power",
        *(f"{p}_{i}" for p in ("low", "high") for i in range(LIMBS)),
    ),
    _fixed,
    _fixed_messages,
)


def _is_fixed(run: Run) -> npt.NDArray[np.bool_]:
    told: npt.NDArray[np.bool_] = (run.b == 0) & (run.imm < _WIDE)
    return is_one_of(run.operation, FIXED_NAMES) & told


def fixed_table(run: Run) -> Table:
    """The rows of a run."""
    part, marks = chosen(run, FIXED_NAMES, _is_fixed(run))
    left, shift, zero = marks[0] == 1, part.imm, np.zeros(len(part), np.uint64)
    back = (np.uint64(_WIDE) - shift) % np.uint64(_WIDE)
    unmoved = shift == 0
    power = np.where(left, np.uint64(1) << shift, np.where(unmoved, zero, np.uint64(1) << back))
    whole = np.where(~left & unmoved, np.uint64(1), zero)
    low = np.where(left, part.a << shift, np.where(unmoved, zero, part.a << back))
    high = np.where(left, np.where(unmoved, zero, part.a >> back), part.a >> shift)
    columns = [*marks, *common(part, ("clock", "pc", "a", "imm", "c")), np.stack([power, whole])]
    return Table.of_words(SHIFT_FIXED, [*columns, *limbs_of(low), *limbs_of(high)])


# ---- all shifts -------------------------------------------------------------------------------------------------

#: Operands that are columns.
_OTHERS = ("clock", "pc", "b", "imm")
_COLUMNS = (
    *(*NAMES, *_OTHERS, "c", "x", "shift", "power", "fill", "product", "sign", "rest"),
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
    ]


def _messages(row: Row) -> list[Message]:
    used, narrow, left = _kinds(row)
    limbs = [limb for name in ("more", "a", "low", "high") for limb in row.many(f"{name}_")]
    return [
        executed(row, NAMES, a=composed(list(row.many("a_")))),
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
    """Shifts of words, then of those of 32 bits, then those of ``shift_fixed`` to the left and to the right."""
    rows = [(0, s, 1 << s, WORD - (1 << _WIDE - s)) for s in range(_WIDE)]
    rows += [(1, s, 1 << s, WORD - (1 << _NARROW - s)) for s in range(_NARROW)]
    rows += [(_LEFT, s, 1 << s, 0) for s in range(_WIDE)] + [(_RIGHT, s, WORD >> s, 0) for s in range(_WIDE)]
    kinds, shifts, powers, fills = zip(*rows, strict=True)
    both = [[power % WORD for power in powers], [power // WORD for power in powers]]
    return [np.array(column, np.uint64) for column in (kinds, shifts, both, fills)]


def _split(part: Run) -> tuple[U64, U64, U64]:
    """Whether of 32 bits, the shift, and what is above it."""
    narrow = is_one_of(part.operation, NAMES[3:]).astype(np.uint64)
    by, bits = part.b + part.imm, np.uint64(_WIDE) >> narrow
    return narrow, by % bits, by // bits


def table(run: Run) -> Table:
    """The rows of a run."""
    part, marks = chosen(run, NAMES, ~_is_fixed(run))
    narrow, shift, more = _split(part)
    half_word, zero = np.uint64(_NARROW), np.zeros(len(part), np.uint64)
    x = np.where(narrow == 1, part.a % np.uint64(1 << _NARROW), part.a)
    left, sllw = is_one_of(part.operation, ("sll", "sllw")), part.operation == CODE["sllw"]
    power = np.uint64(1) << shift
    low = np.where(left, x << shift, x >> shift)
    low = np.where(sllw, low % np.uint64(1 << _NARROW), low)
    above = np.where(sllw, (x << shift) >> half_word, high_words(x, power))
    high = np.where(left, above, x & (power - np.uint64(1)))
    gap = np.where(left, zero, power - np.uint64(1) - high)
    looked = zero
    for name, limb in (("sra", limbs_of(part.a)[3]), ("sraw", limbs_of(part.a)[1])):
        looked = np.where(part.operation == CODE[name], limb, looked)
    looked = np.where(is_one_of(part.operation, ("sllw", "srlw")), limbs_of(low)[1], looked)
    fill = power_columns()[3][(narrow * np.uint64(_WIDE) + shift).astype(np.int64)]
    factor = np.where(left, x, low)
    product = np.stack([factor * power, high_words(factor, power)])
    columns = [*marks, *common(part, (*_OTHERS, "c")), x, shift, power, fill, product, *split_top(looked)]
    columns += [limb for word in (more, part.a, low, high, gap) for limb in limbs_of(word)]
    return Table.of_words(SHIFT, columns)


def power_table(run: Run) -> Table:
    """How often each shift is asked for."""
    fixed, marks = chosen(run, FIXED_NAMES, _is_fixed(run))
    narrow, shift, _ = _split(chosen(run, NAMES, ~_is_fixed(run))[0])
    places = (
        narrow * np.uint64(_WIDE) + shift,
        np.uint64(_WIDE + _NARROW) + marks[1] * np.uint64(_WIDE) + fixed.imm,
    )
    times = sum(np.bincount(each.astype(np.int64), minlength=3 * _WIDE + _NARROW) for each in places)
    return Table.of_words(POWER_TABLE, [np.asarray(times, np.uint64)], power_columns())
