"""Numbers of 256 bits as four words, and equations between their products that hold over the integers.

With W = 2^64, a product's *columns* are e₀ … e₆: Σ Wⁱ·eᵢ is what it amounts to, and eᵢ adds up SUMMANDSᵢ products of
two words. Formulas are in columns of a row or, where tables are made, in arrays of Python's integers.

A field's equation is one of integers only if both sides differ by less than R, the field's order; so what depends on
the prover alone, quotients and carries, is *signed*: limbs below 2^16, less half of what they reach.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from jovay.prover.zk.chip import Message, Row
from jovay.prover.zk.field import U64, R

from .buses import LIMB_BITS, WORD
from .parts import LIMBS, boolean, composed, limbs_of, ranged, total

#: Words and limbs of a number, and columns of a product.
NUMBER_WORDS = 4
NUMBER_LIMBS = NUMBER_WORDS * LIMBS
COLUMNS = 2 * NUMBER_WORDS - 1
SUMMANDS = (1, 2, 3, 4, 3, 2, 1)


def product(a: Sequence[Any], b: Sequence[Any]) -> list[Any]:
    """The columns of a product of two numbers."""
    pairs = [[(i, k - i) for i in range(NUMBER_WORDS) if 0 <= k - i < NUMBER_WORDS] for k in range(COLUMNS)]
    return [total([a[i] * b[j] for i, j in column]) for column in pairs]


def less(columns: Sequence[Any], *numbers: Sequence[Any]) -> list[Any]:
    """What is left when numbers are taken away."""
    left = list(columns)
    for number in numbers:
        left[:NUMBER_WORDS] = [a - b for a, b in zip(left[:NUMBER_WORDS], number, strict=True)]
    return left


def words(limbs: Sequence[Any]) -> list[Any]:
    """A number whose sixteen limbs are ranged."""
    return [composed(limbs[at : at + LIMBS]) for at in range(0, NUMBER_LIMBS, LIMBS)]


def offset(limbs: int) -> int:
    """What is taken from as many limbs to make a signed number: it lies in −offset … offset − 1."""
    return 1 << LIMB_BITS * limbs - 1


def signed(limbs: Sequence[Any], used: Any) -> Any:
    """The number; zero in rows of zeros."""
    return composed(limbs) - used * offset(len(limbs))


def weighted(weights: Sequence[int], columns: Sequence[Any]) -> Any:
    """Σ weightᵢ·columnᵢ."""
    return total([column * weight for weight, column in zip(weights, columns, strict=True) if weight])


#: Moduli N beside R, each with what the equation is multiplied by so that all (multiplier·Wⁱ mod N) are small.
MODULI = ((WORD**2, 1), (16 * WORD**2 - 1, 16**3))
CARRY_LIMBS = 5


def weights_modulo(modulus: int, multiplier: int) -> list[int]:
    """multiplier·Wⁱ mod N."""
    return [multiplier * WORD**i % modulus for i in range(COLUMNS)]


def carries(columns: Sequence[Any]) -> list[Any]:
    """What ``vanishes`` asks for."""
    return [weighted(weights_modulo(*each), columns) // each[0] for each in MODULI]


def vanishes(columns: Sequence[Any], carried: Sequence[Any]) -> list[Any]:
    """Zero only if D = Σ Wⁱ·eᵢ is 0, given |eᵢ| ≤ SUMMANDSᵢ·W², |D| < W⁸, and signed ``carried`` of five limbs.

    D is 0 modulo R by the first equation, modulo W² and 16·W² − 1 by those that have a carry c. These are equations of
    integers, since |Σ weightᵢ·eᵢ| + |c|·N < 2^206 + 2^79·2^132 < R. The moduli have no common factor, and their product
    is more than 2^513, so D is 0. And c fits: |Σ weightᵢ·eᵢ|/N < 2^74 for both.
    """
    native = weighted([WORD**i % R for i in range(COLUMNS)], columns)
    return [native] + [
        weighted(weights_modulo(*each), columns) - carry * each[0]
        for each, carry in zip(MODULI, carried, strict=True)
    ]


QUOTIENT_LIMBS, MIDDLE_LIMBS = 5, 7


def _halves(columns: Sequence[Any], complement: int) -> list[Any]:
    """Lower and upper half of Σ Wⁱ·eᵢ, with W⁴ replaced by the complement."""
    e = list(columns[:NUMBER_WORDS])
    for at, above in enumerate(columns[NUMBER_WORDS:]):
        e[at] = e[at] + above * complement
    return [e[0] + e[1] * WORD, e[2] + e[3] * WORD]


def quotients(columns: Sequence[Any], complement: int) -> list[Any]:
    """What ``is_multiple`` asks for: the quotient, and what goes from the lower half to the upper one."""
    low, high = _halves(columns, complement)
    quotient = (low + high * WORD**2) // (WORD**4 - complement)
    return [quotient, (low + quotient * complement) // WORD**2]


def is_multiple(columns: Sequence[Any], complement: int, quotient: Any, middle: Any) -> list[Any]:
    """Zero only if p = W⁴ − ``complement`` divides Σ Wⁱ·eᵢ, given |eᵢ| ≤ 3·SUMMANDSᵢ·W² and complement < 2^33.

    W⁴ is the complement modulo p, so both Σ and low + W²·high have the same residue. Equations of integers, by
    |low|, |high| < 2^229, |quotient| ≤ 2^79 and |middle| ≤ 2^111:
    low + complement·quotient = W²·middle and high + middle = W²·quotient.
    The first and W² times the second add up to low + W²·high = p·quotient. And both fit:
    |quotient| ≤ 2^69, since |low + W²·high| < 2^325, and |middle| ≤ 2^101.
    """
    low, high = _halves(columns, complement)
    return [
        low + quotient * complement - middle * WORD**2,
        high + middle - quotient * WORD**2,
    ]


def below_names(name: str) -> Iterator[str]:
    """The columns of ``below``."""
    yield from (f"{name}_at{word}" for word in range(NUMBER_WORDS))
    yield from (f"{name}_room{limb}" for limb in range(LIMBS))


def below(row: Row, name: str, number: Sequence[Any], bound: Sequence[Any], used: Any) -> list[Any]:
    """Number < bound, both of four words below W: it is less in the highest word where they differ, whose flag is 1."""
    at, room = list(row.many(f"{name}_at")), list(row.many(f"{name}_room"))
    gaps = [b - a for a, b in zip(number, bound, strict=True)]
    lower = [total(at[:word]) * gaps[word] for word in range(1, NUMBER_WORDS)]
    here = total([flag * (gap - 1) for flag, gap in zip(at, gaps, strict=True)])
    return [*map(boolean, at), used - total(at), *lower, here - composed(room)]


def below_messages(row: Row, name: str, used: Any) -> list[Message]:
    """Its room is ranged."""
    return ranged(list(row.many(f"{name}_room")), used)


def below_columns(number: U64, bound: U64) -> list[U64]:
    """The columns of ``below``; both have shape (rows, 4)."""
    different = number != bound
    highest = NUMBER_WORDS - 1 - np.argmax(different[:, ::-1], axis=1)
    rows = np.arange(len(number))
    room = bound[rows, highest] - number[rows, highest] - np.uint64(1)
    return [*((highest == word).astype(np.uint64) for word in range(NUMBER_WORDS)), *limbs_of(room)]


def integers(block: U64) -> list[Any]:
    """The words of numbers of shape (rows, 4), as arrays of Python's integers."""
    return list(block.T.astype(object))


