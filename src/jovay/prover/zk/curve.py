"""BN254's G1: points one by one, and sums of very many, which is what commitments are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from jovay.compiler.native import compile_modules
from jovay.compiler.simd import bn254_g1
from jovay.compiler.simd.montgomery import RADIX
from jovay.native.arena import aligned_words
from jovay.native.library import ObjectCode
from jovay.native.memory import memory

from .field import ELEMENT, LANES, U64, R, Vector, encode_elements, portable
from .threads import each

P = bn254_g1.P
Point = tuple[int, int] | None
"""Affine coordinates; None is the point at infinity."""
GENERATOR: Point = (1, 2)
#: From so many scalars on, digits of 16 bits take fewer additions than those of 8.
_MANY = 1 << 18
#: Digits that are looked at together.
_AT_ONCE = 1 << 20
_TABLE_WINDOW = _BYTE = 8
_WIDE = 16
_NO_BUCKET = (1 << 32) - 1
_WORDS = bn254_g1.POINT // 8
_INVERSE_RADIX = pow(RADIX, -1, P)
Digits = npt.NDArray[np.uint32]


def encode_points(points: Iterable[Point]) -> bytes:
    """x and y of each; zeros for infinity."""
    return encode_elements(c for point in points for c in (point or (0, 0)))


def is_on_curve(point: Point) -> bool:
    """Whether coordinates are below P and y² = x³ + 3. G1 has no other subgroup."""
    if point is None:
        return True
    x, y = point
    return 0 <= x < P and 0 <= y < P and (y * y - x * x * x - 3) % P == 0


def negate(point: Point) -> Point:
    """−point."""
    return None if point is None else (point[0], -point[1] % P)


def add(a: Point, b: Point) -> Point:
    """a + b."""
    if a is None or b is None:
        return b if a is None else a
    if a[0] == b[0] and (a[1] + b[1]) % P == 0:
        return None
    if a == b:
        slope = 3 * a[0] * a[0] * pow(2 * a[1], -1, P)
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def multiply(point: Point, scalar: int) -> Point:
    """scalar·point."""
    result: Point = None
    for bit in bin(scalar % R)[2:]:
        result = add(result, result)
        if bit == "1":
            result = add(result, point)
    return result


class Points:
    """Points other than infinity in native memory, a row of eight words each (``compiler.simd.bn254_g1``)."""

    __slots__ = ("words",)

    def __init__(self, words: U64) -> None:
        self.words = words

    def __len__(self) -> int:
        return len(self.words)

    @classmethod
    def empty(cls, count: int) -> Points:
        """Room for points, to be written to."""
        return cls(memory().words(count * _WORDS).reshape(-1, _WORDS))

    @classmethod
    def of(cls, points: Sequence[tuple[int, int]]) -> Points:
        """Affine points."""
        rows = b"".join((c * RADIX % P).to_bytes(ELEMENT, "little") for point in points for c in point)
        made = cls.empty(len(points))
        made.words[:] = np.frombuffer(rows, np.uint64).reshape(-1, _WORDS)
        return made

    def point(self, index: int) -> tuple[int, int]:
        """One of them."""
        row = self.words[index].tobytes()
        x, y = (int.from_bytes(row[at : at + ELEMENT], "little") for at in (0, ELEMENT))
        return x * _INVERSE_RADIX % P, y * _INVERSE_RADIX % P


@cache
def _function(name: str, arguments: int) -> Callable[..., int]:
    return _code().function(f"bn254_g1_{name}", arguments)


@cache
def _code() -> ObjectCode:
    names = {f"bn254_g1_{name}" for name in ("add_pairs", "count", "place", "pair_up")}
    return ObjectCode(compile_modules([bn254_g1.module_text(portable())], names))


Alike = list[tuple[int, Point]]
"""Sums by their indices that are to be put in place: those of points with the same x."""


def add_pairs(points: Points, left: Digits, right: Digits) -> tuple[Points, Alike]:
    """Sums of pairs of points by their positions; where both have the same x, the sum is told beside, by its index."""
    count = len(left)
    padded = np.zeros((2, -(-count // LANES) * LANES), np.uint32)
    padded[0, :count], padded[1, :count] = left, right
    out = Points.empty(padded.shape[1])
    alike = _add_pairs(points, count, padded[0], padded[1], out)
    return Points(out.words[:count]), alike


def _add_pairs(points: Points, count: int, left: Digits, right: Digits, out: Points) -> Alike:
    """The same for whole blocks of pairs, of which ``count`` are wanted; sums go to ``out``."""
    blocks = -(-count // LANES)
    scratch = aligned_words(bn254_g1.SCRATCH // 8)
    _function("add_pairs", 6)(blocks, left, right, points.words, out.words, scratch)
    if not scratch[:LANES].any():
        return []
    alike = np.flatnonzero(~out.words[:count].any(axis=1)).tolist()
    return [(i, add(points.point(int(left[i])), points.point(int(right[i])))) for i in alike]


def _places(count: int) -> Digits:
    """Room for so many, to be written to."""
    return memory().words(-(-count // 2)).view(np.uint32)[:count]


def bucket_sums(points: Points, positions: Digits, buckets: Digits) -> tuple[Points, Digits]:
    """The sum of the points at ``positions`` in each of ``buckets``, which rise and have ``_NO_BUCKET`` behind them, as
    ``positions`` have anything: points and buckets, those at infinity left out.
    """
    while count := len(buckets) - 1:
        half, counts = -(-count // 2) + LANES, np.zeros(2, np.uint64)
        last = half + min(count, int(buckets[-2]) + 1)  # behind all pairs, so many may be alone
        left, right, joined = _places(half), _places(half), Points.empty(last + 1)
        found = _places(count + 1), _places(count + 1)
        arrays = (points.words, left, right, joined.words, *found, counts)
        _function("pair_up", 11)(count, buckets, positions, last, *arrays)
        pairs, singles = map(int, counts)
        if not pairs:
            break
        left[pairs : pairs + LANES], right[pairs : pairs + LANES] = left[0], right[0]
        alike = _add_pairs(points, pairs, left, right, joined)
        points, (positions, buckets) = joined, (each[: pairs + singles + 1] for each in found)
        buckets[-1] = _NO_BUCKET
        for i, point in alike:
            if point is None:
                keep = positions != i
                keep[-1] = True
                positions, buckets = positions[keep], buckets[keep]
            else:
                points.words[i] = Points.of([point]).words[0]
    return Points(np.ascontiguousarray(points.words[positions[:-1]])), buckets[:-1]


def sum_of(bases: Points, scalars: Vector) -> Point:
    """Σ scalar·base; there may be more bases than scalars."""
    plain = scalars.plain()
    width, step = (_WIDE, 1) if len(plain) >= _MANY else (_BYTE, max(1, _AT_ONCE // len(plain)))
    windows = 8 * ELEMENT // width

    def part(start: int) -> list[tuple[int, Point]]:
        positions, buckets = _sorted(plain, range(start, min(start + step, windows)), width)
        return _bit_sums(*bucket_sums(bases, positions, buckets), width)

    starts = range(0, windows, step)
    sums = {
        start * width + bit: point
        for start, found in zip(starts, each(part, starts), strict=True)
        for bit, point in found
    }
    total: Point = None
    for bit in range(max(sums, default=-1), -1, -1):
        total = add(add(total, total), sums.get(bit))
    return total


def _sorted(plain: Vector, windows: range, width: int) -> tuple[Digits, Digits]:
    """Positions of the digits in these windows that are not 0, and their buckets, as ``bucket_sums`` takes them."""
    blocks, mask, counts = len(plain.words), (1 << width) - 1, np.zeros(len(windows) << width, np.uint32)
    parts = [(window * width, number << width) for number, window in enumerate(windows)]
    for bit, base in parts:
        _function("count", 5)(blocks, plain.words, bit, mask, counts[base:])
    ends = np.cumsum(counts, dtype=np.uint32)
    starts, total = ends - counts, int(ends[-1])
    positions, buckets = _places(total + 1), _places(total + 1)
    for bit, base in parts:
        _function("place", 8)(blocks, plain.words, bit, mask, base, starts[base:], positions, buckets)
    buckets[-1] = _NO_BUCKET
    return positions, buckets


def _bit_sums(sums: Points, buckets: Digits, width: int) -> list[tuple[int, Point]]:
    """What sums of digits make of each power of two: they are summed up by the digits' bits."""
    if width > _BYTE:  # first by their two bytes, of which each has few values
        halves = np.concatenate([buckets & np.uint32(255), 256 + (buckets >> np.uint32(_BYTE))])
        kept = np.flatnonzero(halves & np.uint32(255))
        sums, buckets = bucket_sums(sums, *_rising(kept % max(1, len(sums)), halves[kept]))
    where, bits = np.nonzero((buckets[:, None] >> np.arange(_BYTE, dtype=np.uint32)) & 1)
    sums, summed = bucket_sums(sums, *_rising(where, (buckets[where] >> _BYTE) * _BYTE + bits))
    return [(int(power), sums.point(i)) for i, power in enumerate(summed)]


