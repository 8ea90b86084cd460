"""The leaves of the tree of fractions: what all tables say, which nobody keeps.

Leaves are worked out from the columns where they are read: for the layer above, for the first round about them, and
where their first variable is bound. A tile of them stays in the cache meanwhile.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import chain
from typing import TypeVar

from . import affine
from .affine import Forms
from .field import LANES, R, Vector
from .fractions import Given, Layer, sum_pairs
from .layout import Layout, filled
from .sumcheck import Held, Polynomial
from .tables import Table
from .threads import each, shares

#: Elements of each column that are worked out together.
TILE = 1 << 12
Result = TypeVar("Result")


def leaves(
    layout: Layout, tables: Sequence[Table], alpha: int, betas: Sequence[int], tile: int = TILE
) -> Layer:
    """Multiplicities and denominators of all messages of all rows; 0/1 to fill up."""
    found = _Leaves(layout, tables, alpha, betas, tile)
    return found if len(found) >= 2 * tile else Given(*found.whole())


class _Leaves:
    """They are as many as four tiles, at least."""

    def __init__(
        self, layout: Layout, tables: Sequence[Table], alpha: int, betas: Sequence[int], tile: int
    ) -> None:
        self._half, self._tile = 1 << (layout.leaves - 1), tile
        forms = [affine.fractions(table.chip, alpha, betas) for table in tables]
        self._forms = [
            Forms(forms[message.chip][message.number], tables[message.chip].columns)
            for message in layout.messages
        ]
        self._starts = [message.start for message in layout.messages] + [filled(layout.messages)]
        self._one = Vector.of([1] * LANES)

    def read(self, start: int, p: Vector, q: Vector) -> None:
        """Those from ``start`` on, as many as there is room for."""
        at, end = start, start + len(p)
        while at < end:
            number = bisect_right(self._starts, at) - 1
            filling = number == len(self._forms)
            count = min(end, end if filling else self._starts[number + 1]) - at
            sides = [side.part(at - start, count) for side in (p, q)]
            if filling:
                sides[0].words[:], sides[1].words[:] = 0, self._one.words
            else:
                self._forms[number].write(at - self._starts[number], sides)
            at += count

    def above(self) -> tuple[Vector, Vector]:
        """As ``Layer.above``."""
        outs = Vector.empty(self._half), Vector.empty(self._half)

        def tile(start: int, room: Vector) -> None:
            sum_pairs(self._read(start, room, 1), [out.part(start, self._tile) for out in outs])

        self._each_tile(self._half, 4, tile)
        return outs

    def whole(self) -> tuple[Vector, Vector]:
        """As ``Layer.whole``."""
        sides = Vector.empty(2 * self._half), Vector.empty(2 * self._half)
        self.read(0, *sides)
        return sides

    # ---- as columns ------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return self._half

    def sums(self, polynomial: Polynomial, constants: Sequence[int], weights: Vector | None) -> list[int]:
        """As ``Columns.sums``."""

        def tile(start: int, room: Vector) -> list[int]:
            there = weights and weights.part(start, self._tile)
            return polynomial.sums(self._read(start, room, 2), constants, there)

        found = self._each_tile(self._half // 2, 8, tile)
        return [sum(values) % R for values in zip(*found, strict=True)]

    def folded(self, r: int) -> Held:
        """As ``Columns.folded``."""
        outs = [Vector.empty(self._half // 2) for _ in range(4)]

        def tile(start: int, room: Vector) -> None:
            for part, out in zip(self._read(start, room, 2), outs, strict=True):
                low, high = part.halves()
                low.between(high, r, out.part(start, self._tile))

        self._each_tile(self._half // 2, 8, tile)
        return Held(outs)

    def values(self) -> list[list[int]]:
        """As ``Columns.values``."""
        return Given(*self.whole()).values()

    def _each_tile(self, count: int, tiles: int, work: Callable[[int, Vector], Result]) -> list[Result]:
        """``work`` for all starts of tiles below ``count``, with room for so many of them."""

        def part(share: slice) -> list[Result]:
            room = Vector.empty(tiles * self._tile)
            return [work(number * self._tile, room) for number in range(share.start, share.stop)]

        return list(chain.from_iterable(each(part, shares(count // self._tile))))

    def _read(self, start: int, room: Vector, ends: int) -> list[Vector]:
        """A tile of each column from ``start`` on; with two ``ends``, behind it one of the column's upper half."""
        size = ends * self._tile
        columns = [room.part(number * size, size) for number in range(4)]
        for half in range(2):
            for end in range(ends):
                p, q = (columns[side + half].part(end * self._tile, self._tile) for side in (0, 2))
                self.read(half * self._half + end * self._half // 2 + start, p, q)
        return columns
