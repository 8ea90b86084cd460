"""What is claimed of all rows of all tables, in one sumcheck: Σₓ eq(τ, x)·Σ over chips of Pᶜ(x).

Pᶜ is Σ aᵢ·constraintᵢ + Σ bₖ·multiplicityₖ + Σ cₖ·denominatorₖ of a row of the chip. A table with fewer variables than
the highest does not depend on the first ones: its part of the rounds is constant until its own variables come.
Messages are affine in the columns, so what they add up to is one more column, and no formula.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from . import affine
from .affine import Affine
from .chip import Chip, Row
from .field import LANES, R, Vector, powers
from .layout import Layout
from .multilinear import eq_index, eq_values, eq_vector, fold
from .progress import Done, ignore
from .sumcheck import Polynomial, asked, interpolated, summed_up, upper
from .tables import Table
from .threads import each
from .transcript import Transcript


@dataclass(frozen=True)
class Weights:
    """aᵢ, bₖ and cₖ of a chip."""

    constraints: list[int]
    multiplicities: list[int]
    denominators: list[int]


def weights(layout: Layout, gamma: int, point: Sequence[int]) -> tuple[list[Weights], int, int, int]:
    """The weights of each chip for the claims about p and q of the leaves at ``point``; those of these claims; and what
    the leaves that fill up add to q.

    Constraints count γ⁰, γ¹, … through all chips, p's claim the next power, q's the last.
    """
    *all_constraints, for_p, for_q = powers(gamma, layout.constraints + 2)
    parts: list[list[int]] = [[] for _ in layout.chips]
    for segment in layout.messages:
        parts[segment.chip].append(eq_index(segment.prefix, point[: len(point) - segment.variables]))
    filling, found, first = (1 - sum(map(sum, parts))) % R, list[Weights](), 0
    for chip, part in zip(layout.chips, parts, strict=True):
        count = chip.shape.constraints
        found.append(
            Weights(
                all_constraints[first : first + count],
                [for_p * e % R for e in part],
                [for_q * e % R for e in part],
            )
        )
        first += count
    return found, for_p, for_q, filling


def messages_form(chip: Chip, weights: Weights, alpha: int, betas: Sequence[int]) -> Affine:
    """Σ bₖ·multiplicityₖ + Σ cₖ·denominatorₖ."""
    pairs = affine.fractions(chip, alpha, betas)
    sides = zip(weights.multiplicities, weights.denominators, strict=True)
    return affine.total(
        (weight, form)
        for pair, both in zip(pairs, sides, strict=True)
        for form, weight in zip(pair, both, strict=True)
    )


def value_at(chip: Chip, weights: Weights, alpha: int, betas: Sequence[int], values: Sequence[int]) -> int:
    """Pᶜ where the columns have these values."""
    row = chip.row(values)
    parts = zip(weights.constraints, chip.constraints(row), strict=True)
    total = sum(weight * constraint for weight, constraint in parts)
    sides = zip(weights.multiplicities, weights.denominators, chip.messages(row), strict=True)
    said = (b * m.multiplicity + c * m.denominator(alpha, betas) for b, c, m in sides)
    return int((total + sum(said)) % R)


# ---- the prover ------------------------------------------------------------------------------------------------------


class _Asking(dict[str, Any]):
    """A row's columns, and which of them a formula asks for."""

    def __init__(self, values: dict[str, Any]) -> None:
        super().__init__(values)
        self.asked = set[str]()

    def __getitem__(self, name: str) -> Any:
        found = super().__getitem__(name)
        self.asked.add(name)
        return found


@cache
def constrained(chip: Chip) -> list[int]:
    """The numbers of the columns that constraints ask for."""
    asking = _Asking(dict.fromkeys(chip.names, 1))
    chip.constraints(Row.of(asking))
    return [number for number, name in enumerate(chip.names) if name in asking.asked]


@cache
def combined(chip: Chip) -> Polynomial:
    """Pᶜ in the columns that constraints ask for, and that of the messages; its constants are the aᵢ."""
    columns, shape = constrained(chip), chip.shape
    names = [chip.names[number] for number in columns]

    def formula(values: Sequence[Any], constants: Sequence[Any]) -> Any:
        constraints = chip.constraints(Row(names, values[:-1]))
        parts = zip(constants, constraints, strict=False)
        return sum((weight * constraint for weight, constraint in parts), values[-1])

    return Polynomial(chip.name, len(columns) + 1, shape.constraints, shape.degree, formula)


