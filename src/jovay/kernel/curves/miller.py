"""Miller loops over a sextic twist, for several pairs at once with shared squarings.

G2 points walk in homogeneous coordinates (X/Z, Y/Z) on the twist; formulas from Aranha, Barreto, Longa,
Ricardini, "The realm of the pairings" (2013), after Costello, Lange, Naehrig (2010). Lines may be off by
factors in proper subfields of Fp12, which the final exponentiation removes.

A pair occupies ``pair_size`` bytes: P affine in Fp, Q affine in Fp2, and the walking point. Neither P nor Q
is infinity, and Q has the prime order of the group.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from jovay.kernel.lang import U8, U64, Ptr, Table, address_of, copy, kernel, load8

from .dodecic import SCRATCH as DODECIC_SCRATCH
from .dodecic import DodecicField

SCRATCH = 3 + DODECIC_SCRATCH


class MillerLoop(NamedTuple):
    """``run(f, pairs, count, s)`` sets f to the product over the loop's digits; ``add_line(f, pair, q, s)``
    multiplies f by the line through the walking point and ``q`` and steps there. ``s``: ``SCRATCH`` Fp2
    elements."""

    pair_size: int
    run: Callable
    add_line: Callable


def signed_digits(value: int) -> list[int]:
    """Non-adjacent form, most significant digit first."""
    digits = []
    while value:
        digit = 2 - value % 4 if value & 1 else 0
        digits.append(digit)
        value = (value - digit) // 2
    return digits[::-1]


def digit_table(digits: Sequence[int]) -> Table:
    """Digits -1, 0, 1 as bytes (-1 is 255)."""
    return Table(U8, digits)


def _doubling(f: str, twelve: DodecicField, twist: str, triple_b: Table) -> Callable:
    two = twelve.base.base
    size, mul, sqr, add, sub, neg, scale = two.size, two.mul, two.sqr, two.add, two.sub, two.neg, two.scale
    halve, half = two.halve, two.base.size
    times_line = twelve.times_line
    at_i, at_h = (2 * size, 0) if twist == "D" else (0, 2 * size)

    @kernel(name=f"{f}_double_line", inline=False)
    def double_line(out: Ptr, pair: Ptr, s: Ptr) -> None:
        x = pair + 3 * size
        y, z = x + size, x + 2 * size
        line, a, b, c = s, s + 3 * size, s + 4 * size, s + 5 * size
        e, g, h = s + 6 * size, s + 7 * size, s + 8 * size
        mul(a, x, y)
        halve(a, a)
        sqr(b, y)
        sqr(c, z)
        mul(e, c, address_of(triple_b))
        add(h, y, z)
        sqr(h, h)
        sub(h, h, b)
        sub(h, h, c)
        sub(line + at_i, e, b)
        sqr(c, x)
        add(g, c, c)
        add(c, c, g)
        scale(line + size, c, pair)
        neg(c, h)
        scale(line + at_h, c, pair + half)
        mul(z, b, h)
        add(h, e, e)
        add(h, h, e)
        sub(c, b, h)
        mul(x, a, c)
        add(g, b, h)
        halve(g, g)
        sqr(g, g)
        sqr(e, e)
        add(c, e, e)
        add(e, e, c)
        sub(y, g, e)
        times_line(out, line, s + 3 * size)

    return double_line


def _addition(f: str, twelve: DodecicField, twist: str) -> Callable:
    two = twelve.base.base
    size, mul, sqr, add, sub, neg, scale = two.size, two.mul, two.sqr, two.add, two.sub, two.neg, two.scale
    half, times_line = two.base.size, twelve.times_line
    at_j, at_lambda = (2 * size, 0) if twist == "D" else (0, 2 * size)

    @kernel(name=f"{f}_add_line", inline=False)
    def add_line(out: Ptr, pair: Ptr, q: Ptr, s: Ptr) -> None:
        x = pair + 3 * size
        y, z, yq = x + size, x + 2 * size, q + size
        line, theta, lam, c = s, s + 3 * size, s + 4 * size, s + 5 * size
        d, e, g, h = s + 6 * size, s + 7 * size, s + 8 * size, s + 9 * size
        mul(theta, yq, z)
        sub(theta, y, theta)
        mul(lam, q, z)
        sub(lam, x, lam)
        mul(c, theta, q)
        mul(d, lam, yq)
        sub(line + at_j, c, d)
        scale(line + at_lambda, lam, pair + half)
        neg(c, theta)
        scale(line + size, c, pair)
        sqr(c, theta)
        sqr(d, lam)
        mul(e, lam, d)
        mul(h, z, c)
        mul(g, x, d)
        add(h, h, e)
        sub(h, h, g)
        sub(h, h, g)
        mul(x, lam, h)
        sub(g, g, h)
        mul(g, theta, g)
        mul(c, e, y)
        sub(y, g, c)
        mul(z, z, e)
        times_line(out, line, s + 3 * size)

    return add_line


def miller_loop(twelve: DodecicField, twist: str, triple_b: Table, digits: Sequence[int]) -> MillerLoop:
    """The loop over ``digits`` (most significant first, the first is 1) of the curve's loop length."""
    two = twelve.base.base
    size, f = two.size, f"{two.tag}_miller"
    pair_size = 6 * size
    neg, one, sqr12, one2 = two.neg, twelve.one, twelve.sqr, two.one
    double_line, add_line = _doubling(f, twelve, twist, triple_b), _addition(f, twelve, twist)
    table, count = digit_table(digits), len(digits)

    @kernel(name=f"{f}_step", inline=False)
    def step(out: Ptr, pair: Ptr, digit: U64, s: Ptr) -> None:
        double_line(out, pair, s)
        q = pair + size
        if digit == 1:
            add_line(out, pair, q, s)
        elif digit == 255:
            neg(q + size, q + size)
            add_line(out, pair, q, s)
            neg(q + size, q + size)

    @kernel(name=f"{f}_run", inline=False)
    def run(out: Ptr, pairs: Ptr, pair_count: U64, s: Ptr) -> None:
        for k in range(pair_count):
            pair = pairs + k * pair_size
            copy(pair + 3 * size, pair + size, 2 * size)
            copy(pair + 5 * size, address_of(one2), size)
        one(out)
        for i in range(1, count):
            if i > 1:
                sqr12(out, out, s)
            digit = load8(address_of(table) + i)
            for k in range(pair_count):
                step(out, pairs + k * pair_size, digit, s)

    return MillerLoop(pair_size, run, add_line)
