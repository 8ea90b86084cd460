"""Openings of committed polynomials: true ones pass, others do not."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from py_ecc import optimized_bn128 as judge

from jovay.prover.zk import kzg
from jovay.prover.zk.curve import GENERATOR, add, multiply
from jovay.prover.zk.errors import OpeningError
from jovay.prover.zk.field import R, Vector
from jovay.prover.zk.kzg import Opening
from jovay.prover.zk.multilinear import evaluate
from jovay.prover.zk.pairing import G2_GENERATOR, product_is_one
from jovay.prover.zk.setup import Setup, development_setup, multiply_g2
from jovay.prover.zk.transcript import Transcript

TAU = 0x1234567890ABCDEF1234567890ABCDEF


@pytest.fixture(scope="module")
def setup() -> Setup:
    return development_setup(64, TAU)


def elements(count: int, seed: int) -> list[int]:
    rng = random.Random(seed)
    return [rng.choice([0, 1, R - 1, rng.randrange(R)]) for _ in range(count)]


def shown(setup: Setup, variables: int, seed: int = 1) -> tuple[Vector, list[int], Opening, int]:
    values, point = Vector.of(elements(1 << variables, seed)), elements(variables, seed + 50)
    point = [x if x > 1 else x + 7 for x in point]
    opening, value = kzg.open_at(setup, values, point, Transcript("test"))
    return values, point, opening, value


def test_the_setup_is_powers_of_tau(setup: Setup) -> None:
    for i in (0, 1, 2, 63):
        assert setup.first.point(i) == multiply(GENERATOR, pow(TAU, i, R))
    for i, point in enumerate(setup.second):
        x, y = judge.normalize(judge.multiply(judge.G2, pow(TAU, i, R)))
        assert point == (*map(int, x.coeffs), *map(int, y.coeffs))
    assert setup.development


def test_pairings() -> None:
    negative = multiply(GENERATOR, R - 15)
    assert product_is_one([(multiply(GENERATOR, 3), multiply_g2(G2_GENERATOR, 5)), (negative, G2_GENERATOR)])
    assert not product_is_one(
        [(multiply(GENERATOR, 4), multiply_g2(G2_GENERATOR, 5)), (negative, G2_GENERATOR)]
    )
    assert not product_is_one([((1, 3), G2_GENERATOR)])


def test_commitments_are_the_polynomial_at_tau(setup: Setup) -> None:
    values = elements(16, 3)
    at_tau = sum(value * pow(TAU, i, R) for i, value in enumerate(values)) % R
    assert kzg.commit(setup, Vector.of(values)) == multiply(GENERATOR, at_tau)
    assert kzg.univariate(Vector.of(values), TAU) == at_tau
    with pytest.raises(ValueError, match="the set-up is for 64"):
        kzg.commit(setup, Vector.zeros(128))


@pytest.mark.parametrize("root", [0, 1, R - 1, 12345])
def test_division(root: int) -> None:
    values = Vector.of(elements(32, 8))
    quotient, x = kzg.divided(values, root), 987654321
    assert (kzg.univariate(quotient, x) * (x - root) + kzg.univariate(values, root)) % R == kzg.univariate(
        values, x
    )


@pytest.mark.parametrize("variables", [3, 4, 6])
def test_openings_are_accepted(setup: Setup, variables: int) -> None:
    values, point, opening, value = shown(setup, variables)
    assert value == evaluate(values, point)
    kzg.verify(setup, [kzg.commit(setup, values)], [1], point, value, opening, Transcript("test"))


def test_commitments_are_opened_together(setup: Setup) -> None:
    """One with fewer variables counts as zero beyond."""
    parts = [Vector.of(elements(count, count)) for count in (32, 32, 16)]
    factors, whole = elements(3, 9), Vector.zeros(32)
    for part, factor in zip(parts, factors, strict=True):
        low = whole.part(0, len(part))
        low.plus(part, factor, low)
    opening, value = kzg.open_at(setup, whole, elements(5, 60), Transcript("test"))
    commitments = [kzg.commit(setup, part) for part in parts]
    kzg.verify(setup, commitments, factors, elements(5, 60), value, opening, Transcript("test"))
    with pytest.raises(OpeningError):
        kzg.verify(setup, commitments[::-1], factors, elements(5, 60), value, opening, Transcript("test"))


def test_even_and_odd() -> None:
    values = elements(32, 5)
    even, odd = Vector.of(values).pairs()
    assert (even.values(), odd.values()) == (values[0::2], values[1::2])
    assert even.paired(odd).values() == values


@pytest.mark.parametrize("seed", range(24))
def test_changed_openings_are_refused(setup: Setup, seed: int) -> None:
    rng = random.Random(seed)
    values, point, opening, value = shown(setup, 4)
    commitment = kzg.commit(setup, values)
    kind = seed % 6
    if kind == 0:
        value = (value + rng.randrange(1, R)) % R
    elif kind == 1:
        point[rng.randrange(4)] = rng.randrange(R)
    elif kind == 2:
        folds = list(opening.folds)
        at = rng.randrange(3)
        folds[at] = add(folds[at], GENERATOR)
        opening = replace(opening, folds=folds)
    elif kind == 3:
        pairs = [list(pair) for pair in opening.values]
        pair = pairs[rng.randrange(4)]
        side = rng.randrange(2)
        pair[side] = (pair[side] + 1) % R
        opening = replace(opening, values=[(a, b) for a, b in pairs])
    elif kind == 4:
        opening = rng.choice(
            [replace(opening, square=(opening.square + 1) % R), replace(opening, quotient=None)]
        )
    else:
        commitment = add(commitment, GENERATOR)
    with pytest.raises(OpeningError):
        kzg.verify(setup, [commitment], [1], point, value, opening, Transcript("test"))


def test_malformed_openings_are_refused(setup: Setup) -> None:
    values, point, opening, value = shown(setup, 3)
    commitment = kzg.commit(setup, values)
    a, b = opening.values[0]
    for bad, why in (
        (replace(opening, folds=opening.folds[:1]), "1 folds"),
        (replace(opening, values=opening.values[:2]), "2 values"),
        (replace(opening, values=[(a + R, b), *opening.values[1:]]), "order"),
        (replace(opening, quotient=(1, 3)), "curve"),
        (replace(opening, folds=[None] * 2), "do not end"),
    ):
        with pytest.raises(OpeningError, match=why):
            kzg.verify(setup, [commitment], [1], point, value, bad, Transcript("test"))
    with pytest.raises(OpeningError):
        kzg.verify(setup, [commitment], [1], point, value, opening, Transcript("another"))


def test_who_knows_tau_forges(setup: Setup) -> None:
    """Why set-ups that one party has made are for development chains alone."""
    values, point, opening, value = shown(setup, 3)
    wrong = (value + 1) % R
    commitment = kzg.commit(setup, values)
    transcript = Transcript("test")
    kzg.absorb_points(transcript, "folds", opening.folds)
    rho = transcript.challenge("rho")
    last = list(opening.values[-1])
    x = point[0]
    # the last fold's values are moved so that they lead to the wrong value
    last[0] = (last[0] + 2 * pow((1 - x) + x * pow(rho, -1, R), -1, R)) % R
    pairs = [*opening.values[:-1], (last[0], last[1])]
    transcript.absorb_elements("values", [*(v for pair in pairs for v in pair), opening.square])
    q = transcript.challenge("q")
    weights = [pow(q, i, R) for i in range(3)]
    plus, minus = (
        sum(w * v for w, v in zip(weights, side, strict=True)) for side in zip(*pairs, strict=True)
    )
    squares = [
        ((1 - t) * (p + m) + t * (p - m) * pow(rho, -1, R)) * pow(2, -1, R) % R
        for t, (p, m) in zip(reversed(point), pairs, strict=True)
    ]
    square = opening.square + sum(w * s for w, s in zip(weights[1:], squares[:-1], strict=True))
    interpolant = kzg.interpolant(setup, rho, plus % R, minus % R, square % R)
    whole = kzg.total(multiply(c, w) for c, w in zip([commitment, *opening.folds], weights, strict=True))
    z = (TAU * TAU - rho * rho) * (TAU - rho * rho)
    forged = multiply(add(whole, multiply(interpolant, R - 1)), pow(z, -1, R))
    kzg.verify(
        setup,
        [commitment],
        [1],
        point,
        wrong,
        replace(opening, values=pairs, quotient=forged),
        Transcript("test"),
    )
