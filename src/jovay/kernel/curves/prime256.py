"""Prime fields just below 2**256, with elements as values in registers.

Two kinds: pseudo-Mersenne primes ``2**256 - c`` with a small ``c`` keep elements as they are; other primes
keep ``x`` as ``x * 2**256 mod p`` (P. Montgomery, "Modular multiplication without trial division", 1985).
Elements are always fully reduced, so equality is equality of words.
"""

from collections.abc import Callable
from typing import NamedTuple

from ..lang import U64, U256, kernel
from ..words.arith import product64, product512, product_by_limb
from .inverse import inverse_modulo


class PrimeField256(NamedTuple):
    """One field. ``times_inline`` is for the few hot places.

    ``encode`` and ``decode`` go to and from integers below the modulus; ``constant`` is ``encode`` in Python.
    """

    modulus: int
    one: U256
    plus: Callable
    minus: Callable
    times: Callable
    times_inline: Callable
    square: Callable
    inverse: Callable
    encode: Callable
    decode: Callable
    constant: Callable[[int], int]


def _sums(tag: str, p: U256) -> tuple[Callable, Callable]:
    @kernel(name=f"{tag}_plus", inline=True)
    def plus(x: U256, y: U256) -> U256:
        total = x + y
        return total - p if total < x or total >= p else total

    @kernel(name=f"{tag}_minus", inline=True)
    def minus(x: U256, y: U256) -> U256:
        difference = x - y
        return difference + p if x < y else difference

    return plus, minus


def _outlined(tag: str, times_inline: Callable) -> tuple[Callable, Callable]:
    @kernel(name=f"{tag}_times", inline=False)
    def times(x: U256, y: U256) -> U256:
        return times_inline(x, y)

    @kernel(name=f"{tag}_square", inline=False)
    def square(x: U256) -> U256:
        return times_inline(x, x)

    return times, square


def pseudo_mersenne_field(tag: str, modulus: int) -> PrimeField256:
    """The field of ``2**256 - c``, ``c`` below 2**62; ``tag`` starts the names of its functions."""
    p, c = U256(modulus), U64((1 << 256) - modulus)
    plus, minus = _sums(tag, p)

    @kernel(name=f"{tag}_times_inline", inline=True)
    def times_inline(x: U256, y: U256) -> U256:
        high, low = product512(x, y)
        # 2**256 counts c: fold the upper half, then the limb above, then a last carry.
        folded, above = product_by_limb(high, c)
        total = low + folded
        above += U64(total < folded)
        more = U256(product64(above, c))
        total += more
        if total < more:
            total += U256(c)
        return total - p if total >= p else total

    times, square = _outlined(tag, times_inline)

    @kernel(name=f"{tag}_inverse")
    def inverse(x: U256) -> U256:
        """``1 / x``, 0 for 0."""
        return inverse_modulo(x, p)

    @kernel(name=f"{tag}_same", inline=True)
    def same(x: U256) -> U256:
        return x

    return PrimeField256(
        modulus, U256(1), plus, minus, times, times_inline, square, inverse, same, same, lambda x: x % modulus
    )


def _shift_out(tag: str, modulus: int) -> Callable:
    p = U256(modulus)
    factor = U64(-pow(modulus, -1, 1 << 64))

    @kernel(name=f"{tag}_shift_out", inline=True)
    def shift_out(x: U256) -> U256:
        """``x / 2**64 mod p``, at most ``p``."""
        multiple, above = product_by_limb(p, U64(x) * factor)
        total = x + multiple
        above += U64(total < x)
        return (total >> 64) | (U256(above) << 192)

    return shift_out


def _montgomery_times(tag: str, p: U256, plus: Callable, shift_out: Callable) -> Callable:
    @kernel(name=f"{tag}_times_inline", inline=True)
    def times_inline(x: U256, y: U256) -> U256:
        high, low = product512(x, y)
        low = shift_out(shift_out(shift_out(shift_out(low))))
        return plus(high, low - p if low >= p else low)

    return times_inline


def montgomery_field(tag: str, modulus: int, shift_out: Callable | None = None) -> PrimeField256:
    """The field of any odd prime between 2**255 and 2**256; ``tag`` starts the names of its functions.

    ``shift_out(x)``, if given, makes ``x / 2**64`` modulo the prime, at most the prime itself, from any word.
    """
    p = U256(modulus)
    plus, minus = _sums(tag, p)
    times_inline = _montgomery_times(tag, p, plus, shift_out or _shift_out(tag, modulus))
    times, square = _outlined(tag, times_inline)
    radix = 1 << 256
    squared, cubed = U256(radix**2 % modulus), U256(radix**3 % modulus)

    @kernel(name=f"{tag}_inverse")
    def inverse(x: U256) -> U256:
        """``1 / x``, 0 for 0."""
        return times(inverse_modulo(x, p), cubed)

    @kernel(name=f"{tag}_encode")
    def encode(x: U256) -> U256:
        """An integer below the modulus as an element."""
        return times(x, squared)

    @kernel(name=f"{tag}_decode")
    def decode(x: U256) -> U256:
        """An element as an integer below the modulus."""
        return times(x, U256(1))

    return PrimeField256(
        modulus, U256(radix % modulus), plus, minus, times, times_inline, square, inverse, encode, decode,
        lambda x: x * radix % modulus,
    )  # fmt: skip
