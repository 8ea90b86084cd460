"""Affine forms in columns, as messages are: put together by coefficients, and evaluated without a formula compiled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate

import numpy as np

from jovay.compiler.native import compile_modules
from jovay.compiler.simd.limbs import limbs_of
from jovay.compiler.simd.montgomery import RADIX
from jovay.compiler.simd.sumcheck import MOST_TERMS, Combinations, module_text
from jovay.native.library import ObjectCode
from jovay.native.places import addresses

from .chip import Chip
from .field import ELEMENT, LANES, R, Vector, portable
from .threads import each, shares


@dataclass(frozen=True)
class Affine:
    """``constant`` + Σ factor·column, by the columns' numbers. Products of two columns raise ``ValueError``."""

    constant: int
    factors: Mapping[int, int]

    def __add__(self, other: Affine | int) -> Affine:
        if isinstance(other, int):
            return Affine(self.constant + other, self.factors)
        return total(((1, self), (1, other)))

    def __mul__(self, other: Affine | int) -> Affine:
        if isinstance(other, int):
            return total(((other, self),))
        if not other.factors:
            return self * other.constant
        if not self.factors:
            return other * self.constant
        raise ValueError("a product of columns is not affine")

    def __neg__(self) -> Affine:
        return self * -1

    def __sub__(self, other: Affine | int) -> Affine:
        return self + -other

    def __rsub__(self, other: int) -> Affine:
        return -self + other

    __radd__, __rmul__ = __add__, __mul__


def total(parts: Iterable[tuple[int, Affine]]) -> Affine:
    """Σ weight·form."""
    constant, factors = 0, dict[int, int]()
    for weight, form in parts:
        constant += weight * form.constant
        for column, factor in form.factors.items():
            factors[column] = (factors.get(column, 0) + weight * factor) % R
    return Affine(constant % R, {column: factor for column, factor in factors.items() if factor})


def _form(value: Affine | int) -> Affine:
    return value if isinstance(value, Affine) else Affine(value % R, {})


@cache
def _messages(chip: Chip) -> list[tuple[Affine, int, list[Affine]]]:
    """Multiplicity, bus and values of its messages."""
    row = chip.row([Affine(0, {column: 1}) for column in range(len(chip.names))])
    return [(_form(m.multiplicity), m.bus, list(map(_form, m.values))) for m in chip.messages(row)]


def fractions(chip: Chip, alpha: int, betas: Sequence[int]) -> list[tuple[Affine, Affine]]:
    """Multiplicity and denominator of each message (``chip.Message.denominator``)."""
    return [
        (times, total(zip((1, *betas), (Affine(alpha + bus, {}), *values), strict=False)))
        for times, bus, values in _messages(chip)
    ]


@cache
def _kernel() -> Callable[..., int]:
    kernel = Combinations("bn254_fr_combinations")
    code = compile_modules([module_text([kernel], portable())], {kernel.symbol})
    return ObjectCode(code).function(kernel.symbol, 7)


class Forms:
    """Forms in columns of one length, to be evaluated part by part."""

    def __init__(self, forms: Sequence[Affine], columns: Sequence[Vector]) -> None:
        terms = [list(form.factors.items()) or [(0, 0)] for form in forms]
        if max(map(len, terms)) > MOST_TERMS:
            raise ValueError(f"a form of {max(map(len, terms))} columns")
        asked = sorted({column for each in terms for column, _ in each})
        places = {column: place for place, column in enumerate(asked)}
        self._columns = [
            columns[column].words for column in asked
        ]  # which lie where they are as long as this does
        self._addresses, self._count = addresses(self._columns), len(forms)
        self._starts = np.array([0, *accumulate(map(len, terms))], np.uint64)
        self._where = np.array([places[column] for each in terms for column, _ in each], np.uint64)
        numbers = [form.constant % R for form in forms] + [factor for each in terms for _, factor in each]
        self._factors = np.array([limbs_of(number * RADIX % R) for number in numbers], np.uint64)

    def write(self, start: int, outs: Sequence[Vector]) -> None:
        """What they are in the rows from ``start`` on, as many as there is room for."""
        ins, ends = self._addresses + np.uint64(start * ELEMENT), addresses(out.words for out in outs)
        blocks = len(outs[0].words)
        _kernel()(blocks, ins, self._count, self._starts, self._where, self._factors, ends)


def evaluate(forms: Sequence[Affine], columns: Sequence[Vector], outs: Sequence[Vector]) -> None:
    """Write what the forms are in every row. Vectors of one length."""
    if not forms:
        return
    prepared = Forms(forms, columns)

    def part(share: slice) -> None:
        prepared.write(share.start * LANES, [Vector(out.words[share]) for out in outs])

    each(part, shares(len(outs[0].words)))