def _rising(positions: npt.NDArray[Any], buckets: npt.NDArray[Any]) -> tuple[Digits, Digits]:
    """Sorted by buckets below 2^16, as ``bucket_sums`` takes them."""
    order = np.argsort(buckets.astype(np.uint16), kind="stable")
    positions, buckets = positions[order].astype(np.uint32), buckets[order].astype(np.uint32)
    return np.append(positions, np.uint32(0)), np.append(buckets, np.uint32(_NO_BUCKET))


def multiples(base: tuple[int, int], scalars: Vector) -> Points:
    """scalar·base for scalars other than 0, by tables of the base's multiples in every window."""
    digits = scalars.rows().view(np.uint8)
    tables = [_table(_doubled(base, window * _TABLE_WINDOW)) for window in range(digits.shape[1])]
    found, share = Points.empty(len(digits)), _AT_ONCE >> 4

    def fill(start: int) -> None:
        part = slice(start, start + share)
        found.words[part] = _by_tables(tables, digits[part]).words

    each(fill, range(0, len(digits), share))
    return found


def _by_tables(tables: Sequence[Points], digits: npt.NDArray[np.uint8]) -> Points:
    points, known = Points(tables[0].words[digits[:, 0]]), digits[:, 0] != 0
    for table, row in zip(tables[1:], digits.T[1:], strict=True):
        points, known = _plus(points, known, Points(table.words[row]), row != 0)
    if not known.all():
        raise ValueError("a scalar is 0")
    return points


