"""System call 0x102: a := a·b mod m of 256-bit numbers a, b, m, whose quotient ⌊a·b/m⌋ is below 2^256.

a·b = quotient·m + result over the integers, and result < m, so m is not 0. The difference of the two sides is less than
2^512 in size, as (2^256 − 1)² + 2^256 − 1 is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jovay.kernel.riscv.calls import MULMOD as NUMBER
from jovay.kernel.riscv.calls import WORDS as BLOCK_WORDS
from jovay.prover.zk.chip import Chip, Message, Row
from jovay.prover.zk.tables import Table

from .calls import Calls, called, gap_names, given, taken
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
from .parts import boolean, ranged

WORDS = BLOCK_WORDS[NUMBER]
CALLS: Mapping[int, int] = {NUMBER: WORDS}

_CARRIES = tuple(f"carry{at}_" for at in range(len(MODULI)))


def _difference(operands: Sequence[Any], quotient: Sequence[Any], result: Sequence[Any]) -> list[Any]:
    """a·b − quotient·m − result."""
    a, b, m = operands
    ahead, behind = product(a, b), product(quotient, m)
    return less([x - y for x, y in zip(ahead, behind, strict=True)], result)


def _constraints(row: Row) -> list[Any]:
    operands = [list(row.many(name)) for name in "abm"]
    quotient, result = (words(list(row.many(name))) for name in ("quotient", "result"))
    carried = [signed(list(row.many(name)), row.used) for name in _CARRIES]
    return [
        boolean(row.used),
        *vanishes(_difference(operands, quotient, result), carried),
        *below(row, "result", result, operands[2], row.used),
    ]


def _messages(row: Row) -> list[Message]:
    result, used = list(row.many("result")), row.used
    before = [word for name in "abm" for word in row.many(name)]
    after = [*words(result), *before[NUMBER_WORDS:]]
    found = [called(row, NUMBER, used)]
    for at, (old, new) in enumerate(zip(before, after, strict=True)):
        found += [*taken(row, at, old, used), given(row, at, new, used)]
    limbs = [limb for name in ("quotient", *_CARRIES) for limb in row.many(name)]
    return [*found, *ranged([*result, *limbs], used), *below_messages(row, "result", used)]


MULMOD = Chip(
    "mulmod",
    (
        *("used", "clock", "index"),
        *(f"{name}{word}" for name in "abm" for word in range(NUMBER_WORDS)),
        *gap_names(WORDS),
        *(f"{name}{limb}" for name in ("quotient", "result") for limb in range(NUMBER_LIMBS)),
        *(f"{name}{limb}" for name in _CARRIES for limb in range(CARRY_LIMBS)),
        *below_names("result"),
    ),
    _constraints,
    _messages,
)
CHIPS: tuple[Chip, ...] = (MULMOD,)


def tables(calls: Calls) -> list[Table]:
    """Of all calls."""
    a, b, m = (calls.before[:, at : at + NUMBER_WORDS] for at in range(0, WORDS, NUMBER_WORDS))
    result = calls.after[:, :NUMBER_WORDS]
    operands = [integers(each) for each in (a, b, m)]
    factor, other, modulus = map(number, operands)
    quotient = factor * other // modulus
    columns = [np.ones_like(calls.clock), calls.clock, calls.index, *a.T, *b.T, *m.T, *calls.gap_columns()]
    columns += [*limb_columns(quotient, NUMBER_LIMBS), *word_limbs(result)]
    for carry in carries(_difference(operands, split(quotient), integers(result))):
        columns += signed_columns(carry, CARRY_LIMBS)
    return [Table.of_words(MULMOD, [*columns, *below_columns(result, m)])]


def fixed() -> list[Table]:
    """None."""
    return []
