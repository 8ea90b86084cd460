"""Prove that tables fulfil their chips, and that what they send is received."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from jovay.native.memory import memory

from . import affine, fractions, kzg, needs, rows, stack
from .affine import Affine
from .curve import Point
from .encoding import encode
from .field import Vector, powers
from .layout import Layout, filled, key_variables, pieces, segments
from .leaves import leaves
from .progress import Done, Progress, Tell
from .proof import Key, Proof, Statement
from .setup import Setup
from .tables import Table
from .threads import each
from .transcript import Transcript


def prove(
    statement: Statement,
    tables: Sequence[Table],
    setup: Setup,
    tell: Tell = lambda *_: None,
    allowed: int | None = None,
) -> bytes:
    """A proof about tables, in the order of the chips. Their columns move to where they are committed to.

    Raises ``ProofTooLargeError`` beforehand if it takes more than ``allowed`` bytes, or what is available.
    """
    layout = statement.layout([table.variables for table in tables])
    setup = setup.holding(1 << layout.variables)
    needs.check(layout, setup, allowed)
    progress = Progress(needs.work(layout), tell)
    # 1. Commit to all own columns, stacked into pieces.
    progress.begin("columns")
    stacked = stack.stacked(layout, tables)
    commitments = _committed(setup, stacked[: layout.own_pieces], progress.done)
    transcript = statement.begin(layout.heights, commitments)
    alpha, betas = transcript.challenge("alpha"), transcript.challenges("beta", statement.width)
    # 2. Messages become fractions, which are summed up; a claim about them at a point is left.
    progress.begin("messages")
    said_by_all = leaves(layout, tables, alpha, betas)
    messages, claim = fractions.prove(said_by_all, transcript, progress.done)
    del said_by_all
    # 3. That claim, and constraints that are zero, in one sumcheck about all rows.
    progress.begin("rows")
    gamma = transcript.challenge("gamma")
    weights, for_p, for_q, filling = rows.weights(layout, gamma, claim.point)
    total, tau = for_p * claim.p + for_q * (claim.q - filling), claim.point[-layout.rows :]
    said, point, columns = rows.prove(
        layout, tables, weights, alpha, betas, total, tau, transcript, progress.done
    )
    # 4. The columns' values at its point.
    values = [value for table in columns for value in table]
    transcript.absorb_elements("columns", values)
    # 5. They are led to the pieces' values at one point.
    progress.begin("pieces")
    reduced, at, ends = stack.prove(layout, stacked, point, transcript, progress.done)
    transcript.absorb_elements("pieces", ends)
    # 6. All pieces are opened there at once.
    progress.begin("opening")
    whole = _together(layout, stacked, transcript)
    opening, _ = kzg.open_at(setup, whole, at, transcript, progress.done)
    memory().release()
    return encode(Proof(layout.heights, commitments, messages, said, values, reduced, ends, opening))


def _committed(setup: Setup, pieces: Sequence[Vector], done: Done) -> list[Point]:
    finished = count(1)

    def commit(piece: Vector) -> Point:
        point = kzg.commit(setup, piece)
        done(next(finished) / len(pieces))
        return point

    return each(commit, pieces)


def _together(layout: Layout, stacked: Sequence[Vector], transcript: Transcript) -> Vector:
    """Σ νⁱ·Pᵢ."""
    weights = powers(transcript.challenge("nu"), len(stacked))
    whole = Vector.empty(1 << layout.variables)
    own = layout.own_pieces
    affine.evaluate([Affine(0, dict(enumerate(weights[:own])))], stacked[:own], [whole])
    if fixed := stacked[own:]:
        low = whole.part(0, len(fixed[0]))
        form = Affine(0, {0: 1, **dict(enumerate(weights[own:], 1))})
        affine.evaluate([form], [low, *fixed], [low])
    return whole


def fix(tables: Sequence[Table], setup: Setup) -> Key:
    """What a verification key keeps of the tables with fixed columns, in the order of the chips."""
    heights, counts = [t.variables for t in tables], [len(t.fixed) for t in tables]
    columns, variables = segments(heights, counts), key_variables(heights, counts)
    found = [Vector.zeros(1 << variables) for _ in range(pieces(filled(columns), variables))]
    for column in columns:
        piece, start = divmod(column.start, 1 << variables)
        place = found[piece].part(start, 1 << column.variables)
        place.words[:] = tables[column.chip].fixed[column.number].words
    names = [table.chip.name for table in tables]
    return Key(dict(zip(names, heights, strict=True)), tuple(kzg.commit(setup, piece) for piece in found))