class Part:
    """A table's part of the rounds."""

    def __init__(self, table: Table, constants: Sequence[int], form: Affine, degree: int) -> None:
        self.polynomial, self.variables = combined(table.chip), table.variables
        self._constants, self._points, self._kept = constants, degree + 1, True
        messages = Vector.empty(len(table.columns[0]))
        affine.evaluate([form], table.columns, [messages])
        self._columns, self._few = (
            [table.columns[i] for i in constrained(table.chip)] + [messages],
            list[list[int]](),
        )
        self.claim = 0

    def begin(self, tau: Sequence[int]) -> None:
        """What it adds up to: the messages alone, since constraints are zero."""
        self.claim = MESSAGES.total([self._columns[-1]], [], eq_vector(tau[-self.variables :]))

    def message(self, left: int, weights: Vector | None, tau: Sequence[int]) -> list[int]:
        """h at 0, 1, … with ``left`` variables left, whose τ are ``tau``; ``weights`` are eq of all but the first."""
        if left > self.variables:
            return [self.claim] * self._points
        if weights is not None:
            found = self.polynomial.sums(self._columns, self._constants, weights)
        else:
            self._few = self._few or [column.values() for column in self._columns]
            found = self.polynomial.sums_of_few(self._few, self._constants, eq_values(tau[1:]))
        found.insert(1, upper(self.claim, found[0], tau[0]))
        self._values = found
        return found + [interpolated(found, x) for x in range(len(found), self._points)]

    def bind(self, left: int, r: int) -> None:
        """The first of ``left`` variables becomes ``r``."""
        if left > self.variables:
            return
        self.claim = interpolated(self._values, r)
        if self._few:
            self._few = [fold(column, r) for column in self._few]
        elif self._kept:
            self._columns, self._kept = each(lambda column: column.folded(r), self._columns), False
        else:
            self._columns = each(lambda column: column.fold(r), self._columns)

    @property
    def values(self) -> list[int]:
        """Of the columns that constraints ask for, when nothing is left."""
        return [column[0] for column in self._few[:-1]]


MESSAGES = Polynomial("column", 1, 0, 1, lambda c, k: c[0])


def prove(
    layout: Layout,
    tables: Sequence[Table],
    weighed: Sequence[Weights],
    alpha: int,
    betas: Sequence[int],
    claim: int,
    tau: Sequence[int],
    transcript: Transcript,
    done: Done = ignore,
) -> tuple[list[list[int]], list[int], list[list[int]]]:
    """The messages, the point, and the values there of all columns of each table."""
    parts = [
        Part(table, each.constraints, messages_form(table.chip, each, alpha, betas), layout.degree)
        for table, each in zip(tables, weighed, strict=True)
    ]
    highest, *others = sorted(parts, key=lambda part: -part.variables)
    for part in others:
        part.begin(tau)
    highest.claim = (claim - sum(part.claim for part in others)) % R
    eq = eq_vector(tau[1:]) if len(tau) > LANES.bit_length() - 1 else None
    rounds, point = list[list[int]](), list[int]()
    for number in range(len(tau)):
        # 1. Send h of all tables together.
        left = len(tau) - number
        found = [part.message(left, eq, tau[number:]) for part in parts]
        zero, _, *more = (sum(values) % R for values in zip(*found, strict=True))
        rounds.append([zero, *more])
        # 2. Bind the first variable to what is asked.
        r = asked(rounds[-1], transcript)
        point.append(r)
        for part in parts:
            part.bind(left, r)
        eq = summed_up(eq)
        done(1 - 0.5 ** (number + 1))
    return rounds, point, [_all_values(t, part.values, point) for t, part in zip(tables, parts, strict=True)]


def _all_values(table: Table, values: Sequence[int], point: Sequence[int]) -> list[int]:
    """Of all columns at the table's part of a point, where some are known."""
    known = dict(zip(constrained(table.chip), values, strict=True))
    rest = [number for number in range(len(table.own) + len(table.fixed)) if number not in known]
    eq = eq_vector(point[-table.variables :])
    known |= zip(rest, (MESSAGES.total([table.columns[number]], [], eq) for number in rest), strict=True)
    return [known[number] for number in range(len(table.own) + len(table.fixed))]
