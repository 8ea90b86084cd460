"""Arithmetic of EVM words: what ``U256``'s operators lack, as the Yellow Paper (appendix H) has it.

Division by zero gives 0. Operands stand in the order in which the EVM pops them. Division works on 64-bit
limbs with reciprocals instead of wide hardware division: N. Möller, T. Granlund, "Improved division by
invariant integers", IEEE Transactions on Computers 60 (2011), algorithms 2, 4, 5 and 6; the steps are
those of Knuth's algorithm D.
"""

from ..lang import U64, U128, U256, U512, clz, ctz, kernel, signed_lt
from ..lang import sar as sar_word

ONES64 = U64(0xFFFFFFFFFFFFFFFF)


@kernel(inline=True)
def high64(x: U128) -> U64:
    """The upper limb of ``x``."""
    return U64(x >> 64)


@kernel(inline=True)
def product64(x: U64, y: U64) -> U128:
    """The whole product of two limbs."""
    return U128(x) * U128(y)


@kernel(inline=False)
def reciprocal_2by1(d: U64) -> U64:
    """``(2**128 - 1) // d - 2**64`` for a ``d`` whose top bit is set (Möller–Granlund, algorithm 2)."""
    v0 = U64(0x7FD00) // (d >> 55)
    d40 = (d >> 24) + 1
    v1 = (v0 << 11) - ((v0 * v0 * d40) >> 40) - 1
    v2 = (v1 << 13) + ((v1 * (U64(1 << 60) - v1 * d40)) >> 47)
    odd = d & 1
    e = ((v2 >> 1) & (U64(0) - odd)) - v2 * ((d >> 1) + odd)
    v3 = (high64(product64(v2, e)) >> 1) + (v2 << 31)
    return v3 - high64(product64(v3, d) + U128(d)) - d


@kernel
def reciprocal_3by2(d1: U64, d0: U64) -> U64:
    """``(2**192 - 1) // (d1 * 2**64 + d0) - 2**64``, top bit of ``d1`` set (Möller–Granlund, algorithm 6)."""
    v = reciprocal_2by1(d1)
    p = d1 * v + d0
    if p < d0:
        v -= 1
        if p >= d1:
            v -= 1
            p -= d1
        p -= d1
    t = product64(v, d0)
    p += high64(t)
    if p < high64(t):
        v -= 1
        if p > d1 or (p == d1 and U64(t) >= d0):
            v -= 1
    return v


@kernel(inline=True)
def divide_2by1(u1: U64, u0: U64, d: U64, v: U64) -> tuple[U64, U64]:
    """Quotient and remainder of ``(u1, u0)`` by ``d`` with reciprocal ``v``; ``u1 < d`` (algorithm 4)."""
    q = product64(v, u1) + ((U128(u1) << 64) | U128(u0))
    q1 = high64(q) + 1
    r = u0 - q1 * d
    if r > U64(q):
        q1 -= 1
        r += d
    if r >= d:
        q1 += 1
        r -= d
    return q1, r


@kernel(inline=True)
def estimate_3by2(u2: U64, u1: U64, u0: U64, d: U128, v: U64) -> U64:
    """Quotient of three limbs by the two of ``d`` with reciprocal ``v``; ``(u2, u1) < d`` (algorithm 5)."""
    d1, d0 = high64(d), U64(d)
    q = product64(v, u2) + ((U128(u2) << 64) | U128(u1))
    q1 = high64(q)
    r = ((U128(u1 - q1 * d1) << 64) | U128(u0)) - d - product64(d0, q1)
    q1 += 1
    if high64(r) >= U64(q):
        q1 -= 1
        r += d
    if r >= d:
        q1 += 1
    return q1


@kernel(inline=True)
def product_by_limb(x: U256, y: U64) -> tuple[U256, U64]:
    """``x * y`` as its low 256 bits and the limb above."""
    p0 = product64(U64(x), y)
    p1 = product64(U64(x >> 64), y) + (p0 >> 64)
    p2 = product64(U64(x >> 128), y) + (p1 >> 64)
    p3 = product64(U64(x >> 192), y) + (p2 >> 64)
    low = (U256(U64(p3)) << 192) | (U256(U64(p2)) << 128) | (U256(U64(p1)) << 64) | U256(U64(p0))
    return low, high64(p3)


