"""Commitments to multilinear polynomials: KZG (2010) with Gemini's folding (eprint 2022/420), as in HyperKZG.

The values a of a polynomial in n variables are the coefficients of a univariate one, f(X) = Σᵢ aᵢ·Xⁱ: the last variable
tells the even from the odd ones. To open f at a point, the prover commits to what is left when one variable after the
other is bound, the last first, f₁ … fₙ₋₁, and shows all of them at ρ, −ρ and ρ², where
2ρ·fᵢ₊₁(ρ²) = ρ(1 − x)(fᵢ(ρ) + fᵢ(−ρ)) + x(fᵢ(ρ) − fᵢ(−ρ)) and x is what the variable becomes.

All are opened by one quotient: with B = Σ qⁱ·fᵢ, I its interpolant at the three points and Z = (X² − ρ²)(X − ρ²), the
prover commits to h = (B − I)/Z, and e([B] − [I], G₂) = e([h], [Z]) is checked, with [Z] put together from powers of τ
in the second group.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .curve import Point, add, encode_points, is_on_curve, multiply, negate, sum_of
from .errors import OpeningError
from .field import LANES, R, Vector, dot, inverse, powers
from .pairing import product_is_one
from .progress import Done, ignore
from .setup import Setup
from .transcript import Transcript


def commit(setup: Setup, values: Vector) -> Point:
    """[f(τ)]₁."""
    if len(values) > len(setup.first):
        raise ValueError(f"{len(values)} values, and the set-up is for {len(setup.first)}")
    return sum_of(setup.first, values)


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
    setup: Setup, values: Vector, point: Sequence[int], transcript: Transcript, done: Done = ignore
) -> tuple[Opening, int]:
    """Show what the polynomial is at a point; that, too. At least three variables."""
    # 1. Bind one variable after the other; commit to what is left.
    long = [values]
    for x in reversed(point[3:]):
        even, odd = long[-1].pairs()
        long.append(even.between(odd, x, even))
    few = [long[-1].values()]
    for x in reversed(point[:3]):
        few.append([(a + x * (b - a)) % R for a, b in zip(few[-1][0::2], few[-1][1::2], strict=True)])
    short = few[1:-1]
    folds = [*(commit(setup, each) for each in long[1:]), *(commit_few(setup, each) for each in short)]
    absorb_points(transcript, "folds", folds)
    done(0.5)
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
    return Opening(folds, shown, opening.square, commit(setup, quotient)), few[-1][0]


def verify(
    setup: Setup,
    commitments: Sequence[Point],
    factors: Sequence[int],
    point: Sequence[int],
    value: int,
    opening: Opening,
    transcript: Transcript,
) -> None:
    """Raises ``OpeningError`` unless Σ factor·polynomial of the ``commitments`` is ``value`` at ``point``."""
    check_form(commitments, len(point), opening)
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
        for x, (plus, minus) in zip(reversed(point), opening.values, strict=True)
    ]
    if squares.pop() != value:
        raise OpeningError("the folds do not end in the value")
    # 3. All of them together have these values.
    q = transcript.challenge("q")
    weights = powers(q, len(point))
    plus, minus = (dot(weights, side) for side in zip(*opening.values, strict=True))
    square = dot(weights, [opening.square, *squares])
    parts = zip([*commitments, *opening.folds], [*factors, *weights[1:]], strict=True)
    whole = total(multiply(each, weight) for each, weight in parts)
    if not divides(
        setup, add(whole, negate(interpolant(setup, rho, plus, minus, square))), opening.quotient, rho
    ):
        raise OpeningError("the values are not those of the commitments")


def check_form(commitments: Sequence[Point], variables: int, opening: Opening) -> None:
    """Numbers of folds and values, elements below the order, points on the curve."""
    if len(opening.folds) != variables - 1 or len(opening.values) != variables:
        counts = f"{len(opening.folds)} folds with {len(opening.values)} values"
        raise OpeningError(f"{counts} for {variables} variables")
    if not all(0 <= number < R for number in opening.elements):
        raise OpeningError("a value is not below the field's order")
    if not all(map(is_on_curve, [*commitments, *opening.folds, opening.quotient])):
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


# ---- univariate polynomials by their coefficients, the lowest first --------------------------------------------------


def univariate(values: Vector, x: int) -> int:
    """f(x)."""
    count = len(values).bit_length()
    powers_of_two = [pow(x, 1 << i, R) for i in range(count)]
    while len(values) > LANES:
        low, high = values.halves()
        values = low.plus(high, powers_of_two[len(low).bit_length() - 1])
    return univariate_few(values.values(), x)


def univariate_few(values: Sequence[int], x: int) -> int:
    """The same of few (Horner)."""
    total = 0
    for value in reversed(values):
        total = (total * x + value) % R
    return total


def divided(values: Vector, root: int) -> Vector:
    """The quotient by X − root.

    Its coefficient e is Σ over j > e of root^(j−e−1)·fⱼ. The sums of pairs, of pairs of pairs and so on go up a tree,
    and what lies above each of them comes down.
    """
    levels, power = list[tuple[Vector, int]](), root % R
    while len(values) > LANES:
        even, odd = values.pairs()
        levels.append((odd, power))
        values, power = even.plus(odd, power), power * power % R
    sums, above = values.values(), [0]
    for value in reversed(sums[1:]):
        above.append((above[-1] * power + value) % R)
    rest = Vector.of(above[::-1])
    for odd, power in reversed(levels):
        rest = odd.plus(rest, power).paired(rest)
    return rest


def together(long: Sequence[Vector], short: Sequence[Sequence[int]], q: int) -> Vector:
    """Σ qⁱ·fᵢ with as many coefficients as the first."""
    few = [0] * LANES
    for values in reversed(short):
        few = [(value + q * more) % R for value, more in zip([*values, *[0] * LANES], few, strict=False)]
    result = Vector.of(few)
    for each in reversed(long):
        whole = Vector.empty(len(each))
        whole.words[len(result.words) :] = each.words[len(result.words) :]
        each.part(0, len(result)).plus(result, q, whole.part(0, len(result)))
        result = whole
    return result


# ---- points ----------------------------------------------------------------------------------------------------------


def commit_few(setup: Setup, values: Sequence[int]) -> Point:
    """``commit`` of less than a vector."""
    return total([multiply(setup.first.point(i), value) for i, value in enumerate(values)])


def total(points: Iterable[Point]) -> Point:
    """Their sum."""
    found: Point = None
    for point in points:
        found = add(found, point)
    return found


def absorb_points(transcript: Transcript, label: str, points: Iterable[Point]) -> None:
    """Points were said: x and y, zeros for infinity."""
    transcript.absorb(label, encode_points(points))
