"""What tables ask of tables of numbers: counted from the messages that they send."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from jovay.prover.zk.chip import Chip
from jovay.prover.zk.field import U64
from jovay.prover.zk.tables import Table


@dataclass(frozen=True)
class Linear:
    """Σ factor·column + constant, by the columns' places: what multiplicities and values of messages are."""

    factors: Mapping[int, int]
    constant: int = 0

    def __add__(self, other: Linear | int) -> Linear:
        if isinstance(other, int):
            return Linear(self.factors, self.constant + other)
        places = self.factors.keys() | other.factors.keys()
        factors = {place: self.factors.get(place, 0) + other.factors.get(place, 0) for place in places}
        return Linear(factors, self.constant + other.constant)

    def __mul__(self, factor: int) -> Linear:
        return Linear({place: factor * each for place, each in self.factors.items()}, factor * self.constant)

    def __neg__(self) -> Linear:
        return self * -1

    def __sub__(self, other: Linear | int) -> Linear:
        return self + -other

    def __rsub__(self, other: int) -> Linear:
        return -self + other

    __radd__, __rmul__ = __add__, __mul__

    def of(self, words: Mapping[int, U64], height: int) -> U64:
        """Its values, modulo 2^64, of the columns' lowest words."""
        total = np.full(height, self.constant % (1 << 64), np.uint64)
        for place, factor in self.factors.items():
            if factor:
                total += words[place] * np.uint64(factor % (1 << 64))
        return total


@cache
def _questions(chip: Chip, bus: int) -> list[tuple[Linear, tuple[Linear, ...]]]:
    """The messages of a row on a bus: how often, and what."""
    row = chip.row([Linear({place: 1}) for place in range(len(chip.names))])
    return [
        (_linear(m.multiplicity), tuple(map(_linear, m.values))) for m in chip.messages(row) if m.bus == bus
    ]


def _linear(value: Any) -> Linear:
    return value if isinstance(value, Linear) else Linear({}, value)


def asked(tables: Iterable[Table], bus: int) -> Iterator[list[U64]]:
    """The values of all messages that tables send on a bus, 0 or 1 times a row; all numbers are below 2^64."""
    for table in tables:
        questions, height = _questions(table.chip, bus), len(table.columns[0])
        places = {place for times, values in questions for each in (times, *values) for place in each.factors}
        words = {place: table.columns[place].lowest() for place in places}
        for times, values in questions:
            here = times.of(words, height) == 1
            yield [value.of(words, height)[here] for value in values]
