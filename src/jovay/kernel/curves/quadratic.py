"""Quadratic extension Fp2 = Fp[u]/(u² + 1): an element is ``c0 ‖ c1`` for ``c0 + c1·u``."""

from collections.abc import Callable
from typing import NamedTuple

from jovay.kernel.lang import Ptr, Table, kernel

from .montgomery import PrimeField


class QuadraticField(NamedTuple):
    """Kernel functions of Fp2; ``op(out, a, b)`` where ``out`` may be ``a`` or ``b``.

    ``scale(out, a, k)`` multiplies by ``k`` in Fp, ``times_xi`` by the non-residue that builds the tower.
    """

    base: PrimeField
    tag: str
    size: int
    one: Table
    xi: tuple[int, int]
    add: Callable
    sub: Callable
    mul: Callable
    sqr: Callable
    neg: Callable
    halve: Callable
    conjugate: Callable
    scale: Callable
    times_xi: Callable
    is_zero: Callable
    equal: Callable
    inverse: Callable

    def constant(self, *values: tuple[int, int]) -> Table:
        """Table of the given (c0, c1) pairs as elements, one after another."""
        return self.base.constant(*(part for value in values for part in value))


def _products(base: PrimeField, f: str) -> tuple[Callable, Callable]:
    load, store, size = base.load, base.store, base.size
    wide, reduce, minus = base.wide, base.reduce, base.minus
    aligned_modulus = base.double(base.modulus << (8 * size))

    @kernel(name=f"{f}_mul", inline=False)
    def mul(out: Ptr, a: Ptr, b: Ptr) -> None:
        # Karatsuba on unreduced products: the sums stay below 2p and their product below R·p.
        a0, a1 = load(a), load(a + size)
        b0, b1 = load(b), load(b + size)
        low, high = wide(a0, b0), wide(a1, b1)
        cross = wide(a0 + a1, b0 + b1) - low - high
        real = low - high
        if low < high:
            real = real + aligned_modulus
        store(out, reduce(real))
        store(out + size, reduce(cross))

    @kernel(name=f"{f}_sqr", inline=False)
    def sqr(out: Ptr, a: Ptr) -> None:
        a0, a1 = load(a), load(a + size)
        store(out, reduce(wide(a0 + a1, minus(a0, a1))))
        store(out + size, reduce(wide(a0 + a0, a1)))

    return mul, sqr


def _sums(base: PrimeField, f: str) -> list[Callable]:
    load, store, size = base.load, base.store, base.size
    plus, minus = base.plus, base.minus
    fp_neg, fp_halve, fp_is_zero, fp_equal = base.neg, base.halve, base.is_zero, base.equal

    @kernel(name=f"{f}_add", inline=False)
    def add(out: Ptr, a: Ptr, b: Ptr) -> None:
        store(out, plus(load(a), load(b)))
        store(out + size, plus(load(a + size), load(b + size)))

    @kernel(name=f"{f}_sub", inline=False)
    def sub(out: Ptr, a: Ptr, b: Ptr) -> None:
        store(out, minus(load(a), load(b)))
        store(out + size, minus(load(a + size), load(b + size)))

    @kernel(name=f"{f}_neg", inline=False)
    def neg(out: Ptr, a: Ptr) -> None:
        fp_neg(out, a)
        fp_neg(out + size, a + size)

    @kernel(name=f"{f}_conjugate")
    def conjugate(out: Ptr, a: Ptr) -> None:
        store(out, load(a))
        fp_neg(out + size, a + size)

    @kernel(name=f"{f}_halve", inline=False)
    def halve(out: Ptr, a: Ptr) -> None:
        fp_halve(out, a)
        fp_halve(out + size, a + size)

    @kernel(name=f"{f}_is_zero")
    def is_zero(a: Ptr) -> bool:
        return fp_is_zero(a) and fp_is_zero(a + size)

    @kernel(name=f"{f}_equal")
    def equal(a: Ptr, b: Ptr) -> bool:
        return fp_equal(a, b) and fp_equal(a + size, b + size)

    return [add, sub, neg, conjugate, halve, is_zero, equal]


def _times_xi(base: PrimeField, f: str, real: int) -> Callable:
    load, store, size = base.load, base.store, base.size
    plus, minus = base.plus, base.minus

    if real == 1:

        @kernel(name=f"{f}_times_xi", inline=False)
        def times_xi(out: Ptr, a: Ptr) -> None:
            a0, a1 = load(a), load(a + size)
            store(out, minus(a0, a1))
            store(out + size, plus(a0, a1))

        return times_xi

    @kernel(name=f"{f}_times_xi", inline=False)
    def times_nine_plus_u(out: Ptr, a: Ptr) -> None:
        a0, a1 = load(a), load(a + size)
        x0, x1 = plus(a0, a0), plus(a1, a1)
        x0, x1 = plus(x0, x0), plus(x1, x1)
        x0, x1 = plus(x0, x0), plus(x1, x1)
        store(out, minus(plus(x0, a0), a1))
        store(out + size, plus(plus(x1, a1), a0))

    return times_nine_plus_u


def quadratic_field(base: PrimeField, xi: tuple[int, int]) -> QuadraticField:
    """Fp2 over ``base`` with the tower's non-residue ``xi``, which is 1 + u or 9 + u."""
    if xi not in ((1, 1), (9, 1)):
        raise ValueError(f"unsupported non-residue {xi}")
    f, size = f"{base.tag}_fp2", base.size
    fp_mul, fp_add, fp_neg, fp_inverse = base.mul, base.add, base.neg, base.inverse
    mul, sqr = _products(base, f)
    add, sub, neg, conjugate, halve, is_zero, equal = _sums(base, f)

    @kernel(name=f"{f}_scale", inline=False)
    def scale(out: Ptr, a: Ptr, k: Ptr) -> None:
        fp_mul(out, a, k)
        fp_mul(out + size, a + size, k)

    @kernel(name=f"{f}_inverse", inline=False)
    def inverse(out: Ptr, a: Ptr, s: Ptr) -> None:
        """``1/a``, zero for zero; ``s``: 19 elements of Fp."""
        norm, other = s, s + size
        fp_mul(norm, a, a)
        fp_mul(other, a + size, a + size)
        fp_add(norm, norm, other)
        fp_inverse(norm, norm, s + 2 * size)
        fp_mul(out, a, norm)
        fp_mul(out + size, a + size, norm)
        fp_neg(out + size, out + size)

    return QuadraticField(
        base, base.tag, 2 * size, base.constant(1, 0), xi, add, sub, mul, sqr, neg, halve, conjugate, scale,
        _times_xi(base, f, xi[0]), is_zero, equal, inverse,
    )  # fmt: skip


def fp2_power(field: QuadraticField, base: tuple[int, int], exponent: int) -> tuple[int, int]:
    """``base`` to ``exponent`` in Fp2, on Python integers (for constants)."""
    p, result = field.base.modulus, (1, 0)
    for bit in f"{exponent:b}":
        a, b = result
        result = ((a - b) * (a + b) % p, 2 * a * b % p)
        if bit == "1":
            a, b = result
            result = ((a * base[0] - b * base[1]) % p, (a * base[1] + b * base[0]) % p)
    return result


def fp2_inverse(field: QuadraticField, a: tuple[int, int]) -> tuple[int, int]:
    """``1/a`` in Fp2, on Python integers."""
    p = field.base.modulus
    norm = pow(a[0] * a[0] + a[1] * a[1], -1, p)
    return a[0] * norm % p, -a[1] * norm % p