def number(parts: Sequence[Any]) -> Any:
    """What words amount to."""
    return weighted([WORD**i for i in range(NUMBER_WORDS)], parts)


def split(values: Any) -> list[Any]:
    """The words of numbers."""
    return [values >> 64 * at & WORD - 1 for at in range(NUMBER_WORDS)]


def word_limbs(block: U64) -> list[U64]:
    """The limbs of numbers of shape (rows, 4)."""
    return [limb for word in block.T for limb in limbs_of(word)]


def inverses(values: Any, modulus: int) -> Any:
    """1/value modulo a prime, of many at the price of one. ``ValueError`` if a value has none."""
    before, product = list[int](), 1
    for value in values:
        before.append(product)
        product = product * value % modulus
    found, inverse = np.empty(len(before), object), pow(product, -1, modulus)
    for at in reversed(range(len(before))):
        found[at], inverse = inverse * before[at] % modulus, inverse * values[at] % modulus
    return found


def limb_columns(values: Any, count: int) -> list[U64]:
    """So many limbs of each integer."""
    size = count * LIMB_BITS // 8
    data = b"".join(value.to_bytes(size, "little") for value in values)
    return list(np.frombuffer(data, "<u2").reshape(-1, count).astype(np.uint64).T)


def signed_columns(values: Any, count: int) -> list[U64]:
    """The limbs of ``signed``."""
    return limb_columns(values + offset(count), count)
