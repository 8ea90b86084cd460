"""Proofs about tables: honest ones are accepted; no other tables, statement or bytes are."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import pytest

from jovay.prover.zk import needs
from jovay.prover.zk.chip import Chip, Message, Row
from jovay.prover.zk.curve import P, negate
from jovay.prover.zk.encoding import decode, encode
from jovay.prover.zk.errors import EncodingError, FractionsError, ZkError
from jovay.prover.zk.field import R
from jovay.prover.zk.proof import Key, Proof, Statement, description
from jovay.prover.zk.prover import fix, prove
from jovay.prover.zk.setup import Setup
from jovay.prover.zk.tables import Table
from jovay.prover.zk.verifier import verify
from rigs import zk_tables
from rigs.zk_tables import ASKED, BYTE, BYTES, CHIPS, STATE, STEP, STEPS, TRUE, machine, statement, tables

Honest = tuple[Statement, bytes]


@pytest.fixture(scope="module")
def setup() -> Setup:
    return zk_tables.setup()


@pytest.fixture(scope="module")
def honest(setup: Setup) -> Honest:
    return zk_tables.example(setup)


def tried(
    setup: Setup,
    steps: Sequence[Sequence[int]],
    table: Sequence[Sequence[int]],
    public: tuple[Message, ...],
    asked: Sequence[Sequence[int]] = ASKED,
    fixed: Sequence[Sequence[int]] = TRUE,
) -> None:
    """Prove and verify."""
    about = statement(setup, public)
    verify(about, prove(about, tables(steps, table, asked, fixed), setup), setup)


def test_a_run_is_proven(setup: Setup, honest: Honest) -> None:
    verify(*honest, setup)


def test_stages_are_told(setup: Setup, honest: Honest) -> None:
    steps, table, _ = machine()
    told = list[tuple[str, float]]()
    assert prove(honest[0], tables(steps, table), setup, lambda *said: told.append(said)) == honest[1]
    stages, shares = zip(*told, strict=True)
    assert list(dict.fromkeys(stages)) == list(needs.work(honest[0].layout([4, 8, 5, 3])))
    assert shares[0] == 0
    assert list(shares) == sorted(shares)


def test_proofs_are_written_in_one_way(honest: Honest) -> None:
    layout, proof = decode(*honest)
    assert encode(proof) == honest[1]
    assert layout.heights == (4, 8, 5, 3)
    assert (layout.rows, layout.leaves, layout.variables, layout.own_pieces) == (8, 9, 8, 2)
    assert (layout.fixed_variables, layout.fixed_pieces) == (5, 2)


def test_another_end_is_refused(setup: Setup, honest: Honest) -> None:
    about, proof = honest
    first, last = about.public
    other = Message(STATE, -1, (STEPS, last.values[1], (last.values[2] + 1) % 256))
    twice = Message(BYTES, 0, (1,))
    for public in ((first, other), (first,), (last, first), (first, last, twice)):
        with pytest.raises(ZkError):
            verify(replace(about, public=public), proof, setup)


def test_chips_and_keys_count(setup: Setup, honest: Honest) -> None:
    about, proof = honest
    weaker = replace(STEP, constraints=lambda row: [*zk_tables.step_constraints(row)[:2], 0 * row.a])
    assert description(weaker) != description(STEP)
    key = about.key
    for other in (
        replace(about, chips=(weaker, *CHIPS[1:])),
        replace(about, chips=(replace(STEP, name="other"), *CHIPS[1:])),
        replace(about, chips=CHIPS[:3]),
        replace(about, key=replace(key, heights={"double": 6})),
        replace(about, key=replace(key, commitments=key.commitments[::-1])),
        replace(about, key=replace(key, commitments=key.commitments[:1])),
        replace(about, key=replace(key, commitments=(negate(key.commitments[0]), key.commitments[1]))),
    ):
        with pytest.raises(ZkError):
            verify(other, proof, setup)


@pytest.mark.parametrize("column", range(6))
@pytest.mark.parametrize("change", [1, -1, 256, 2**52])
def test_changed_cells_are_found(setup: Setup, column: int, change: int) -> None:
    steps, table, public = machine()
    steps[4][column] += change
    with pytest.raises(ZkError):
        tried(setup, steps, table, public)


def test_rows_left_out_twice_or_added_are_found(setup: Setup) -> None:
    steps, table, public = machine()
    for rows in (steps[:-1], steps[1:], [*steps, steps[5]], [*steps, [1, 77, 1, 1, 2, 0]]):
        with pytest.raises(FractionsError):
            tried(setup, rows, table, public)


def test_a_multiplicity_of_more_than_the_table_says_is_found(setup: Setup) -> None:
    steps, table, public = machine()
    table[7][0] += 1
    with pytest.raises(FractionsError, match="add up"):
        tried(setup, steps, table, public)


def test_fixed_columns_are_those_of_the_key(setup: Setup) -> None:
    lies = [*TRUE[:5], [5, 11], *TRUE[6:]]
    with pytest.raises(ZkError):
        tried(setup, *machine(), asked=[[1, 5, 11]], fixed=lies)
    with pytest.raises(ZkError, match="height"):
        tried(setup, *machine(), fixed=TRUE[:10])


def test_computed_columns_are_what_they_should_be(setup: Setup) -> None:
    steps, times, public = machine()
    about, given = statement(setup, public), tables(steps, times)
    given[1].put("index", 0, 1)
    with pytest.raises(ZkError):
        verify(about, prove(about, given, setup), setup)
    given[1].put("index", 0, 0)
    verify(about, prove(about, given, setup), setup)


def test_broken_constraints_are_named() -> None:
    steps, _, _ = machine()
    steps[2][5] = 2
    assert STEP.broken(steps) == [(2, 1), (2, 2)]
    assert STEP.broken([[0] * 6]) == []


def test_messages_of_degree_two_are_refused() -> None:
    bad = Chip("bad", ("a",), lambda row: [], lambda row: [Message(1, row.a * row.a, (row.a,))])
    with pytest.raises(ValueError, match="degree 2"):
        assert bad.shape


# ---- proofs that are changed -----------------------------------------------------------------------------------------


def test_no_word_can_be_another(setup: Setup, honest: Honest) -> None:
    """Every word of a proof, one more, or with another y."""
    about, proof = honest
    for at in range(32, len(proof), 32):
        value = int.from_bytes(proof[at : at + 32], "big")
        for other in ((value + 1) % R, P - value if 0 < value < P else 1):
            with pytest.raises(ZkError):
                verify(about, proof[:at] + other.to_bytes(32, "big") + proof[at + 32 :], setup)


def test_no_number_is_written_in_two_ways(setup: Setup, honest: Honest) -> None:
    about, proof = honest
    for at in range(32, len(proof), 32):
        value = int.from_bytes(proof[at : at + 32], "big")
        for order in (R, P):
            with pytest.raises(ZkError):
                verify(about, proof[:at] + (value + order).to_bytes(32, "big") + proof[at + 32 :], setup)


def test_lying_heights_are_refused(setup: Setup, honest: Honest) -> None:
    about, proof = honest
    for chip in range(len(CHIPS)):
        for height in (0, 2, 3, 4, 5, 6, 8, 9, 31, 32, 255):
            if proof[chip] != height:
                lie = proof[:chip] + bytes([height]) + proof[chip + 1 :]
                with pytest.raises(ZkError):
                    verify(about, lie, setup)
    with pytest.raises(EncodingError, match="more tables"):
        verify(about, proof[:4] + b"\x03" + proof[5:], setup)


def test_other_lengths_are_refused(setup: Setup, honest: Honest) -> None:
    about, proof = honest
    for other in (b"", proof[:31], proof[:-1], proof[:-32], proof[32:], proof[:640]):
        with pytest.raises(ZkError):
            verify(about, other, setup)
    for other in (proof + b"\0", proof + bytes(32), proof + proof):
        with pytest.raises(EncodingError, match="too many"):
            verify(about, other, setup)


def test_points_off_the_curve_are_refused(setup: Setup, honest: Honest) -> None:
    about, proof = honest
    _, parts = decode(about, proof)
    off = (1, 3)
    for bad in (
        replace(parts, commitments=[off, *parts.commitments[1:]]),
        replace(parts, opening=replace(parts.opening, folds=[off, *parts.opening.folds[1:]])),
        replace(parts, opening=replace(parts.opening, quotient=off)),
    ):
        with pytest.raises(EncodingError, match="curve"):
            verify(about, encode(bad), setup)


@pytest.mark.parametrize("part", ["commitments", "pieces", "folds", "columns", "rows", "stack", "layers"])
def test_nothing_can_change_places(setup: Setup, honest: Honest, part: str) -> None:
    about, proof = honest
    _, parts = decode(about, proof)
    swapped = {
        "folds": lambda: replace(parts, opening=replace(parts.opening, folds=_swapped(parts.opening.folds))),
        "layers": lambda: replace(parts, messages=replace(parts.messages, tops=parts.messages.tops[::-1])),
    }.get(part, partial(_with_swapped, parts, part))()
    assert encode(swapped) != proof
    with pytest.raises(ZkError):
        verify(about, encode(swapped), setup)


def _swapped(things: Sequence[object]) -> list[object]:
    return [things[1], things[0], *things[2:]]


def _with_swapped(proof: Proof, part: str) -> Proof:
    return replace(proof, **{part: _swapped(getattr(proof, part))})


def test_points_at_infinity_are_refused(setup: Setup, honest: Honest) -> None:
    about, proof = honest
    _, parts = decode(about, proof)
    for bad in (
        replace(parts, commitments=[None] * len(parts.commitments)),
        replace(parts, opening=replace(parts.opening, folds=[None] * len(parts.opening.folds))),
        replace(parts, opening=replace(parts.opening, quotient=None)),
    ):
        with pytest.raises(ZkError):
            verify(about, encode(bad), setup)


def test_two_changes_do_not_cancel(setup: Setup, honest: Honest) -> None:
    """Values that keep the sums which are looked at: of the claim about rows, of columns, of pieces."""
    about, proof = honest
    _, parts = decode(about, proof)
    rng = random.Random(1)
    for _ in range(10):
        i, j, d = *rng.sample(range(len(parts.columns)), 2), rng.randrange(1, R)
        columns = list(parts.columns)
        columns[i], columns[j] = (columns[i] + d) % R, (columns[j] - d) % R
        with pytest.raises(ZkError):
            verify(about, encode(replace(parts, columns=columns)), setup)
    pieces = list(parts.pieces)
    pieces[0], pieces[1] = (pieces[0] + 1) % R, (pieces[1] - 1) % R
    with pytest.raises(ZkError):
        verify(about, encode(replace(parts, pieces=pieces)), setup)


# ---- shapes ----------------------------------------------------------------------------------------------------------

#: y = x³ in each row that is used, and z = x·y: of degree 4, and columns that no message has.
CUBE = Chip(
    "cube",
    ("used", "x", "y", "z"),
    lambda row: [
        row.used * (row.used - 1),
        row.used * (row.y - row.x * row.x * row.x),
        row.z - row.x * row.y,
    ],
    lambda row: [Message(7, row.used, (row.x, row.y))],
)
GET = Chip("get", ("times", "x", "y"), lambda row: [], lambda row: [Message(7, -row.times, (row.x, row.y))])
SILENT = Chip("silent", ("a",), lambda row: [row.a * (row.a - 1)], lambda row: [])


@pytest.mark.parametrize("counts", [(1, 1, 1), (8, 8, 300), (100, 8, 8), (5, 100, 20), (64, 64, 64)])
def test_tables_of_all_heights(setup: Setup, counts: tuple[int, int, int]) -> None:
    cubes = [[1, x, x**3, x**4] for x in range(2, 2 + counts[0])]
    got = [[1, x, y] for _, x, y, _ in cubes]
    got += [[0, 5, 6]] * (counts[1] - len(got))
    given = [
        Table.of(CUBE, cubes),
        Table.of(GET, got),
        Table.of(SILENT, [[1]] * counts[2]),
    ]
    about = Statement((CUBE, GET, SILENT), ())
    verify(about, prove(about, given, setup), setup)
    given[0].put("y", 0, 9)
    given[1].put("y", 0, 9)
    with pytest.raises(ZkError):
        verify(about, prove(about, given, setup), setup)


def test_fixed_columns_of_many_heights(setup: Setup) -> None:
    """Pieces as high as the highest of them, while own columns lie in higher ones."""

    def chip(name: str, columns: int) -> Chip:
        names = tuple(f"f{i}" for i in range(columns))
        return Chip(
            name,
            ("times",),
            lambda row: [row.times * (row.times - 1)],
            lambda row: [
                Message(1, row.times, (row.f0, row.f1)),
                Message(1, -row.times, (row.f0, row.f1)),
            ],
            fixed=names,
        )

    chips = chip("low", 2), chip("high", 5), chip("middle", 3)
    rng = random.Random(2)
    given = [
        Table.of(
            each,
            [[1]] * height,
            [[rng.randrange(R) for _ in each.fixed] for _ in range(height)],
        )
        for each, height in zip(chips, (8, 32, 16), strict=True)
    ]
    own = Table.of(SILENT, [[1]] * 128)
    key = fix(given, setup)
    assert len(key.commitments) == 7
    about = Statement((*chips, SILENT), (), key)
    verify(about, prove(about, [*given, own], setup), setup)
    given[2].put("f1", 3, 1)
    with pytest.raises(ZkError):
        verify(about, prove(about, [*given, own], setup), setup)


def test_long_formulas_are_told_apart() -> None:
    def chip(last: int) -> Chip:
        def constraints(row: Row) -> list[object]:
            power = row.a
            for _ in range(40):
                power = power * power
            return [power - last]

        return Chip("long", ("a",), constraints, lambda row: [])

    assert description(chip(1)) != description(chip(2))
    assert Statement((chip(1),), ()).digest() != Statement((chip(2),), ()).digest()
    assert Statement((STEP, BYTE), (), Key()).digest() != Statement((BYTE, STEP), ()).digest()
