"""Chips: tables whose rows fulfil constraints and talk to other tables over buses.

A chip is written once, as formulas in the columns of one row: with sums, differences and products alone they are
evaluated on field elements (verifier), on vectors in lanes (prover) and on degrees. No formula sees another row: what
goes on from row to row goes over a bus.

A bus is a multiset: what is sent has to be received. A message is a tuple of values; its multiplicity counts positive
where it is sent and negative where it is received. Rows of zeros send nothing and fulfil every constraint, since
tables are filled up with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .field import R


@dataclass(frozen=True)
class Message:
    """``values`` on ``bus``, so many times."""

    bus: int
    multiplicity: Any
    values: tuple[Any, ...]

    def denominator(self, alpha: Any, betas: Sequence[Any]) -> Any:
        """α + bus + Σ βⁱ⁺¹·valueᵢ."""
        total = alpha + self.bus
        for beta, value in zip(betas, self.values, strict=False):
            total = total + beta * value
        return total


class Row:
    """The columns of a row by name, whatever they are."""

    def __init__(self, names: Sequence[str], values: Sequence[Any]) -> None:
        self._values = dict(zip(names, values, strict=True))

    @classmethod
    def of(cls, columns: dict[str, Any]) -> Row:
        """Columns that lie in a dictionary, which is asked for each."""
        row = cls((), ())
        row._values = columns
        return row

    def __getattr__(self, name: str) -> Any:
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(f"no column {name}") from None

    def many(self, prefix: str) -> Iterator[Any]:
        """``prefix0``, ``prefix1``, …"""
        number = 0
        while (name := f"{prefix}{number}") in self._values:
            yield self._values[name]
            number += 1


def index(point: Sequence[int]) -> int:
    """The polynomial whose value in every row is the row's number."""
    total = 0
    for r in point:
        total = 2 * total + r
    return total % R


#: Columns that need no commitment: their polynomials at a point.
COMPUTED: dict[str, Callable[[Sequence[int]], int]] = {"index": index}


@dataclass(frozen=True)
class Chip:
    """``constraints`` are zero in every row; messages have degree 1 in the columns.

    A row begins with the chip's own ``columns``. Those that are ``fixed`` are known beforehand and part of the
    verification key, as is their height; those that are ``computed`` the verifier works out by itself (``COMPUTED``).
    """

    name: str
    columns: tuple[str, ...]
    constraints: Callable[[Row], Sequence[Any]]
    messages: Callable[[Row], Sequence[Message]]
    fixed: tuple[str, ...] = ()
    computed: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All columns."""
        return *self.columns, *self.fixed, *self.computed

    def row(self, values: Sequence[Any]) -> Row:
        """The columns by name."""
        return Row(self.names, values)

    @cached_property
    def shape(self) -> Shape:
        """What holds of it whatever its rows. Raises ``ValueError`` for a message of a higher degree than 1."""
        row = self.row([_Degree(1)] * len(self.names))
        constraints, messages = self.constraints(row), self.messages(row)
        for message in messages:
            parts = [_degree(value) for value in (message.multiplicity, *message.values)]
            if max(parts) > 1:
                raise ValueError(f"{self.name}: a message on bus {message.bus} has degree {max(parts)}")
        degree = max([1, *map(_degree, constraints)])
        return Shape(
            degree, len(constraints), len(messages), max((len(m.values) for m in messages), default=0)
        )

    def broken(self, rows: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
        """Row and number of each constraint that does not hold."""
        return [
            (at, number)
            for at, values in enumerate(rows)
            for number, value in enumerate(self.constraints(self.row(values)))
            if value % R
        ]


@dataclass(frozen=True)
class Shape:
    """``degree`` of the constraints, how many there are, how many messages, and the most values of one."""

    degree: int
    constraints: int
    messages: int
    width: int


@dataclass(frozen=True)
class _Degree:
    """Stands in for a column, to learn degrees."""

    degree: int

    def __add__(self, other: Any) -> _Degree:
        return _Degree(max(self.degree, _degree(other)))

    def __mul__(self, other: Any) -> _Degree:
        return _Degree(self.degree + _degree(other))

    def __neg__(self) -> _Degree:
        return self

    __radd__ = __sub__ = __rsub__ = __add__
    __rmul__ = __mul__


def _degree(value: Any) -> int:
    return value.degree if isinstance(value, _Degree) else 0
