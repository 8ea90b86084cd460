"""Verify proofs about tables: the mirror of ``prover.prove``."""

from __future__ import annotations

from itertools import islice

from . import fractions, kzg, rows, stack, sumcheck
from .chip import COMPUTED
from .encoding import decode
from .errors import SumcheckError
from .field import R, dot, powers
from .proof import Statement
from .setup import Setup


def verify(statement: Statement, data: bytes, setup: Setup) -> None:
    """Raises ``ZkError`` unless ``data`` proves that tables are known that fulfil the statement."""
    layout, proof = decode(statement, data)
    # 1. The commitments.
    transcript = statement.begin(layout.heights, proof.commitments)
    alpha, betas = transcript.challenge("alpha"), transcript.challenges("beta", statement.width)
    # 2. The sum of all fractions is zero, together with those that are public.
    claim = fractions.verify(layout.leaves, proof.messages, transcript)
    public = [(m.multiplicity % R, m.denominator(alpha, betas) % R) for m in statement.public]
    fractions.check_zero(fractions.add_up([fractions.total(proof.messages), *public]))
    # 3. The claim about them, and constraints that are zero, in one sumcheck about all rows.
    gamma = transcript.challenge("gamma")
    weights, for_p, for_q, filling = rows.weights(layout, gamma, claim.point)
    total, tau = for_p * claim.p + for_q * (claim.q - filling), claim.point[-layout.rows :]
    point, left = sumcheck.check(total, layout.degree, proof.rows, transcript, tau)
    # 4. What the columns' values at its point give; those that are computed are worked out.
    transcript.absorb_elements("columns", proof.columns)
    values, columns = iter(proof.columns), list[list[int]]()
    for chip, height, weighed in zip(layout.chips, layout.heights, weights, strict=True):
        columns.append(list(islice(values, len(chip.columns) + len(chip.fixed))))
        computed = [COMPUTED[name](point[-height:]) for name in chip.computed]
        left -= rows.value_at(chip, weighed, alpha, betas, [*columns[-1], *computed])
    if left % R:
        raise SumcheckError("the last claim about rows is not what the columns' values give")
    # 5. They are led to the pieces' values at one point.
    mu = transcript.challenge("mu")
    ordered = stack.stack_order(layout, columns)
    reduced = dot(powers(mu, len(ordered)), ordered)
    at, left = sumcheck.check(reduced, stack.PRODUCT.degree, proof.stack, transcript)
    transcript.absorb_elements("pieces", proof.pieces)
    if left != dot(stack.weights_at(layout, mu, point, at), proof.pieces):
        raise SumcheckError("the last claim about columns is not what the pieces' values give")
    # 6. All pieces are opened there at once.
    nu = powers(transcript.challenge("nu"), len(proof.pieces))
    points = [*proof.commitments, *statement.key.commitments]
    kzg.verify(setup, points, nu, at, dot(nu, proof.pieces), proof.opening, transcript)
