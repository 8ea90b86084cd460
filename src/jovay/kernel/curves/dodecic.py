"""Fp12 = Fp6[w]/(w² - v): an element is ``c0 ‖ c1``; also the cyclotomic subgroup, where pairings end.

As a polynomial over Fp2 in w (w⁶ = ξ) the coefficients lie at w⁰ w² w⁴ w¹ w³ w⁵. Outputs may be inputs.
Scratch: ``SCRATCH`` elements of Fp2 for every function.
"""

from collections.abc import Callable
from typing import NamedTuple

from jovay.kernel.lang import U64, Ptr, Table, address_of, copy, fill, kernel, load8

from .quadratic import QuadraticField, fp2_power
from .sextic import SCRATCH as SEXTIC_SCRATCH
from .sextic import SexticField, sextic_field

SCRATCH = 12 + SEXTIC_SCRATCH


class DodecicField(NamedTuple):
    """Kernel functions of Fp12. ``times_line(f, line, s)`` multiplies in place by a sparse line of three Fp2
    values: at w⁰, w¹, w³ (``times_line_d``, D-type twist) or at w⁰, w², w³ (``times_line_m``, M-type
    twist)."""

    base: SexticField
    tag: str
    size: int
    one: Callable
    is_one: Callable
    mul: Callable
    sqr: Callable
    conjugate: Callable
    inverse: Callable
    frobenius: Callable
    frobenius2: Callable
    cyclotomic_sqr: Callable
    cyclotomic_power: Callable
    times_line: Callable


def _products(f: str, six: SexticField) -> list[Callable]:
    half, mul6, add6, sub6, times_v = six.size, six.mul, six.add, six.sub, six.times_v

    @kernel(name=f"{f}_mul", inline=False)
    def mul(out: Ptr, a: Ptr, b: Ptr, s: Ptr) -> None:
        low, high, x, y, rest = s, s + half, s + 2 * half, s + 3 * half, s + 4 * half
        mul6(low, a, b, rest)
        mul6(high, a + half, b + half, rest)
        add6(x, a, a + half)
        add6(y, b, b + half)
        mul6(x, x, y, rest)
        sub6(x, x, low)
        sub6(out + half, x, high)
        times_v(high, high, rest)
        add6(out, low, high)

    @kernel(name=f"{f}_sqr", inline=False)
    def sqr(out: Ptr, a: Ptr, s: Ptr) -> None:
        product, x, y, rest = s, s + half, s + 2 * half, s + 3 * half
        mul6(product, a, a + half, rest)
        add6(x, a, a + half)
        times_v(y, a + half, rest)
        add6(y, y, a)
        mul6(x, x, y, rest)
        sub6(x, x, product)
        add6(out + half, product, product)
        times_v(y, product, rest)
        sub6(out, x, y)

    return [mul, sqr]


def _others(f: str, six: SexticField) -> list[Callable]:
    half, mul6, sub6, neg6, times_v, inverse6 = six.size, six.mul, six.sub, six.neg, six.times_v, six.inverse
    two = six.base
    size, one2, equal2, is_zero2 = two.size, two.one, two.equal, two.is_zero

    @kernel(name=f"{f}_inverse", inline=False)
    def inverse(out: Ptr, a: Ptr, s: Ptr) -> None:
        x, y, rest = s, s + half, s + 2 * half
        mul6(x, a, a, rest)
        mul6(y, a + half, a + half, rest)
        times_v(y, y, rest)
        sub6(x, x, y)
        inverse6(x, x, rest)
        mul6(out, a, x, rest)
        mul6(out + half, a + half, x, rest)
        neg6(out + half, out + half)

    @kernel(name=f"{f}_conjugate")
    def conjugate(out: Ptr, a: Ptr) -> None:
        """The power p⁶, which is the inverse in the cyclotomic subgroup."""
        copy(out, a, half)
        neg6(out + half, a + half)

    @kernel(name=f"{f}_one")
    def one(out: Ptr) -> None:
        fill(out, 0, 2 * half)
        copy(out, address_of(one2), size)

    @kernel(name=f"{f}_is_one", inline=False)
    def is_one(a: Ptr) -> bool:
        for i in range(size, 2 * half, size):
            if not is_zero2(a + i):
                return False
        return equal2(a, address_of(one2))

    return [inverse, conjugate, one, is_one]


def _xi_powers(two: QuadraticField, exponent: int) -> list[tuple[int, int]]:
    """ξ^(exponent·i) for the six positions of an element."""
    return [fp2_power(two, two.xi, exponent * i) for i in (0, 2, 4, 1, 3, 5)]


