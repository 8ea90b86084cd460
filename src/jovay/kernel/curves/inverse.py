"""Inverses modulo odd numbers of one word, in variable time.

T. Pornin, "Optimized Binary GCD for Modular Inversion" (https://eprint.iacr.org/2020/972), algorithm 2: the
binary algorithm's decisions depend on few bits, so 31 steps at a time run on one-word approximations and are
then applied to the whole numbers as a matrix of 32-bit factors. The Bézout coefficient is divided by 2**31 on
the way, as in Montgomery's reduction, and so needs no correction in the end.
"""

from collections.abc import Callable

from ..lang import U64, U256, Word, clz, kernel
from ..words.arith import product_by_limb

STEPS = 31
LOW_BITS = U64(0x7FFFFFFF)
#: Lifts both halves of a packed pair of factors, each above -2**31 and at most 2**31, to unsigned values.
BIAS = U64(0x7FFFFFFF7FFFFFFF)
#: The unit matrix's columns, packed as (low half, high half).
FIRST = U64(1)
SECOND = U64(1 << 32)


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


def _steps_on_words(word: type[Word], product: Callable) -> tuple[Callable, Callable]:
    bits, top = word.bits, word.bits - 64

    @kernel(name=f"combination{bits}", inline=True)
    def combination(x: word, f: U64, y: word, g: U64) -> tuple[word, U64]:
        """``f * x + g * y`` with signed limbs ``f`` and ``g``: low word and a signed limb above."""
        low, high = product(x, f)
        other, carry = product(y, g)
        low += other
        high += carry + U64(low < other)
        # Factors were taken as unsigned: a negative one counts 2**64 times its operand too much.
        excess = (x if f >> 63 != 0 else word(0)) << 64
        high -= U64(low < excess) + (U64(x >> top) if f >> 63 != 0 else U64(0))
        low -= excess
        excess = (y if g >> 63 != 0 else word(0)) << 64
        high -= U64(low < excess) + (U64(y >> top) if g >> 63 != 0 else U64(0))
        return low - excess, high

    @kernel(name=f"shifted{bits}", inline=True)
    def shifted(x: word, f: U64, y: word, g: U64) -> tuple[word, U64, U64]:
        """``|f * x + g * y| / 2**31``, exactly divided; the factors are negated if the sum was negative."""
        low, high = combination(x, f, y, g)
        value = (low >> STEPS) | (word(high) << (bits - STEPS))
        if high >> 63 != 0:
            return -value, -f, -g
        return value, f, g

    @kernel(name=f"shifted_modulo{bits}", inline=True)
    def shifted_modulo(x: word, f: U64, y: word, g: U64, m: word, k: U64) -> word:
        """``(f * x + g * y) / 2**31 mod m`` for ``x`` and ``y`` below ``m``; ``k = -1/m mod 2**31``."""
        low, high = combination(x, f, y, g)
        multiple, carry = product(m, (U64(low) * k) & LOW_BITS)
        low += multiple
        high += carry + U64(low < multiple)
        value = (low >> STEPS) | (word(high) << (bits - STEPS))  # between -m and 2m
        if high >> 63 != 0:
            return value + m
        if (high >> 31) != 0 or value >= m:
            return value - m
        return value

    return shifted, shifted_modulo


def modular_inverse(word: type[Word], product: Callable) -> Callable:
    """``inverse_modulo(x, m)`` for a width; ``product(x, limb)`` gives the low word and the limb above."""
    bits = word.bits
    shifted, shifted_modulo = _steps_on_words(word, product)

    @kernel(name=f"inverse_modulo{bits}", inline=False)
    def inverse_modulo(x: word, m: word) -> word:
        """``1 / x mod m`` for odd ``m`` and ``x < m``; 0 for 0. The two must have no common factor."""
        k = (U64(m) * 3) ^ 2
        for _ in range(4):
            k *= U64(2) - U64(m) * k
        k = -k
        a, b, u, v = x, m, word(1), word(0)
        while a != 0:
            size = U64(bits) - clz(a | b)
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

    return inverse_modulo


inverse_modulo = modular_inverse(U256, product_by_limb)
