"""What the constructor of the verifier on L1 takes: chips, key and set-up as values of its structs.

``contracts/src/l1/zk``: ``Key`` in ``Tables.sol``, ``Setup`` in ``Kzg.sol``, ``Program`` in ``ZkVerifier.sol``.
"""

from __future__ import annotations

from collections.abc import Sequence

from jovay.bridge import artifacts
from jovay.bridge.l1.deployment import Proving
from jovay.prover.zk.chip import Message
from jovay.prover.zk.curve import Point
from jovay.prover.zk.field import R
from jovay.prover.zk.layout import key_variables
from jovay.prover.zk.machine.program import Program
from jovay.prover.zk.pairing import G2Point
from jovay.prover.zk.proof import Statement
from jovay.prover.zk.setup import Setup

#: Names of the artefacts of the contracts for the chips' formulas, before a number.
EVALUATORS = "ZkChips"
#: The computed column that the contracts know.
_INDEX = ("index",)
G1 = tuple[int, int]
ChipFields = tuple[int, int, bool, int, int]
KeyFields = tuple[bytes, list[ChipFields], int, int, int, int, list[G1], list[bytes]]
SetupFields = tuple[bool, list[G1], G2Point, G2Point]


def proving(program: Program) -> Proving:
    """What a deployment needs of a program and its set-up."""
    statement = program.statement(0, 0)
    return Proving(
        digest=statement.digest(),
        entry=program.emulator.image.entry,
        key=lambda addresses: key(statement, addresses),
        setup=setup_points(program.setup),
        formulas=tuple(name for name in artifacts.names() if name.startswith(EVALUATORS)),
        development=program.setup.development,
    )


def key(statement: Statement, evaluators: Sequence[bytes]) -> KeyFields:
    """The struct ``Key``; ``evaluators`` are the addresses of the contracts for the chips' formulas, in order.

    Raises ``ValueError`` for columns that the contracts cannot compute.
    """
    chips = statement.chips
    if unknown := [chip.name for chip in chips if chip.computed not in ((), _INDEX)]:
        raise ValueError(f"computed columns of {', '.join(unknown)}: the contracts know {_INDEX[0]} alone")
    heights = [statement.key.heights[chip.name] if chip.fixed else 0 for chip in chips]
    shapes = [
        (len(chip.columns), len(chip.fixed), chip.computed == _INDEX, chip.shape.messages, height)
        for chip, height in zip(chips, heights, strict=True)
    ]
    return (
        statement.digest(),
        shapes,
        sum(chip.shape.constraints for chip in chips),
        max([2, *(chip.shape.degree for chip in chips)]),
        statement.width,
        key_variables(heights, [len(chip.fixed) for chip in chips]),
        [_point(commitment) for commitment in statement.key.commitments],
        list(evaluators),
    )


def setup_points(setup: Setup) -> SetupFields:
    """The struct ``Setup``."""
    first = [setup.first.point(1), setup.first.point(2)]
    return setup.development, first, setup.first_and_second, setup.second[3]


def message(public: Message) -> tuple[int, int, list[int]]:
    """The struct ``Message``."""
    return public.bus, public.multiplicity % R, [value % R for value in public.values]


def _point(point: Point) -> G1:
    return point or (0, 0)
