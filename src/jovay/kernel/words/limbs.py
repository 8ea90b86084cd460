"""Numbers of any length in memory: little-endian arrays of 64-bit limbs, all loops over limbs.

Unless said otherwise an output may not overlap an input. Lengths are in limbs and at least 1.
"""

from ..lang import (
    U64,
    U128,
    Ptr,
    clz,
    copy,
    ctz,
    fill,
    kernel,
    load8,
    load64,
    load64be,
    store8,
    store64,
    store64be,
)
from .arith import ONES64, estimate_3by2, high64, product64, reciprocal_3by2


@kernel(inline=False)
def read_big_endian(out: Ptr, n: U64, data: Ptr, size: U64):
    """``n`` limbs of the big-endian number of ``size`` bytes at ``data``; it must fit."""
    fill(out, U64(0), n << 3)
    at, left = out, size
    while left >= 8:
        left -= 8
        store64(at, load64be(data + left))
        at += 8
    top = U64(0)
    for i in range(left):
        top = (top << 8) | load8(data + i)
    if left != 0:
        store64(at, top)


@kernel(inline=False)
def write_big_endian(out: Ptr, size: U64, x: Ptr, n: U64):
    """The number as ``size`` big-endian bytes, zeros in front; it must fit."""
    fill(out, U64(0), size)
    left = size
    for i in range(n):
        limb = load64(x + 8 * i)
        if left >= 8:
            left -= 8
            store64be(out + left, limb)
        else:
            while left != 0:
                left -= 1
                store8(out + left, limb)
                limb = limb >> 8


@kernel
def used(x: Ptr, n: U64) -> U64:
    """Limbs without the zeros on top; 0 for zero."""
    while n != 0 and load64(x + 8 * n - 8) == 0:
        n -= 1
    return n


@kernel(inline=False)
def shift_left(out: Ptr, n: U64, x: Ptr, size: U64, count: U64):
    """The ``size`` limbs at ``x`` shifted left by ``count`` bits, as ``n`` limbs; higher bits are lost."""
    words, bits = count >> 6, count & 63
    for i in range(n):
        at = U64(i) - words
        low = load64(x + 8 * at) if at < size else U64(0)
        below = load64(x + 8 * at - 8) if at - 1 < size else U64(0)
        store64(out + 8 * i, (low << bits) | (below >> (U64(64) - bits)))


@kernel(inline=False)
def shift_right(out: Ptr, n: U64, x: Ptr, size: U64, count: U64):
    """The ``size`` limbs at ``x`` shifted right by ``count`` bits, as ``n`` limbs. ``out`` may be ``x``."""
    words, bits = count >> 6, count & 63
    for i in range(n):
        at = U64(i) + words
        low = load64(x + 8 * at) if at < size else U64(0)
        above = load64(x + 8 * at + 8) if at + 1 < size else U64(0)
        store64(out + 8 * i, (low >> bits) | (above << (U64(64) - bits)))


@kernel
def trailing_zeros(x: Ptr) -> U64:
    """Zero bits below the lowest set bit of ``x``, which is not 0."""
    words = U64(0)
    while load64(x + 8 * words) == 0:
        words += 1
    return (words << 6) + ctz(load64(x + 8 * words))


@kernel
def less(x: Ptr, y: Ptr, n: U64) -> bool:
    """Whether ``x < y``."""
    i = n
    while i != 0:
        i -= 1
        a, b = load64(x + 8 * i), load64(y + 8 * i)
        if a != b:
            return a < b
    return False


@kernel(inline=False)
def subtract(out: Ptr, x: Ptr, y: Ptr, n: U64) -> U64:
    """``x - y``, wrapped, and the borrow. ``out`` may be ``x`` or ``y``."""
    borrow = U64(0)
    for i in range(n):
        a, b = load64(x + 8 * i), load64(y + 8 * i)
        d = a - b
        store64(out + 8 * i, d - borrow)
        borrow = U64(a < b) | U64(d < borrow)
    return borrow


@kernel(inline=False)
def add(out: Ptr, x: Ptr, y: Ptr, n: U64) -> U64:
    """``x + y``, wrapped, and the carry. ``out`` may be ``x`` or ``y``."""
    carry = U64(0)
    for i in range(n):
        s = U128(load64(x + 8 * i)) + U128(load64(y + 8 * i)) + U128(carry)
        store64(out + 8 * i, U64(s))
        carry = high64(s)
    return carry


@kernel(inline=False)
def add_product(out: Ptr, x: Ptr, n: U64, y: U64) -> U64:
    """Add ``x * y`` to the ``n`` limbs at ``out``; returns the limb carried out."""
    carry = U64(0)
    for i in range(n):
        s = product64(load64(x + 8 * i), y) + U128(load64(out + 8 * i)) + U128(carry)
        store64(out + 8 * i, U64(s))
        carry = high64(s)
    return carry


