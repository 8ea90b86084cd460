"""A small statement about tables, and its proof: a machine whose state goes over a bus, with tables of two kinds.

``python -m rigs.zk_tables`` in ``tests`` prints both as JSON, for verifiers in other languages.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from jovay.prover.zk.chip import Chip, Message, Row
from jovay.prover.zk.proof import Statement
from jovay.prover.zk.prover import fix, prove
from jovay.prover.zk.setup import Setup, development_setup
from jovay.prover.zk.tables import Table

STATE, BYTES, DOUBLES = 1, 2, 3
STEPS = 13
TAU = 0xABCDEF0123456789


def step_constraints(row: Row) -> list[object]:
    """(a, b) → (b, a + b mod 256)."""
    carry, used = row.carry, row.used
    return [used * (used - 1), carry * (carry - 1), used * (row.a + row.b - row.c - 256 * carry)]


def _step_messages(row: Row) -> list[Message]:
    return [
        Message(STATE, -row.used, (row.at, row.a, row.b)),
        Message(STATE, row.used, (row.at + row.used, row.b, row.c)),
        Message(BYTES, row.used, (row.c,)),
    ]


STEP = Chip("step", ("used", "at", "a", "b", "c", "carry"), step_constraints, _step_messages)
BYTE = Chip(
    "byte",
    ("times",),
    lambda row: [],
    lambda row: [Message(BYTES, -row.times, (row.index,))],
    computed=("index",),
)
DOUBLE = Chip(
    "double",
    ("times",),
    lambda row: [],
    lambda row: [Message(DOUBLES, -row.times, (row.x, row.y))],
    fixed=("x", "y"),
)
ASK = Chip(
    "ask", ("used", "x", "y"), lambda row: [], lambda row: [Message(DOUBLES, row.used, (row.x, row.y))]
)
CHIPS = STEP, BYTE, DOUBLE, ASK
TRUE = [[x, 2 * x] for x in range(20)]
ASKED = [[1, 3, 6], [1, 4, 8], [1, 3, 6]]


def setup() -> Setup:
    """Enough for all of them."""
    return development_setup(1 << 9, TAU)


def machine(a: int = 200, b: int = 100) -> tuple[list[list[int]], list[list[int]], tuple[Message, ...]]:
    """Rows of the first two tables, and what is public: how it begins and how it ends."""
    steps, times = list[list[int]](), [0] * 256
    first = (0, a, b)
    for at in range(STEPS):
        carry, c = divmod(a + b, 256)
        steps.append([1, at, a, b, c, carry])
        times[c] += 1
        a, b = b, c
    public = Message(STATE, 1, first), Message(STATE, -1, (STEPS, a, b))
    return steps, [[count] for count in times], public


def statement(setup: Setup, public: tuple[Message, ...]) -> Statement:
    """Of the four chips, with the true doubles."""
    return Statement(CHIPS, public, fix([Table.of(DOUBLE, [], TRUE)], setup))


def tables(
    steps: Sequence[Sequence[int]],
    bytes_: Sequence[Sequence[int]],
    asked: Sequence[Sequence[int]] = ASKED,
    fixed: Sequence[Sequence[int]] = TRUE,
) -> list[Table]:
    """Of these rows; ``fixed`` need not be the key's."""
    times = [[sum(list(row[1:]) == list(entry) for row in asked)] for entry in fixed]
    return [
        Table.of(STEP, steps),
        Table.of(BYTE, bytes_),
        Table.of(DOUBLE, times, fixed),
        Table.of(ASK, asked),
    ]


def example(setup: Setup) -> tuple[Statement, bytes]:
    """An honest proof."""
    steps, bytes_, public = machine()
    about = statement(setup, public)
    return about, prove(about, tables(steps, bytes_), setup)


if __name__ == "__main__":
    about, proof = example(setup())
    print(
        json.dumps(
            {
                "digest": about.digest().hex(),
                "public": [[m.bus, m.multiplicity, list(m.values)] for m in about.public],
                "fixed": about.key.commitments,
                "proof": proof.hex(),
            }
        )
    )
