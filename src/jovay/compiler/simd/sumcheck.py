"""Polynomials in columns, in lanes: their values everywhere, and the rounds of a sumcheck."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import llvmlite.ir as ir

from .bn254_fr import R
from .lanes import WORD, Routine, Value, text
from .limbs import SLOT
from .montgomery import Modulus
from .numbers import BLOCK, Number, add_to_slot, load, load_one, of, store

#: Bytes of a single element.
ELEMENT = 32
Polynomial = Callable[[Sequence[Number], Sequence[Number]], Number]


@dataclass(frozen=True)
class Values:
    """``symbol(count, columns, constants, outs)``: what ``polynomials(columns, constants)`` are at every point."""

    symbol: str
    columns: int
    constants: int
    outs: int
    polynomials: Callable[[Sequence[Number], Sequence[Number]], Sequence[Number]]

    def add_to(self, module: ir.Module, field: Modulus) -> None:
        """Define the function."""
        code = Routine(module, self.symbol, "ippp", exported=True)
        count, columns, constants, outs = code.arguments
        starts = [code.address(columns.at(8 * k).load(WORD)) for k in range(self.columns)]
        ends = [code.address(outs.at(8 * k).load(WORD)) for k in range(self.outs)]

        def block(i: Value) -> None:
            at = i * BLOCK
            values = [load(field, start.at(at)) for start in starts]
            fixed = [load_one(field, constants.at(k * ELEMENT)) for k in range(self.constants)]
            for value, end in zip(self.polynomials(values, fixed), ends, strict=True):
                store(value, end.at(at))

        code.each(count, block)
        code.end()


@dataclass(frozen=True)
class Round:
    """``polynomial(columns, constants)`` has ``degree`` at most; nobody multiplies more than its bounds allow.

    ``symbol(count, columns, half, constants, weights, sums)``: for every point x of ``count`` blocks, the polynomial
    along the line from the columns' values at x to those ``half`` bytes further, at 0, 2, … ``degree``, is multiplied
    by the weight of x, unless all are 1, and added to ``sums`` (a slot for each of these). ``columns`` are addresses,
    ``constants`` elements.
    """

    symbol: str
    columns: int
    constants: int
    degree: int
    polynomial: Polynomial
    weighted: bool = True

    @property
    def points(self) -> list[int]:
        """Where it is evaluated: at 1 it follows from the claim."""
        return [0, *range(2, self.degree + 1)]

    def add_to(self, module: ir.Module, field: Modulus) -> None:
        """Define the function."""
        code = Routine(module, self.symbol, "ipippp", exported=True)
        count, columns, half, constants, weights, sums = code.arguments
        starts = [code.address(columns.at(8 * k).load(WORD)) for k in range(self.columns)]

        def block(i: Value) -> None:
            at = i * BLOCK
            lows = [load(field, start.at(at)) for start in starts]
            steps = [load(field, start.at(at + half)) - low for start, low in zip(starts, lows, strict=True)]
            steps = [step.factor() for step in steps]
            fixed = [load_one(field, constants.at(k * ELEMENT)) for k in range(self.constants)]
            weight = load(field, weights.at(at)) if self.weighted else None
            values, reached = lows, 0
            for slot, point in enumerate(self.points):
                while reached < point:
                    values = [value + step for value, step in zip(values, steps, strict=True)]
                    reached += 1
                value = self.polynomial(values, fixed)
                add_to_slot(value if weight is None else value * weight, sums.at(slot * SLOT))

        code.each(count, block)
        code.end()


#: Most terms of a combination: so many clean limbs can be added up in a lane.
MOST_TERMS = 4000


@dataclass(frozen=True)
class Combinations:
    """``symbol(count, columns, outs, starts, terms, factors, ends)``: sums of columns times factors, at every point.

    Combination k of ``outs`` is factor k plus Σ factor[outs + t]·column[terms[t]] over starts[k] ≤ t < starts[k + 1],
    at least one and at most ``MOST_TERMS`` of them. ``factors`` are elements; ``columns`` and ``ends`` addresses.
    """

    symbol: str

    def add_to(self, module: ir.Module, field: Modulus) -> None:
        """Define the function."""
        code = Routine(module, self.symbol, "ipipppp", exported=True)
        count, columns, outs, starts, terms, factors, ends = code.arguments

        def block(i: Value) -> None:
            at = i * BLOCK

            def combination(k: Value) -> None:
                start, stop = starts.at(k * 8).load(WORD), starts.at(k * 8 + 8).load(WORD)

                def term(t: Value, total: list[Value]) -> list[Value]:
                    which = start + t
                    column = code.address(columns.at(terms.at(which * 8).load(WORD) * 8).load(WORD))
                    factor = load_one(field, factors.at((outs + which) * ELEMENT))
                    product = load(field, column.at(at)) * factor
                    return [x + y for x, y in zip(total, product.limbs, strict=True)]

                first = load_one(field, factors.at(k * ELEMENT))
                limbs = code.repeat(stop - start, first.limbs, term)
                tops = tuple(top * (MOST_TERMS + 1) for top in of(field, limbs, 2 * field.value).tops)
                total = Number(field, limbs, tops, (MOST_TERMS + 1) * 2 * field.value)
                store(total, code.address(ends.at(k * 8).load(WORD)).at(at))

            code.each(outs, combination)

        code.each(count, block)
        code.end()


def module_text(functions: Sequence[Round | Values | Combinations], portable: bool = False) -> str:
    """IR of some of them."""
    module, field = ir.Module("sumcheck"), Modulus(R, portable)
    for each in functions:
        each.add_to(module, field)
    return text(module)
