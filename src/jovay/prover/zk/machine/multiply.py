"""Products: the low word, the high word, and the low half of one."""

from __future__ import annotations

from typing import Any

import numpy as np

from jovay.kernel.riscv.decode import CODE
from jovay.prover.zk.chip import Chip, Message, Row
from jovay.prover.zk.field import U64
from jovay.prover.zk.tables import Table

from .buses import LIMB_BITS, WORD
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
    limbs_of,
    nothing,
    ranged,
    split_top,
    top_bit,
)
from .run import Run

NAMES = ("mul", "mulhu")
NARROW_NAMES = ("mulw",)
HIGH_NAMES = ("mulh", "mulhsu")
_LIMBS = tuple(f"limb{i}" for i in range(2 * LIMBS))


def _product(row: Row) -> tuple[list[Any], list[Any]]:
    """a·b, below 2^128, in eight limbs."""
    limbs = list(row.many("limb"))
    return limbs[:LIMBS], limbs[LIMBS:]


def _is_product(row: Row) -> Any:
    low, high = _product(row)
    return row.a * row.b - composed(low) - composed(high) * WORD


def _constraints(row: Row) -> list[Any]:
    low, high = _product(row)
    result = row.c - row.mul * composed(low) - row.mulhu * composed(high)
    return [*flags(row, NAMES), _is_product(row), result]


def _messages(row: Row) -> list[Message]:
    limbs = ranged(list(row.many("limb")), row.mul + row.mulhu)
    return [executed(row, NAMES, imm=nothing(row)), *limbs]


MULTIPLY = Chip("multiply", (*NAMES, "clock", "pc", "a", "b", "c", *_LIMBS), _constraints, _messages)


def _narrow(row: Row) -> list[Any]:
    """The lowest 32 bits, extended."""
    return [
        boolean(row.mulw),
        boolean(row.sign),
        _is_product(row),
        row.mulw * top_bit(row.limb1, row.sign, row.rest),
    ]


def _narrow_messages(row: Row) -> list[Message]:
    c = row.limb0 + row.limb1 * (1 << LIMB_BITS) + row.sign * EXTENSION
    limbs = [*ranged(list(row.many("limb")), row.mulw), *half(row.rest, row.mulw)]
    return [executed(row, NARROW_NAMES, imm=nothing(row), c=c), *limbs]


MULTIPLY_NARROW = Chip(
    "multiply_narrow",
    (*NARROW_NAMES, "clock", "pc", "a", "b", "sign", "rest", *_LIMBS),
    _narrow,
    _narrow_messages,
)


def _high(row: Row) -> list[Any]:
    """The high word of the unsigned product, less each factor where the other is negative, modulo 2^64."""
    used = row.mulh + row.mulhsu
    a, b, c = (list(row.many(f"{name}_")) for name in "abc")
    low, high = _product(row)
    return [
        *flags(row, HIGH_NAMES),
        *map(boolean, (row.sign_a, row.sign_b, row.borrow0, row.borrow1)),
        composed(a) * composed(b) - composed(low) - composed(high) * WORD,
        used * top_bit(a[-1], row.sign_a, row.rest_a),
        row.mulh * top_bit(b[-1], row.sign_b, row.rest_b),
        row.mulhsu * row.sign_b,
        used
        * (
            composed(high)
            - row.sign_a * composed(b)
            - row.sign_b * composed(a)
            + (row.borrow0 + row.borrow1) * WORD
            - composed(c)
        ),
    ]


def _high_messages(row: Row) -> list[Message]:
    used = row.mulh + row.mulhsu
    words = {name: list(row.many(f"{name}_")) for name in "abc"}
    found = [
        executed(row, HIGH_NAMES, imm=nothing(row), **{name: composed(word) for name, word in words.items()}),
        *ranged([limb for word in (row.many("limb"), *words.values()) for limb in word], used),
    ]
    return [*found, *half(row.rest_a, used), *half(row.rest_b, row.mulh)]


MULTIPLY_HIGH = Chip(
    "multiply_high",
    (
        *(*HIGH_NAMES, "clock", "pc", "sign_a", "rest_a", "sign_b", "rest_b", "borrow0", "borrow1"),
        *(f"limb{i}" for i in range(2 * LIMBS)),
        *(f"{name}_{i}" for name in "abc" for i in range(LIMBS)),
    ),
    _high,
    _high_messages,
)


def _words(part: Run) -> list[U64]:
    """The limbs of products."""
    return [*limbs_of(part.a * part.b), *limbs_of(high_words(part.a, part.b))]


def table(run: Run) -> Table:
    """The rows of a run."""
    part, marks = chosen(run, NAMES)
    return Table.of_words(MULTIPLY, [*marks, *common(part, ("clock", "pc", "a", "b", "c")), *_words(part)])


def narrow_table(run: Run) -> Table:
    """The rows of products of 32 bits."""
    part, marks = chosen(run, NARROW_NAMES)
    limbs = _words(part)
    columns = [*marks, *common(part, ("clock", "pc", "a", "b")), *split_top(limbs[1]), *limbs]
    return Table.of_words(MULTIPLY_NARROW, columns)


def high_table(run: Run) -> Table:
    """The rows of the signed ones."""
    part, marks = chosen(run, HIGH_NAMES)
    high, zero = high_words(part.a, part.b), np.zeros(len(part), np.uint64)
    b = np.where(part.operation == CODE["mulh"], part.b, zero)
    signs = [*split_top(limbs_of(part.a)[3]), *split_top(limbs_of(b)[3])]
    less = [np.where(signs[0] == 1, part.b, zero), np.where(signs[2] == 1, part.a, zero)]
    first = high - less[0]
    borrows = [(high < less[0]).astype(np.uint64), (first < less[1]).astype(np.uint64)]
    columns = [*marks, *common(part, ("clock", "pc")), *signs, *borrows, *_words(part)]
    words = (limb for word in (part.a, part.b, part.c) for limb in limbs_of(word))
    return Table.of_words(MULTIPLY_HIGH, [*columns, *words])
