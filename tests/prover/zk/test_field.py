"""Vectors of the scalar field against Python's integers, on the fast kernels and on those for any CPU."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import pytest

from jovay.prover.zk import field
from jovay.prover.zk.field import R, Vector, dot, inverse, powers

EDGES = [0, 1, 2, R - 1, R - 2, (R - 1) // 2, (R + 1) // 2, 2**252, 2**253, 2**208 - 1, 2**52, R - 2**200]


@pytest.fixture(params=[False, True], ids=["simd", "portable"], autouse=True)
def _kernels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if not request.param and field.portable():
        pytest.skip("this CPU has no AVX-512 IFMA")
    monkeypatch.setattr(field, "portable", lambda: request.param)
    for cached in (field._code, field._function):
        cached.cache_clear()
    yield
    for cached in (field._code, field._function):
        cached.cache_clear()


def some(count: int, seed: int) -> list[int]:
    rng = random.Random(seed)
    return [rng.choice(EDGES) if rng.random() < 0.4 else rng.randrange(R) for _ in range(count)]


def test_elements_come_back() -> None:
    values = [*EDGES, *some(52, 1)]
    assert Vector.of(values).values() == values


def test_words_are_elements() -> None:
    words = np.array([0, 1, 2**63, 2**64 - 1, 5, 6, 7, 8], np.uint64)
    assert Vector.of_words(words).values() == words.tolist()


def test_elements_of_several_words() -> None:
    words = np.arange(48, dtype=np.uint64).reshape(3, 16)
    vector = Vector.of_words(words)
    assert vector.values() == [k + ((16 + k) << 64) + ((32 + k) << 128) for k in range(16)]
    assert vector.lowest().tolist() == list(range(16))


def test_inverses() -> None:
    values = [pow(7, k, R) for k in range(64)]
    assert Vector.of(values).inverted().values() == [pow(value, -1, R) for value in values]
    with pytest.raises(ZeroDivisionError):
        Vector.of([*values[:-1], 0]).inverted()


@pytest.mark.parametrize("seed", range(8))
def test_arithmetic(seed: int) -> None:
    a, b = some(64, seed), some(64, seed + 100)
    x, y = Vector.of(a), Vector.of(b)
    assert (x + y).values() == [(p + q) % R for p, q in zip(a, b, strict=True)]
    assert (x - y).values() == [(p - q) % R for p, q in zip(a, b, strict=True)]
    assert (x * y).values() == [p * q % R for p, q in zip(a, b, strict=True)]
    for c in EDGES:
        assert x.scaled(c).values() == [p * c % R for p in a]


@pytest.mark.parametrize("r", [0, 1, R - 1, 12345])
def test_fold(r: int) -> None:
    values = some(32, 3)
    expected = [(a + r * (b - a)) % R for a, b in zip(values[:16], values[16:], strict=True)]
    assert Vector.of(values).folded(r).values() == expected


def test_lengths_are_checked() -> None:
    with pytest.raises(ValueError, match="12 elements"):
        Vector.of([0] * 12)
    with pytest.raises(ValueError, match="8 and 16"):
        Vector.empty(8) + Vector.empty(16)


def test_scalars() -> None:
    assert inverse(3) * 3 % R == 1
    with pytest.raises(ZeroDivisionError):
        inverse(R)
    assert powers(3, 4) == [1, 3, 9, 27]
    assert dot([1, 2], [3, R - 1]) == 1
