"""Quotients and remainders of words and of those of 32 bits, with signs and without."""

from __future__ import annotations

from typing import Any

import numpy as np

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
    inverses,
    is_one_of,
    limbs_of,
    ranged,
    split_top,
    top_bit,
    total,
)
from .run import Run

NAMES = ("div", "divu", "rem", "remu", "divw", "divuw", "remw", "remuw")
_NARROW = 32
_PARTS = ("a", "b", "quotient", "rest", "gap", "result")
#: Operands that are columns.
_OTHERS = ("clock", "pc", "imm")
_COLUMNS = (
    *(
        *NAMES,
        *_OTHERS,
        "x",
        "y",
        "sign_a",
        "sign_b",
        "top_a",
        "top_b",
    ),
    *("none", "inverse", "unlike", "negative", "turned", "value", "sign", "top"),
    *(f"{name}_{i}" for name in _PARTS for i in range(LIMBS)),
)


def _used(row: Row) -> Any:
    return total([getattr(row, name) for name in NAMES])


def _kinds(row: Row) -> tuple[Any, Any, Any]:
    """Whether it is of 32 bits; of signed words; and whether the rest is asked for."""
    return (
        row.divw + row.divuw + row.remw + row.remuw,
        row.div + row.rem + row.divw + row.remw,
        row.rem + row.remu + row.remw + row.remuw,
    )


def _result(row: Row) -> Any:
    """Of 32 bits, it is extended."""
    return composed(list(row.many("result_"))) + row.sign * EXTENSION


def _lower(limbs: list[Any]) -> Any:
    return limbs[0] + limbs[1] * (1 << LIMB_BITS)


def _constraints(row: Row) -> list[Any]:
    """x = quotient·y + rest with rest < y, of the magnitudes x and y of what a and b hold.

    Where y is 0 (``none``) the quotient is all ones, and the rest is x. The value is quotient or rest, turned around
    where its sign is negative (but 0 stays 0); of 32 bits, it is extended.
    """
    parts = {name: list(row.many(f"{name}_")) for name in _PARTS}
    used, (narrow, _, wants_rest) = _used(row), _kinds(row)
    modulus = used * WORD - narrow * (WORD - (1 << _NARROW))
    quotient, rest = composed(parts["quotient"]), composed(parts["rest"])
    result = composed(parts["result"])
    return [
        *flags(row, NAMES),
        *map(boolean, (row.sign_a, row.sign_b, row.none, row.negative, row.turned, row.sign)),
        # the signs of what a and b hold
        *_magnitude(row, "a", row.x, parts["a"], modulus),
        *_magnitude(row, "b", row.y, parts["b"], modulus),
        # the division
        row.none * row.y,
        used - row.none - row.y * row.inverse,
        row.x - quotient * row.y - rest,
        (used - row.none) * (row.y - 1 - rest - composed(parts["gap"])),
        row.none * (quotient - modulus + 1),
        # the sign of the result
        row.unlike - row.sign_a - row.sign_b + 2 * row.sign_a * row.sign_b,
        row.negative - wants_rest * row.sign_a - (used - wants_rest) * (used - row.none) * row.unlike,
        row.value - wants_rest * rest - (used - wants_rest) * quotient,
        row.value * (row.negative - row.turned),
        result - row.value - row.turned * (modulus - 2 * row.value),
        # 32 bits
        narrow * (parts["result"][2] + parts["result"][3]),
        narrow * top_bit(parts["result"][1], row.sign, row.top),
        (used - narrow) * row.sign,
    ]


def _magnitude(row: Row, name: str, magnitude: Any, limbs: list[Any], modulus: Any) -> list[Any]:
    """What a register holds, or its lower half; less than 0 where it is signed and the highest bit is set."""
    sign, top = getattr(row, f"sign_{name}"), getattr(row, f"top_{name}")
    used, (narrow, signed, _) = _used(row), _kinds(row)
    held = (used - narrow) * composed(limbs) + narrow * _lower(limbs)
    highest = (used - narrow) * limbs[3] + narrow * limbs[1]
    return [
        signed * top_bit(highest, sign, top),
        (used - signed) * sign,
        magnitude - held - sign * (modulus - 2 * held),
    ]


def _messages(row: Row) -> list[Message]:
    used, (narrow, signed, _) = _used(row), _kinds(row)
    a, b = (composed(list(row.many(f"{name}_"))) for name in "ab")
    limbs = [limb for name in _PARTS if name != "gap" for limb in row.many(f"{name}_")]
    return [
        executed(row, NAMES, a=a, b=b, c=_result(row)),
        *ranged(limbs, used),
        *ranged(list(row.many("gap_")), used - row.none),
        *half(row.top_a, signed),
        *half(row.top_b, signed),
        *half(row.top, narrow),
    ]


DIVIDE = Chip("divide", _COLUMNS, _constraints, _messages)


def table(run: Run) -> Table:
    """The rows of a run."""
    part, marks = chosen(run, NAMES)
    one, zero = np.uint64(1), np.zeros(len(part), np.uint64)

    def are(*names: str) -> U64:
        return is_one_of(part.operation, names).astype(np.uint64)

    narrow = are("divw", "divuw", "remw", "remuw")
    signed, wants_rest = are("div", "rem", "divw", "remw"), are("rem", "remu", "remw", "remuw")
    held = [np.where(narrow == 1, word % np.uint64(1 << _NARROW), word) for word in (part.a, part.b)]
    tops = [np.where(narrow == 1, limbs_of(word)[1], limbs_of(word)[3]) for word in (part.a, part.b)]
    split = [[np.where(signed == 1, each, zero) for each in split_top(top)] for top in tops]
    negated = [np.where(narrow == 1, np.uint64(1 << _NARROW) - word, zero - word) for word in held]
    x, y = (
        np.where(sign == 1, turned, word)
        for (sign, _), turned, word in zip(split, negated, held, strict=True)
    )
    none = (y == 0).astype(np.uint64)
    ones = np.where(narrow == 1, np.uint64((1 << _NARROW) - 1), np.uint64(WORD - 1))
    quotient = np.where(none == 1, ones, x // np.maximum(y, one))
    rest = np.where(none == 1, x, x % np.maximum(y, one))
    gap = np.where(none == 1, zero, y - one - rest)
    signs = split[0][0] ^ split[1][0]
    negative = np.where(wants_rest == 1, split[0][0], signs * (one - none))
    value = np.where(wants_rest == 1, rest, quotient)
    turned = negative * (value != 0)
    opposite = np.where(narrow == 1, np.uint64(1 << _NARROW) - value, zero - value)
    result = np.where(turned == 1, opposite, value)
    last = [np.where(narrow == 1, each, zero) for each in split_top(limbs_of(result)[1])]
    columns = [
        *marks,
        *common(part, _OTHERS),
        x,
        y,
        split[0][0],
        split[1][0],
    ]
    columns += [split[0][1], split[1][1], none, zero, signs, negative, turned, value, *last]
    columns += [limb for word in (part.a, part.b, quotient, rest, gap, result) for limb in limbs_of(word)]
    made = Table.of_words(DIVIDE, columns)
    made.set("inverse", inverses(made.column("y"), none))
    return made
