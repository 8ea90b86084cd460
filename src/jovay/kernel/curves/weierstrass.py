"""Groups of short Weierstrass curves y² = x³ + b over Fp or Fp2, in Jacobian coordinates.

Affine points are ``x ‖ y``, with ``(0, 0)`` for infinity (it is on no curve with b ≠ 0). Jacobian points are
``X ‖ Y ‖ Z`` for ``(X/Z², Y/Z³)``, infinity where ``Z = 0``. Every output may be one of the inputs.
Formulas: Explicit-Formulas Database, "dbl-2009-l", and the classic addition with H² and H³.
"""

from collections.abc import Callable
from typing import NamedTuple

from jovay.kernel.lang import U64, Ptr, Table, address_of, clz, copy, fill, kernel

from .montgomery import PrimeField
from .quadratic import QuadraticField


class Group(NamedTuple):
    """Kernel functions of one curve group; ``affine`` and ``jacobian`` are sizes of points in bytes.

    ``s`` is scratch: 6 coordinates for ``double``, ``add`` and ``add_affine``, 2 for ``on_curve``, 4 for
    ``equal``, 20 for ``to_affine``, 9 for ``times_sparse``.
    """

    tag: str
    field: PrimeField | QuadraticField
    affine: int
    jacobian: int
    double: Callable
    add: Callable
    add_affine: Callable
    negate_affine: Callable
    from_affine: Callable
    to_affine: Callable
    is_infinity: Callable
    affine_is_infinity: Callable
    on_curve: Callable
    equal: Callable
    times_sparse: Callable


def _double(f: str, field: PrimeField | QuadraticField) -> Callable:
    size, mul, sqr, add, sub = field.size, field.mul, field.sqr, field.add, field.sub

    @kernel(name=f"{f}_double", inline=False)
    def double(out: Ptr, p: Ptr, s: Ptr) -> None:
        xx, yy, yyyy, d, e = s, s + size, s + 2 * size, s + 3 * size, s + 4 * size
        y = p + size
        sqr(xx, p)
        sqr(yy, y)
        mul(out + 2 * size, y, p + 2 * size)
        add(out + 2 * size, out + 2 * size, out + 2 * size)
        sqr(yyyy, yy)
        add(d, p, yy)
        sqr(d, d)
        sub(d, d, xx)
        sub(d, d, yyyy)
        add(d, d, d)
        add(e, xx, xx)
        add(e, e, xx)
        sqr(out, e)
        sub(out, out, d)
        sub(out, out, d)
        sub(d, d, out)
        mul(out + size, e, d)
        add(yyyy, yyyy, yyyy)
        add(yyyy, yyyy, yyyy)
        add(yyyy, yyyy, yyyy)
        sub(out + size, out + size, yyyy)

    return double


def _finish_add(f: str, field: PrimeField | QuadraticField) -> Callable:
    size, mul, sqr, sub = field.size, field.mul, field.sqr, field.sub

    @kernel(name=f"{f}_finish_add", inline=False)
    def finish(out: Ptr, u: Ptr, v: Ptr, h: Ptr, r: Ptr, t: Ptr) -> None:
        """X and Y of a sum whose operands have coordinates (u, v) at a common Z, h = Δx, r = Δy; t: 2
        elements."""
        hh, hhh = t, t + size
        sqr(hh, h)
        mul(hhh, hh, h)
        mul(hh, hh, u)
        mul(v, v, hhh)
        sqr(out, r)
        sub(out, out, hhh)
        sub(out, out, hh)
        sub(out, out, hh)
        sub(hh, hh, out)
        mul(hh, hh, r)
        sub(out + size, hh, v)

    return finish


def _add(f: str, field: PrimeField | QuadraticField, double: Callable, finish: Callable) -> Callable:
    size, mul, sqr, sub, is_zero = field.size, field.mul, field.sqr, field.sub, field.is_zero

    @kernel(name=f"{f}_add", inline=False)
    def add(out: Ptr, p: Ptr, q: Ptr, s: Ptr) -> None:
        u1, v1, h, r, zz = s, s + size, s + 2 * size, s + 3 * size, s + 4 * size
        z1, z2 = p + 2 * size, q + 2 * size
        if is_zero(z2):
            copy(out, p, 3 * size)
            return
        if is_zero(z1):
            copy(out, q, 3 * size)
            return
        sqr(zz, z2)
        mul(u1, p, zz)
        mul(zz, zz, z2)
        mul(v1, p + size, zz)
        sqr(zz, z1)
        mul(h, q, zz)
        mul(zz, zz, z1)
        mul(r, q + size, zz)
        sub(h, h, u1)
        sub(r, r, v1)
        if is_zero(h) and is_zero(r):
            double(out, p, s)
            return
        mul(zz, z1, z2)
        mul(out + 2 * size, zz, h)  # zero where p = -q
        finish(out, u1, v1, h, r, zz)

    return add


