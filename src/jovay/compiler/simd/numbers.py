"""Field elements in lanes that know their bounds, so that code adds and subtracts without reducing.

A ``Number`` stands for its value modulo n. It carries exact upper bounds of its limbs and of its value, computed while
the code is generated; carries and reductions are made where a product needs them, and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass

from .lanes import WORD, Pointer, Routine, Value
from .limbs import (
    LIMB_BITS,
    LIMBS,
    MASK52,
    VECTOR,
    Limbs,
    carried,
    limbs_of,
    load_limbs,
    pack,
    splat,
    store_limbs,
    unpack,
)
from .montgomery import RADIX, Modulus

#: A block in memory: eight elements below 2^256, word i of all of them together.
WORDS = 4
BLOCK = WORDS * VECTOR.bytes
_LANE = WORD.bytes


#: What shifts multiply by, and how far.
_SHIFTS = {1 << count: count for count in range(5)}


@dataclass(frozen=True)
class Number:
    """``tops[i]`` bounds limb i, ``bound`` the whole value, which is below 2^260."""

    field: Modulus
    limbs: Limbs
    tops: tuple[int, ...]
    bound: int

    def __post_init__(self) -> None:
        assert max(self.tops) < 2**64, "a limb may overflow"

    # ---- sums ------------------------------------------------------------------------------------------------

    def known(self, number: int) -> Number:
        """An integer as an element, in every lane."""
        form = limbs_of(self.field.form(number))
        limbs = [splat(self.limbs[0], limb) for limb in form]
        return Number(self.field, limbs, tuple(form), self.field.form(number) + 1)

    def __add__(self, added: Number | int) -> Number:
        other = self.known(added) if isinstance(added, int) else added
        limbs = [x + y for x, y in zip(self.limbs, other.limbs, strict=True)]
        tops = tuple(x + y for x, y in zip(self.tops, other.tops, strict=True))
        return Number(self.field, limbs, tops, self.bound + other.bound)

    def __neg__(self) -> Number:
        """A multiple of n minus this, with no limb below zero."""
        n = self.field.value
        least = sum(top << (LIMB_BITS * i) for i, top in enumerate(self.tops))
        multiple = -(-least // n) * n
        offsets = tuple(top + more for top, more in zip(self.tops, limbs_of(multiple - least), strict=True))
        limbs = [offset - limb for offset, limb in zip(offsets, self.limbs, strict=True)]
        return Number(self.field, limbs, offsets, multiple)

    def __sub__(self, other: Number | int) -> Number:
        return self + (-other)

    def __rsub__(self, other: int) -> Number:
        return -self + other

    __radd__ = __add__

    # ---- products --------------------------------------------------------------------------------------------

    def __mul__(self, by: Number | int) -> Number:
        """The Montgomery product, below 2n; small powers of two need none."""
        if isinstance(by, int) and by in _SHIFTS:
            return self.shifted(_SHIFTS[by])
        other = self.known(by) if isinstance(by, int) else by
        x, y = self.factor(), other.factor()
        while x.bound * y.bound >= self.field.value * RADIX:
            x, y = (x.folded(), y) if x.bound > y.bound else (x, y.folded())
        return of(self.field, self.field.product(x.limbs, y.limbs), 2 * self.field.value)

    __rmul__ = __mul__

    def shifted(self, count: int) -> Number:
        """2^count times this."""
        x = self if max(self.tops) < 1 << 60 - count else self.factor()
        tops = tuple(top << count for top in x.tops)
        return Number(self.field, [limb << count for limb in x.limbs], tops, x.bound << count)

    def factor(self) -> Number:
        """The same value in limbs of 52 bits, as the multiplier reads them."""
        if max(self.tops) <= MASK52:
            return self
        small = self
        while small.bound >= RADIX:
            small = small.folded()
        return small if max(small.tops) <= MASK52 else of(self.field, carried(small.limbs), small.bound)

    def folded(self) -> Number:
        """What lies from bit ``top`` on, times 2^top mod n, added to the rest: hardly more than 2^top, clean."""
        top = self.field.value.bit_length()
        shift = top - LIMB_BITS * (LIMBS - 1)
        limbs = carried(self.limbs)
        most = self.bound >> top
        assert most <= MASK52
        over, limbs[-1] = limbs[-1] >> shift, limbs[-1] & ((1 << shift) - 1)
        fold = (1 << top) % self.field.value
        for i, limb in enumerate(limbs_of(fold)):
            factor = splat(over, limb)
            limbs[i] = self.field.low(limbs[i], over, factor)
            if i + 1 < LIMBS and most * limb >> LIMB_BITS:
                limbs[i + 1] = self.field.high(limbs[i + 1], over, factor)
            elif most * limb >> LIMB_BITS:
                limbs[i] = limbs[i] + (self.field.high(splat(over, 0), over, factor) << LIMB_BITS)
        bound = (1 << top) + most * fold
        assert bound < self.bound, "it does not become smaller"
        return of(self.field, carried(limbs), bound)

    def canonical(self) -> Number:
        """The representative below n, clean."""
        n = self.field.value
        x = self
        while x.bound > 2 * n and x.bound >> n.bit_length() > 1:
            x = x.folded()
        x = of(self.field, carried(x.limbs), x.bound)
        while x.bound > n:
            half = x.bound // 2 // n * n  # the largest multiple of n that halves what is left
            x = x.less(max(half, n))
        return x

    def less(self, multiple: int) -> Number:
        """``multiple`` subtracted where that leaves nothing below zero."""
        borrow, rest = splat(self.limbs[0], 0), list[Value]()
        for limb, b in zip(self.limbs, limbs_of(multiple), strict=True):
            difference = limb - b + borrow
            rest.append(difference & MASK52)
            borrow = difference.sar(LIMB_BITS)
        below = borrow.compare("!=", 0)
        limbs = [below.select(x, y) for x, y in zip(self.limbs, rest, strict=True)]
        return of(self.field, limbs, max(multiple, self.bound - multiple))


def of(field: Modulus, limbs: Limbs, bound: int) -> Number:
    """A number in clean limbs."""
    return Number(
        field, limbs, (*[MASK52] * (LIMBS - 1), min(MASK52, bound >> LIMB_BITS * (LIMBS - 1))), bound
    )


def constant(code: Routine, field: Modulus, number: int) -> Number:
    """A known element in every lane, in Montgomery form."""
    form = field.form(number)
    limbs = [code.constant(VECTOR, limb) for limb in limbs_of(form)]
    return Number(field, limbs, tuple(limbs_of(form)), form + 1)


def load(field: Modulus, block: Pointer) -> Number:
    """The elements of a block, each below n."""
    words = [block.at(i * VECTOR.bytes).load(VECTOR) for i in range(WORDS)]
    return of(field, unpack(words), field.value)


def load_one(field: Modulus, element: Pointer) -> Number:
    """One element below n, of 32 bytes, in every lane."""
    words = [element.at(i * _LANE).load(WORD).splat(VECTOR.count) for i in range(WORDS)]
    return of(field, unpack(words), field.value)


def store(number: Number, block: Pointer) -> None:
    """Write canonical elements to a block."""
    for i, word in enumerate(pack(number.canonical().limbs)):
        block.at(i * VECTOR.bytes).store(word)


def load_slot(field: Modulus, slot: Pointer, bound: int) -> Number:
    """Clean limbs from scratch memory (``limbs.SLOT``), of a number below ``bound``."""
    return of(field, load_limbs(slot), bound)


def store_slot(number: Number, slot: Pointer) -> Number:
    """Write clean limbs to scratch memory, unreduced; the number as it lies there."""
    kept = number.factor()
    store_limbs(slot, kept.limbs)
    return kept


#: So many clean numbers below 2^256 can be added up in a slot.
MOST_ADDED = 1 << 12


def add_to_slot(number: Number, slot: Pointer) -> None:
    """Add to a sum that is kept in clean limbs, but for the top one; it is not reduced."""
    clean = number.factor()
    assert clean.bound <= 1 << 256
    sums = [slot.at(i * VECTOR.bytes) for i in range(LIMBS)]
    limbs = carried([place.load(VECTOR) + limb for place, limb in zip(sums, clean.limbs, strict=True)])
    for place, limb in zip(sums, limbs, strict=True):
        place.store(limb)
