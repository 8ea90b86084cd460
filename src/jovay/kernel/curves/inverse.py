"""Inverses modulo odd numbers of up to 256 bits, in variable time.

T. Pornin, "Optimized Binary GCD for Modular Inversion" (https://eprint.iacr.org/2020/972), algorithm 2: the
binary algorithm's decisions depend on few bits, so 31 steps at a time run on one-word approximations and are
then applied to the whole numbers as a matrix of 32-bit factors. The Bézout coefficient is divided by 2**31 on
the way, as in Montgomery's reduction, and so needs no correction in the end.
"""

from ..arith import bit_length, product_by_limb
from ..lang import U64, U256, kernel

STEPS = 31
LOW_BITS = U64(0x7FFFFFFF)
#: Lifts both halves of a packed pair of factors, each above -2**31 and at most 2**31, to unsigned values.
BIAS = U64(0x7FFFFFFF7FFFFFFF)
#: The unit matrix's columns, packed as (low half, high half).
FIRST = U64(1)
SECOND = U64(1 << 32)


@kernel(inline=True)
def combination(x: U256, f: U64, y: U256, g: U64) -> tuple[U256, U64]:
    """``f * x + g * y`` with signed limbs ``f`` and ``g``: low 256 bits and a signed limb above."""
    low, high = product_by_limb(x, f)
    other, carry = product_by_limb(y, g)
    low += other
    high += carry + U64(low < other)
    # Factors were taken as unsigned: a negative one counts 2**64 times its operand too much.
    excess = (x if f >> 63 != 0 else U256(0)) << 64
    high -= U64(low < excess) + (U64(x >> 192) if f >> 63 != 0 else U64(0))
    low -= excess
    excess = (y if g >> 63 != 0 else U256(0)) << 64
    high -= U64(low < excess) + (U64(y >> 192) if g >> 63 != 0 else U64(0))
    return low - excess, high


@kernel(inline=True)
def steps(xa: U64, xb: U64) -> tuple[U64, U64]:
    """The packed factors (for a, for b) of 31 binary steps on approximations of two numbers."""
    to_a, to_b = FIRST, SECOND
    for _ in range(STEPS):
        odd = U64(0) - (xa & 1)
        swap = odd & (U64(0) - U64(xa < xb))
        t = (xa ^ xb) & swap
        xa ^= t
        xb ^= t
        t = (to_a ^ to_b) & swap
        to_a ^= t
        to_b ^= t
        xa = (xa - (xb & odd)) >> 1
        to_a -= to_b & odd
        to_b = to_b << 1
    return to_a, to_b


@kernel(inline=True)
def shifted(x: U256, f: U64, y: U256, g: U64) -> tuple[U256, U64, U64]:
    """``|f * x + g * y| / 2**31``, an exact division, with the factors negated if the sum was negative."""
    low, high = combination(x, f, y, g)
    value = (low >> STEPS) | (U256(high) << 225)
    if high >> 63 != 0:
        return -value, -f, -g
    return value, f, g


@kernel(inline=True)
def shifted_modulo(x: U256, f: U64, y: U256, g: U64, m: U256, k: U64) -> U256:
    """``(f * x + g * y) / 2**31 mod m`` for ``x`` and ``y`` below ``m``; ``k = -1/m mod 2**31``."""
    low, high = combination(x, f, y, g)
    multiple, carry = product_by_limb(m, (U64(low) * k) & LOW_BITS)
    low += multiple
    high += carry + U64(low < multiple)
    value = (low >> STEPS) | (U256(high) << 225)  # between -m and 2m
    if high >> 63 != 0:
        return value + m
    if (high >> 31) != 0 or value >= m:
        return value - m
    return value


@kernel(inline=False)
def inverse_modulo(x: U256, m: U256) -> U256:
    """``1 / x mod m`` for odd ``m`` and ``x < m``; 0 for 0. The two must have no common factor."""
    k = (U64(m) * 3) ^ 2
    for _ in range(4):
        k *= U64(2) - U64(m) * k
    k = -k
    a, b, u, v = x, m, U256(1), U256(0)
    while a != 0:
        size = bit_length(a | b)
        drop = size - 33 if size > 64 else U64(31)
        xa = (U64(a) & LOW_BITS) | (U64(a >> drop) << 31)
        xb = (U64(b) & LOW_BITS) | (U64(b >> drop) << 31)
        to_a, to_b = steps(xa, xb)
        to_a += BIAS
        to_b += BIAS
        f0, g0 = (to_a & 0xFFFFFFFF) - LOW_BITS, (to_a >> 32) - LOW_BITS
        f1, g1 = (to_b & 0xFFFFFFFF) - LOW_BITS, (to_b >> 32) - LOW_BITS
        next_a, f0, g0 = shifted(a, f0, b, g0)
        b, f1, g1 = shifted(a, f1, b, g1)
        a = next_a
        next_u = shifted_modulo(u, f0, v, g0, m, k)
        v = shifted_modulo(u, f1, v, g1, m, k)
        u = next_u
    return v
