"""Multilinear polynomials by their values on the hypercube: the first variable is the index's highest bit."""

from __future__ import annotations

from collections.abc import Sequence

from .field import LANES, R, Vector


def eq_at(left: Sequence[int], right: Sequence[int]) -> int:
    """eq(left, right) = Π (l·r + (1 − l)(1 − r))."""
    product = 1
    for a, b in zip(left, right, strict=True):
        product = product * (2 * a * b - a - b + 1) % R
    return product


def eq_index(index: int, point: Sequence[int]) -> int:
    """eq(x, point) for the x of the hypercube whose number is ``index``."""
    product = 1
    for r in reversed(point):
        product = product * (r if index & 1 else 1 - r) % R
        index >>= 1
    return product


def eq_values(point: Sequence[int]) -> list[int]:
    """eq(point, x) at every x of the hypercube."""
    values = [1]
    for r in point:
        high = [value * r % R for value in values]
        values = [v for value, h in zip(values, high, strict=True) for v in ((value - h) % R, h)]
    return values


def eq_vector(point: Sequence[int]) -> Vector:
    """The same as a vector; at least three variables."""
    whole, count = Vector.empty(1 << len(point)), LANES
    whole.words[:1] = Vector.of(eq_values(point[-3:])).words
    for r in reversed(point[:-3]):
        low, high = whole.part(0, count), whole.part(count, count)
        low.scaled(r, high)
        low.less(high)
        count *= 2
    return whole


def fold(values: Sequence[int], r: int) -> list[int]:
    """The first variable becomes ``r``."""
    half = len(values) // 2
    return [(a + r * (b - a)) % R for a, b in zip(values[:half], values[half:], strict=True)]


def evaluate(values: Vector, point: Sequence[int]) -> int:
    """The polynomial at a point."""
    if len(values) != 1 << len(point):
        raise ValueError(f"{len(values)} values for {len(point)} variables")
    variables = list(point)
    while len(values) > LANES:
        values = values.folded(variables.pop(0))
    rest = values.values()
    for r in variables:
        rest = fold(rest, r)
    return rest[0]
