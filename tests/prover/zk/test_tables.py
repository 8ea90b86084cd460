"""Proofs about tables: a small machine whose state goes over a bus, with a table of bytes."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from jovay.prover.zk.chip import Chip, Message, Row
from jovay.prover.zk.errors import FractionsError, ZkError
from jovay.prover.zk.field import R
from jovay.prover.zk.proof import Statement, TableProof, description
from jovay.prover.zk.prover import fix, prove
from jovay.prover.zk.setup import Setup, development_setup
from jovay.prover.zk.tables import Table
from jovay.prover.zk.verifier import verify

STATE, BYTES = 1, 2
STEPS = 13


def _step(row: Row) -> list[object]:
    """(a, b) → (b, a + b mod 256)."""
    carry, used = row.carry, row.used
    return [used * (used - 1), carry * (carry - 1), used * (row.a + row.b - row.c - 256 * carry)]


def _step_messages(row: Row) -> list[Message]:
    return [
        Message(STATE, -row.used, (row.at, row.a, row.b)),
        Message(STATE, row.used, (row.at + row.used, row.b, row.c)),
        Message(BYTES, row.used, (row.c,)),
    ]


STEP = Chip("step", ("used", "at", "a", "b", "c", "carry"), _step, _step_messages)
BYTE = Chip(
    "byte",
    ("times",),
    lambda row: [],
    lambda row: [Message(BYTES, -row.times, (row.index,))],
    computed=("index",),
)


def machine(a: int = 200, b: int = 100) -> tuple[list[list[int]], list[list[int]], tuple[Message, ...]]:
    """Rows of both tables, and what is public: how it begins and how it ends."""
    steps, times = list[list[int]](), [0] * 256
    first = (0, a, b)
    for at in range(STEPS):
        carry, c = divmod(a + b, 256)
        steps.append([1, at, a, b, c, carry])
        times[c] += 1
        a, b = b, c
    public = Message(STATE, 1, first), Message(STATE, -1, (STEPS, a, b))
    return steps, [[count] for count in times], public


@pytest.fixture(scope="module")
def setup() -> Setup:
    return development_setup(1 << 9, 0xABCDEF0123456789)


def proven(
    setup: Setup, steps: Sequence[Sequence[int]], table: Sequence[Sequence[int]], public: tuple[Message, ...]
) -> tuple[Statement, list[TableProof]]:
    statement = Statement((STEP, BYTE), public)
    return statement, prove(statement, [Table.of(STEP, steps), Table.of(BYTE, table)], setup)


@pytest.fixture(scope="module")
def honest(setup: Setup) -> tuple[Statement, list[TableProof]]:
    return proven(setup, *machine())


def test_a_run_is_proven(setup: Setup, honest: tuple[Statement, list[TableProof]]) -> None:
    verify(*honest, setup)


def test_another_end_is_refused(setup: Setup, honest: tuple[Statement, list[TableProof]]) -> None:
    statement, proofs = honest
    first, last = statement.public
    other = Message(STATE, -1, (STEPS, last.values[1], (last.values[2] + 1) % 256))
    with pytest.raises(ZkError):
        verify(Statement(statement.chips, (first, other)), proofs, setup)


def test_chips_and_heights_count(setup: Setup, honest: tuple[Statement, list[TableProof]]) -> None:
    statement, proofs = honest
    weaker = replace(STEP, constraints=lambda row: [*_step(row)[:2], 0 * row.a])
    assert description(weaker) != description(STEP)
    for chips in ((weaker, BYTE), (replace(STEP, name="other"), BYTE)):
        with pytest.raises(ZkError):
            verify(Statement(chips, statement.public), proofs, setup)
    with pytest.raises(ZkError, match="1 tables"):
        verify(statement, proofs[:1], setup)
    with pytest.raises(ZkError):
        verify(statement, [replace(proofs[0], variables=5), proofs[1]], setup)


@pytest.mark.parametrize("column", range(6))
@pytest.mark.parametrize("change", [1, -1, 256, 2**52])
def test_changed_cells_are_found(setup: Setup, column: int, change: int) -> None:
    steps, table, public = machine()
    steps[4][column] += change
    with pytest.raises(ZkError):
        verify(*proven(setup, steps, table, public), setup)


def test_rows_left_out_twice_or_added_are_found(setup: Setup) -> None:
    steps, table, public = machine()
    for rows in (steps[:-1], steps[1:], [*steps, steps[5]], [*steps, [1, 77, 1, 1, 2, 0]]):
        with pytest.raises(FractionsError):
            verify(*proven(setup, rows, table, public), setup)


def test_a_multiplicity_of_more_than_the_table_says_is_found(setup: Setup) -> None:
    steps, table, public = machine()
    table[7][0] += 1
    with pytest.raises(FractionsError, match="add up"):
        verify(*proven(setup, steps, table, public), setup)


def test_broken_constraints_are_named() -> None:
    steps, _, _ = machine()
    steps[2][5] = 2
    assert STEP.broken(steps) == [(2, 1), (2, 2)]
    assert STEP.broken([[0] * 6]) == []


def test_messages_of_degree_two_are_refused() -> None:
    bad = Chip("bad", ("a",), lambda row: [], lambda row: [Message(1, row.a * row.a, (row.a,))])
    with pytest.raises(ValueError, match="degree 2"):
        assert bad.shape


@pytest.mark.parametrize("seed", range(40))
def test_changed_proofs_are_refused(
    setup: Setup, honest: tuple[Statement, list[TableProof]], seed: int
) -> None:
    rng = random.Random(seed)
    statement, proofs = honest
    which = seed % 2
    changed = _changed(proofs[which], rng, seed // 2 % 5)
    listed = list(proofs)
    listed[which] = changed
    with pytest.raises(ZkError):
        verify(statement, listed, setup)


def _changed(proof: TableProof, rng: random.Random, part: int) -> TableProof:
    """The proof with one number or point changed."""
    other = rng.randrange(1, R)
    if part == 0:
        return replace(proof, commitment=proof.opening.quotient)
    if part == 1:
        values = list(proof.rows.values)
        i = rng.randrange(len(values))
        values[i] = (values[i] + other) % R
        return replace(proof, rows=replace(proof.rows, values=values))
    if part == 2:
        rounds = [list(each) for each in proof.rows.rounds]
        message = rng.choice(rounds)
        i = rng.randrange(len(message))
        message[i] = (message[i] + other) % R
        return replace(proof, rows=replace(proof.rows, rounds=rounds))
    if part == 3:
        tops = [list(side) for side in proof.messages.tops]
        side = rng.choice(tops)
        i = rng.randrange(len(side))
        side[i] = (side[i] + other) % R
        return replace(proof, messages=replace(proof.messages, tops=(tops[0], tops[1])))
    return replace(proof, opening=replace(proof.opening, square=(proof.opening.square + other) % R))


DOUBLE = Chip(
    "double",
    ("times",),
    lambda row: [],
    lambda row: [Message(1, -row.times, (row.x, row.y))],
    fixed=("x", "y"),
)
ASK = Chip("ask", ("used", "x", "y"), lambda row: [], lambda row: [Message(1, row.used, (row.x, row.y))])


def asked(setup: Setup, rows: list[list[int]], fixed: list[list[int]]) -> list[TableProof]:
    """Proofs that ``rows`` are in the table ``fixed``, which need not be the key's."""
    times = [[sum(row[1:] == entry for row in rows)] for entry in fixed]
    table = Table.of(DOUBLE, times, fixed)
    return prove(_key(setup), [table, Table.of(ASK, rows)], setup)