def _add_affine(f: str, field: PrimeField | QuadraticField, double: Callable, finish: Callable) -> Callable:
    size, mul, sqr, sub, is_zero = field.size, field.mul, field.sqr, field.sub, field.is_zero
    one = field.one

    @kernel(name=f"{f}_add_affine", inline=False)
    def add_affine(out: Ptr, p: Ptr, q: Ptr, s: Ptr) -> None:
        """Jacobian ``p`` plus an affine ``q`` other than infinity."""
        u1, v1, h, r, zz = s, s + size, s + 2 * size, s + 3 * size, s + 4 * size
        z = p + 2 * size
        if is_zero(z):
            copy(out, q, 2 * size)
            copy(out + 2 * size, address_of(one), size)
            return
        sqr(zz, z)
        mul(h, q, zz)
        mul(zz, zz, z)
        mul(r, q + size, zz)
        sub(h, h, p)
        sub(r, r, p + size)
        if is_zero(h) and is_zero(r):
            double(out, p, s)
            return
        copy(u1, p, 2 * size)
        mul(out + 2 * size, z, h)
        finish(out, u1, v1, h, r, zz)

    return add_affine


def _conversions(f: str, field: PrimeField | QuadraticField, b: Table) -> list[Callable]:
    size, mul, sqr, plus, neg = field.size, field.mul, field.sqr, field.add, field.neg
    is_zero, equal, inverse, one = field.is_zero, field.equal, field.inverse, field.one

    @kernel(name=f"{f}_affine_is_infinity")
    def affine_is_infinity(p: Ptr) -> bool:
        return is_zero(p) and is_zero(p + size)

    @kernel(name=f"{f}_is_infinity")
    def is_infinity(p: Ptr) -> bool:
        return is_zero(p + 2 * size)

    @kernel(name=f"{f}_from_affine", inline=False)
    def from_affine(out: Ptr, p: Ptr) -> None:
        infinite = affine_is_infinity(p)
        copy(out, p, 2 * size)
        copy(out + 2 * size, address_of(one), size)
        if infinite:
            fill(out + 2 * size, 0, size)

    @kernel(name=f"{f}_to_affine", inline=False)
    def to_affine(out: Ptr, p: Ptr, s: Ptr) -> None:
        # Infinity comes out as (0, 0), since the inverse of zero is zero.
        z, zz = s, s + size
        inverse(z, p + 2 * size, s + size)
        sqr(zz, z)
        mul(out, p, zz)
        mul(zz, zz, z)
        mul(out + size, p + size, zz)

    @kernel(name=f"{f}_negate_affine")
    def negate_affine(out: Ptr, p: Ptr) -> None:
        copy(out, p, size)
        neg(out + size, p + size)

    @kernel(name=f"{f}_on_curve", inline=False)
    def on_curve(p: Ptr, s: Ptr) -> bool:
        """Whether an affine point other than infinity satisfies the equation; ``s``: 2 coordinates."""
        left, right = s, s + size
        sqr(right, p)
        mul(right, right, p)
        plus(right, right, address_of(b))
        sqr(left, p + size)
        return equal(left, right)

    return [affine_is_infinity, is_infinity, from_affine, to_affine, negate_affine, on_curve]


def _equal(f: str, field: PrimeField | QuadraticField) -> Callable:
    size, mul, sqr, same, is_zero = field.size, field.mul, field.sqr, field.equal, field.is_zero

    @kernel(name=f"{f}_equal", inline=False)
    def equal(p: Ptr, q: Ptr, s: Ptr) -> bool:
        """Whether two Jacobian points are the same."""
        zp, zq, left, right = s, s + size, s + 2 * size, s + 3 * size
        if is_zero(p + 2 * size) or is_zero(q + 2 * size):
            return is_zero(p + 2 * size) and is_zero(q + 2 * size)
        sqr(zp, p + 2 * size)
        sqr(zq, q + 2 * size)
        mul(left, p, zq)
        mul(right, q, zp)
        if not same(left, right):
            return False
        mul(zp, zp, p + 2 * size)
        mul(zq, zq, q + 2 * size)
        mul(left, p + size, zq)
        mul(right, q + size, zp)
        return same(left, right)

    return equal


def _times_sparse(f: str, size: int, double: Callable, add: Callable) -> Callable:
    @kernel(name=f"{f}_times_sparse", inline=False)
    def times_sparse(out: Ptr, p: Ptr, k: U64, s: Ptr) -> None:
        """Jacobian ``p`` times a ``k`` other than zero with few set bits, by double and add."""
        base, rest = s, s + 3 * size
        copy(base, p, 3 * size)
        copy(out, p, 3 * size)
        for i in range(U64(64) - clz(k) - 1, 0, -1):
            double(out, out, rest)
            if (k >> (i - 1)) & 1 != 0:
                add(out, out, base, rest)

    return times_sparse


def weierstrass_group(tag: str, field: PrimeField | QuadraticField, b: Table) -> Group:
    """The group of y² = x³ + b, ``b`` a table with one element of ``field``; ``tag`` starts its functions'
    names."""
    size = field.size
    double, finish = _double(tag, field), _finish_add(tag, field)
    add = _add(tag, field, double, finish)
    add_affine = _add_affine(tag, field, double, finish)
    infinite, is_infinity, from_affine, to_affine, negate, on_curve = _conversions(tag, field, b)
    return Group(
        tag, field, 2 * size, 3 * size, double, add, add_affine, negate, from_affine, to_affine, is_infinity,
        infinite, on_curve, _equal(tag, field), _times_sparse(tag, size, double, add),
    )  # fmt: skip
