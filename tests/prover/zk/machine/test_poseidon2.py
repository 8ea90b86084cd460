"""Poseidon2 as a system call: its tables say what the permutation is, and no cell or row of them can be another."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from jovay.kernel.riscv.calls import POSEIDON2
from jovay.prover.zk import audit, prover, verifier
from jovay.prover.zk.chip import Chip, Message
from jovay.prover.zk.errors import ZkError
from jovay.prover.zk.field import R
from jovay.prover.zk.machine import fixed, poseidon2
from jovay.prover.zk.machine.buses import LIMB, LIMB_BITS, POSEIDON2_CUBE, RANGE
from jovay.prover.zk.machine.calls import Calls
from jovay.prover.zk.machine.poseidon2 import CHIPS, MORE, STEP, WIDTH, WORDS, P
from jovay.prover.zk.machine.program import Program
from jovay.prover.zk.machine.run import Run
from jovay.prover.zk.proof import Statement
from jovay.prover.zk.setup import development_setup
from jovay.prover.zk.tables import Table
from rigs import rv64
from rigs.chips import said_around
from rigs.poseidon2_model import permutation

State = list[int]


def packed(states: Sequence[State]) -> Any:
    words = [[low + (high << 32) for low, high in zip(s[::2], s[1::2], strict=True)] for s in states]
    return np.array(words, np.uint64).reshape(-1, WORDS)


def calls_of(states: Sequence[State], after: Sequence[State] | None = None) -> Calls:
    """Calls at some clocks, on blocks that follow one another."""
    rng, count = np.random.default_rng(3), len(states)
    clock = np.arange(count, dtype=np.uint64) * np.uint64(7) + np.uint64(1 << 31)
    index = np.arange(count, dtype=np.uint64) * np.uint64(WORDS) + np.uint64(1000)
    gaps = rng.integers(0, 1 << 16, (count, WORDS), dtype=np.uint64)
    return Calls(clock, index, packed(states), packed(after or [permutation(s) for s in states]), gaps)


def public(calls: Calls) -> list[Message]:
    """What the rest of the machine says and hears."""
    return said_around(calls, POSEIDON2)


def faults(tables: Sequence[Table], calls: Calls) -> list[Any]:
    """What does not fit; that numbers below 2^16 are there to be looked up is taken for granted."""
    left = audit.unbalanced(tables, public(calls))
    there = {
        message for message, times in left.items() if message[0] == RANGE and message[1] < LIMB and times > 0
    }
    return [*audit.broken(tables), *(left.keys() - there)]


def states(count: int, seed: int = 5) -> list[State]:
    rng = random.Random(seed)
    return [[rng.randrange(P) for _ in range(WIDTH)] for _ in range(count)]


EDGES = [
    [0] * WIDTH,
    [P - 1] * WIDTH,
    [1] * WIDTH,
    [0, P - 1] * (WIDTH // 2),
    [LIMB - 1, LIMB, P - 2, P - 1 - MORE, P - MORE, STEP, STEP + 1, MORE] * 2,
]


@pytest.mark.parametrize("given", [EDGES, states(20), []])
def test_honest_tables_fit_together(given: list[State]) -> None:
    calls = calls_of(given)
    tables = poseidon2.tables(calls)
    assert tuple(table.chip for table in tables) == CHIPS
    assert faults(tables, calls) == []


def test_another_result_is_none() -> None:
    given = states(1)
    honest = permutation(given[0])
    for change in (1, P, LIMB):
        other = calls_of(given, [[honest[0] + change, *honest[1:]]])
        assert faults(poseidon2.tables(other), other)
    swapped = calls_of(given, [[honest[1], honest[0], *honest[2:]]])
    assert faults(poseidon2.tables(swapped), swapped)


@pytest.mark.parametrize("element", [P, P + 1, (1 << 32) - 1])
@pytest.mark.parametrize("place", [0, 9])
def test_elements_that_are_not_reduced_have_no_tables(element: int, place: int) -> None:
    given = states(1)
    given[0][place] = element
    calls = calls_of(given)
    assert faults(poseidon2.tables(calls), calls)


def test_elements_are_all_that_is_below_p() -> None:
    most = LIMB - 1
    assert most * (1 + STEP) + MORE == P - 1
    assert STEP <= LIMB  # so what two limbs make has no holes
    assert most * (1 + STEP) + 1 >= MORE  # nor has it with the bit


# ---- bounds -----------------------------------------------------------------------------------------------------


def cube_bound(low: int, high: int) -> int:
    return sum(f * low ** (3 - i) * high**i for i, f in enumerate(poseidon2.CUBE_FACTORS))


def values_of(cube: int) -> list[tuple[int, int]]:
    """All that is reduced, and on which bus, if elements are as large as they may be and all cubes are ``cube``."""
    values: list[tuple[int, int]] = []

    def cubed(value: int, bus: int) -> int:
        values.append((value, bus))
        return cube

    after = poseidon2.permuted([P - 1] * WIDTH, 1, cubed)
    return [*values, *((value, POSEIDON2_CUBE) for value in after)]


def test_honest_quotients_have_room() -> None:
    for value, bus in values_of(cube_bound(LIMB - 1, (P - 1) >> LIMB_BITS)):
        assert value // P < LIMB ** poseidon2.QUOTIENT_LIMBS[bus]


def test_sums_of_ranged_limbs_stay_below_the_fields_order() -> None:
    values = values_of(cube_bound(LIMB - 1, LIMB - 1))
    assert max(value for value, bus in values if bus == POSEIDON2_CUBE) < 1 << 82
    assert max(value for value, _ in values) < 1 << 113
    for limbs in poseidon2.QUOTIENT_LIMBS.values():
        assert P * LIMB**limbs + LIMB**2 < R


@pytest.mark.parametrize("seed", range(5))
def test_which_representative_is_cubed_does_not_matter(seed: int) -> None:
    """x + P fits two limbs as well as x."""
    rng, state = random.Random(seed), states(1, seed)[0]

    def cube(value: int, bus: int) -> int:
        x = value % P + rng.choice([0, P])
        return cube_bound(x % LIMB, x >> LIMB_BITS)

    assert [value % P for value in poseidon2.permuted(state, 1, cube)] == permutation(state)


# ---- other cells and rows ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def calls() -> Calls:
    return calls_of(states(3))


@pytest.fixture(scope="module")
def tables(calls: Calls) -> list[Table]:
    return poseidon2.tables(calls)


def used_rows(table: Table) -> list[tuple[int, ...]]:
    return [row for row in audit.rows_of(table) if row[0]]


@pytest.mark.parametrize("which", range(len(CHIPS)))
def test_no_cell_can_be_another(tables: list[Table], which: int) -> None:
    chip, rows = CHIPS[which], used_rows(tables[which])
    rng = random.Random(which)
    for row in rng.sample(rows, 1 if which == 0 else 4):
        for column in range(len(chip.columns)):
            for change in (1, -1, P, LIMB, rng.randrange(R)):
                other = [*row[:column], (row[column] + change) % R, *row[column + 1 :]]
                assert audit.is_noticed(chip, row, other), (chip.name, chip.columns[column], change)


#: The same sum in another way: a limb too large, whose carry is missing in the next; P more, and one quotient less.
#: What is below P may be put together in two ways, which say the same.
ALIASES = [
    *(
        (chip, {low: LIMB, high: -1})
        for chip in ("poseidon2_cubes", "poseidon2_wide_cubes")
        for low, high in (("low1", "high1"), ("quotient1_0", "quotient1_1"), ("quotient1_1", "quotient1_2"))
    ),
    ("poseidon2_cubes", {"low1": P, "quotient1_0": -1}),
    ("poseidon2_cubes", {"low1": P % LIMB, "high1": P >> LIMB_BITS, "quotient1_0": -1}),
    ("poseidon2_wide_cubes", {"low1": P % LIMB, "high1": P >> LIMB_BITS, "quotient1_0": -1}),
    ("poseidon2_words", {"before0_low": -MORE, "before0_more": 1}),
    ("poseidon2_words", {"after1_low": P, "quotient1_0": -1}),
    ("poseidon2_words", {"after1_more": 1, "after1_high": LIMB - 1, "after1_low": LIMB, "quotient1_0": -1}),
    ("poseidon2_words", {"before0_low": 1 << 32, "before1_low": -1}),
]


@pytest.mark.parametrize(("name", "changes"), ALIASES)
def test_numbers_have_one_form(calls: Calls, tables: list[Table], name: str, changes: dict[str, int]) -> None:
    which = [chip.name for chip in CHIPS].index(name)
    chip, rows = CHIPS[which], [list(row) for row in audit.rows_of(tables[which])]
    for column, change in changes.items():
        rows[1][chip.columns.index(column)] += change
    others = list(tables)
    others[which] = Table.of(chip, rows)
    assert faults(others, calls)


def _delete(rows: list[list[int]], chip: Chip) -> list[list[int]]:
    return rows[:1] + rows[2:]


def _double(rows: list[list[int]], chip: Chip) -> list[list[int]]:
    return [*rows, rows[1]]


def _swap(rows: list[list[int]], chip: Chip) -> list[list[int]]:
    """The last half of two rows that belong to different permutations."""
    half = len(chip.columns) // 2
    return [[*rows[0][:half], *rows[1][half:]], [*rows[1][:half], *rows[0][half:]], *rows[2:]]


def _exchange(rows: list[list[int]], chip: Chip) -> list[list[int]]:
    """Which permutation they belong to."""
    where = [chip.columns.index(name) for name in ("clock", "index") if name in chip.columns]
    first, second = list(rows[0]), list(rows[1])
    for column in where or [0, 1]:
        first[column], second[column] = second[column], first[column]
    return [first, second, *rows[2:]]


@pytest.mark.parametrize("change", [_delete, _double, _swap, _exchange])
@pytest.mark.parametrize("which", range(len(CHIPS)))
def test_rows_are_neither_left_out_nor_twice_nor_mixed(
    calls: Calls, tables: list[Table], which: int, change: Callable[[list[list[int]], Chip], list[list[int]]]
) -> None:
    chip = CHIPS[which]
    others = list(tables)
    others[which] = Table.of(chip, change([list(row) for row in used_rows(tables[which])], chip))
    assert faults(others, calls)


def test_words_are_those_of_their_permutation(calls: Calls) -> None:
    """Whole words of two calls cannot change places, nor can those of one."""
    for first, second in (((0, 0), (1, 0)), ((0, 0), (0, 1))):
        after = calls.after.copy()
        after[first], after[second] = calls.after[second], calls.after[first]
        other = replace(calls, after=after)
        assert faults(poseidon2.tables(other), other)


# ---- in a run ---------------------------------------------------------------------------------------------------


def program(state: State, times: int) -> rv64.Program:
    """Permutes what lies at the beginning of its data, so many times, after a store into it."""
    p = rv64.Program().li(10, rv64.DATA + 8).li(17, POSEIDON2)("addi", rd=5, imm=times)
    start = p.pc
    p("sw", rs1=10, rs2=5, imm=20)("ecall")("addi", rd=5, rs1=5, imm=-1)
    p("bne", rs1=5, imm=start - p.pc)("addi", rd=17, imm=93)("addi", rd=10, imm=0)("ecall")
    return p


def test_a_run_has_what_the_emulator_permutes(monkeypatch: pytest.MonkeyPatch) -> None:
    state, module = states(1, 9)[0], sys.modules["jovay.prover.zk.machine.poseidon2"]
    data = packed([state]).tobytes()
    monkeypatch.setattr(Program, "key", {})
    made = Program(program(state, 3).elf(data), development_setup(8, 3), [module])
    run = Run.of(made.emulator, b"")
    for left in (3, 2, 1):
        state[5] = left
        state = permutation(state)
    assert run.calls[POSEIDON2].after[-1].tolist() == packed([state])[0].tolist()
    tables = made.tables(run)
    assert [table.chip.name for table in tables] == [chip.name for chip in made.chips]
    statement = made.statement(len(run), 0)
    assert [*audit.broken(tables), *audit.unbalanced(tables, statement.public)] == []


def test_an_element_that_is_not_reduced_ends_a_run() -> None:
    data = packed([[P, *[0] * (WIDTH - 1)]]).tobytes()
    elf = program([], 1).elf(data)
    with pytest.raises(ZkError, match="operands"):
        Run.of(Program(elf, development_setup(8, 3)).emulator, b"")


@pytest.mark.slow
def test_permutations_are_proven(calls: Calls) -> None:
    tables, setup = poseidon2.tables(calls), development_setup(1 << 16, 3)
    tables.append(fixed.range_table(tables))
    key = prover.fix(tables, setup)
    statement = Statement((*CHIPS, fixed.RANGE_CHIP), tuple(public(calls)), key)
    proof = prover.prove(statement, tables, setup)
    verifier.verify(statement, proof, setup)
    other = public(replace(calls, after=calls.after ^ np.uint64(1)))
    with pytest.raises(ZkError):
        verifier.verify(replace(statement, public=tuple(other)), proof, setup)
