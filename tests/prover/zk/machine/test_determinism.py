"""A chip has but one answer to an instruction: z3 finds no two rows with the same operands and different results.

Not decided here, since it takes z3 too long: ``shift`` but for sll, ``divide`` and ``access``.
"""

from __future__ import annotations

import pytest

from jovay.kernel.riscv.decode import CODE
from jovay.prover.zk.chip import Chip
from jovay.prover.zk.machine import add, bitwise, compare, multiply, shift, word
from rigs.determinism import Twins, names_of

pytest.importorskip("z3")
#: Chips, and cells that can be another without another answer.
QUICK: dict[Chip, set[str]] = {
    add.ADD: set(),
    add.SUBTRACT: set(),
    add.JUMP: {"odd"},  # of jumps whose lowest bit is not dropped
    compare.EQUAL: {"inverse"},  # of 0
    compare.LESS: set(),
    word.LOAD: {"gap"},  # what memory held since when is not asked here
    word.STORE: {"gap"},
}
#: They take z3 up to a minute each.
SLOW: dict[Chip, set[str]] = {
    add.ADD_NARROW: set(),
    compare.COMPARE: {f"rest_{side}{i}" for side in "ay" for i in range(4)},  # of words without signs
    shift.SHIFT_FIXED: set(),
    multiply.MULTIPLY: set(),
    multiply.MULTIPLY_NARROW: set(),
    # Which of two borrows there is; and of a second factor without a sign, its limbs.
    multiply.MULTIPLY_HIGH: {"borrow0", "borrow1", "rest_b", *(f"b_{i}" for i in range(4))},
    bitwise.BITWISE: set(),
}
#: Of words that are not shifted to the right: signs, and what is less than the power.
SLL = {"rest", "sign", "fill", *(f"gap_{i}" for i in range(4))}


def instructions(chips: dict[Chip, set[str]]) -> list[tuple[Chip, str]]:
    return [(chip, name) for chip in chips for name in chip.columns if name in CODE]


@pytest.mark.parametrize(
    ("chip", "name"), instructions(QUICK), ids=lambda value: getattr(value, "name", value)
)
def test_answers_are_determined(chip: Chip, name: str) -> None:
    twins = Twins(chip, name, seconds=60)
    undetermined = twins.undetermined(may_differ=QUICK[chip])
    assert not undetermined
    assert names_of(twins.answers()) <= twins.shared


@pytest.mark.slow
@pytest.mark.parametrize(
    ("chip", "name"), instructions(SLOW), ids=lambda value: getattr(value, "name", value)
)
def test_more_answers_are_determined(chip: Chip, name: str) -> None:
    twins = Twins(chip, name, seconds=300)
    assert not twins.undetermined(may_differ=SLOW[chip])
    assert names_of(twins.answers()) <= twins.shared


@pytest.mark.slow
def test_shifts_to_the_left_are_determined() -> None:
    twins = Twins(shift.SHIFT, "sll", seconds=300)
    assert not twins.undetermined(may_differ=SLL)
    assert names_of(twins.answers()) <= twins.shared


def test_what_is_missing_is_noticed() -> None:
    """Without the carry's constraint, or the limbs' ranges, sums are no longer determined."""
    loose = Chip("add", add.ADD.columns, lambda row: [add.ADD.constraints(row)[0]], add.ADD.messages)
    open_ended = Chip(
        "add", add.ADD.columns, add.ADD.constraints, lambda row: list(add.ADD.messages(row))[:-1]
    )
    for chip in (loose, open_ended):
        twins = Twins(chip, "add", seconds=5)
        twins.undetermined()
        assert not names_of(twins.answers()) <= twins.shared
