"""Sumchecks: what is proven is what Python sums up, and nothing else is accepted."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest

from jovay.prover.zk import sumcheck
from jovay.prover.zk.errors import SumcheckError
from jovay.prover.zk.field import R, Vector
from jovay.prover.zk.multilinear import eq_at, eq_values, eq_vector, evaluate
from jovay.prover.zk.sumcheck import Held, Polynomial, Proof
from jovay.prover.zk.transcript import Transcript

FRACTIONS = Polynomial("fractions", 4, 1, 2, lambda c, k: c[0] * c[3] + c[1] * c[2] + k[0] * (c[2] * c[3]))
CUBIC = Polynomial("cubic", 3, 1, 3, lambda c, k: c[0] * c[1] * (c[2] - k[0]))
LINEAR = Polynomial("linear", 1, 0, 1, lambda c, k: c[0])
#: So many columns that its products are calls, and its points a loop.
WIDE = Polynomial(
    "wide",
    12,
    2,
    4,
    lambda c, k: (
        k[0] * (c[0] * c[1] * (c[2] - 1) * (c[3] - c[4])) - k[1] * (c[5] * (3 - c[6])) + sum(c[7:11], c[11])
    ),
)
#: Sums far beyond the radix, which are folded several times; shifts.
LARGE = Polynomial(
    "large", 3, 0, 3, lambda c, k: sum([c[0]] * 200, 8 * (16 * c[1] + c[2])) * c[1] * (4 * c[2])
)
POLYNOMIALS = {p.name: p for p in (FRACTIONS, CUBIC, LINEAR, WIDE, LARGE)}


@dataclass(frozen=True)
class Case:
    polynomial: Polynomial
    columns: list[list[int]]
    constants: list[int]
    tau: list[int]

    @classmethod
    def some(cls, polynomial: Polynomial, variables: int, seed: int = 1) -> Case:
        rng = random.Random(seed)

        def elements(count: int) -> list[int]:
            return [rng.choice([0, 1, R - 1, rng.randrange(R)]) for _ in range(count)]

        columns = [elements(1 << variables) for _ in range(polynomial.columns)]
        tau = [rng.randrange(R) for _ in range(variables)]
        return cls(polynomial, columns, elements(polynomial.constants), tau)

    @property
    def claim(self) -> int:
        rows, weights = zip(*self.columns, strict=True), eq_values(self.tau)
        formula = self.polynomial.formula
        return sum(formula(row, self.constants) * w for row, w in zip(rows, weights, strict=True)) % R

    def proven(self) -> tuple[Proof, list[int]]:
        columns = Held([Vector.of(column) for column in self.columns])
        return sumcheck.prove(self.polynomial, columns, self.constants, self.tau, Transcript("test"))

    def verify(self, proof: Proof, claim: int | None = None, protocol: str = "test") -> list[int]:
        claim = self.claim if claim is None else claim
        return sumcheck.verify(self.polynomial, claim, self.constants, self.tau, proof, Transcript(protocol))


@pytest.mark.parametrize("variables", [3, 4, 5, 8])
@pytest.mark.parametrize("name", POLYNOMIALS)
def test_sums_are_proven(name: str, variables: int) -> None:
    case = Case.some(POLYNOMIALS[name], variables)
    proof, point = case.proven()
    assert case.verify(proof) == point
    assert proof.values == [evaluate(Vector.of(column), point) for column in case.columns]


def test_threads_share_what_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sumcheck, "MOST_ADDED", 3)
    case = Case.some(FRACTIONS, 8)
    assert case.verify(case.proven()[0])


@pytest.mark.parametrize("seed", range(20))
def test_changed_proofs_are_refused(seed: int) -> None:
    rng = random.Random(seed)
    case = Case.some(CUBIC, 4)
    proof, _ = case.proven()
    numbers = [*(m for message in proof.rounds for m in message), *proof.values]
    at = rng.randrange(len(numbers))
    numbers[at] = (numbers[at] + rng.choice([1, R - 1, rng.randrange(1, R)])) % R
    degree = CUBIC.degree
    rounds = [numbers[i * degree : (i + 1) * degree] for i in range(4)]
    with pytest.raises(SumcheckError):
        case.verify(Proof(rounds, numbers[4 * degree :]))


def test_other_claims_shapes_and_transcripts_are_refused() -> None:
    case = Case.some(FRACTIONS, 3)
    proof, _ = case.proven()
    with pytest.raises(SumcheckError, match="last claim"):
        case.verify(proof, claim=case.claim + 1)
    with pytest.raises(SumcheckError, match="last claim"):
        case.verify(proof, protocol="another")
    with pytest.raises(SumcheckError, match="2 rounds"):
        case.verify(Proof(proof.rounds[:2], proof.values))
    with pytest.raises(SumcheckError, match="3 values"):
        case.verify(Proof(proof.rounds, proof.values[:3]))
    aliased = [[value + R for value in message] for message in proof.rounds]
    with pytest.raises(SumcheckError, match="round 0 is malformed"):
        case.verify(Proof(aliased, proof.values))


def test_eq() -> None:
    rng = random.Random(4)
    tau = [rng.randrange(R) for _ in range(5)]
    assert eq_vector(tau).values() == eq_values(tau)
    corner = [1, 0, 1, 1, 0]
    assert eq_values(tau)[0b10110] == eq_at(tau, corner)
    assert sum(eq_values(tau)) % R == 1
    with pytest.raises(ValueError, match="8 values for 4 variables"):
        evaluate(Vector.zeros(8), [1] * 4)


def test_every_byte_of_a_conversation_counts() -> None:
    said = Transcript("test")
    said.absorb("a", b"xy")
    for label, parts in (("b", [b"xy"]), ("a", [b"x", b"y"]), ("a", [b"xy", b""]), ("a", [b"xz"])):
        other = Transcript("test")
        for part in parts:
            other.absorb(label, part)
        assert other.state != said.state
