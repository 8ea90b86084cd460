"""G1 of BN254 against py_ecc."""

from __future__ import annotations

import random
from functools import reduce

import numpy as np
import pytest
from py_ecc import optimized_bn128 as judge

from jovay.prover.zk import curve
from jovay.prover.zk.curve import (
    GENERATOR,
    P,
    Point,
    Points,
    add,
    add_pairs,
    is_on_curve,
    multiply,
    negate,
    sum_of,
)
from jovay.prover.zk.field import LANES, R, Vector


def judged(point: Point) -> tuple[judge.FQ, judge.FQ, judge.FQ]:
    return judge.Z1 if point is None else (judge.FQ(point[0]), judge.FQ(point[1]), judge.FQ(1))


def plain(point: tuple[judge.FQ, judge.FQ, judge.FQ]) -> Point:
    if judge.is_inf(point):
        return None
    x, y = judge.normalize(point)
    return int(x), int(y)


@pytest.fixture(scope="module")
def bases() -> list[tuple[int, int]]:
    """Points without a known relation that is short."""
    rng = random.Random(5)
    found, point = list[tuple[int, int]](), judge.multiply(judge.G1, rng.randrange(R))
    for _ in range(200):
        x, y = judge.normalize(point)
        found.append((int(x), int(y)))
        point = judge.add(point, judge.multiply(judge.G1, rng.randrange(1, 1 << 16)))
    return found


def sum_of_small(bases: list[tuple[int, int]], scalars: list[int]) -> Point:
    return sum_of(Points.of(bases), Vector.of([*scalars, *[0] * (-len(scalars) % LANES)]))


def expected(bases: list[tuple[int, int]], scalars: list[int]) -> Point:
    parts = [judge.multiply(judged(base), s) for base, s in zip(bases, scalars, strict=True) if s]
    return plain(reduce(judge.add, parts, judge.Z1))


def test_single_points(bases: list[tuple[int, int]]) -> None:
    a, b = bases[:2]
    assert add(a, b) == plain(judge.add(judged(a), judged(b)))
    assert add(a, a) == plain(judge.double(judged(a)))
    assert add(a, negate(a)) is None
    assert add(None, a) == add(a, None) == a
    assert multiply(GENERATOR, 12345) == plain(judge.multiply(judge.G1, 12345))
    assert multiply(a, R) is None
    assert is_on_curve(a)
    assert is_on_curve(None)
    assert not is_on_curve((1, 3))
    assert not is_on_curve((a[0] + P, a[1]))


def test_pairs_that_are_alike_are_told(bases: list[tuple[int, int]]) -> None:
    a, b = bases[:2]
    points = Points.of([a, b, (a[0], P - a[1])])
    left, right = np.array([0, 0, 0, 1], np.uint32), np.array([1, 0, 2, 0], np.uint32)
    sums, alike = add_pairs(points, left, right)
    assert alike == [(1, add(a, a)), (2, None)]
    assert sums.point(0) == sums.point(3) == add(a, b)


@pytest.mark.parametrize("bits", [1, 8, 16])
def test_sums_with_small_scalars(bases: list[tuple[int, int]], bits: int) -> None:
    rng = random.Random(bits)
    scalars = [rng.choice([0, 1, (1 << bits) - 1, rng.randrange(1 << bits)]) for _ in bases]
    found = sum_of_small(bases, scalars)
    assert found == expected(bases, scalars)


@pytest.mark.parametrize("many", [1, 1 << 18])
def test_sums_with_scalars_of_any_size(
    bases: list[tuple[int, int]], many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By digits of 16 bits, as if they were many, and of 8."""
    monkeypatch.setattr(curve, "_MANY", many)
    rng = random.Random(9)
    scalars = [rng.choice([0, 1, R - 1, rng.randrange(R)]) for _ in bases]
    assert sum_of(Points.of(bases), Vector.of(scalars)) == expected(bases, scalars)


@pytest.mark.parametrize("many", [1, 1 << 18])
def test_equal_and_opposite_bases(
    bases: list[tuple[int, int]], many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(curve, "_MANY", many)
    a, b = bases[:2]
    opposite = (a[0], P - a[1])
    for listed, scalars in (
        ([a, a, a, b], [3, 3, 3, 3]),
        ([a, opposite], [7, 7]),
        ([a, opposite, b, b, a], [7, 7, 7, 9, 256]),
        ([a, opposite, a, opposite, b], [0x1234, 0x1234, 0x0F34, 0x0F34, 0xFFFF]),
        ([a, opposite, b], [0x1200, 0x1234, 0x0034]),
    ):
        assert sum_of_small(listed, scalars) == expected(listed, scalars)


def test_nothing_is_infinity(bases: list[tuple[int, int]]) -> None:
    assert sum_of_small(bases, [0] * len(bases)) is None


@pytest.mark.parametrize("width", [8, 16])
def test_digits_are_sorted(width: int) -> None:
    rng = random.Random(width)
    scalars = [0, 1, R - 1, 1 << 64, 255 << 16, *(rng.randrange(1 << bits) for bits in range(1, 252))]
    windows = range(3, 9)
    positions, buckets = curve._sorted(Vector.of(scalars).plain(), windows, width)
    found = [
        (number << width | digit, position)
        for number, window in enumerate(windows)
        for position, scalar in enumerate(scalars)
        if (digit := scalar >> width * window & (1 << width) - 1)
    ]
    assert list(zip(buckets[:-1].tolist(), positions[:-1].tolist(), strict=True)) == sorted(found)