@kernel(inline=False)
def subtract_product(out: Ptr, x: Ptr, n: U64, y: U64) -> U64:
    """Subtract ``x * y`` from the ``n`` limbs at ``out``; returns the limb borrowed."""
    borrow = U64(0)
    for i in range(n):
        p = product64(load64(x + 8 * i), y) + U128(borrow)
        a = load64(out + 8 * i)
        store64(out + 8 * i, a - U64(p))
        borrow = high64(p) + U64(a < U64(p))
    return borrow


@kernel(inline=False)
def multiply_low(out: Ptr, x: Ptr, y: Ptr, n: U64):
    """``x * y`` modulo ``2**(64 n)``."""
    fill(out, U64(0), n << 3)
    for i in range(n):
        add_product(out + 8 * i, x, n - i, load64(y + 8 * i))


@kernel(inline=False)
def remainder(x: Ptr, size: U64, d: Ptr, n: U64):
    """Leave ``x % d`` in the lowest ``n`` limbs of the ``size`` at ``x`` and 0 above (Knuth, algorithm D).

    ``d`` has the top bit of its highest limb set; ``n`` is at least 2, ``size`` more than ``n``, and the
    highest limb of ``x`` is 0.
    """
    d1, d0 = load64(d + 8 * n - 8), load64(d + 8 * n - 16)
    v = reciprocal_3by2(d1, d0)
    top = (U128(d1) << 64) | U128(d0)
    at = x + 8 * (size - n)
    while at != x:
        at -= 8
        u2, u1, u0 = load64(at + 8 * n), load64(at + 8 * n - 8), load64(at + 8 * n - 16)
        q = ONES64
        if ((U128(u2) << 64) | U128(u1)) < top:
            q = estimate_3by2(u2, u1, u0, top, v)
        borrow = subtract_product(at, d, n, q)
        while borrow != u2:  # the estimate was too large
            borrow -= add(at, at, d, n)
        store64(at + 8 * n, U64(0))


@kernel
def negative_inverse(x: U64) -> U64:
    """``-1 / x`` modulo 2**64 for an odd limb."""
    y = (x * 3) ^ 2
    for _ in range(4):
        y *= U64(2) - x * y
    return -y


@kernel(inline=False)
def montgomery_multiply(out: Ptr, x: Ptr, y: Ptr, m: Ptr, n: U64, k: U64, t: Ptr):
    """``x * y / 2**(64 n) mod m`` for odd ``m`` and ``x * y < 2**(64 n) m``; ``k = -1/m mod 2**64``.

    ``out`` may be ``x`` or ``y``; ``t`` is scratch of ``n + 1`` limbs.
    """
    fill(t, U64(0), (n + 1) << 3)
    end = t + 8 * n
    for i in range(n):
        w = load64(y + 8 * i)
        a = product64(load64(x), w) + U128(load64(t))
        q = U64(a) * k
        b = product64(load64(m), q) + U128(U64(a))
        carry_a, carry_b = high64(a), high64(b)
        for j in range(1, n):
            a = product64(load64(x + 8 * j), w) + U128(load64(t + 8 * j)) + U128(carry_a)
            carry_a = high64(a)
            b = product64(load64(m + 8 * j), q) + U128(U64(a)) + U128(carry_b)
            carry_b = high64(b)
            store64(t + 8 * j - 8, U64(b))
        last = U128(load64(end)) + U128(carry_a) + U128(carry_b)
        store64(end - 8, U64(last))
        store64(end, high64(last))
    if load64(end) != 0 or not less(t, m, n):
        subtract(out, t, m, n)
    else:
        copy(out, t, n << 3)


@kernel(inline=False)
def inverse_power_of_two(out: Ptr, x: Ptr, n: U64, t: Ptr):
    """``1 / x`` modulo ``2**(64 n)`` for odd ``x``, by Newton's iteration; scratch: ``2 n`` limbs."""
    fill(out, U64(0), n << 3)
    store64(out, -negative_inverse(load64(x)))
    have = U64(1)
    while have < n:
        have = have + have if have + have < n else n
        multiply_low(t, x, out, have)
        # out * (2 - x out)
        for i in range(have):
            store64(t + 8 * i, ~load64(t + 8 * i))
        carry = U64(3)  # -a is ~a + 1
        for i in range(have):
            a = load64(t + 8 * i)
            store64(t + 8 * i, a + carry)
            carry = U64(a + carry < a)
        multiply_low(t + 8 * n, t, out, have)
        copy(out, t + 8 * n, have << 3)


@kernel
def normalising_shift(x: Ptr, n: U64) -> U64:
    """Zero bits above the highest set bit of ``x``, which is not 0, in ``n`` limbs."""
    top = used(x, n)
    return ((n - top) << 6) + clz(load64(x + 8 * top - 8))