def _key(setup: Setup) -> Statement:
    known = Table.of(DOUBLE, [], [[x, 2 * x] for x in range(20)])
    return Statement((DOUBLE, ASK), (), {"double": fix(known, setup)})


def test_fixed_columns_are_those_of_the_key(setup: Setup) -> None:
    rows = [[1, 3, 6], [1, 4, 8], [1, 3, 6]]
    true = [[x, 2 * x] for x in range(20)]
    verify(_key(setup), asked(setup, rows, true), setup)
    lies = [*true[:5], [5, 11], *true[6:]]
    with pytest.raises(ZkError):
        verify(_key(setup), asked(setup, [[1, 5, 11]], lies), setup)
    with pytest.raises(ZkError, match="height"):
        verify(_key(setup), asked(setup, rows, true[:10]), setup)
    proofs = asked(setup, rows, true)
    with pytest.raises(ZkError, match="not opened"):
        verify(_key(setup), [replace(proofs[0], fixed=None), proofs[1]], setup)


def test_computed_columns_are_what_they_should_be(setup: Setup) -> None:
    steps, times, public = machine()
    table = Table.of(BYTE, times)
    words = table.columns[1].words.copy()
    statement = Statement((STEP, BYTE), public)
    table.columns[1].words[0, 0, 0] += 1
    with pytest.raises(ZkError):
        verify(statement, prove(statement, [Table.of(STEP, steps), table], setup), setup)
    table.columns[1].words[:] = words
    verify(statement, prove(statement, [Table.of(STEP, steps), table], setup), setup)
