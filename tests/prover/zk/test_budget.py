"""What a proof of a batch takes on L1: held below what one transaction carries."""

from __future__ import annotations

from jovay.prover.zk.budget import MOST_BYTES, MOST_COLUMNS, Budget
from jovay.prover.zk.chip import Chip
from jovay.prover.zk.layout import Layout
from jovay.prover.zk.machine.accelerators import ACCELERATORS
from jovay.prover.zk.machine.program import chips_with

#: Variables of the tables of some two million instructions: the processor's and the busiest chips', all others'.
HIGHEST, HIGH = 21, 18
BUSY = {"cpu", "add", "bitwise", "load", "store", "memory"}
#: EIP-7825.
MOST_GAS = 1 << 24


def height(chip: Chip) -> int:
    return HIGHEST if chip.name in BUSY else HIGH


def test_a_proof_of_two_million_instructions_fits_a_transaction() -> None:
    chips = chips_with(tuple(ACCELERATORS.values()))
    budget = Budget(Layout(chips, tuple(map(height, chips))))
    calldata = 16 * budget.proof_bytes
    print(
        f"{len(chips)} chips, {budget.columns} columns, {len(budget.layout.messages)} messages, "
        f"{sum(budget.layers)} rounds, {budget.proof_bytes:,} bytes, {budget.gas + calldata:,} gas with calldata"
    )
    assert budget.columns <= MOST_COLUMNS
    assert budget.proof_bytes <= MOST_BYTES
    assert max(budget.gas + calldata, 40 * budget.proof_bytes) < MOST_GAS // 2
