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
)
from .run import Run

NAMES = ("mul", "mulhu", "mulw")
HIGH_NAMES = ("mulh", "mulhsu")


def _product(row: Row) -> tuple[list[Any], list[Any]]:
    limbs = list(row.many("limb"))
    return limbs[:LIMBS], limbs[LIMBS:]


def _is_product(row: Row, used: Any) -> list[Any]:
    """a·b, below 2^128, in eight limbs; and the next instruction follows."""
    low, high = _product(row)
    return [row.a * row.b - composed(low) - composed(high) * WORD, used * (row.pc + 4 - row.next)]


def _constraints(row: Row) -> list[Any]:
    low, high = _product(row)
    word = low[0] + low[1] * (1 << LIMB_BITS) + row.sign * EXTENSION
    return [
        *flags(row, NAMES),
        boolean(row.sign),
        *_is_product(row, row.mul + row.mulhu + row.mulw),
        row.mulw * top_bit(low[1], row.sign, row.rest),
        row.c - row.mul * composed(low) - row.mulhu * composed(high) - row.mulw * word,
    ]


def _messages(row: Row) -> list[Message]:
    used = row.mul + row.mulhu + row.mulw
    return [executed(row, NAMES), *ranged(list(row.many("limb")), used), *half(row.rest, row.mulw)]


MULTIPLY = Chip(
    "multiply",
    (*NAMES, *EXECUTED, "sign", "rest", *(f"limb{i}" for i in range(2 * LIMBS))),
    _constraints,
    _messages,
)


def _high(row: Row) -> list[Any]:
    """The high word of the unsigned product, less each factor where the other is negative, modulo 2^64."""
    used = row.mulh + row.mulhsu
    a, b, c = (list(row.many(f"{name}_")) for name in "abc")
    _, high = _product(row)
    return [
        *flags(row, HIGH_NAMES),
        *map(boolean, (row.sign_a, row.sign_b, row.borrow0, row.borrow1)),
        *_is_product(row, used),
        used * (row.a - composed(a)),
        row.mulh * (row.b - composed(b)),
        used * top_bit(a[-1], row.sign_a, row.rest_a),
        row.mulh * top_bit(b[-1], row.sign_b, row.rest_b),
        row.mulhsu * row.sign_b,
        row.c - composed(c),
        used
        * (
            composed(high)
            - row.sign_a * row.b
            - row.sign_b * row.a
            + (row.borrow0 + row.borrow1) * WORD
            - row.c
        ),
    ]


def _high_messages(row: Row) -> list[Message]:
    used = row.mulh + row.mulhsu
    found = [executed(row, HIGH_NAMES), *ranged([*row.many("limb"), *row.many("a_"), *row.many("c_")], used)]
    found += ranged(list(row.many("b_")), row.mulh)
    return [*found, *half(row.rest_a, used), *half(row.rest_b, row.mulh)]


MULTIPLY_HIGH = Chip(
    "multiply_high",
    (
        *(*HIGH_NAMES, *EXECUTED, "sign_a", "rest_a", "sign_b", "rest_b", "borrow0", "borrow1"),
        *(f"limb{i}" for i in range(2 * LIMBS)),
        *(f"{name}_{i}" for name in "abc" for i in range(LIMBS)),
    ),
    _high,
    _high_messages,
)


def _high_words(a: U64, b: U64) -> U64:
    """High words of unsigned products."""
    products = (int(x) * int(y) >> 64 for x, y in zip(a, b, strict=True))
    return np.fromiter(products, np.uint64, len(a))


def table(run: Run) -> Table:
    """The rows of a run."""
    part, marks = chosen(run, NAMES)
    low, high = part.a * part.b, _high_words(part.a, part.b)
    narrow = part.operation == CODE["mulw"]
    top = [np.where(narrow, each, np.uint64(0)) for each in split_top(limbs_of(low)[1])]
    return Table.of_words(MULTIPLY, [*marks, *common(part), *top, *limbs_of(low), *limbs_of(high)])


def high_table(run: Run) -> Table:
    """The rows of the signed ones."""
    part, marks = chosen(run, HIGH_NAMES)
    low, high = part.a * part.b, _high_words(part.a, part.b)
    both = part.operation == CODE["mulh"]
    b = np.where(both, part.b, np.uint64(0))
    signs = [*split_top(limbs_of(part.a)[3]), *split_top(limbs_of(b)[3])]
    less = [np.where(signs[0] == 1, part.b, np.uint64(0)), np.where(signs[2] == 1, part.a, np.uint64(0))]
    first = high - less[0]
    borrows = [(high < less[0]).astype(np.uint64), (first < less[1]).astype(np.uint64)]
    columns = [*marks, *common(part), *signs, *borrows, *limbs_of(low), *limbs_of(high)]
    return Table.of_words(MULTIPLY_HIGH, [*columns, *limbs_of(part.a), *limbs_of(b), *limbs_of(part.c)])
