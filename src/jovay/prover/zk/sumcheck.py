"""The sumcheck protocol (Lund, Fortnow, Karloff, Nisan 1992) for Σₓ eq(τ, x)·P(columns(x)), or without eq.

A round's polynomial is eq(τᵢ, X)·h(X) times what is bound already; only h is sent, at 0, 2, … degree of P, and h(1)
follows from the claim (eprint 2024/108, 2024/1210). Without eq, h is the round's polynomial itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from jovay.compiler.native import compile_modules
from jovay.compiler.simd import sumcheck as kernels
from jovay.compiler.simd.limbs import SLOT
from jovay.compiler.simd.numbers import BLOCK, MOST_ADDED
from jovay.native.arena import aligned_words
from jovay.native.library import ObjectCode
from jovay.native.places import addresses

from .errors import SumcheckError
from .field import LANES, U64, R, Vector, element, inverse, portable, slot_total
from .multilinear import eq_values, eq_vector, fold
from .threads import each, shares
from .transcript import Transcript


class Ring(Protocol):
    """What polynomials calculate with."""

    def __add__(self, other: Any) -> Any: ...
    def __sub__(self, other: Any) -> Any: ...
    def __mul__(self, other: Any) -> Any: ...


Formula = Callable[[Sequence[Any], Sequence[Any]], Any]
"""``formula(columns, constants)`` with sums, differences and products of its arguments alone."""


@dataclass(frozen=True)
class Polynomial:
    """P, of ``degree`` at most in its ``columns`` columns together, with ``constants`` that challenges decide.

    ``weighted``: each point has a weight, that of eq.
    """

    name: str
    columns: int
    constants: int
    degree: int
    formula: Formula
    weighted: bool = True

    @cached_property
    def round(self) -> kernels.Round:
        """The round as code."""
        return kernels.Round(
            f"round_{self.name}", self.columns, self.constants, self.degree, self.formula, self.weighted
        )

    @cached_property
    def _sums(self) -> Callable[..., int]:
        code = compile_modules([kernels.module_text([self.round], portable())], {self.round.symbol})
        return ObjectCode(code).function(self.round.symbol, 6)

    def sums(
        self, columns: Sequence[Vector], constants: Sequence[int], weights: Vector | None = None
    ) -> list[int]:
        """Σₓ weight(x)·P along the line from the lower to the upper half, at the round's points."""
        half = len(columns[0].words) // 2
        return self._summed(half, half, columns, constants, weights)

    def total(
        self, columns: Sequence[Vector], constants: Sequence[int], weights: Vector | None = None
    ) -> int:
        """Σₓ weight(x)·P."""
        return self._summed(len(columns[0].words), 0, columns, constants, weights)[0]

    def _summed(
        self,
        blocks: int,
        step: int,
        columns: Sequence[Vector],
        constants: Sequence[int],
        weights: Vector | None,
    ) -> list[int]:
        """Along lines from the first ``blocks`` of the columns to those ``step`` further."""
        fixed = np.concatenate([element(value) for value in (*constants, 0)])
        count = len(self.round.points)

        def part(share: slice) -> list[int]:
            starts = addresses(column.words[share] for column in columns)
            slots: U64 = aligned_words(count * SLOT // 8).reshape(count, -1)
            there = weights.words[share] if weights else 0
            self._sums(share.stop - share.start, starts, step * BLOCK, fixed, there, slots)
            return [slot_total(slot) for slot in slots]

        parts = shares(blocks, MOST_ADDED)
        found = [part(parts[0])] if len(parts) == 1 else each(part, parts)
        return [sum(values) % R for values in zip(*found, strict=True)]

    def sums_of_few(
        self, columns: Sequence[Sequence[int]], constants: Sequence[int], weights: Sequence[int]
    ) -> list[int]:
        """``sums`` of short columns."""
        half, sums = len(columns[0]) // 2, []
        for point in self.round.points:
            total = 0
            for x in range(half):
                values = [(c[x] + point * (c[x + half] - c[x])) % R for c in columns]
                total += self.formula(values, constants) * weights[x]
            sums.append(total % R)
        return sums


class Columns(Protocol):
    """What a sumcheck is about, of one length."""

    def __len__(self) -> int: ...

    def sums(self, polynomial: Polynomial, constants: Sequence[int], weights: Vector | None) -> list[int]:
        """``Polynomial.sums`` of them."""
        ...

    def folded(self, r: int) -> Columns:
        """The first variable becomes ``r``; these are no more."""
        ...

    def values(self) -> list[list[int]]:
        """Their elements."""
        ...


class Held:
    """Columns in memory."""

    def __init__(self, vectors: Sequence[Vector]) -> None:
        self.vectors = vectors

    def __len__(self) -> int:
        return len(self.vectors[0])

    def sums(self, polynomial: Polynomial, constants: Sequence[int], weights: Vector | None) -> list[int]:
        """As ``Columns.sums``."""
        return polynomial.sums(self.vectors, constants, weights)

    def folded(self, r: int) -> Held:
        """As ``Columns.folded``, where they lie."""
        return Held(each(lambda column: column.fold(r), self.vectors))

    def values(self) -> list[list[int]]:
        """As ``Columns.values``."""
        return [column.values() for column in self.vectors]


@dataclass(frozen=True)
class Proof:
    """A message per round, and the columns' values at the point of the challenges."""

    rounds: list[list[int]]
    values: list[int]


def asked(message: Sequence[int], transcript: Transcript) -> int:
    """The challenge that answers a round's message."""
    transcript.absorb_elements("round", message)
    return transcript.challenge("r")


def prove(
    polynomial: Polynomial,
    columns: Columns,
    constants: Sequence[int],
    tau: Sequence[int],
    transcript: Transcript,
) -> tuple[Proof, list[int]]:
    """Prove Σ eq(τ, x)·P; the proof and the point. The columns are used up."""
    short = list[list[int]]()
    weights = eq_vector(tau[1:]) if len(columns) > LANES else None
    rounds, point = list[list[int]](), list[int]()
    for number in range(len(tau)):
        # 1. Send h.
        if weights is not None and len(columns) > LANES:
            message = columns.sums(polynomial, constants, weights)
        else:
            short = short or columns.values()
            message = polynomial.sums_of_few(short, constants, eq_values(tau[number + 1 :]))
        rounds.append(message)
        # 2. Bind the first variable to what is asked.
        r = asked(message, transcript)
        point.append(r)
        if short:
            short = [fold(column, r) for column in short]
            continue
        columns = columns.folded(r)
        weights = summed_up(weights)
    return Proof(rounds, [column[0] for column in short]), point


def summed_up(weights: Vector | None) -> Vector | None:
    """The weights of the next round: without their first variable. As long as they fill a vector."""
    if weights is None or len(weights) <= LANES:
        return None
    low, high = weights.halves()
    return low + high


def check(
    claim: int,
    degree: int,
    rounds: Sequence[Sequence[int]],
    transcript: Transcript,
    tau: Sequence[int] | None = None,
) -> tuple[list[int], int]:
    """The point, and what P has to be there. With eq(τ, x), or without. Raises ``SumcheckError``."""
    point = list[int]()
    for number, message in enumerate(rounds):
        if len(message) != degree or not all(0 <= value < R for value in message):
            raise SumcheckError(f"round {number} is malformed")
        # 1. h(1) from (1 − τ)·h(0) + τ·h(1) = claim, or h(0) + h(1) = claim.
        at_one = claim - message[0] if tau is None else upper(claim, message[0], tau[number])
        # 2. The claim that is left.
        r = asked(message, transcript)
        point.append(r)
        claim = interpolated([message[0], at_one % R, *message[1:]], r)
    return point, claim


def upper(claim: int, at_zero: int, t: int) -> int:
    """h(1) from (1 − t)·h(0) + t·h(1) = claim. Raises ``SumcheckError`` where t is 0, as a challenge hardly ever is."""
    if t % R == 0:
        raise SumcheckError("a challenge is 0")
    return (claim - (1 - t) * at_zero) * inverse(t) % R


def verify(
    polynomial: Polynomial,
    claim: int,
    constants: Sequence[int],
    tau: Sequence[int],
    proof: Proof,
    transcript: Transcript,
) -> list[int]:
    """The point at which the columns are to be opened. Raises ``SumcheckError``."""
    if len(proof.rounds) != len(tau) or len(proof.values) != polynomial.columns:
        raise SumcheckError(
            f"{len(proof.rounds)} rounds with {len(proof.values)} values for {len(tau)} variables"
        )
    point, left = check(claim, polynomial.degree, proof.rounds, transcript, tau)
    if left != polynomial.formula(proof.values, constants) % R:
        raise SumcheckError("the last claim is not what the columns' values give")
    return point


def interpolated(values: Sequence[int], x: int) -> int:
    """The polynomial through values at 0, 1, 2, …, at x (Lagrange)."""
    total = 0
    for i, value in enumerate(values):
        top, bottom = value, 1
        for j in range(len(values)):
            if j != i:
                top, bottom = top * (x - j) % R, bottom * (i - j) % R
        total += top * inverse(bottom)
    return total % R
