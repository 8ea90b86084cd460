"""Where things lie: columns in the pieces that are committed to, messages among the leaves of the tree of fractions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from .chip import Chip
from .errors import ZkError

#: Tables have 8 rows at least, and fewer than two to this power.
LEAST_VARIABLES, MOST_VARIABLES = 3, 32
#: The own columns fill at most two to this power of pieces.
PIECES_BITS = 5


def places(count: int) -> int:
    """Variables that tell ``count`` things apart."""
    return max(0, (count - 1).bit_length())


@dataclass(frozen=True)
class Segment:
    """Number ``number`` of the columns, or of the messages, of chip number ``chip``: 2^``variables`` elements from
    ``start`` on.
    """

    chip: int
    number: int
    variables: int
    start: int

    @property
    def prefix(self) -> int:
        """Which of the parts of its size it is."""
        return self.start >> self.variables


def segments(heights: Sequence[int], counts: Sequence[int]) -> list[Segment]:
    """``counts`` of things of each chip one after another, the highest chips first."""
    found, start = list[Segment](), 0
    for chip in sorted(range(len(heights)), key=lambda chip: -heights[chip]):
        for number in range(counts[chip]):
            found.append(Segment(chip, number, heights[chip], start))
            start += 1 << heights[chip]
    return found


def filled(parts: Sequence[Segment]) -> int:
    """How many elements they have."""
    return sum(1 << part.variables for part in parts)


def key_variables(heights: Sequence[int], counts: Sequence[int]) -> int:
    """Of the pieces of fixed columns: those of the highest."""
    return max((height for height, count in zip(heights, counts, strict=True) if count), default=0)


@dataclass(frozen=True)
class Layout:
    """Of tables whose rows have so many variables (``heights``), in the order of the chips.

    Raises ``ZkError`` for heights that cannot be.
    """

    chips: tuple[Chip, ...]
    heights: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.heights) != len(self.chips):
            raise ZkError(f"{len(self.heights)} tables for {len(self.chips)} chips")
        if not all(LEAST_VARIABLES <= height < MOST_VARIABLES for height in self.heights):
            raise ZkError(f"tables of heights {self.heights}")

    @cached_property
    def rows(self) -> int:
        """Variables of the highest table's rows."""
        return max(self.heights)

    @cached_property
    def degree(self) -> int:
        """Of what a round of the rows' sumcheck sends."""
        return max([2, *(chip.shape.degree for chip in self.chips)])

    @cached_property
    def constraints(self) -> int:
        """Of all chips."""
        return sum(chip.shape.constraints for chip in self.chips)

    @cached_property
    def messages(self) -> list[Segment]:
        """Where each message's leaves lie."""
        return segments(self.heights, [chip.shape.messages for chip in self.chips])

    @cached_property
    def leaves(self) -> int:
        """Variables of the leaves."""
        return max(self.rows, places(filled(self.messages)))

    @cached_property
    def own(self) -> list[Segment]:
        """Where each own column lies in all pieces together."""
        return segments(self.heights, [len(chip.columns) for chip in self.chips])

    @cached_property
    def fixed(self) -> list[Segment]:
        """The same of fixed columns."""
        return segments(self.heights, [len(chip.fixed) for chip in self.chips])

    @cached_property
    def fixed_variables(self) -> int:
        """Of the pieces of fixed columns."""
        return key_variables(self.heights, [len(chip.fixed) for chip in self.chips])

    @cached_property
    def variables(self) -> int:
        """Of the pieces of own columns, and of what is opened."""
        return max(self.rows, places(filled(self.own)) - PIECES_BITS)

    @property
    def own_pieces(self) -> int:
        """How many they are."""
        return pieces(filled(self.own), self.variables)

    @property
    def fixed_pieces(self) -> int:
        """How many of fixed columns."""
        return pieces(filled(self.fixed), self.fixed_variables)

    def located(self) -> Iterator[tuple[int, Segment]]:
        """All columns, own ones first, with the number of the piece, in which they then start where they say."""
        sides = (self.own, self.variables, 0), (self.fixed, self.fixed_variables, self.own_pieces)
        for columns, variables, first in sides:
            for column in columns:
                piece, start = divmod(column.start, 1 << variables)
                yield first + piece, Segment(column.chip, column.number, column.variables, start)


def pieces(elements: int, variables: int) -> int:
    """How many of 2^variables hold so many elements."""
    return -(-elements // (1 << variables)) if elements else 0
