"""Montgomery arithmetic with radix 2^260 in lanes, for any odd modulus below 2^256."""

from __future__ import annotations

from collections.abc import Sequence

from .lanes import Value
from .limbs import LIMB_BITS, LIMBS, MADD_HIGH, MADD_LOW, MASK52, Limbs, carried, limbs_of, splat

RADIX = 1 << LIMBS * LIMB_BITS


class Modulus:
    """Operations modulo ``value`` on clean limbs. ``portable``: for CPUs without AVX-512 IFMA, many times slower."""

    def __init__(self, value: int, portable: bool = False) -> None:
        self.value, self.portable, self._limbs = value, portable, limbs_of(value)
        self._inverse = pow(-value, -1, 1 << LIMB_BITS)
        self.low, self.high = (_portable_low, _portable_high) if portable else (_low, _high)

    def form(self, number: int) -> int:
        """A number in Montgomery form."""
        return number * RADIX % self.value

    def product(self, a: Sequence[Value], b: Sequence[Value]) -> Limbs:
        """a·b/2^260, below 2n, for a·b < n·2^260."""
        zero = splat(a[0], 0)
        n = [splat(zero, limb) for limb in self._limbs]
        t = [zero] * (LIMBS + 1)
        for x in a:
            for factor, ys in ((x, b), (None, n)):
                f = self.low(zero, t[0], splat(zero, self._inverse)) if factor is None else factor
                t[:LIMBS] = [self.low(s, f, y) for s, y in zip(t[:LIMBS], ys, strict=True)]
                t[1:] = [self.high(s, f, y) for s, y in zip(t[1:], ys, strict=True)]
            t = [t[1] + (t[0] >> LIMB_BITS), *t[2:], zero]
        return carried(t[:LIMBS])

    def added(self, total: Sequence[Value], a: Sequence[Value], b: Sequence[Value]) -> Limbs:
        """total + a·b in ten limbs, of which some thousands of products can be added up."""
        t = list(total)
        for i, x in enumerate(a):
            for j, y in enumerate(b):
                t[i + j] = self.low(t[i + j], x, y)
                t[i + j + 1] = self.high(t[i + j + 1], x, y)
        return t

    def reduced_sum(self, total: Sequence[Value]) -> Limbs:
        """total/2^260 and less than n more, in clean limbs but for the top one, of ten limbs."""
        t, n = list(total), [splat(total[0], limb) for limb in self._limbs]
        for i in range(LIMBS):
            factor = self.low(splat(t[0], 0), t[i], splat(t[0], self._inverse))
            for j, y in enumerate(n):
                t[i + j] = self.low(t[i + j], factor, y)
                t[i + j + 1] = self.high(t[i + j + 1], factor, y)
            t[i + 1] = t[i + 1] + (t[i] >> LIMB_BITS)
        return carried(t[LIMBS:])

    def reduced(self, a: Sequence[Value]) -> Limbs:
        """The representative below n of a number below 2n."""
        smaller = less(a, self.value)
        rest = []
        borrow = splat(a[0], 0)
        for limb, b in zip(a, self._limbs, strict=True):
            difference = limb - b + borrow
            rest.append(difference & MASK52)
            borrow = difference.sar(LIMB_BITS)
        return [smaller.select(x, y) for x, y in zip(a, rest, strict=True)]


def less(limbs: Sequence[Value], bound: int) -> Value:
    """Mask of the lanes whose clean number is below ``bound``."""
    borrow = splat(limbs[0], 0)
    for limb, b in zip(limbs, limbs_of(bound), strict=True):
        borrow = (limb - b + borrow).sar(LIMB_BITS)
    return borrow.compare("!=", 0)


def _low(total: Value, x: Value, y: Value) -> Value:
    """total + the low 52 bits of x·y, where x and y are the low 52 bits of what is given."""
    return total.target(MADD_LOW, x, y)


def _high(total: Value, x: Value, y: Value) -> Value:
    """total + the bits of x·y from 52 on."""
    return total.target(MADD_HIGH, x, y)


def _portable_low(total: Value, x: Value, y: Value) -> Value:
    return total + (x * y & MASK52)


def _portable_high(total: Value, x: Value, y: Value) -> Value:
    product = (x & MASK52).convert(128) * (y & MASK52).convert(128)
    return total + (product >> LIMB_BITS).convert(64)