def _doubled(point: Point, times: int) -> Point:
    for _ in range(times):
        point = add(point, point)
    return point


def _table(base: Point) -> Points:
    """0, base, 2·base, … (2^8 − 1)·base; the first row is of zeros."""
    assert base is not None
    table = Points.of([(0, 0), base])
    while len(table) < 1 << _TABLE_WINDOW:
        top = add(table.point(len(table) - 1), base)
        assert top is not None
        count = len(table)
        joined = Points.empty(2 * count)
        joined.words[:count] = table.words
        joined.words[count] = Points.of([top]).words[0]
        places = np.arange(1, count, dtype=np.uint32)
        sums, alike = add_pairs(joined, places, np.full(count - 1, count, np.uint32))
        joined.words[count + 1 :] = sums.words
        for i, point in alike:
            assert point is not None
            joined.words[count + 1 + i] = Points.of([point]).words[0]
        table = joined
    return table


Known = npt.NDArray[np.bool_]


def _plus(a: Points, known_a: Known, b: Points, known_b: Known) -> tuple[Points, Known]:
    """Row by row; what is not known is infinity."""
    count = len(a)
    both = Points.empty(2 * count)
    both.words[:count], both.words[count:] = a.words, b.words
    chosen = np.flatnonzero(known_a & known_b).astype(np.uint32)
    out = Points(np.where(known_a[:, None], a.words, b.words))
    if len(chosen):
        sums, alike = add_pairs(both, chosen, chosen + np.uint32(count))
        out.words[chosen] = sums.words
        for i, point in alike:
            if point is None:
                raise ValueError("a scalar is 0")
            out.words[chosen[i]] = Points.of([point]).words[0]
    return out, known_a | known_b
