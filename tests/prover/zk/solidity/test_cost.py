"""What a proof of a batch takes on L1: held below what one transaction carries."""

from __future__ import annotations

from jovay.prover.zk.chip import Chip
from jovay.prover.zk.layout import Layout
from jovay.prover.zk.machine.accelerators import ACCELERATORS
from jovay.prover.zk.machine.program import chips_with
from jovay.prover.zk.solidity.cost import MOST_BYTES, MOST_COLUMNS, MOST_GAS, Cost

#: Variables of the tables of some two million instructions: the processor's and the busiest chips', all others'.
HIGHEST, HIGH = 21, 18
BUSY = {"cpu", "add", "bitwise", "load", "store", "memory"}
#: Those that are fixed: of the batch's program, and of what is looked up.
FIXED = {"program": 17, "image": 16, "bytes": 16, "range": 16, "keccak_digits": 16, "powers": 8}
FIXED |= {"keccak_rounds": 7, "registers": 6, "offsets": 5, "windows": 3}


def height(chip: Chip) -> int:
    if chip.fixed:
        return FIXED[chip.name]
    return HIGHEST if chip.name in BUSY else HIGH


def test_a_proof_of_two_million_instructions_fits_a_transaction() -> None:
    chips = chips_with(tuple(ACCELERATORS.values()))
    cost = Cost(Layout(chips, tuple(map(height, chips))))
    gas = 21_000 + max(cost.gas + 16 * cost.proof_bytes, 40 * cost.proof_bytes)
    print(
        f"{len(chips)} chips, {cost.columns} columns, {len(cost.layout.messages)} messages, "
        f"{sum(cost.layers)} rounds, {cost.proof_bytes:,} bytes, {gas:,} gas with calldata"
    )
    assert cost.columns <= MOST_COLUMNS
    assert cost.proof_bytes <= MOST_BYTES
    assert gas <= MOST_GAS
