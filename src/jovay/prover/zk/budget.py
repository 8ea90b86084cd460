"""What a proof takes on L1, worked out from chips and heights: its bytes, exactly, and the verifier's gas, nearly."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from . import fractions
from .field import ELEMENT
from .layout import Layout

#: What chips of a statement may have together, and what a proof may take: below 128 kB, which nodes pass on.
MOST_COLUMNS, MOST_BYTES = 1_250, 100_000


@dataclass(frozen=True)
class Budget:
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
            13_000 * len(layout.chips) + 46 * self.elements,
            1_650 * sum(self.layers) + 1_700 * len(self.layers),
            (1_400 + 470 * layout.degree * layout.degree) * layout.rows,
            350 * len(layout.messages) + 125 * formulas,
            785 * self.columns,
            9_100 * layout.variables + 9_400 * self.pieces + 280_000,
        )
        return sum(parts)


def intrinsic_gas(data: bytes) -> int:
    """Of a transaction with such calldata (EIP-2028)."""
    return 21_000 + 16 * len(data) - 12 * data.count(0)


def floor_gas(data: bytes) -> int:
    """What it takes at least (EIP-7623)."""
    return 21_000 + 40 * len(data) - 30 * data.count(0)
