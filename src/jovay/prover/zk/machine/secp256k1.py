"""System calls on secp256k1: P := P + Q, P := P − Q, and P := 2P, by the chord and the tangent.

Points are x and y as numbers of 256 bits. Equations are modulo p = 2^256 − 2^32 − 977; results are below p. A chord
needs points of different x, a tangent one whose y is not 0: what is divided by, x₂ − x₁ or 2·y₁, is not 0 in some word.
That operands are below p and on the curve is the caller's business.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jovay.kernel.curves.secp256k1 import MODULUS
from jovay.kernel.riscv.calls import SECP256K1_ADD as ADD
from jovay.kernel.riscv.calls import SECP256K1_DOUBLE as DOUBLE
from jovay.kernel.riscv.calls import SECP256K1_SUBTRACT as SUBTRACT
from jovay.kernel.riscv.calls import WORDS as BLOCK_WORDS
from jovay.prover.zk.chip import Chip, Message, Row
from jovay.prover.zk.field import R
from jovay.prover.zk.tables import Table

from .buses import CALL, WORD
from .calls import Calls, gap_names, given, joined, taken
from .identities import (
    MIDDLE_LIMBS,
    NUMBER_LIMBS,
    NUMBER_WORDS,
    QUOTIENT_LIMBS,
    below,
    below_columns,
    below_messages,
    below_names,
    integers,
    inverses,
    is_multiple,
    less,
    limb_columns,
    number,
    product,
    quotients,
    signed,
    signed_columns,
    split,
    word_limbs,
    words,
)
from .parts import boolean, ranged, total

#: P, and Q where there is one.
CALLS: Mapping[int, int] = {number: BLOCK_WORDS[number] for number in (ADD, SUBTRACT, DOUBLE)}

COMPLEMENT = WORD**NUMBER_WORDS - MODULUS
_P = tuple(MODULUS >> 64 * at & WORD - 1 for at in range(NUMBER_WORDS))
#: What is done, in the calls' order.
_FLAGS = ("add", "subtract", "double")
_OPERANDS = ("x1_", "y1_", "x2_", "y2_")
#: What the chip makes: the slope of the line, and the result.
_MADE = ("slope_", "x3_", "y3_")
_EQUATIONS = ("line", "sum", "mirror")


def _divisor(flags: Sequence[Any], operands: Sequence[Any]) -> list[Any]:
    """x₂ − x₁ or 2·y₁."""
    (add, subtract, double), (x1, y1, x2, _) = flags, operands
    return [(add + subtract) * (b - a) + double * 2 * y for a, b, y in zip(x1, x2, y1, strict=True)]


def _equations(flags: Sequence[Any], operands: Sequence[Any], made: Sequence[Any]) -> list[list[Any]]:
    """Columns that p divides: slope·(x₂ − x₁) − (±y₂ − y₁) or slope·2·y₁ − 3·x₁², slope² − x₁ − x₂ − x₃,
    slope·(x₁ − x₃) − y₁ − y₃; each is at most 3·SUMMANDS·W² in size.
    """
    (add, subtract, double), (x1, y1, x2, y2), (slope, x3, y3) = flags, operands, made
    tangent = [double * 3 * each for each in product(x1, x1)]
    line = product(slope, _divisor(flags, operands))
    line = [a - b for a, b in zip(line, tangent, strict=True)]
    rise = [add * (b - a) - subtract * (b + a) for a, b in zip(y1, y2, strict=True)]
    other = [(add + subtract) * b + double * a for a, b in zip(x1, x2, strict=True)]
    return [
        less(line, rise),
        less(product(slope, slope), x1, other, x3),
        less(product(slope, [a - b for a, b in zip(x1, x3, strict=True)]), y1, y3),
    ]


def _constraints(row: Row) -> list[Any]:
    flags = [getattr(row, name) for name in _FLAGS]
    used = total(flags)
    operands = [list(row.many(name)) for name in _OPERANDS]
    made = [words(list(row.many(name))) for name in _MADE]
    divisor = _divisor(flags, operands)
    found = [boolean(flag) for flag in (*flags, used)]
    found.append(used - total([a * b for a, b in zip(row.many("inverse"), divisor, strict=True)]))
    for name, columns in zip(_EQUATIONS, _equations(flags, operands, made), strict=True):
        quotient, middle = (signed(list(row.many(f"{name}_{part}")), used) for part in ("quotient", "middle"))
        found += is_multiple(columns, COMPLEMENT, quotient, middle)
    return [*found, *below(row, "x3", made[1], _P, used), *below(row, "y3", made[2], _P, used)]


def _messages(row: Row) -> list[Message]:
    flags = [getattr(row, name) for name in _FLAGS]
    used, number = total(flags), total([flag * number for flag, number in zip(flags, CALLS, strict=True)])
    made = {name: list(row.many(name)) for name in _MADE}
    before = [word for name in _OPERANDS for word in row.many(name)]
    after = [*words(made["x3_"]), *words(made["y3_"]), *before[CALLS[DOUBLE] :]]
    found = [Message(CALL, -used, (number, row.clock, row.index))]
    for at, (old, new) in enumerate(zip(before, after, strict=True)):
        times = used if at < CALLS[DOUBLE] else row.add + row.subtract
        found += [*taken(row, at, old, times), given(row, at, new, times)]
    limbs = [
        limb for part in ("quotient", "middle") for name in _EQUATIONS for limb in row.many(f"{name}_{part}")
    ]
    found += ranged([limb for each in made.values() for limb in each] + limbs, used)
    return [*found, *below_messages(row, "x3", used), *below_messages(row, "y3", used)]


SECP256K1 = Chip(
    "secp256k1",
    (
        *(*_FLAGS, "clock", "index"),
        *(f"{name}{word}" for name in _OPERANDS for word in range(NUMBER_WORDS)),
        *gap_names(CALLS[ADD]),
        *(f"{name}{limb}" for name in _MADE for limb in range(NUMBER_LIMBS)),
        *(
            f"{name}_{part}{limb}"
            for name in _EQUATIONS
            for part, limbs in (("quotient", QUOTIENT_LIMBS), ("middle", MIDDLE_LIMBS))
            for limb in range(limbs)
        ),
        *below_names("x3"),
        *below_names("y3"),
        *(f"inverse{word}" for word in range(NUMBER_WORDS)),
    ),
    _constraints,
    _messages,
)
CHIPS: tuple[Chip, ...] = (SECP256K1,)


def tables(additions: Calls, subtractions: Calls, doublings: Calls) -> list[Table]:
    """Of all calls: additions, subtractions, doublings."""
    parts = (additions, subtractions, doublings)
    calls, kind = joined(parts), np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    marks = [(kind == each).astype(np.uint64) for each in range(len(parts))]
    flags = [mark.astype(object) for mark in marks]
    operands = [
        integers(calls.before[:, at : at + NUMBER_WORDS]) for at in range(0, CALLS[ADD], NUMBER_WORDS)
    ]
    x3, y3 = calls.after[:, :NUMBER_WORDS], calls.after[:, NUMBER_WORDS : 2 * NUMBER_WORDS]
    divisor = _divisor(flags, operands)
    slope = _slopes(flags, operands, divisor)
    columns = [*marks, calls.clock, calls.index, *calls.before.T, *calls.gap_columns()]
    columns += [*limb_columns(slope, NUMBER_LIMBS), *word_limbs(x3), *word_limbs(y3)]
    for each in _equations(flags, operands, (split(slope), integers(x3), integers(y3))):
        quotient, middle = quotients(each, COMPLEMENT)
        columns += [*signed_columns(quotient, QUOTIENT_LIMBS), *signed_columns(middle, MIDDLE_LIMBS)]
    prime = np.broadcast_to(np.array(_P, np.uint64), x3.shape)
    columns += [*below_columns(x3, prime), *below_columns(y3, prime)]
    table = Table.of_words(SECP256K1, columns + [calls.clock] * NUMBER_WORDS)
    for word, inverted in enumerate(_inverses(divisor)):
        table.fill(f"inverse{word}", inverted)
    return [table]


def _slopes(flags: Sequence[Any], operands: Sequence[Any], divisor: Sequence[Any]) -> Any:
    """Of the lines."""
    (add, subtract, double), (x1, y1, _, y2) = flags, map(number, operands)
    rise = add * (y2 - y1) - subtract * (y2 + y1) + double * 3 * x1 * x1
    return rise * inverses(number(divisor), MODULUS) % MODULUS


def _inverses(divisor: Sequence[Any]) -> list[Any]:
    """Of the highest word that is not 0; zeros for the others."""
    highest = np.zeros(len(divisor[0]), np.int64)
    for word, values in enumerate(divisor):
        highest[values != 0] = word
    inverted = inverses(np.choose(highest, divisor), R)
    return [np.where(highest == word, inverted, 0) for word in range(NUMBER_WORDS)]


def fixed() -> list[Table]:
    """None."""
    return []