def _frobenius(f: str, two: QuadraticField) -> list[Callable]:
    size, mul2, scale, conjugate2, p = two.size, two.mul, two.scale, two.conjugate, two.base.modulus
    first: Table = two.constant(*_xi_powers(two, (p - 1) // 6))
    second: Table = two.constant(*_xi_powers(two, (p * p - 1) // 6))  # these lie in Fp

    @kernel(name=f"{f}_frobenius", inline=False)
    def frobenius(out: Ptr, a: Ptr) -> None:
        for i in range(0, 6 * size, size):
            conjugate2(out + i, a + i)
            mul2(out + i, out + i, address_of(first) + i)

    @kernel(name=f"{f}_frobenius2", inline=False)
    def frobenius2(out: Ptr, a: Ptr) -> None:
        for i in range(0, 6 * size, size):
            scale(out + i, a + i, address_of(second) + i)

    return [frobenius, frobenius2]


def _cyclotomic(f: str, two: QuadraticField, mul: Callable, conjugate: Callable) -> list[Callable]:
    size, sqr2, add2, sub2, times_xi = two.size, two.sqr, two.add, two.sub, two.times_xi

    @kernel(name=f"{f}_fp4_sqr", inline=False)
    def sqr4(t: Ptr, a: Ptr, b: Ptr) -> None:
        """t ‖ u = a² + ξb² ‖ 2ab; one element of scratch after them."""
        u, x = t + size, t + 2 * size
        sqr2(t, a)
        sqr2(x, b)
        add2(u, a, b)
        sqr2(u, u)
        sub2(u, u, t)
        sub2(u, u, x)
        times_xi(x, x)
        add2(t, t, x)

    @kernel(name=f"{f}_triple_less", inline=False)
    def triple_less(out: Ptr, t: Ptr, a: Ptr, s: Ptr) -> None:
        """3t - 2a"""
        sub2(s, t, a)
        add2(s, s, s)
        add2(out, s, t)

    @kernel(name=f"{f}_triple_more", inline=False)
    def triple_more(out: Ptr, t: Ptr, a: Ptr, s: Ptr) -> None:
        """3t + 2a"""
        add2(s, t, a)
        add2(s, s, s)
        add2(out, s, t)

    @kernel(name=f"{f}_cyclotomic_sqr", inline=False)
    def cyclotomic_sqr(out: Ptr, a: Ptr, s: Ptr) -> None:
        """Granger and Scott, "Faster squaring in the cyclotomic subgroup of sixth degree extensions"
        (2010)."""
        t, u, v, rest = s, s + 2 * size, s + 4 * size, s + 7 * size
        sqr4(t, a, a + 4 * size)
        sqr4(u, a + 3 * size, a + 2 * size)
        sqr4(v, a + size, a + 5 * size)
        triple_less(out, t, a, rest)
        triple_more(out + 4 * size, t + size, a + 4 * size, rest)
        triple_less(out + size, u, a + size, rest)
        triple_more(out + 5 * size, u + size, a + 5 * size, rest)
        triple_less(out + 2 * size, v, a + 2 * size, rest)
        times_xi(v + size, v + size)
        triple_more(out + 3 * size, v + size, a + 3 * size, rest)

    @kernel(name=f"{f}_cyclotomic_power", inline=False)
    def cyclotomic_power(out: Ptr, a: Ptr, digits: Ptr, count: U64, s: Ptr) -> None:
        """``a`` to a positive exponent in digits -1, 0, 1 (bytes, from the top; the first is 1); ``out`` is
        not ``a``.

        ``s``: ``SCRATCH`` and one element of Fp12 before it.
        """
        inverse, rest = s, s + 6 * size
        conjugate(inverse, a)
        copy(out, a, 6 * size)
        for i in range(1, count):
            cyclotomic_sqr(out, out, rest)
            digit = load8(digits + i)
            if digit == 1:
                mul(out, out, a, rest)
            elif digit == 255:
                mul(out, out, inverse, rest)

    return [cyclotomic_sqr, cyclotomic_power]


def _line(f: str, six: SexticField, twist: str) -> Callable:
    half, scale, times_01, times_v = six.size, six.scale, six.times_01, six.times_v
    add6, sub6, size, add2 = six.add, six.sub, six.base.size, six.base.add

    if twist == "D":

        @kernel(name=f"{f}_times_line", inline=False)
        def times_line_d(out: Ptr, line: Ptr, s: Ptr) -> None:
            """out·(l0 + l1·w + l2·w³)"""
            low, high, both, rest = s, s + half, s + 2 * half, s + 3 * half
            l1, l2 = line + size, line + 2 * size
            scale(low, out, line)
            times_01(high, out + half, l1, l2, rest)
            add6(both, out, out + half)
            add2(rest, line, l1)
            times_01(both, both, rest, l2, rest + size)
            sub6(both, both, low)
            sub6(out + half, both, high)
            times_v(high, high, rest)
            add6(out, low, high)

        return times_line_d

    @kernel(name=f"{f}_times_line", inline=False)
    def times_line_m(out: Ptr, line: Ptr, s: Ptr) -> None:
        """out·(l0 + l1·w² + l2·w³)"""
        low, high, both, rest = s, s + half, s + 2 * half, s + 3 * half
        l1, l2 = line + size, line + 2 * size
        times_01(low, out, line, l1, rest)
        scale(high, out + half, l2)
        times_v(high, high, rest)
        add6(both, out, out + half)
        add2(rest, l1, l2)
        times_01(both, both, line, rest, rest + size)
        sub6(both, both, low)
        sub6(out + half, both, high)
        times_v(high, high, rest)
        add6(out, low, high)

    return times_line_m


def dodecic_field(two: QuadraticField, twist: str) -> DodecicField:
    """Fp12 over ``two`` with lines of a ``twist`` of type "D" or "M"."""
    f, six = f"{two.tag}_fp12", sextic_field(two)
    mul, sqr = _products(f, six)
    inverse, conjugate, one, is_one = _others(f, six)
    return DodecicField(
        six, f, 2 * six.size, one, is_one, mul, sqr, conjugate, inverse, *_frobenius(f, two),
        *_cyclotomic(f, two, mul, conjugate), _line(f, six, twist),
    )  # fmt: skip
