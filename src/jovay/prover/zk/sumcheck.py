"""The sumcheck protocol (Lund, Fortnow, Karloff, Nisan 1992) for Σₓ eq(τ, x)·P(columns(x)).

A round's polynomial is eq(τᵢ, X)·h(X) times what is bound already; only h is sent, at 0, 2, … degree of P, and h(1)
follows from the claim (eprint 2024/108, 2024/1210). Σ over x without eq is the same with τ absent: then h is the
round's polynomial itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from os import sched_getaffinity
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
from .multilinear import eq_at, eq_values, eq_vector, fold
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
    """P, of ``degree`` at most in its ``columns`` columns together, with ``constants`` that challenges decide."""

    name: str
    columns: int
    constants: int
    degree: int
    formula: Formula

    @cached_property
    def round(self) -> kernels.Round:
        """The round as code."""
        return kernels.Round(f"round_{self.name}", self.columns, self.constants, self.degree, self.formula)

    @cached_property
    def _sums(self) -> Callable[..., int]:
        code = compile_modules([kernels.module_text([self.round], portable())], {self.round.symbol})
        return ObjectCode(code).function(self.round.symbol, 6)

    def sums(self, columns: Sequence[Vector], constants: Sequence[int], weights: Vector) -> list[int]:
        """Σₓ weight(x)·P along the line from the lower to the upper half, at the round's points."""
        half = len(columns[0].words) // 2
        fixed = np.concatenate([element(value) for value in (*constants, 0)])
        workers = len(sched_getaffinity(0))
        share = max(1, min(MOST_ADDED, -(-half // workers)))
        starts = range(0, half, share)

        def part(start: int) -> list[int]:
            count = min(share, half - start)
            places = addresses(column.words[start:] for column in columns)
            slots: U64 = aligned_words(len(self.round.points) * SLOT // 8).reshape(len(self.round.points), -1)
            self._sums(count, places, half * BLOCK, fixed, weights.words[start:], slots)
            return [slot_total(slot) for slot in slots]

        if len(starts) == 1:
            return part(0)
        with ThreadPoolExecutor(workers) as pool:
            return [sum(values) % R for values in zip(*pool.map(part, starts), strict=True)]

    def sums_of_few(
        self, columns: Sequence[Sequence[int]], constants: Sequence[int], weights: Sequence[int]
    ) -> list[int]:
        """The same of short columns."""
        half, sums = len(columns[0]) // 2, []
        for point in self.round.points:
            total = 0
            for x in range(half):
                values = [(c[x] + point * (c[x + half] - c[x])) % R for c in columns]
                total += self.formula(values, constants) * weights[x]
            sums.append(total % R)
        return sums


@dataclass(frozen=True)
class Proof:
    """A message per round, and the columns' values at the point of the challenges."""

    rounds: list[list[int]]
    values: list[int]


def prove(
    polynomial: Polynomial,
    columns: Sequence[Vector],
    constants: Sequence[int],
    tau: Sequence[int],
    transcript: Transcript,
) -> tuple[Proof, list[int]]:
    """Prove the sum; the proof and the point."""
    long, short = list(columns), list[list[int]]()
    weights = eq_vector(tau[1:]) if len(long[0]) > LANES else None
    rounds, point = list[list[int]](), list[int]()
    for number in range(len(tau)):
        # 1. Send h.
        if weights is not None and len(long[0]) > LANES:
            message = polynomial.sums(long, constants, weights)
        else:
            short = short or [column.values() for column in long]
            message = polynomial.sums_of_few(short, constants, eq_values(tau[number + 1 :]))
        rounds.append(message)
        transcript.absorb_elements("round", message)
        # 2. Bind the first variable to what is asked.
        r = transcript.challenge("r")
        point.append(r)
        if short:
            short = [fold(column, r) for column in short]
            continue
        long = [column.folded(r) for column in long]
        if weights is not None and len(weights) > LANES:
            low, high = weights.halves()
            weights = low + high
    return Proof(rounds, [column[0] for column in short]), point


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
    bound, point = 1, list[int]()
    for number, (message, t) in enumerate(zip(proof.rounds, tau, strict=True)):
        if len(message) != polynomial.degree or not all(0 <= value < R for value in message):
            raise SumcheckError(f"round {number} is malformed")
        # 1. h(1) from bound·((1 − τ)·h(0) + τ·h(1)) = claim.
        at_one = (claim * inverse(bound) - (1 - t) * message[0]) * inverse(t) % R
        transcript.absorb_elements("round", message)
        # 2. The claim that is left.
        r = transcript.challenge("r")
        point.append(r)
        bound = bound * eq_at([t], [r]) % R
        claim = bound * interpolated([message[0], at_one, *message[1:]], r) % R
    if claim != bound * polynomial.formula(proof.values, constants) % R:
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