@kernel(inline=False)
def divide_step(r: U256, limb: U64, d: U256, v: U64) -> tuple[U64, U256]:
    """One step of algorithm D: divide ``r * 2**64 + limb`` by ``d``.

    ``d`` has its top bit set, ``r < d``, ``v`` is the reciprocal of its two top limbs. Returns the digit and
    the remainder.
    """
    top = U64(r >> 192)
    shifted = (r << 64) | U256(limb)
    d_high = U128(d >> 128)
    q = ONES64
    if U128(r >> 128) < d_high:
        q = estimate_3by2(top, U64(r >> 128), U64(r >> 64), d_high, v)
    low, carry = product_by_limb(d, q)
    if shifted < low:
        carry += 1
    remainder = shifted - low
    while carry != top:  # the estimate was one (at the cap: two) too large
        remainder += d
        if remainder < d:
            carry -= 1
        q -= 1
    return q, remainder


@kernel(inline=False)
def divmod_by_limb(a: U256, b: U64) -> tuple[U256, U64]:
    """Quotient and remainder of ``a`` by one limb ``b``, which is not 0."""
    shift = clz(b)
    d = b << shift
    v = reciprocal_2by1(d)
    x = a << shift
    q3 = q2 = U64(0)
    r = U64(x >> 128)  # below d if it came from a two-limb dividend
    if (a >> 128) != 0:
        q3, r = divide_2by1(U64(a >> (U64(256) - shift)), U64(x >> 192), d, v)
        q2, r = divide_2by1(r, U64(x >> 128), d, v)
    q1, r = divide_2by1(r, U64(x >> 64), d, v)
    q0, r = divide_2by1(r, U64(x), d, v)
    q = (U256(q3) << 192) | (U256(q2) << 128) | (U256(q1) << 64) | U256(q0)
    return q, r >> shift


@kernel(inline=False)
def divmod256(a: U256, b: U256) -> tuple[U256, U256]:
    """``a // b`` and ``a % b``, both 0 if ``b`` is 0."""
    if b == 0:
        return U256(0), U256(0)
    if a < b:
        return U256(0), a
    if (a >> 64) == 0:
        x, y = U64(a), U64(b)
        q64 = x // y
        return U256(q64), U256(x - q64 * y)
    if (b & (b - 1)) == 0:
        return a >> ctz(b), a & (b - 1)
    if (b >> 64) == 0:
        quotient, r64 = divmod_by_limb(a, U64(b))
        return quotient, U256(r64)
    # Scale by 2**shift so that b's top bit is set; of the scaled dividend's limbs below the first all are 0.
    shift = clz(b)
    part = shift & 63
    d = b << shift
    v = reciprocal_3by2(U64(d >> 192), U64(d >> 128))
    digit, r = divide_step(a >> (U64(64) - part), U64(a) << part, d, v)
    quotient = U256(digit)
    while shift >= 64:
        digit, r = divide_step(r, U64(0), d, v)
        quotient = (quotient << 64) | U256(digit)
        shift -= 64
    return quotient, r >> clz(b)


@kernel
def div(a: U256, b: U256) -> U256:
    """a / b, rounded down; 0 if b is 0"""
    q, _ = divmod256(a, b)
    return q


@kernel
def mod(a: U256, b: U256) -> U256:
    """a modulo b; 0 if b is 0"""
    _, r = divmod256(a, b)
    return r


@kernel(inline=True)
def is_negative(x: U256) -> bool:
    """Whether ``x`` is below 0 in two's complement."""
    return signed_lt(x, U256(0))


@kernel(inline=True)
def absolute(x: U256) -> U256:
    """Absolute value of a two's-complement ``x``; -2**255 gives 2**255."""
    return -x if is_negative(x) else x


