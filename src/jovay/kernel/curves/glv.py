"""Splitting a scalar along an endomorphism that multiplies by λ: k ≡ k1 + k2·λ modulo the order.

Gallant, Lambert, Vanstone, "Faster point multiplication on elliptic curves with efficient endomorphisms"
(2001).
"""

from collections.abc import Callable

from jovay.kernel.lang import U64, U128, U256, U512, Ptr, kernel, store64, store128

from .msm import SCALAR_SLOT

_SHIFT = 320


def short_lattice_basis(order: int, eigenvalue: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Two short vectors (a, b) with a + b·λ ≡ 0, from the extended Euclidean algorithm."""
    rows = [(order, 0), (eigenvalue, 1)]
    while rows[-1][0] ** 2 > order:
        rows.append(_next_row(rows))
    rows.append(_next_row(rows))
    first, second, third = ((r, -t) for r, t in rows[-3:])
    other = min(first, third, key=lambda v: v[0] ** 2 + v[1] ** 2)
    return second, other


def _next_row(rows: list[tuple[int, int]]) -> tuple[int, int]:
    (r0, t0), (r1, t1) = rows[-2:]
    quotient = r0 // r1
    return r0 - quotient * r1, t0 - quotient * t1


def scalar_split(tag: str, order: int, eigenvalue: int) -> Callable:
    """``split(slots, k)``: |k1| and |k2|, below 2^128, to two scalar slots; bits 0 and 1 of the result are
    set where k1 and k2 are negative. ``k`` is any 256-bit number."""
    (a1, b1), (a2, b2) = short_lattice_basis(order, eigenvalue)
    determinant = a1 * b2 - a2 * b1
    # k·(b2, -b1)/determinant are the coordinates of (k, 0) in the basis; their factors as 2^-320 fractions.
    f1, f2 = ((n << _SHIFT) // determinant for n in (b2, -b1))
    g1, g2 = U512(abs(f1)), U512(abs(f2))
    half = U512(1 << (_SHIFT - 1))
    sign1, sign2 = (1 if f1 > 0 else -1), (1 if f2 > 0 else -1)
    x1, x2, y1, y2 = (U256(v) for v in (sign1 * a1, sign2 * a2, sign1 * b1, sign2 * b2))

    @kernel(name=f"{tag}_store_signed", inline=False)
    def store_signed(slot: Ptr, k: U256) -> U64:
        """Magnitude of a two's-complement number to a slot; 1 if it is negative."""
        negative = k >> 255 != 0
        store128(slot, U128(-k if negative else k))
        store64(slot + 16, U64(0))
        return U64(negative)

    @kernel(name=f"{tag}_split", inline=False)
    def split(slots: Ptr, k: U256) -> U64:
        c1 = U256((U512(k) * g1 + half) >> _SHIFT)
        c2 = U256((U512(k) * g2 + half) >> _SHIFT)
        first = store_signed(slots, k - c1 * x1 - c2 * x2)
        second = store_signed(slots + SCALAR_SLOT, -(c1 * y1 + c2 * y2))
        return first | (second << 1)

    return split
