"""Prime fields in Montgomery form, generated for 4 limbs (BN254) and 6 limbs (BLS12-381).

An element is ``size`` bytes in memory: the little-endian word ``x·R mod p`` with ``R = 2^(8·size)``, always
below ``p``. The modulus leaves at least two free top bits, so sums of two elements fit a word.

Products are kept apart from their reduction (``wide`` and ``reduce``), which lets the quadratic extension
reduce sums of products once. Limb loops are unrolled by closures that call one another.
"""

from collections.abc import Callable
from typing import NamedTuple

from jovay.kernel.lang import (
    U64,
    U128,
    U256,
    U384,
    U512,
    U768,
    Ptr,
    Table,
    Word,
    address_of,
    bswap,
    copy,
    kernel,
    load64,
    load256,
    load384,
    store256,
    store384,
)

from .inverse import inverse_modulo as inverse_modulo_256
from .inverse import modular_inverse


class PrimeField(NamedTuple):
    """Constants and kernel functions of one prime field.

    Values: ``plus(x, y)``, ``minus(x, y)``, ``wide(x, y)``, ``reduce(t)``, ``times(x, y)``, ``load(p)``,
    ``store(p, x)``. Memory: ``op(out, a, b)`` where ``out`` may be ``a`` or ``b``.
    """

    tag: str
    modulus: int
    word: type[Word]
    double: type[Word]
    size: int
    one: Table
    load: Callable
    store: Callable
    plus: Callable
    minus: Callable
    wide: Callable
    reduce: Callable
    add: Callable
    sub: Callable
    mul: Callable
    sqr: Callable
    neg: Callable
    halve: Callable
    is_zero: Callable
    equal: Callable
    power: Callable
    inverse: Callable
    from_bytes: Callable
    to_bytes: Callable

    def constant(self, *values: int) -> Table:
        """Table of the given integers as field elements, one after another."""
        return Table(U64, [limb for value in values for limb in self.limbs(value)])

    def limbs(self, value: int) -> list[int]:
        """Limbs of the Montgomery form of ``value``."""
        x = (value << (8 * self.size)) % self.modulus
        return [(x >> (64 * i)) & (2**64 - 1) for i in range(self.size // 8)]


def exponent_table(exponent: int) -> tuple[Table, int]:
    """Hexadecimal digits of an exponent from the top, as ``power`` takes them, and their number."""
    digits = [int(digit, 16) for digit in f"{exponent:x}"]
    return Table(U64, digits), len(digits)


def _row(tag: str, word: type[Word]) -> Callable:
    """``row(t, a, b, 0, 0)``: ``t + a·b`` as (low word, carry limb), for a limb ``b``."""
    bits = word.bits

    def limbs_from(shift: int) -> Callable:
        if shift == bits:

            @kernel(name=f"{tag}_row_end", inline=True)
            def end(t: word, a: word, b: U64, carry: U64, out: word) -> tuple[word, U64]:
                return out, carry

            return end
        rest = limbs_from(shift + 64)

        @kernel(name=f"{tag}_row_{shift}", inline=True)
        def limb(t: word, a: word, b: U64, carry: U64, out: word) -> tuple[word, U64]:
            x = U128(U64(a >> shift)) * U128(b) + U128(U64(t >> shift)) + U128(carry)
            return rest(t, a, b, U64(x >> 64), out | (word(U64(x)) << shift))

        return limb

    return limbs_from(0)


def _wide(tag: str, word: type[Word], double: type[Word], row: Callable) -> Callable:
    """``wide(a, b)``: the full product, by schoolbook rows."""
    bits, top = word.bits, word.bits - 64

    def rows_from(shift: int) -> Callable:
        if shift == bits:

            @kernel(name=f"{tag}_wide_end", inline=True)
            def end(t: word, a: word, b: word, out: double) -> double:
                return out | (double(t) << bits)

            return end
        rest = rows_from(shift + 64)

        @kernel(name=f"{tag}_wide_{shift}", inline=True)
        def one(t: word, a: word, b: word, out: double) -> double:
            low, carry = row(t, a, U64(b >> shift), U64(0), word(0))
            return rest((low >> 64) | (word(carry) << top), a, b, out | (double(U64(low)) << shift))

        return one

    rows = rows_from(0)

    @kernel(name=f"{tag}_wide", inline=True)
    def wide(a: word, b: word) -> double:
        return rows(word(0), a, b, double(0))

    return wide


def _wide_square(tag: str, word: type[Word], double: type[Word], row: Callable) -> Callable:
    """``wide_square(a)``: the full square; products of different limbs are made once and doubled."""
    bits = word.bits

    def rows_from(shift: int) -> Callable:
        at, last = 2 * shift + 64, shift == bits - 128

        if last:

            @kernel(name=f"{tag}_square_{shift}", inline=True)
            def end(t: word, a: word, out: double) -> double:
                low, _ = row(t, a >> (shift + 64), U64(a >> shift), U64(0), word(0))
                return out | (double(low) << at)

            return end
        rest = rows_from(shift + 64)

        @kernel(name=f"{tag}_square_{shift}", inline=True)
        def one(t: word, a: word, out: double) -> double:
            # Limbs at and above the operand's end are zero, so the carry limb is, too.
            low, _ = row(t, a >> (shift + 64), U64(a >> shift), U64(0), word(0))
            return rest(low >> 128, a, out | (double(U128(low)) << at))

        return one

    def squares_from(shift: int) -> Callable:
        if shift == bits:

            @kernel(name=f"{tag}_diagonal_end", inline=True)
            def end(a: word, out: double) -> double:
                return out

            return end
        rest = squares_from(shift + 64)
        at = 2 * shift

        @kernel(name=f"{tag}_diagonal_{shift}", inline=True)
        def one(a: word, out: double) -> double:
            limb = U128(U64(a >> shift))
            return rest(a, out | (double(limb * limb) << at))

        return one

    rows, squares = rows_from(0), squares_from(0)

    @kernel(name=f"{tag}_wide_square", inline=True)
    def wide_square(a: word) -> double:
        return (rows(word(0), a, double(0)) << 1) + squares(a, double(0))

    return wide_square


def _reduce(tag: str, modulus: int, word: type[Word], double: type[Word], row: Callable) -> Callable:
    """``reduce(t)``: ``t/R mod p`` for ``t < R·p`` (Montgomery 1985), below ``p``."""
    bits, top = word.bits, word.bits - 64
    p = word(modulus)
    factor = U64(-pow(modulus, -1, 1 << 64))

    def rows_from(shift: int) -> Callable:
        if shift == bits:

            @kernel(name=f"{tag}_reduce_end", inline=True)
            def end(u: word, t: double, carry: U64) -> word:
                less = u - p
                return less if u >= p else u

            return end
        rest = rows_from(shift + 64)
        above = bits + shift

        @kernel(name=f"{tag}_reduce_{shift}", inline=True)
        def one(u: word, t: double, carry: U64) -> word:
            low, high = row(u, p, U64(u) * factor, U64(0), word(0))
            x = U128(U64(t >> above)) + U128(high) + U128(carry)
            return rest((low >> 64) | (word(U64(x)) << top), t, U64(x >> 64))

        return one

    rows = rows_from(0)

    @kernel(name=f"{tag}_reduce", inline=True)
    def reduce(t: double) -> word:
        return rows(word(t), t, U64(0))

    return reduce


def _sums(tag: str, modulus: int, word: type[Word]) -> tuple[Callable, Callable]:
    p = word(modulus)

    @kernel(name=f"{tag}_plus", inline=True)
    def plus(x: word, y: word) -> word:
        t = x + y
        less = t - p
        return less if t >= p else t

    @kernel(name=f"{tag}_minus", inline=True)
    def minus(x: word, y: word) -> word:
        t = x - y
        return t + p if x < y else t

    return plus, minus


def _memory_sums(
    f: str, p: Word, load: Callable, store: Callable, plus: Callable, minus: Callable
) -> list[Callable]:
    word = type(p)

    @kernel(name=f"{f}_add")
    def add(out: Ptr, a: Ptr, b: Ptr) -> None:
        store(out, plus(load(a), load(b)))

    @kernel(name=f"{f}_sub")
    def sub(out: Ptr, a: Ptr, b: Ptr) -> None:
        store(out, minus(load(a), load(b)))

    @kernel(name=f"{f}_neg")
    def neg(out: Ptr, a: Ptr) -> None:
        x = load(a)
        store(out, p - x if x != 0 else x)

    @kernel(name=f"{f}_halve")
    def halve(out: Ptr, a: Ptr) -> None:
        x = load(a)
        store(out, (x if x & 1 == 0 else x + p) >> 1)

    @kernel(name=f"{f}_is_zero")
    def is_zero(a: Ptr) -> bool:
        return load(a) == word(0)

    @kernel(name=f"{f}_equal")
    def equal(a: Ptr, b: Ptr) -> bool:
        return load(a) == load(b)

    return [add, sub, neg, halve, is_zero, equal]


def _power(f: str, size: int, one: Table, mul: Callable, sqr: Callable) -> Callable:
    @kernel(name=f"{f}_power", inline=False)
    def power(out: Ptr, a: Ptr, digits: Ptr, count: U64, s: Ptr) -> None:
        """``a`` to the exponent of ``exponent_table``; ``s``: 17 elements of scratch."""
        copy(s, address_of(one), size)
        for i in range(15):
            mul(s + (i + 1) * size, s + i * size, a)
        y = s + 16 * size
        copy(y, s + load64(digits) * size, size)
        for i in range(1, count):
            for _ in range(4):
                sqr(y, y)
            digit = load64(digits + i * 8)
            if digit != 0:
                mul(y, y, s + digit * size)
        copy(out, y, size)

    return power


def _inverse(f: str, p: Word, row: Callable, memory: tuple[Callable, Callable], math: tuple) -> Callable:
    word = type(p)
    load, store = memory
    wide, reduce = math
    cubed = word((1 << (3 * word.bits)) % int(p))

    @kernel(name=f"{f}_product_by_limb", inline=True)
    def product(x: word, limb: U64) -> tuple[word, U64]:
        return row(word(0), x, limb, U64(0), word(0))

    inverse_modulo = inverse_modulo_256 if word is U256 else modular_inverse(word, product)

    @kernel(name=f"{f}_inverse", inline=False)
    def inverse(out: Ptr, a: Ptr, s: Ptr) -> None:
        """``1/a``, zero for zero; ``s`` is not used: extensions of the field need it."""
        store(out, reduce(wide(inverse_modulo(load(a), p), cubed)))

    return inverse


def _codec(
    f: str, p: Word, double: type[Word], memory: tuple[Callable, Callable], math: tuple
) -> list[Callable]:
    word = type(p)
    load, store = memory
    wide, reduce = math
    squared = word((1 << (2 * word.bits)) % int(p))

    @kernel(name=f"{f}_from_bytes")
    def from_bytes(out: Ptr, source: Ptr) -> bool:
        """Big-endian bytes to an element; False where they are not below the modulus."""
        x = bswap(load(source))
        if x >= p:
            return False
        store(out, reduce(wide(x, squared)))
        return True

    @kernel(name=f"{f}_to_bytes")
    def to_bytes(out: Ptr, a: Ptr) -> None:
        store(out, bswap(reduce(double(load(a)))))

    return [from_bytes, to_bytes]


def prime_field(tag: str, modulus: int) -> PrimeField:
    """The field of ``modulus`` (at most 254 or 382 bits); ``tag`` starts the names of its functions."""
    small = modulus.bit_length() <= 254
    word, double = (U256, U512) if small else (U384, U768)
    load, store = (load256, store256) if small else (load384, store384)
    f, size = f"{tag}_fp", word.bits // 8
    row = _row(f, word)
    wide = _wide(f, word, double, row)
    wide_square = _wide_square(f, word, double, row)
    reduce = _reduce(f, modulus, word, double, row)
    plus, minus = _sums(f, modulus, word)
    one = Table(U64, [((1 << word.bits) % modulus >> shift) for shift in range(0, word.bits, 64)])

    @kernel(name=f"{f}_mul", inline=False)
    def mul(out: Ptr, a: Ptr, b: Ptr) -> None:
        store(out, reduce(wide(load(a), load(b))))

    @kernel(name=f"{f}_sqr", inline=False)
    def sqr(out: Ptr, a: Ptr) -> None:
        store(out, reduce(wide_square(load(a))))

    add, sub, neg, halve, is_zero, equal = _memory_sums(f, word(modulus), load, store, plus, minus)
    power = _power(f, size, one, mul, sqr)
    inverse = _inverse(f, word(modulus), row, (load, store), (wide, reduce))
    from_bytes, to_bytes = _codec(f, word(modulus), double, (load, store), (wide, reduce))
    return PrimeField(
        tag, modulus, word, double, size, one, load, store, plus, minus, wide, reduce,
        add, sub, mul, sqr, neg, halve, is_zero, equal, power, inverse, from_bytes, to_bytes,
    )  # fmt: skip
