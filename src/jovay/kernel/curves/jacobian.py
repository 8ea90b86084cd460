"""Points of curves ``y**2 = x**3 + a x + b`` over 256-bit prime fields, as values in registers.

A point is ``(X, Y, Z)`` for ``(X / Z**2, Y / Z**3)``, infinity where ``Z`` is 0. Formulas: Explicit-Formulas
Database, "dbl-2009-l" (a = 0) and "dbl-2001-b" (a = -3), and the classic mixed addition.

Multiples of the generator come from a table of signed windows of eight bits; the table has a second part for
``2**128 * G``, so that a 256-bit scalar takes 128 doublings, shared with the other point of a double
multiplication.
"""

from collections.abc import Callable
from typing import NamedTuple

from ..lang import U64, U256, Table, kernel
from .prime256 import PrimeField256

Point = tuple[U256, U256, U256]

#: Multiples 1 … 128 of a base, x and y of each.
HALF_TABLE = 128
#: Added to a scalar below 2**255, makes each byte but the highest its signed digit plus 128.
DIGIT_BIAS = U256(int("00" + "80" * 31, 16))


class Curve(NamedTuple):
    """Kernel functions of one curve; ``a`` is 0 or -3. Points are Jacobian unless said otherwise."""

    field: PrimeField256
    double: Callable
    add_affine: Callable
    generator_multiple: Callable
    table: Table


def _double_a_zero(tag: str, field: PrimeField256) -> Callable:
    plus, minus, times = field.plus, field.minus, field.times_inline

    @kernel(name=f"{tag}_double", inline=False)
    def double(x: U256, y: U256, z: U256) -> Point:
        a = times(x, x)
        b = times(y, y)
        c = times(b, b)
        d = times(x, b)
        d = plus(d, d)
        d = plus(d, d)
        e = plus(plus(a, a), a)
        x3 = minus(times(e, e), plus(d, d))
        c = plus(c, c)
        c = plus(c, c)
        c = plus(c, c)
        yz = times(y, z)
        return x3, minus(times(e, minus(d, x3)), c), plus(yz, yz)

    return double


def _double_a_minus_three(tag: str, field: PrimeField256) -> Callable:
    plus, minus, times = field.plus, field.minus, field.times_inline

    @kernel(name=f"{tag}_double", inline=False)
    def double(x: U256, y: U256, z: U256) -> Point:
        delta = times(z, z)
        gamma = times(y, y)
        beta = times(x, gamma)
        alpha = times(minus(x, delta), plus(x, delta))
        alpha = plus(plus(alpha, alpha), alpha)
        beta = plus(beta, beta)
        beta = plus(beta, beta)
        x3 = minus(times(alpha, alpha), plus(beta, beta))
        square = times(gamma, gamma)
        square = plus(square, square)
        square = plus(square, square)
        square = plus(square, square)
        yz = times(y, z)
        return x3, minus(times(alpha, minus(beta, x3)), square), plus(yz, yz)

    return double


def _add_affine(tag: str, field: PrimeField256, double: Callable) -> Callable:
    plus, minus, times, one = field.plus, field.minus, field.times_inline, field.one

    @kernel(name=f"{tag}_add_affine", inline=False)
    def add_affine(x: U256, y: U256, z: U256, x2: U256, y2: U256) -> Point:
        """A point plus an affine point other than infinity."""
        if z == 0:
            return x2, y2, one
        zz = times(z, z)
        h = minus(times(x2, zz), x)
        r = minus(times(y2, times(zz, z)), y)
        if h == 0:
            if r == 0:
                return double(x, y, z)
            return one, one, U256(0)
        hh = times(h, h)
        hhh = times(hh, h)
        v = times(x, hh)
        x3 = minus(minus(times(r, r), hhh), plus(v, v))
        return x3, minus(times(r, minus(v, x3)), times(y, hhh)), times(z, h)

    return add_affine


def affine_sum(p: int, a: int, first: tuple[int, int], second: tuple[int, int]) -> tuple[int, int]:
    """Sum of two affine points, neither each other's negative; runs in Python, for tables."""
    (x1, y1), (x2, y2) = first, second
    if x1 == x2:
        slope = (3 * x1 * x1 + a) * pow(2 * y1, -1, p) % p
    else:
        slope = (y2 - y1) * pow(x2 - x1, -1, p) % p
    x3 = (slope * slope - x1 - x2) % p
    return x3, (slope * (x1 - x3) - y1) % p


def generator_table(field: PrimeField256, a: int, generator: tuple[int, int]) -> Table:
    """Elements x, y of 1G … 128G, then of the same multiples of ``2**128 * G``."""
    p, values = field.modulus, []
    base = generator
    for _ in range(2):
        multiple = base
        for _ in range(HALF_TABLE):
            values += [field.constant(c) for c in multiple]
            multiple = affine_sum(p, a, multiple, base)
        for _ in range(128):
            base = affine_sum(p, a, base, base)
    return Table(U256, values)


def _generator_multiple(tag: str, field: PrimeField256, table: Table) -> Callable:
    minus = field.minus

    @kernel(name=f"{tag}_generator_multiple", inline=False)
    def generator_multiple(digit: U64, part: U64, negate: bool) -> tuple[U256, U256]:
        """A signed digit other than 0 times the generator, or ``2**128 * G`` if ``part`` is 1; affine."""
        negative = digit >> 63 != 0
        index = ((-digit if negative else digit) - 1) * 2 + part * (2 * HALF_TABLE)
        y = table[index + 1]
        return table[index], minus(U256(0), y) if negative != negate else y

    return generator_multiple


def weierstrass_curve(tag: str, field: PrimeField256, a: int, generator: tuple[int, int]) -> Curve:
    """The curve over ``field`` with ``a`` 0 or -3; ``tag`` starts the names of its functions."""
    double = _double_a_zero(tag, field) if a == 0 else _double_a_minus_three(tag, field)
    add_affine = _add_affine(tag, field, double)
    table = generator_table(field, a, generator)
    return Curve(field, double, add_affine, _generator_multiple(tag, field, table), table)


@kernel(inline=True)
def signed_digit(biased: U256, index: U64) -> U64:
    """Signed digit ``index`` of a scalar to which ``DIGIT_BIAS`` was added; the highest is unsigned."""
    byte = U64(biased >> (index << 3)) & 255
    return byte if index == 31 else byte - 128


@kernel(inline=True)
def non_adjacent_form(k: U256) -> tuple[U256, U256]:
    """Masks of the digits 1 and -1 of a ``k`` below 2**255.

    H. Prodinger, "On binary representations of integers with digits -1, 0, 1", Integers (2000), A08.
    """
    half = k >> 1
    total = k + half
    return total & ~half, half & ~total
