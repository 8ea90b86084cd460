"""Columns stacked into pieces, and how their values at many points are led to those of the pieces at one.

With weights μ⁰, μ¹, … of all columns, Σ μʲ·valueⱼ = Σₓ Σᵢ Wᵢ(x)·Pᵢ(x) over the pieces, where Wᵢ(x) is the sum of
μʲ·eq(prefixⱼ, high part of x)·eq(r, low part of x) over the columns j in piece i. A piece of fewer variables is zero
where one of the others is 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from .field import LANES, R, Vector, powers
from .layout import Layout, Segment
from .multilinear import eq_at, eq_index, eq_vector, fold
from .progress import Done, ignore
from .sumcheck import Polynomial, asked
from .tables import Table
from .threads import each
from .transcript import Transcript

#: Σ W·P of one piece.
PRODUCT = Polynomial("piece", 2, 0, 2, lambda c, k: c[0] * c[1], weighted=False)


def stacked(layout: Layout, tables: Sequence[Table]) -> list[Vector]:
    """The pieces, own ones first. The tables' columns become views of them: nothing lies in memory twice."""
    found = list[Vector]()
    for number, (piece, at) in enumerate(layout.located()):
        if piece == len(found):  # where columns lay that have moved already
            own = piece < layout.own_pieces
            found.append(Vector.zeros(1 << (layout.variables if own else layout.fixed_variables)))
        table = tables[at.chip]
        column = at.number if number < len(layout.own) else len(table.own) + at.number
        place = found[piece].part(at.start, 1 << at.variables)
        place.words[:] = table.columns[column].words
        table.columns[column] = place
    return found


def stack_order(layout: Layout, columns: Sequence[Sequence[int]]) -> list[int]:
    """Values of each chip's own and fixed columns, in the order of the stack."""
    own = [columns[at.chip][at.number] for at in layout.own]
    return own + [columns[at.chip][len(layout.chips[at.chip].columns) + at.number] for at in layout.fixed]


def weights_at(layout: Layout, mu: int, rows: Sequence[int], point: Sequence[int]) -> list[int]:
    """Wᵢ(point) of all pieces, where the columns' values are those at ``rows``."""
    found = [0] * (layout.own_pieces + layout.fixed_pieces)
    low = [eq_at(rows[-height:], point[-height:]) for height in layout.heights]
    weighed = zip(layout.located(), powers(mu, len(layout.own) + len(layout.fixed)), strict=True)
    for (piece, at), weight in weighed:
        high = eq_index(at.prefix, point[: len(point) - at.variables])
        found[piece] = (found[piece] + weight * high % R * low[at.chip]) % R
    return found


# ---- the prover ------------------------------------------------------------------------------------------------------


class _Piece:
    """P with its W: until its variables come, it is what they add up to, and times (1 − r)² for every other.

    All of W is made where it is asked for, and only what is left of it when the first variable is bound stays.
    """

    def __init__(self, values: Vector, weigh: Callable[[], Vector]) -> None:
        self.variables = len(values).bit_length() - 1
        self._values, self._weigh = values, weigh
        self._weights: Vector | None = None
        self._few = list[list[int]]()
        self._scale, self._total = 1, 0

    def message(self, left: int) -> list[int]:
        """Its part of the round's polynomial at 0 and 2."""
        if left > self.variables:
            self._total = self._total or PRODUCT.total([self._values, self._weigh()], [])
            found = [self._total] * 2
        elif len(self._values) > LANES:
            found = PRODUCT.sums([self._values, self._left], [])
        else:
            self._few = self._few or [self._values.values(), self._left.values()]
            found = PRODUCT.sums_of_few(self._few, [], [1] * LANES)
        return [value * self._scale * self._scale % R for value in found]

    @property
    def _left(self) -> Vector:
        """What is left of W."""
        return self._weigh() if self._weights is None else self._weights

    def bind(self, left: int, r: int) -> None:
        """The first of ``left`` variables becomes ``r``."""
        if left > self.variables:
            self._scale = self._scale * (1 - r) % R
        elif self._few:
            self._few = [fold(side, r) for side in self._few]
        elif self._weights is None:  # P itself stays: it is opened later
            self._values, self._weights = self._values.folded(r), self._weigh().folded(r)
        else:
            self._values, self._weights = self._values.fold(r), self._weights.fold(r)

    @property
    def value(self) -> int:
        """P when nothing is left."""
        return self._few[0][0] * self._scale % R


def prove(
    layout: Layout, pieces: Sequence[Vector], rows: Sequence[int], transcript: Transcript, done: Done = ignore
) -> tuple[list[list[int]], list[int], list[int]]:
    """The messages, the point, and the pieces' values there."""
    mu = transcript.challenge("mu")
    found = [_Piece(*pair) for pair in zip(pieces, _weights(layout, pieces, mu, rows), strict=True)]
    rounds, point = list[list[int]](), list[int]()
    for left in range(layout.variables, 0, -1):
        sums = [piece.message(left) for piece in found]
        rounds.append([sum(values) % R for values in zip(*sums, strict=True)])
        r = asked(rounds[-1], transcript)
        point.append(r)
        each(lambda piece, left=left, r=r: piece.bind(left, r), found)  # type: ignore[misc]
        done(1 - 0.5 ** len(point))
    return rounds, point, [piece.value for piece in found]


def _weights(
    layout: Layout, pieces: Sequence[Vector], mu: int, rows: Sequence[int]
) -> list[Callable[[], Vector]]:
    """W of each piece, where it is asked for."""
    eq = {height: eq_vector(rows[-height:]) for height in set(layout.heights)}
    weighed = [list[tuple[Segment, int]]() for _ in pieces]
    for (piece, at), weight in zip(
        layout.located(), powers(mu, len(layout.own) + len(layout.fixed)), strict=True
    ):
        weighed[piece].append((at, weight))

    def weigh(size: int, columns: Sequence[tuple[Segment, int]]) -> Vector:
        found = Vector.zeros(size)

        def place(item: tuple[Segment, int]) -> None:
            at, weight = item
            eq[at.variables].scaled(weight, found.part(at.start, 1 << at.variables))

        each(place, columns)
        return found

    return [partial(weigh, len(piece), columns) for piece, columns in zip(pieces, weighed, strict=True)]
