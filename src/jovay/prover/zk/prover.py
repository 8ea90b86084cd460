"""Prove that tables fulfil their chips, and that what they send is received."""

from __future__ import annotations

from collections.abc import Sequence

from . import fractions, kzg, sumcheck
from .field import Vector
from .proof import Fixed, Statement, TableProof
from .setup import Setup
from .tables import Table, combined, places, stacked, weights
from .transcript import Transcript


def prove(statement: Statement, tables: Sequence[Table], setup: Setup) -> list[TableProof]:
    """A proof for each table, in one conversation."""
    # 1. Commit to all tables.
    wholes = [stacked(table.own) for table in tables]
    commitments = [kzg.commit(setup, each) for each in wholes]
    transcript = statement.begin([table.variables for table in tables], commitments)
    # 2. Messages become fractions.
    alpha, betas = transcript.challenge("alpha"), transcript.challenges("beta", statement.width)
    # 3. Sum them up, table by table; a claim about each table's messages is left.
    summed = [fractions.prove(*table.fractions(alpha, betas), transcript) for table in tables]
    proofs = list[TableProof]()
    for table, whole, commitment, (messages, claim) in zip(tables, wholes, commitments, summed, strict=True):
        # 4. At the claim's point, constraints and messages in one sumcheck.
        prefix, tau = claim.point[: -table.variables], claim.point[-table.variables :]
        gamma = transcript.challenge("gamma")
        own, _, _ = weights(table.chip, gamma, prefix)
        constants = [alpha, *betas[: table.chip.shape.width], *own]
        rows, point = sumcheck.prove(combined(table.chip), table.columns, constants, tau, transcript)
        transcript.absorb_elements("columns", rows.values)
        # 5. Open all columns at once, and those that are fixed.
        opening = _open(setup, whole, len(table.own), point, transcript)
        fixed = (
            _open(setup, stacked(table.fixed), len(table.fixed), point, transcript) if table.fixed else None
        )
        proofs.append(TableProof(table.variables, commitment, messages, rows, opening, fixed))
    return proofs


def fix(table: Table, setup: Setup) -> Fixed:
    """What a verification key keeps of a table."""
    return Fixed(table.variables, kzg.commit(setup, stacked(table.fixed)))


def _open(
    setup: Setup, whole: Vector, columns: int, point: Sequence[int], transcript: Transcript
) -> kzg.Opening:
    stack = transcript.challenges("stack", places(columns))
    return kzg.open_at(setup, whole, [*stack, *point], transcript)[0]
