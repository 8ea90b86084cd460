"""Commitments to multilinear polynomials: KZG (2010) with Gemini's folding (eprint 2022/420), as in HyperKZG.

The values a of a polynomial in n variables are the coefficients of a univariate one, f(X) = Σᵢ aᵢ·X^rev(i), where rev
turns the n bits of the index around: then the halves of a, which the first variable tells apart, are the even and the
odd coefficients. To open f at a point, the prover commits to what is left when one variable after the other is bound,
f₁ … fₙ₋₁, and shows all of them at ρ, −ρ and ρ², where 2ρ·fᵢ₊₁(ρ²) = ρ(1 − xᵢ)(fᵢ(ρ) + fᵢ(−ρ)) + xᵢ(fᵢ(ρ) − fᵢ(−ρ)).

All are opened by one quotient: with B = Σ qⁱ·fᵢ, I its interpolant at the three points and Z = (X² − ρ²)(X − ρ²), the
prover commits to h = (B − I)/Z, and e([B] − [I], G₂) = e([h], [Z]) is checked, with [Z] put together from powers of τ
in the second group.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from .curve import Digits, Point, add, is_on_curve, multiply, negate, sum_of
from .errors import OpeningError
from .field import LANES, R, Vector, dot, inverse, powers
from .multilinear import fold
from .pairing import product_is_one
from .setup import Setup
from .transcript import Transcript


@cache
def reversed_bits(variables: int) -> Digits:
    """rev(i) for every i below 2^variables."""
    found = np.zeros(1, np.uint32)
    for _ in range(variables):
        found = np.concatenate([2 * found, 2 * found + 1])
    return found


def commit(setup: Setup, values: Vector) -> Point:
    """[f(τ)]₁."""
    variables = len(values).bit_length() - 1
    if len(values) > len(setup.first):
        raise ValueError(f"{len(values)} values, and the set-up is for {len(setup.first)}")
    return sum_of(setup.first, values, reversed_bits(variables))


@dataclass(frozen=True)
class Opening:
    """``folds``: commitments to f₁ … fₙ₋₁; ``values``: fᵢ(ρ) and fᵢ(−ρ) of f₀ … fₙ₋₁; ``square``: f₀(ρ²);
    ``quotient``: [h]₁.
    """

    folds: list[Point]
    values: list[tuple[int, int]]
    square: int
    quotient: Point

    @property
    def elements(self) -> list[int]:
        """All that is shown."""
        return [*(value for pair in self.values for value in pair), self.square]


def open_at(
    setup: Setup, values: Vector, point: Sequence[int], transcript: Transcript
) -> tuple[Opening, int]:
    """Show what the polynomial is at a point; that, too. At least three variables."""
    # 1. Bind one variable after the other; commit to what is left.
    long = [values]
    for x in point[:-3]:
        long.append(long[-1].folded(x))
    few = [long[-1].values()]
    for x in point[-3:]:
        few.append(fold(few[-1], x))
    short = few[1:-1]
    folds = [*(commit(setup, each) for each in long[1:]), *(commit_few(setup, each) for each in short)]
    absorb_points(transcript, "folds", folds)
    # 2. Show all of them at ρ and −ρ.
    rho = transcript.challenge("rho")
    shown = [(univariate(each, rho), univariate(each, -rho)) for each in long]
    shown += [(univariate_few(each, rho), univariate_few(each, -rho)) for each in short]
    opening = Opening(folds, shown, univariate(values, rho * rho), None)
    transcript.absorb_elements("values", opening.elements)
    # 3. Put them together, and divide by Z.
    q = transcript.challenge("q")
    quotient = together(long, short, q)
    for root in (rho, -rho, rho * rho):
        quotient = divided(quotient, root)
    h = commit(setup, quotient)
    absorb_points(transcript, "quotient", [h])
    return Opening(folds, shown, opening.square, h), few[-1][0]


def verify(
    setup: Setup,
    commitment: Point,
    point: Sequence[int],
    value: int,
    opening: Opening,
    transcript: Transcript,
) -> None:
    """Raises ``OpeningError`` unless the polynomial of ``commitment`` is ``value`` at ``point``."""
    check_form(commitment, len(point), opening)
    # 1. The folds, and ρ, which must tell ρ, −ρ and ρ² apart.
    absorb_points(transcript, "folds", opening.folds)
    rho = transcript.challenge("rho")
    if rho * (rho * rho - 1) % R == 0:
        raise OpeningError("ρ is 0, 1 or −1")
    # 2. What each fold leaves: squares[i] = fᵢ₊₁(ρ²), and fₙ is the value.
    transcript.absorb_elements("values", opening.elements)
    over, half = inverse(rho), inverse(2)
    squares = [
        ((1 - x) * (plus + minus) + x * (plus - minus) * over) * half % R
        for x, (plus, minus) in zip(point, opening.values, strict=True)
    ]
    if squares.pop() != value:
        raise OpeningError("the folds do not end in the value")
    # 3. All of them together have these values.
    q = transcript.challenge("q")
    absorb_points(transcript, "quotient", [opening.quotient])
    weights = powers(q, len(point))
    plus, minus = (dot(weights, side) for side in zip(*opening.values, strict=True))
    square = dot(weights, [opening.square, *squares])
    whole = total([multiply(each, w) for each, w in zip([commitment, *opening.folds], weights, strict=True)])
    if not divides(
        setup, add(whole, negate(interpolant(setup, rho, plus, minus, square))), opening.quotient, rho
    ):
        raise OpeningError("the values are not those of the commitments")


def check_form(commitment: Point, variables: int, opening: Opening) -> None:
    """Numbers of folds and values, elements below the order, points on the curve."""
    if len(opening.folds) != variables - 1 or len(opening.values) != variables:
        counts = f"{len(opening.folds)} folds with {len(opening.values)} values"
        raise OpeningError(f"{counts} for {variables} variables")
    if not all(0 <= number < R for number in opening.elements):
        raise OpeningError("a value is not below the field's order")
    if not all(map(is_on_curve, [commitment, *opening.folds, opening.quotient])):
        raise OpeningError("a commitment is no point of the curve")


def interpolant(setup: Setup, rho: int, plus: int, minus: int, square: int) -> Point:
    """[I]₁ of the I of degree 2 through the values at ρ, −ρ and ρ²."""
    rr, even = rho * rho % R, (plus + minus) * inverse(2) % R
    linear = (plus - minus) * inverse(2 * rho) % R
    quadratic = (square - linear * rr - even) * inverse(rr * rr - rr) % R
    coefficients = (even - quadratic * rr) % R, linear, quadratic
    return total([multiply(setup.first.point(i), c) for i, c in enumerate(coefficients)])


def divides(setup: Setup, dividend: Point, quotient: Point, rho: int) -> bool:
    """e(dividend, G₂) = e(quotient, [Z]₂), where Z = X³ − ρ²·(X² + X) + ρ⁴."""
    one, _, _, cube = setup.second
    rr = rho * rho % R
    rest = add(dividend, negate(multiply(quotient, rr * rr)))
    return product_is_one(
        [(rest, one), (multiply(quotient, rr), setup.first_and_second), (negate(quotient), cube)]
    )


# ---- univariate polynomials whose coefficients lie in reversed order -------------------------------------------------


def univariate(values: Vector, x: int) -> int:
    """f(x)."""
    power = x % R
    while len(values) > LANES:
        low, high = values.halves()
        values, power = low + high.scaled(power), power * power % R
    return univariate_few(values.values(), power)


def univariate_few(values: Sequence[int], x: int) -> int:
    """The same of few."""
    while len(values) > 1:
        half = len(values) // 2
        values = [(a + x * b) % R for a, b in zip(values[:half], values[half:], strict=True)]
        x = x * x % R
    return values[0]


def divided(values: Vector, root: int) -> Vector:
    """The quotient by X − root.

    Its coefficient e is Σ over j > e of root^(j−e−1)·fⱼ. The sums of blocks go up a tree whose levels are the index's
    bits, and what lies above each block comes down.
    """
    levels, power = list[tuple[Vector, int]](), root % R
    while len(values) > LANES:
        low, high = values.halves()
        levels.append((high, power))
        values, power = low + high.scaled(power), power * power % R
    above = Vector.of(_above(values.values(), power, 0))
    for high, power in reversed(levels):
        above = (high + above.scaled(power)).joined(above)
    return above


def _above(sums: Sequence[int], power: int, carry: int) -> list[int]:
    if len(sums) == 1:
        return [carry]
    half = len(sums) // 2
    low, high = sums[:half], sums[half:]
    above = _above([(a + power * b) % R for a, b in zip(low, high, strict=True)], power * power % R, carry)
    return [(b + power * c) % R for b, c in zip(high, above, strict=True)] + above


def together(long: Sequence[Vector], short: Sequence[Sequence[int]], q: int) -> Vector:
    """Σ qⁱ·fᵢ with as many coefficients as the first; a shorter one's highest are 0, each second index."""
    few = [0] * LANES
    for values in reversed(short):
        spread = _spread(few[: len(values) // 2])
        few = [(value + q * more) % R for value, more in zip(values, spread, strict=True)]
    result = long[-1] + Vector.of(_spread(few[: LANES // 2])).scaled(q)
    for each in reversed(long[:-1]):
        result = each + result.spread().scaled(q)
    return result


def _spread(values: Sequence[int]) -> list[int]:
    return [value for each in values for value in (each, 0)]


# ---- points ----------------------------------------------------------------------------------------------------------


def commit_few(setup: Setup, values: Sequence[int]) -> Point:
    """``commit`` of less than a vector."""
    order = reversed_bits(len(values).bit_length() - 1).tolist()
    return total([multiply(setup.first.point(e), value) for e, value in zip(order, values, strict=True)])


def total(points: Iterable[Point]) -> Point:
    """Their sum."""
    found: Point = None
    for point in points:
        found = add(found, point)
    return found


def absorb_points(transcript: Transcript, label: str, points: Iterable[Point]) -> None:
    """Points were said: x and y, zeros for infinity."""
    transcript.absorb_elements(label, [c for point in points for c in (point or (0, 0))])
