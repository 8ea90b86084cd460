"""What is proven about tables, and what a proof consists of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from eth_utils.crypto import keccak

from . import fractions
from .chip import Chip, Message
from .curve import Point, encode_points
from .errors import ZkError
from .field import ELEMENT, R
from .kzg import Opening, absorb_points
from .layout import Layout, key_variables
from .transcript import Transcript

PROTOCOL = "Jovay tables 2"


@dataclass(frozen=True)
class Proof:
    """``commitments``: to the pieces of own columns. ``rows``: messages of the sumcheck about all rows; ``columns``:
    their values at its point, own and then fixed ones of each chip. ``stack``: messages of the sumcheck that leads
    these to ``pieces``, the values of own and then fixed pieces at one point.
    """

    heights: tuple[int, ...]
    commitments: list[Point]
    messages: fractions.Proof
    rows: list[list[int]]
    columns: list[int]
    stack: list[list[int]]
    pieces: list[int]
    opening: Opening


@dataclass(frozen=True)
class Key:
    """What is fixed of tables: their heights by the chips' names, and commitments to the pieces of their columns."""

    heights: Mapping[str, int] = field(default_factory=dict)
    commitments: tuple[Point, ...] = ()


@dataclass(frozen=True)
class Statement:
    """The chips with what is fixed of them, and the messages that are public: they join what tables send and receive.

    Each message of a bus has as many values as all others of it.
    """

    chips: tuple[Chip, ...]
    public: tuple[Message, ...]
    key: Key = field(default_factory=Key)

    def layout(self, heights: Sequence[int]) -> Layout:
        """Where things lie in tables of these heights. Raises ``ZkError`` where they are not the key's."""
        layout = Layout(self.chips, tuple(heights))
        for chip, height in zip(self.chips, heights, strict=True):
            if chip.fixed and self.key.heights[chip.name] != height:
                raise ZkError(f"{chip.name} has height {height}, not that of its fixed columns")
        if len(self.key.commitments) != layout.fixed_pieces:
            raise ZkError(f"{len(self.key.commitments)} fixed pieces, not {layout.fixed_pieces}")
        return layout

    def digest(self) -> bytes:
        """Of all that is the same for every proof: chips, and what is fixed of them."""
        heights = [self.key.heights.get(chip.name, 0) if chip.fixed else 0 for chip in self.chips]
        pieces = key_variables(heights, [len(chip.fixed) for chip in self.chips]), len(self.key.commitments)
        descriptions = b"".join(map(description, self.chips))
        counts = bytes([len(self.chips), *heights, *pieces])
        return keccak(counts + descriptions + encode_points(self.key.commitments))

    def begin(self, heights: Sequence[int], commitments: Sequence[Point]) -> Transcript:
        """A transcript that has heard what is proven, and of which tables."""
        transcript = Transcript(PROTOCOL)
        transcript.absorb("key", self.digest())
        for message in self.public:
            parts = message.bus, message.multiplicity, *message.values
            transcript.absorb_elements("public", [part % R for part in parts])
        transcript.absorb("heights", padded(heights))
        absorb_points(transcript, "commitments", commitments)
        return transcript

    @property
    def width(self) -> int:
        """The most values that a message has."""
        return max([1, *(chip.shape.width for chip in self.chips), *(len(m.values) for m in self.public)])


def padded(heights: Sequence[int]) -> bytes:
    """A byte for each table, with zeros up to whole words."""
    return bytes(heights).ljust(-(-len(heights) // ELEMENT) * ELEMENT, b"\0")


def description(chip: Chip) -> bytes:
    """A digest of all that a chip demands: its formulas, on named columns."""
    row = chip.row([_Text(name) for name in chip.names])
    constraints = [str(_text(c)) for c in chip.constraints(row)]
    messages = [
        f"{m.bus} {_text(m.multiplicity)} {[str(_text(v)) for v in m.values]}" for m in chip.messages(row)
    ]
    return keccak(
        text="\n".join(
            [chip.name, *chip.columns, "", *chip.fixed, "", *chip.computed, "", *constraints, "", *messages]
        )
    )


#: Longer formulas are told by their hash, since what occurs often in them would be written out as often.
_LONG = 1 << 10


class _Text:
    """A formula as text."""

    def __init__(self, text: str) -> None:
        self._text = text if len(text) < _LONG else f"#{keccak(text=text).hex()}"

    def __str__(self) -> str:
        return self._text

    def __add__(self, other: object) -> _Text:
        return _Text(f"({self}+{_text(other)})")

    def __radd__(self, other: object) -> _Text:
        return _Text(f"({_text(other)}+{self})")

    def __sub__(self, other: object) -> _Text:
        return _Text(f"({self}-{_text(other)})")

    def __rsub__(self, other: object) -> _Text:
        return _Text(f"({_text(other)}-{self})")

    def __mul__(self, other: object) -> _Text:
        return _Text(f"({self}*{_text(other)})")

    def __rmul__(self, other: object) -> _Text:
        return _Text(f"({_text(other)}*{self})")

    def __neg__(self) -> _Text:
        return _Text(f"(-{self})")


def _text(value: object) -> str:
    return str(value)
