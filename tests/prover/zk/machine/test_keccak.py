"""Keccak as a system call: its tables say what the permutation is, and no cell or row of them can be another."""

from __future__ import annotations

import hashlib
import random
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from jovay.kernel.riscv.calls import KECCAK_F
from jovay.prover.zk import audit, prover, verifier
from jovay.prover.zk.chip import Message
from jovay.prover.zk.errors import ZkError
from jovay.prover.zk.field import R
from jovay.prover.zk.machine import fixed, keccak
from jovay.prover.zk.machine.buses import EXCHANGE, LIMB, RANGE, ROTATED, SPARSE, SPREAD
from jovay.prover.zk.machine.calls import Calls
from jovay.prover.zk.machine.keccak import BASE, BITS, CHI, CHIPS, DIGITS, LANES, THETA, WORDS_CHIP
from jovay.prover.zk.machine.program import Program
from jovay.prover.zk.machine.run import Run
from jovay.prover.zk.proof import Statement
from jovay.prover.zk.setup import development_setup
from jovay.prover.zk.tables import Table
from rigs import rv64
from rigs.chips import calls_of, said_around
from rigs.keccak_model import ALL, permutation

State = list[int]
Rows = dict[str, list[dict[str, int]]]
NUMBERS = {int(number): at for at, number in enumerate(DIGITS)}


def test_the_model_is_what_shake_128_is_made_of() -> None:
    message, state = b"keccak", [0] * LANES
    state[0], state[20] = int.from_bytes(message + b"\x1f", "little"), 1 << 63
    squeezed = b""
    for _ in range(5):
        state = permutation(state)
        squeezed += b"".join(lane.to_bytes(8, "little") for lane in state[:21])
    assert squeezed == hashlib.shake_128(message).digest(len(squeezed))


def states(count: int, seed: int = 5) -> list[State]:
    rng = random.Random(seed)
    return [[rng.getrandbits(64) for _ in range(LANES)] for _ in range(count)]


def called(given: Sequence[State]) -> Calls:
    return calls_of([(state, permutation(state)) for state in given], LANES)


def public(calls: Calls) -> list[Message]:
    """What the rest of the machine says and hears."""
    return said_around(calls, KECCAK_F)


def rows_of(tables: Sequence[Table]) -> Rows:
    """Used rows of the chips that are no lookup tables."""
    return {
        table.chip.name: [
            dict(zip(table.chip.names, row, strict=True)) for row in audit.rows_of(table) if any(row)
        ]
        for table in tables[:3]
    }


def is_in_a_table(message: tuple[int, ...]) -> bool:
    bus, *values = message
    if bus == SPREAD:
        return NUMBERS.get(values[1]) == values[0]
    return (bus == SPARSE and values[0] in NUMBERS) or (bus == RANGE and values[0] < LIMB)


def faults(rows: Rows, calls: Calls) -> list[Any]:
    """What does not fit; of messages, up to four."""
    found, said = list[Any](), Counter[tuple[int, ...]](audit.messages_of(public(calls)))
    for at, chip in enumerate(CHIPS[:3]):
        for row in rows[chip.name]:
            broken, messages = _row(at, tuple(row[name] % R for name in chip.names))
            found += broken
            for message, times in messages.items():
                said[message] += times
    for message, times in audit.messages_of(_constants(len(calls))).items():
        said[message] += times
    left = {message: times for message, times in said.items() if times}
    wrong = [each for each, times in left.items() if times < 0 or not is_in_a_table(each)]
    return found + wrong[:4]


@cache
def _row(which: int, values: tuple[int, ...]) -> tuple[list[tuple[int, int]], audit.Messages]:
    """What is wrong with a row, and what it says."""
    chip = CHIPS[which]
    return chip.broken([values]), audit.messages_of(chip.messages(chip.row(values)))


def _constants(calls: int) -> list[Message]:
    (table, _), chip = keccak.fixed(), CHIPS[3]
    rows = [[calls, *row[1:]] for row in audit.rows_of(table)[: keccak.ROUNDS * keccak.QUARTERS]]
    return [message for row in rows for message in chip.messages(chip.row(row))]


EDGES = [[0] * LANES, [ALL] * LANES, [ALL, *[0] * 24], [0x5555555555555555, ALL ^ 1] * 12 + [1]]


