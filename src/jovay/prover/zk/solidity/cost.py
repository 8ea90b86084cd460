"""What a proof takes on L1, worked out from chips and heights: its bytes, exactly, and the verifier's gas, nearly."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from jovay.prover.zk import fractions
from jovay.prover.zk.field import ELEMENT
from jovay.prover.zk.layout import Layout

#: What chips of a statement may have together, and what a proof may take: below 128 kB, which nodes pass on.
MOST_COLUMNS, MOST_BYTES = 1_200, 100_000
#: Of the transaction, its calldata included: less than a third of what one may take (EIP-7825).
MOST_GAS = 5_000_000


@dataclass(frozen=True)
class Cost:
    """Of proofs about tables that lie so."""

    layout: Layout

    @cached_property
    def columns(self) -> int:
        """Own and fixed."""
        return len(self.layout.own) + len(self.layout.fixed)

    @cached_property
    def layers(self) -> range:
        """The number of rounds of each layer of fractions."""
        return range(fractions.FEW.bit_length() - 1, self.layout.leaves)

    @cached_property
    def pieces(self) -> int:
        """That are opened."""
        return self.layout.own_pieces + self.layout.fixed_pieces

    @cached_property
    def elements(self) -> int:
        """Words of a proof that are elements."""
        layout, variables = self.layout, self.layout.variables
        messages = 2 * fractions.FEW + sum(2 * rounds + 4 for rounds in self.layers)
        rows = layout.rows * layout.degree + self.columns
        return messages + rows + 2 * variables + self.pieces + 2 * variables + 1

    @cached_property
    def proof_bytes(self) -> int:
        """Of a proof."""
        points = self.layout.own_pieces + self.layout.variables - 1 + 1
        heights = -(-len(self.layout.chips) // ELEMENT)
        return ELEMENT * (heights + self.elements + 2 * points)

    @cached_property
    def gas(self) -> int:
        """What the contracts take beside the transaction and its calldata; measured, not derived."""
        layout = self.layout
        formulas = sum(chip.shape.constraints + chip.shape.messages for chip in layout.chips)
        parts = (
            17_000 * len(layout.chips) + 46 * self.elements,
            1_050 * sum(self.layers) + 1_700 * len(self.layers),
            (700 + 370 * layout.degree * layout.degree) * layout.rows,
            300 * len(layout.messages) + 125 * formulas,
            130 * self.columns,
            7_800 * layout.variables + 7_900 * self.pieces + 270_000,
        )
        return sum(parts)


def intrinsic_gas(data: bytes) -> int:
    """Of a transaction with such calldata (EIP-2028)."""
    return 21_000 + 16 * len(data) - 12 * data.count(0)


def floor_gas(data: bytes) -> int:
    """What it takes at least (EIP-7623)."""
    return 21_000 + 40 * len(data) - 30 * data.count(0)
