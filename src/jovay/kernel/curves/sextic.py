"""Cubic extension Fp6 = Fp2[v]/(v³ - ξ): an element is ``c0 ‖ c1 ‖ c2``.

Multiplication after Devegili, Ó hÉigeartaigh, Scott, Dahab, "Multiplication and squaring on pairing-friendly
fields" (2006). Outputs may be inputs. Scratch: ``SCRATCH`` elements of Fp2 for every function.
"""

from collections.abc import Callable
from typing import NamedTuple

from jovay.kernel.lang import Ptr, copy, kernel

from .quadratic import QuadraticField

SCRATCH = 16


class SexticField(NamedTuple):
    """Kernel functions of Fp6.

    ``times_v(out, a, s)``; ``scale(out, a, k)`` by ``k`` in Fp2, ``times_01(out, a, k0, k1, s)`` by ``k0 +
    k1·v``.
    """

    base: QuadraticField
    size: int
    add: Callable
    sub: Callable
    neg: Callable
    mul: Callable
    times_v: Callable
    scale: Callable
    times_01: Callable
    inverse: Callable


def _sums(f: str, base: QuadraticField) -> list[Callable]:
    size = base.size
    add2, sub2, neg2, times_xi = base.add, base.sub, base.neg, base.times_xi

    @kernel(name=f"{f}_add", inline=False)
    def add(out: Ptr, a: Ptr, b: Ptr) -> None:
        for i in range(0, 3 * size, size):
            add2(out + i, a + i, b + i)

    @kernel(name=f"{f}_sub", inline=False)
    def sub(out: Ptr, a: Ptr, b: Ptr) -> None:
        for i in range(0, 3 * size, size):
            sub2(out + i, a + i, b + i)

    @kernel(name=f"{f}_neg", inline=False)
    def neg(out: Ptr, a: Ptr) -> None:
        for i in range(0, 3 * size, size):
            neg2(out + i, a + i)

    @kernel(name=f"{f}_times_v", inline=False)
    def times_v(out: Ptr, a: Ptr, s: Ptr) -> None:
        times_xi(s, a + 2 * size)
        copy(out + size, a, 2 * size)
        copy(out, s, size)

    return [add, sub, neg, times_v]


def _mul(f: str, base: QuadraticField) -> Callable:
    size, mul2, add2, sub2, times_xi = base.size, base.mul, base.add, base.sub, base.times_xi

    @kernel(name=f"{f}_cross", inline=False)
    def cross(out: Ptr, a: Ptr, b: Ptr, i: Ptr, j: Ptr, s: Ptr) -> None:
        """(a_i + a_j)(b_i + b_j), i and j as offsets."""
        add2(out, a + i, a + j)
        add2(s, b + i, b + j)
        mul2(out, out, s)

    @kernel(name=f"{f}_mul", inline=False)
    def mul(out: Ptr, a: Ptr, b: Ptr, s: Ptr) -> None:
        v0, v1, v2 = s, s + size, s + 2 * size
        x, y, z, rest = s + 3 * size, s + 4 * size, s + 5 * size, s + 6 * size
        mul2(v0, a, b)
        mul2(v1, a + size, b + size)
        mul2(v2, a + 2 * size, b + 2 * size)
        cross(x, a, b, Ptr(size), Ptr(2 * size), rest)
        cross(y, a, b, Ptr(0), Ptr(size), rest)
        cross(z, a, b, Ptr(0), Ptr(2 * size), rest)
        sub2(x, x, v1)
        sub2(x, x, v2)
        times_xi(x, x)
        add2(out, x, v0)
        sub2(y, y, v0)
        sub2(y, y, v1)
        sub2(z, z, v0)
        sub2(z, z, v2)
        add2(out + 2 * size, z, v1)
        times_xi(v2, v2)
        add2(out + size, y, v2)

    return mul


def _sparse(f: str, base: QuadraticField) -> list[Callable]:
    size, mul2, add2, sub2, times_xi = base.size, base.mul, base.add, base.sub, base.times_xi

    @kernel(name=f"{f}_scale", inline=False)
    def scale(out: Ptr, a: Ptr, k: Ptr) -> None:
        for i in range(0, 3 * size, size):
            mul2(out + i, a + i, k)

    @kernel(name=f"{f}_times_01", inline=False)
    def times_01(out: Ptr, a: Ptr, k0: Ptr, k1: Ptr, s: Ptr) -> None:
        v0, v1, x, y, z = s, s + size, s + 2 * size, s + 3 * size, s + 4 * size
        mul2(v0, a, k0)
        mul2(v1, a + size, k1)
        add2(x, a, a + size)
        add2(y, k0, k1)
        mul2(x, x, y)
        sub2(x, x, v0)
        mul2(y, a + 2 * size, k0)
        mul2(z, a + 2 * size, k1)
        times_xi(z, z)
        sub2(out + size, x, v1)
        add2(out, v0, z)
        add2(out + 2 * size, y, v1)

    return [scale, times_01]


def _inverse(f: str, base: QuadraticField) -> Callable:
    size, mul2, sqr2, add2, sub2 = base.size, base.mul, base.sqr, base.add, base.sub
    times_xi, inverse2 = base.times_xi, base.inverse

    @kernel(name=f"{f}_inverse", inline=False)
    def inverse(out: Ptr, a: Ptr, s: Ptr) -> None:
        """``1/a``, zero for zero; ``s``: 4 elements of Fp2 and what its inverse needs (within
        ``SCRATCH``)."""
        x, y, z, t = s, s + size, s + 2 * size, s + 3 * size
        a1, a2, rest = a + size, a + 2 * size, s + 4 * size
        mul2(t, a1, a2)
        times_xi(t, t)
        sqr2(x, a)
        sub2(x, x, t)
        sqr2(y, a2)
        times_xi(y, y)
        mul2(t, a, a1)
        sub2(y, y, t)
        sqr2(z, a1)
        mul2(t, a, a2)
        sub2(z, z, t)
        norm, u = rest, rest + size
        mul2(norm, a2, y)
        mul2(u, a1, z)
        add2(norm, norm, u)
        times_xi(norm, norm)
        mul2(u, a, x)
        add2(norm, norm, u)
        inverse2(t, norm, rest + size)
        mul2(out, x, t)
        mul2(out + size, y, t)
        mul2(out + 2 * size, z, t)

    return inverse


def sextic_field(base: QuadraticField) -> SexticField:
    """Fp6 over ``base``."""
    f = f"{base.tag}_fp6"
    add, sub, neg, times_v = _sums(f, base)
    scale, times_01 = _sparse(f, base)
    return SexticField(
        base, 3 * base.size, add, sub, neg, _mul(f, base), times_v, scale, times_01, _inverse(f, base)
    )
