"""Equations between products: what they mean over the integers, and that they hold there."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pytest

from jovay.kernel.curves.secp256k1 import MODULUS
from jovay.prover.zk.chip import Row
from jovay.prover.zk.field import R
from jovay.prover.zk.machine import identities
from jovay.prover.zk.machine.buses import WORD
from jovay.prover.zk.machine.identities import (
    CARRY_LIMBS,
    MIDDLE_LIMBS,
    MODULI,
    QUOTIENT_LIMBS,
    SUMMANDS,
    below,
    carries,
    is_multiple,
    offset,
    product,
    quotients,
    split,
    vanishes,
    weights_modulo,
)

COMPLEMENT = 2**256 - MODULUS
EDGES = [0, 1, WORD - 1, WORD, 2**128, 2**255, 2**256 - 1, MODULUS, MODULUS - 1]


def some(rng: random.Random) -> int:
    return rng.choice([rng.choice(EDGES), rng.getrandbits(256)])


def columns_of(number: int) -> list[int]:
    """Columns that amount to a number, the last one large."""
    low = [number >> 64 * at & WORD - 1 for at in range(6)]
    return [*low, number >> 384]


def amount(columns: list[int]) -> int:
    return sum(WORD**at * column for at, column in enumerate(columns))


def test_columns_amount_to_the_product() -> None:
    rng = random.Random(1)
    for _ in range(50):
        a, b = some(rng), some(rng)
        columns = product(split(a), split(b))
        assert amount(columns) == a * b
        assert all(column <= count * (WORD - 1) ** 2 for column, count in zip(columns, SUMMANDS, strict=True))


def test_bounds_of_vanishing() -> None:
    """As ``vanishes`` says: no equation wraps around R, carries fit, and the moduli are enough for |D| < W⁸."""
    for modulus, multiplier in MODULI:
        weights = weights_modulo(modulus, multiplier)
        assert all((w - multiplier * WORD**at) % modulus == 0 for at, w in enumerate(weights))
        assert math.gcd(multiplier, modulus) == 1
        most = sum(w * count * WORD**2 for w, count in zip(weights, SUMMANDS, strict=True))
        assert most < 2**206
        assert most + offset(CARRY_LIMBS) * modulus < R // 2
        assert most // modulus < 2**74 < offset(CARRY_LIMBS)
    moduli = [R, *(modulus for modulus, _ in MODULI)]
    assert all(math.gcd(a, b) == 1 for at, a in enumerate(moduli) for b in moduli[:at])
    assert math.prod(moduli) > 2**513


def test_only_zero_vanishes() -> None:
    rng = random.Random(2)
    for _ in range(50):
        a, b, c = some(rng), some(rng), rng.getrandbits(250)
        columns = [x - y for x, y in zip(product(split(a), split(b)), columns_of(a * b), strict=True)]
        assert not any(value % R for value in vanishes(columns, carries(columns)))
        for difference in (1, -1, c, -c, R, -R, R + c, WORD**4, WORD**7):
            other = [x + y for x, y in zip(columns, columns_of(difference), strict=True)]
            assert amount(other) == difference
            assert any(value % R for value in vanishes(other, carries(other)))


def test_each_modulus_counts() -> None:
    """A multiple of two of them is noticed by the third alone; one of all three is too large to occur."""
    moduli = [R, *(modulus for modulus, _ in MODULI)]
    for left_out in range(3):
        multiple = math.prod(modulus for at, modulus in enumerate(moduli) if at != left_out)
        columns = columns_of(multiple)
        broken = [at for at, value in enumerate(vanishes(columns, carries(columns))) if value % R]
        assert broken == [left_out]
        for step in (-1, 1):
            assert vanishes(columns, [c + step for c in carries(columns)])[left_out] % R
    columns = columns_of(math.prod(moduli))
    assert not any(value % R for value in vanishes(columns, carries(columns)))


def test_bounds_of_multiples() -> None:
    """As ``is_multiple`` says."""
    assert COMPLEMENT < 2**33
    e = [3 * count * WORD**2 for count in SUMMANDS]
    low, high = identities._halves(e, 2**33)
    quotient, middle = offset(QUOTIENT_LIMBS), offset(MIDDLE_LIMBS)
    assert max(low, high) < 2**229
    assert low + 2**33 * quotient + WORD**2 * middle < R // 2
    assert high + middle + WORD**2 * quotient < R // 2
    most = (low + WORD**2 * high) // (WORD**4 - 2**33) + 1
    assert most < 2**69 < quotient
    assert (low + 2**33 * most) // WORD**2 < 2**101 < middle


@pytest.mark.parametrize("sign", [1, -1])
def test_multiples_of_a_prime(sign: int) -> None:
    rng = random.Random(3)
    for _ in range(100):
        a, b = some(rng), some(rng)
        rest = a * b % MODULUS
        columns = [3 * sign * column for column in product(split(a), split(b))]
        for at, word in enumerate(split(rest)):
            columns[at] -= 3 * sign * word
        quotient, middle = quotients(columns, COMPLEMENT)
        assert is_multiple(columns, COMPLEMENT, quotient, middle) == [0, 0]
        assert abs(quotient) < 2**69
        assert abs(middle) < 2**101
        for change in (1, -1, WORD, R - MODULUS):
            other = columns.copy()
            other[rng.randrange(7)] += change
            assert any(is_multiple(other, COMPLEMENT, *quotients(other, COMPLEMENT)))


def below_row(number: int, bound: int) -> tuple[Row, list[Any]]:
    words = [np.array([split(each)], np.uint64) for each in (number, bound)]
    names = list(identities.below_names("it"))
    columns = [int(column[0]) for column in identities.below_columns(*words)]
    row = Row(names, columns)
    return row, below(row, "it", split(number), split(bound), 1)


def test_less_is_less() -> None:
    rng = random.Random(4)
    for _ in range(200):
        bound = some(rng)
        number = rng.choice([some(rng), bound, bound - 1, bound + 1, bound ^ WORD**2, bound >> 3]) % 2**256
        row, values = below_row(number, bound)
        room = [m.values[0] for m in identities.below_messages(row, "it", 1)]
        assert (not any(value % R for value in values)) == (number < bound)
        assert all(limb < 2**16 for limb in room)


def test_no_flag_makes_more_less() -> None:
    """Whatever word is said to decide: the room would be negative, or words above differ."""
    rng, names = random.Random(5), list(identities.below_names("it"))
    for _ in range(50):
        bound = some(rng)
        number = rng.choice([bound, bound + rng.getrandbits(200), bound ^ WORD**3]) % 2**256
        if number < bound:
            continue
        for word in range(4):
            room = (split(bound)[word] - split(number)[word] - 1) % WORD
            limbs = [room >> 16 * limb & 0xFFFF for limb in range(4)]
            row = Row(names, [*(int(word == at) for at in range(4)), *limbs])
            assert any(value % R for value in below(row, "it", split(number), split(bound), 1))
