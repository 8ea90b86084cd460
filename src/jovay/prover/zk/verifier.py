"""Verify proofs about tables: the mirror of ``prover.prove``."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from . import fractions, kzg, sumcheck
from .chip import COMPUTED
from .curve import Point
from .errors import ZkError
from .field import R, dot
from .multilinear import eq_values
from .proof import Statement, TableProof
from .setup import Setup
from .tables import combined, places, weights
from .transcript import Transcript

#: Tables have fewer rows than two to this power.
MOST_VARIABLES = 32


def verify(statement: Statement, proofs: Sequence[TableProof], setup: Setup) -> None:
    """Raises ``ZkError`` unless tables are known that fulfil the statement."""
    chips, heights = statement.chips, [proof.variables for proof in proofs]
    if len(proofs) != len(chips) or not all(3 <= height < MOST_VARIABLES for height in heights):
        raise ZkError(f"{len(proofs)} tables of heights {heights} for {len(chips)} chips")
    for chip, height in zip(chips, heights, strict=True):
        if chip.fixed and statement.fixed[chip.name].variables != height:
            raise ZkError(f"{chip.name} has height {height}, not that of its fixed columns")
    # 1. The commitments.
    transcript = statement.begin(heights, [proof.commitment for proof in proofs])
    # 2. Messages become fractions.
    alpha, betas = transcript.challenge("alpha"), transcript.challenges("beta", statement.width)
    # 3. Their sum is zero, together with those that are public.
    claims = [
        fractions.verify(proof.variables + places(chip.shape.messages), proof.messages, transcript)
        for chip, proof in zip(chips, proofs, strict=True)
    ]
    totals = [fractions.total(proof.messages) for proof in proofs]
    totals += [(m.multiplicity % R, m.denominator(alpha, betas) % R) for m in statement.public]
    fractions.check_zero(fractions.add_up(totals))
    for chip, proof, claim in zip(chips, proofs, claims, strict=True):
        # 4. The claims about messages, and constraints that are zero, in one sumcheck.
        prefix, tau = claim.point[: -proof.variables], claim.point[-proof.variables :]
        gamma = transcript.challenge("gamma")
        own, p, q = weights(chip, gamma, prefix)
        filled = sum(eq_values(prefix)[chip.shape.messages :])
        constants = [alpha, *betas[: chip.shape.width], *own]
        total = (p * claim.p + q * (claim.q - filled)) % R
        point = sumcheck.verify(combined(chip), total, constants, tau, proof.rows, transcript)
        if not all(0 <= value < R for value in proof.rows.values):
            raise ZkError("a column's value is not below the field's order")
        transcript.absorb_elements("columns", proof.rows.values)
        # 5. The columns' values are those of the commitments, or what is computed.
        values = iter(proof.rows.values)
        own, fixed = list(islice(values, len(chip.columns))), list(islice(values, len(chip.fixed)))
        _check_opening(setup, proof.commitment, own, point, proof.opening, transcript)
        if chip.fixed:
            if proof.fixed is None:
                raise ZkError(f"{chip.name}: the fixed columns are not opened")
            _check_opening(
                setup, statement.fixed[chip.name].commitment, fixed, point, proof.fixed, transcript
            )
        for name, value in zip(chip.computed, values, strict=True):
            if value != COMPUTED[name](point):
                raise ZkError(f"{chip.name}: the column {name} is another")


def _check_opening(
    setup: Setup,
    commitment: Point,
    values: Sequence[int],
    point: Sequence[int],
    opening: kzg.Opening,
    transcript: Transcript,
) -> None:
    """The columns of a commitment have these values at the rows' point."""
    stack = transcript.challenges("stack", places(len(values)))
    value = dot(eq_values(stack)[: len(values)], values)
    kzg.verify(setup, commitment, [*stack, *point], value, opening, transcript)
