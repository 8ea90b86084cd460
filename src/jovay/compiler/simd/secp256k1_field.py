"""The secp256k1 base field in lanes: five 52-bit limbs, products with AVX-512 IFMA (VPMADD52).

An ``Element`` knows exact upper bounds of its limbs and of its value, computed while the code is generated;
every operation asserts that nothing can overflow, so carries are made only where they are needed. Numbers are
reduced lazily: an element stands for its value modulo p, and ``canonical`` gives the one below p.

Several vectors (``ways``) go through each operation together, which hides the latency of the multiplications.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .lanes import Pointer, Routine, Value
from .limbs import LIMBS, MADD_HIGH, MADD_LOW, MASK52, SLOT, VECTOR, limbs_of

P = 2**256 - 2**32 - 977
MASK48 = 2**48 - 1
FOLD256 = 2**256 % P
FOLD260 = 2**260 % P
STORED = 2**256 + 2**220  # bound of every element in memory; products keep it

Row = list[Value]  # one value per way


class Element:
    """``limbs[i]`` holds limb i of every way; ``tops[i]`` bounds it, ``bound`` the whole value."""

    __slots__ = ("_limbs", "bound", "tops")

    def __init__(self, limbs: list[Row], tops: Sequence[int], bound: int) -> None:
        assert all(top < 2**64 for top in tops), "a limb may overflow"
        self._limbs, self.tops, self.bound = limbs, list(tops), bound

    @property
    def limbs(self) -> list[Row]:
        return self._limbs

    @property
    def tight(self) -> bool:
        """Whether every limb fits the 52 bits that the multiplier reads."""
        return max(self.tops) <= MASK52

    @property
    def ways(self) -> int:
        return len(self.limbs[0])

    def values(self) -> list[Value]:
        return [value for row in self.limbs for value in row]

    def _zip(self, other: Element, f: Callable[[Value, Value], Value]) -> list[Row]:
        return [
            [f(x, y) for x, y in zip(a, b, strict=True)] for a, b in zip(self.limbs, other.limbs, strict=True)
        ]

    def __add__(self, other: Element) -> Element:
        tops = [a + b for a, b in zip(self.tops, other.tops, strict=True)]
        return Element(self._zip(other, lambda x, y: x + y), tops, self.bound + other.bound)

    def __lshift__(self, count: int) -> Element:
        rows = [[x << count for x in row] for row in self.limbs]
        return Element(rows, [top << count for top in self.tops], self.bound << count)

    def __neg__(self) -> Element:
        """A multiple of p minus this, with no limb below zero."""
        least = sum(top << (52 * i) for i, top in enumerate(self.tops))
        multiple = -(-least // P) * P
        offsets = [top + d for top, d in zip(self.tops, limbs_of(multiple - least), strict=True)]
        rows = [[offset - x for x in row] for offset, row in zip(offsets, self.limbs, strict=True)]
        return Element(rows, offsets, multiple)

    def __sub__(self, other: Element) -> Element:
        return self + -other

    def where(self, mask: Row, other: Element) -> Element:
        """This element in the lanes of ``mask``, elsewhere ``other``."""
        rows = [[m.select(x, y) for m, x, y in zip(mask, a, b, strict=True)]
                for a, b in zip(self.limbs, other.limbs, strict=True)]  # fmt: skip
        tops = [max(pair) for pair in zip(self.tops, other.tops, strict=True)]
        return Element(rows, tops, max(self.bound, other.bound))

    def carried(self) -> Element:
        """The same value with tight limbs."""
        assert self.bound < 2**260
        rows = [list(row) for row in self.limbs]
        for k in range(self.ways):
            carry_chain(rows, k)
        return Element(rows, [MASK52] * 4 + [self.bound >> 208], self.bound)

    def store(self, to: Pointer) -> None:
        assert self.tight
        assert self.bound <= STORED
        self.put(to)

    def put(self, to: Pointer) -> None:
        """Write the limbs whatever their bounds."""
        for i, row in enumerate(self.limbs):
            for k, value in enumerate(row):
                to.at(k * SLOT + i * VECTOR.bytes).store(value)


def carry_chain(rows: list[Row], k: int) -> None:
    """Carry way ``k`` from limb to limb, lowest first; the top limb keeps what arrives."""
    for i in range(LIMBS - 1):
        rows[i + 1][k] = rows[i + 1][k] + (rows[i][k] >> 52)
        rows[i][k] = rows[i][k] & MASK52


def load(source: Pointer, ways: int) -> Element:
    """``ways`` elements from consecutive slots of memory."""
    rows = [[source.at(k * SLOT + i * VECTOR.bytes).load(VECTOR) for k in range(ways)] for i in range(LIMBS)]
    return Element(rows, [MASK52] * 4 + [STORED >> 208], STORED)


def constant(code: Routine, value: int, ways: int) -> Element:
    """A known number below p in every lane."""
    rows = [[code.constant(VECTOR, limb)] * ways for limb in limbs_of(value)]
    return Element(rows, limbs_of(value), value)


def like(element: Element, values: Sequence[Value]) -> Element:
    """An element with other values under the bounds of ``element``."""
    ways = element.ways
    rows = [list(values[i * ways : (i + 1) * ways]) for i in range(LIMBS)]
    return Element(rows, element.tops, element.bound)


class _Columns:
    """Column sums of one product, with their exact bounds: ``sums[k]`` counts 2^(52 k)."""

    def __init__(self, zero: Value) -> None:
        self.sums: list[Value] = [zero] * (2 * LIMBS)
        self.tops = [0] * (2 * LIMBS)

    def product(self, i: int, x: Value, y: Value, top: int) -> None:
        """Add x·y, below ``top`` each way, at limb position ``i``: low half there, high half above."""
        self.low(i, x, y, top)
        self.high(i, x, y, top)

    def low(self, i: int, x: Value, y: Value, top: int) -> None:
        self.sums[i] = self.sums[i].target(MADD_LOW, x, y)
        self.tops[i] += min(top, MASK52)

    def high(self, i: int, x: Value, y: Value, top: int) -> None:
        if top >> 52:
            self.sums[i + 1] = self.sums[i + 1].target(MADD_HIGH, x, y)
            self.tops[i + 1] += top >> 52

    def scale(self, factor: int) -> None:
        if factor == 3:
            self.sums = [s + (s << 1) for s in self.sums]
        elif factor != 1:
            self.sums = [s << (factor.bit_length() - 1) for s in self.sums]
        self.tops = [factor * top for top in self.tops]

    def plus(self, way: int, addend: Element) -> None:
        for i in range(LIMBS):
            self.sums[i] = self.sums[i] + addend.limbs[i][way]
            self.tops[i] += addend.tops[i]

    def reduced(self) -> tuple[list[Value], list[int]]:
        """Five tight limbs congruent to the sum modulo p, and their bounds."""
        s, tops = self.sums, self.tops
        for i in range(LIMBS, 2 * LIMBS - 1):  # the multiplier ignores bits from 52 on, so no masks
            s[i + 1] = s[i + 1] + (s[i] >> 52)
            tops[i + 1] += tops[i] >> 52
        assert tops[-1] <= MASK52, "the product may pass 2^520"
        fold = s[0].same(s[0].lanes.constant(FOLD260))
        low = _Columns(s[0])
        low.sums[:LIMBS], low.tops[:LIMBS] = s[:LIMBS], tops[:LIMBS]
        low.sums[LIMBS] = s[0].same(s[0].lanes.constant(0))
        for i in range(LIMBS):
            low.product(i, s[i + LIMBS], fold, min(tops[i + LIMBS], MASK52) * FOLD260)
        return low.folded()

    def folded(self) -> tuple[list[Value], list[int]]:
        """Fold what lies above 2^256 (fifth column and top of the fourth) down and carry once."""
        s, tops = self.sums, self.tops
        assert max(tops[: LIMBS + 1]) < 2**64, "a column may overflow"
        excess, most = (s[5] << 4) + (s[4] >> 48), (tops[5] << 4) + (tops[4] >> 48)
        assert most <= MASK52
        s[4], tops[4] = s[4] & MASK48, min(tops[4], MASK48)
        self.product(0, excess, s[0].same(s[0].lanes.constant(FOLD256)), most * FOLD256)
        for i in range(LIMBS - 1):
            s[i + 1], tops[i + 1] = s[i + 1] + (s[i] >> 52), tops[i + 1] + (tops[i] >> 52)
            s[i], tops[i] = s[i] & MASK52, min(tops[i], MASK52)
        return s[:LIMBS], tops[:LIMBS]


def _collect(element: Element, reduce: Callable[[int], tuple[list[Value], list[int]]]) -> Element:
    """Run ``reduce`` for every way and put the limbs together."""
    per_way = [reduce(k) for k in range(element.ways)]
    rows = [[limbs[i] for limbs, _ in per_way] for i in range(LIMBS)]
    tops = per_way[0][1]
    return Element(rows, tops, sum(top << (52 * i) for i, top in enumerate(tops)))


def _zero(value: Value) -> Value:
    return value.same(value.lanes.constant(0))


def multiply(x: Element, y: Element, scale: int = 1, plus: Element | None = None) -> Element:
    """scale·x·y + plus; ``scale`` is a power of two or 3."""
    assert x.tight
    assert y.tight
    assert scale * x.bound * y.bound < 2**520

    def way(k: int) -> tuple[list[Value], list[int]]:
        columns = _Columns(_zero(x.limbs[0][k]))
        for i in range(LIMBS):
            for half in (columns.low, columns.high):
                for j in range(LIMBS):
                    half(i + j, x.limbs[i][k], y.limbs[j][k], x.tops[i] * y.tops[j])
        columns.scale(scale)
        if plus is not None:
            columns.plus(k, plus)
        return columns.reduced()

    return _collect(x, way)


def square(x: Element, scale: int = 1, plus: Element | None = None) -> Element:
    """scale·x² + plus; ``scale`` is a power of two or 3."""
    assert x.tight
    assert scale * x.bound**2 < 2**520

    def way(k: int) -> tuple[list[Value], list[int]]:
        columns = _Columns(_zero(x.limbs[0][k]))
        for i in range(LIMBS):
            for half in (columns.low, columns.high):
                for j in range(i + 1, LIMBS):
                    half(i + j, x.limbs[i][k], x.limbs[j][k], x.tops[i] * x.tops[j])
        columns.scale(2)
        for i in range(LIMBS):
            columns.product(2 * i, x.limbs[i][k], x.limbs[i][k], x.tops[i] ** 2)
        columns.scale(scale)
        if plus is not None:
            columns.plus(k, plus)
        return columns.reduced()

    return _collect(x, way)


def folded(x: Element) -> Element:
    """The same value modulo p with tight limbs, small enough to be stored."""
    assert x.bound < 2**260

    def way(k: int) -> tuple[list[Value], list[int]]:
        columns = _Columns(_zero(x.limbs[0][k]))
        columns.sums[:LIMBS], columns.tops[:LIMBS] = [row[k] for row in x.limbs], list(x.tops)
        return columns.folded()

    return _collect(x, way)


def canonical(x: Element) -> Element:
    """The representative below p."""
    x = folded(x)

    def way(k: int) -> tuple[list[Value], list[int]]:
        limbs = [row[k] for row in x.limbs]
        more = [[limb] for limb in limbs]
        more[0][0] = more[0][0] + FOLD256  # x + 2^256 - p reaches 2^256 exactly if x >= p
        carry_chain(more, 0)
        past = (more[4][0] >> 48).compare("!=", 0)
        more[4][0] = more[4][0] & MASK48
        return [past.select(row[0], limb) for row, limb in zip(more, limbs, strict=True)], limbs_of(P)

    result = _collect(x, way)
    return Element(result.limbs, [MASK52] * 4 + [MASK48], P - 1)


def is_zero(x: Element) -> Row:
    """One-bit mask per way: the lanes of a canonical element that hold zero."""
    masks = []
    for k in range(x.ways):
        a, b, c, d, e = (row[k] for row in x.limbs)
        masks.append((a | b | c | d | e).compare("==", 0))
    return masks