@pytest.mark.parametrize("given", [EDGES, states(3), []])
def test_honest_tables_fit_together(given: list[State]) -> None:
    calls = called(given)
    assert faults(rows_of(keccak.tables(calls)), calls) == []


def test_lookups_are_counted() -> None:
    calls = called(states(1))
    tables = keccak.tables(calls)
    assert tuple(table.chip for table in tables) == CHIPS
    assert audit.broken(tables[3:]) == []
    assert {bus for bus, *_ in audit.unbalanced(tables, public(calls))} == {RANGE}


def test_the_key_knows_the_fixed_columns() -> None:
    fixed_tables = {table.chip.name: table for table in keccak.fixed()}
    for table in keccak.tables(called(states(1))):
        if table.chip.fixed:
            known = fixed_tables[table.chip.name]
            assert [c.values() for c in known.fixed] == [c.values() for c in table.fixed]


def test_another_result_is_none() -> None:
    calls = called(states(2))
    for word in (0, 13, 24):
        for which in ("before", "after"):
            words = getattr(calls, which).copy()
            words[1, word] ^= np.uint64(1 << 47)
            other = replace(calls, **{which: words})
            assert faults(rows_of(keccak.tables(other)), other)
    for first, second in (((0, 0), (1, 0)), ((0, 0), (0, 1))):
        after = calls.after.copy()
        after[first], after[second] = calls.after[second], calls.after[first]
        other = replace(calls, after=after)
        assert faults(rows_of(keccak.tables(other)), other)


