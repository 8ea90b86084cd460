"""System calls modulo m, on 256-bit numbers a, b, m: a := a·b, a := 1/a, and a := a square root of a or −a.

Over the integers a·b = quotient·m + result, a·result = quotient·m + 1, or result² = quotient·m ± a; quotient and result
are below 2^256, and result < m, so m is not 0. The difference of the two sides is less than 2^512 in size, as
(2^256 − 1)² + 2^256 − 1 is. Products and inverses are what they are; among roots the prover chooses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jovay.kernel.riscv.calls import INVERSE_MODULO, MULMOD, ROOT_MODULO
from jovay.kernel.riscv.calls import WORDS as BLOCK_WORDS
from jovay.prover.zk.chip import Chip, Message, Row
from jovay.prover.zk.tables import Table

from .buses import CALL
from .calls import Calls, gap_names, given, joined, taken
from .identities import (
    CARRY_LIMBS,
    MODULI,
    NUMBER_LIMBS,
    NUMBER_WORDS,
    below,
    below_columns,
    below_messages,
    below_names,
    carries,
    integers,
    less,
    limb_columns,
    number,
    product,
    signed,
    signed_columns,
    split,
    vanishes,
    word_limbs,
    words,
)
from .parts import boolean, ranged, total

CALLS: Mapping[int, int] = {number: BLOCK_WORDS[number] for number in (MULMOD, INVERSE_MODULO, ROOT_MODULO)}
WORDS = BLOCK_WORDS[MULMOD]

#: What is done, in the calls' order; ``minus``: the root is one of −a.
_FLAGS = ("multiply", "invert", "root")
_CARRIES = tuple(f"carry{at}_" for at in range(len(MODULI)))


def _difference(
    flags: Sequence[Any], minus: Any, operands: Sequence[Any], quotient: Sequence[Any], result: Sequence[Any]
) -> list[Any]:
    """What the product is more than quotient·m and the result, 1 or ±a."""
    (multiply, invert, root), (a, b, m) = flags, operands
    factor = [invert * x + root * y for x, y in zip(a, result, strict=True)]
    columns = zip(product(a, b), product(factor, result), product(quotient, m), strict=True)
    rest = [multiply * y + (root - 2 * minus) * x for x, y in zip(a, result, strict=True)]
    rest[0] = rest[0] + invert
    return less([multiply * x + y - z for x, y, z in columns], rest)


def _constraints(row: Row) -> list[Any]:
    flags = [getattr(row, name) for name in _FLAGS]
    operands, used = [list(row.many(name)) for name in "abm"], total(flags)
    quotient, result = (words(list(row.many(name))) for name in ("quotient", "result"))
    carried = [signed(list(row.many(name)), used) for name in _CARRIES]
    return [
        *(boolean(flag) for flag in (*flags, used, row.minus)),
        row.minus * (used - row.root),
        *vanishes(_difference(flags, row.minus, operands, quotient, result), carried),
        *below(row, "result", result, operands[2], used),
    ]


def _messages(row: Row) -> list[Message]:
    flags, result = [getattr(row, name) for name in _FLAGS], list(row.many("result"))
    used, number = total(flags), total([flag * number for flag, number in zip(flags, CALLS, strict=True)])
    before = [word for name in "abm" for word in row.many(name)]
    after = [*words(result), *before[NUMBER_WORDS:]]
    found = [Message(CALL, -used, (number, row.clock, row.index))]
    for at, (old, new) in enumerate(zip(before, after, strict=True)):
        found += [*taken(row, at, old, used), given(row, at, new, used)]
    limbs = [limb for name in ("quotient", *_CARRIES) for limb in row.many(name)]
    return [*found, *ranged([*result, *limbs], used), *below_messages(row, "result", used)]


MODULAR = Chip(
    "mulmod",
    (
        *(*_FLAGS, "minus", "clock", "index"),
        *(f"{name}{word}" for name in "abm" for word in range(NUMBER_WORDS)),
        *gap_names(WORDS),
        *(f"{name}{limb}" for name in ("quotient", "result") for limb in range(NUMBER_LIMBS)),
        *(f"{name}{limb}" for name in _CARRIES for limb in range(CARRY_LIMBS)),
        *below_names("result"),
    ),
    _constraints,
    _messages,
)
CHIPS: tuple[Chip, ...] = (MODULAR,)


def tables(products: Calls, inverses: Calls, roots: Calls) -> list[Table]:
    """Of all calls: products, inverses, roots."""
    parts = (products, inverses, roots)
    calls, kind = joined(parts), np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    flags = [(kind == each).astype(np.uint64) for each in range(len(parts))]
    a, b, m = (calls.before[:, at : at + NUMBER_WORDS] for at in range(0, WORDS, NUMBER_WORDS))
    after = calls.after[:, :NUMBER_WORDS]
    first, factor, modulus, result = map(number, map(integers, (a, b, m, after)))
    of_minus = (kind == _FLAGS.index("root")) & ((result * result - first) % modulus != 0)
    products_made = np.choose(kind, [first * factor - result, first * result - 1, result * result - first])
    quotient = (products_made + 2 * first * of_minus) // modulus
    minus = of_minus.astype(np.uint64)
    columns = [*flags, minus, calls.clock, calls.index, *a.T, *b.T, *m.T, *calls.gap_columns()]
    columns += [*limb_columns(quotient, NUMBER_LIMBS), *word_limbs(after)]
    kinds, operands = [flag.astype(object) for flag in flags], [integers(each) for each in (a, b, m)]
    for carry in carries(
        _difference(kinds, minus.astype(object), operands, split(quotient), integers(after))
    ):
        columns += signed_columns(carry, CARRY_LIMBS)
    return [Table.of_words(MODULAR, [*columns, *below_columns(after, m)])]


def fixed() -> list[Table]:
    """None."""
    return []