@kernel
def sdiv(a: U256, b: U256) -> U256:
    """SDIV: rounds towards 0; -2**255 / -1 wraps to -2**255."""
    q, _ = divmod256(absolute(a), absolute(b))
    return -q if is_negative(a ^ b) else q


@kernel
def smod(a: U256, b: U256) -> U256:
    """SMOD: the result has the sign of ``a``."""
    _, r = divmod256(absolute(a), absolute(b))
    return -r if is_negative(a) else r


@kernel(inline=True)
def product512(a: U256, b: U256) -> tuple[U256, U256]:
    """The whole product ``a * b``: upper and lower half."""
    product = U512(a) * U512(b)
    return U256(product >> 256), U256(product)


@kernel(inline=False)
def mod512(high: U256, low: U256, m: U256) -> U256:
    """``(high * 2**256 + low) % m``, 0 if ``m`` is 0."""
    if high == 0:
        return mod(low, m)
    if m == 0:
        return U256(0)
    if high >= m:
        high = mod(high, m)
    shift = clz(m)
    d = m << shift
    v = reciprocal_3by2(U64(d >> 192), U64(d >> 128))
    r = (high << shift) | (low >> (U64(256) - shift))
    rest = low << shift
    for _ in range(4):
        _, r = divide_step(r, U64(rest >> 192), d, v)
        rest = rest << 64
    return r >> shift


@kernel
def addmod(a: U256, b: U256, m: U256) -> U256:
    """ADDMOD: the sum does not wrap."""
    total = a + b
    if total >= a:
        return mod(total, m)
    return mod512(U256(1), total, m)


@kernel
def mulmod(a: U256, b: U256, m: U256) -> U256:
    """MULMOD: the product does not wrap."""
    high, low = product512(a, b)
    if ~m == 0:  # contracts get at the upper half of a product this way; 2**256 counts 1
        total = high + low
        total += U256(total < low)
        return total if total != m else U256(0)
    return mod512(high, low, m)


@kernel(inline=False)
def exp(base: U256, exponent: U256) -> U256:
    """EXP: ``base ** exponent``; ``0 ** 0`` is 1."""
    result = U256(1)
    if base == 2:
        return shl(exponent, result)
    while exponent != 0:
        if (exponent & 1) != 0:
            result *= base
        base *= base
        exponent = exponent >> 1
    return result


@kernel
def signextend(index: U256, x: U256) -> U256:
    """SIGNEXTEND: take byte ``index`` (0 the lowest) as the highest of a two's-complement number."""
    if index >= 31:
        return x
    count = U64(248) - (U64(index) << 3)
    return sar_word(x << count, count)


@kernel
def byte(index: U256, x: U256) -> U256:
    """BYTE: byte ``index`` of ``x``, 0 the highest; 0 from 32 on."""
    if index >= 32:
        return U256(0)
    return (x >> (U64(248) - (U64(index) << 3))) & 255


@kernel
def shl(count: U256, x: U256) -> U256:
    """x shifted left by ``count`` bits"""
    if count >= 256:
        return U256(0)
    return x << U64(count)


@kernel
def shr(count: U256, x: U256) -> U256:
    """x shifted right by ``count`` bits"""
    if count >= 256:
        return U256(0)
    return x >> U64(count)


@kernel
def sar(count: U256, x: U256) -> U256:
    """x shifted right by ``count`` bits, its sign kept"""
    return sar_word(x, U64(255) if count >= 256 else U64(count))


@kernel
def bit_length(x: U256) -> U64:
    """Bits of ``x`` without leading zeros; 0 for 0."""
    return U64(256) - clz(x)


@kernel
def significant_bytes(x: U256) -> U64:
    """Bytes of ``x`` without leading zeros; 0 for 0."""
    return (U64(263) - clz(x)) >> 3


@kernel(inline=True)
def saturated64(x: U256) -> U64:
    """``x`` as U64, or 2**64 - 1 if it does not fit."""
    return U64(x) if (x >> 64) == 0 else ONES64