def test_other_rotations_and_constants_are_no_keccak(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = called(states(1))
    constants = keccak._ADDED.copy()
    constants[[3, 4]] = constants[[4, 3]]
    rotations = list(keccak.ROTATIONS)
    rotations[7], rotations[8] = rotations[8], rotations[7]
    for name, other in (("_ADDED", constants), ("ROTATIONS", rotations)):
        with monkeypatch.context() as patched:
            patched.setattr(keccak, name, other)
            rows = rows_of(keccak.tables(calls))
        assert faults(rows, calls)


# ---- other cells and rows ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def calls() -> Calls:
    return called(states(2))


@pytest.fixture
def rows(calls: Calls) -> Rows:
    return rows_of(keccak.tables(calls))


#: Columns that say nothing in some rows: those that give words back have no time since an access.
FREE = {f"gap{word}" for word in range(5)}


@pytest.mark.parametrize("chip", CHIPS[:3], ids=lambda chip: chip.name)
def test_no_cell_can_be_another(rows: Rows, chip: Any) -> None:
    rng = random.Random(7)
    for row in rng.sample(rows[chip.name], 8 if chip is WORDS_CHIP else 2):
        values = list(row.values())
        for at, name in enumerate(chip.columns):
            for change in (1, -1, 7, LIMB, rng.randrange(R)):
                other = [*values[:at], (values[at] + change) % R, *values[at + 1 :]]
                noticed = audit.is_noticed(chip, values, other)
                assert noticed or (name in FREE and row["give"]), (chip.name, name, change)


def _delete(rows: list[dict[str, int]]) -> None:
    del rows[5]


def _double(rows: list[dict[str, int]]) -> None:
    rows.append(rows[5])


def _exchange(name: str, distance: int) -> Callable[[list[dict[str, int]]], None]:
    """What two rows have in a column."""

    def change(rows: list[dict[str, int]]) -> None:
        one, other = rows[5], rows[(5 + distance) % len(rows)]
        one[name], other[name] = other[name], one[name]

    return change


CHANGES = [
    *((chip, change) for chip in CHIPS[:3] for change in (_delete, _double)),
    *((chip, _exchange("clock", len_)) for chip, len_ in ((WORDS_CHIP, 10), (THETA, 96), (CHI, 480))),
    *((THETA, _exchange("round", 4)), (THETA, _exchange("quarter1", 1)), (CHI, _exchange("place", 20))),
    *((CHI, _exchange("place", 4)), (CHI, _exchange("place", 1)), (WORDS_CHIP, _exchange("plane", 1))),
    *((WORDS_CHIP, _exchange("index", 10)), (WORDS_CHIP, _exchange("last", 1))),
]


@pytest.mark.parametrize(("chip", "change"), CHANGES)
def test_rows_are_neither_left_out_nor_twice_nor_mixed(
    calls: Calls, rows: Rows, chip: Any, change: Callable[[list[dict[str, int]]], None]
) -> None:
    change(rows[chip.name])
    assert faults(rows, calls)


def test_a_permutation_is_neither_left_out_nor_twice(calls: Calls, rows: Rows) -> None:
    for times in (0, 2):
        other = {name: each[: len(each) // 2] * times + each[len(each) // 2 :] for name, each in rows.items()}
        assert faults(other, calls)


def test_what_quarters_exchange_is_what_they_have(calls: Calls, rows: Rows) -> None:
    """Bits that belong to another quarter, a digit beyond the last, a wrong highest bit: also if the others agree."""
    theta = rows["keccak_theta"]
    lane = next(
        lane for lane in keccak._MOVED if f"other_top{lane}" in theta[0] and keccak.ROTATIONS[lane] < 16
    )
    for changes in ({f"top{lane}": 1}, {f"carry{lane}": BASE}, {"highest2": 1 - 2 * theta[8]["highest2"]}):
        forged = {name: [dict(row) for row in each] for name, each in rows.items()}
        for name, change in changes.items():
            forged["keccak_theta"][8][name] += change
        assert faults(forged, calls)
        left = faults(_agreed(forged), calls)
        assert left
        assert EXCHANGE not in {each[0] for each in left}


def _agreed(rows: Rows) -> Rows:
    """Rows of a round hear what its quarters say."""
    theta = rows["keccak_theta"]
    for at, row in enumerate(theta):
        row |= {f"below{x}": theta[at - at % 4 + (at + 3) % 4][f"highest{x}"] for x in range(5)}
    said = []
    for row in theta:
        values = THETA.row([row[name] for name in THETA.names])
        said.append(keccak._pieces(values, keccak._mixed(values, keccak._parities(values))))
    for at, row in enumerate(theta):
        for distance, wanted in keccak._RECEIVED.items():
            other = said[at - at % 4 + (at + distance) % 4]
            row |= {piece.name: other[piece] for piece in wanted}
    return rows


def test_what_is_rotated_has_bits(rows: Rows) -> None:
    """A digit that is none leaves θ as a word that no row of χ has."""
    row = dict(rows["keccak_theta"][8])
    row["carry3"] += 1
    words = [
        word
        for message in THETA.messages(THETA.row([row[name] for name in THETA.names]))
        if message.bus == ROTATED
        for word in message.values[2:]
    ]
    assert any(word % R not in NUMBERS for word in words)
    assert max(NUMBERS) < BASE**BITS


# ---- in a run ---------------------------------------------------------------------------------------------------


def test_a_run_has_what_the_emulator_permutes(monkeypatch: pytest.MonkeyPatch) -> None:
    state, module = states(1, 9)[0], sys.modules["jovay.prover.zk.machine.keccak"]
    p = rv64.Program().li(10, rv64.DATA + 8).li(17, KECCAK_F)("ecall")("sw", rs1=10, rs2=17, imm=20)("ecall")
    p.li(17, 93).li(10, 0)("ecall")
    monkeypatch.setattr(Program, "key", {})
    data = np.array(state, np.uint64).tobytes()
    made = Program(p.elf(data), development_setup(8, 3), [module])
    run = Run.of(made.emulator, b"")
    state = permutation(state)
    state[2] = state[2] & 0xFFFFFFFF | KECCAK_F << 32
    assert run.calls[KECCAK_F].after[-1].tolist() == permutation(state)
    statement = made.statement(len(run), 0)
    tables = made.tables(run)
    assert [*audit.broken(tables), *audit.unbalanced(tables, statement.public)] == []


@pytest.mark.slow
def test_permutations_are_proven(calls: Calls) -> None:
    tables, setup = keccak.tables(calls), development_setup(1 << 17, 3)
    tables.append(fixed.range_table(tables))
    key = prover.fix(tables, setup)
    statement = Statement((*CHIPS, fixed.RANGE_CHIP), tuple(public(calls)), key)
    proof = prover.prove(statement, tables, setup)
    verifier.verify(statement, proof, setup)
    other = public(replace(calls, after=calls.after ^ np.uint64(1)))
    with pytest.raises(ZkError):
        verifier.verify(replace(statement, public=tuple(other)), proof, setup)
