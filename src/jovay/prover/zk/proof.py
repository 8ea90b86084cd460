"""What a proof about tables consists of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from eth_utils.crypto import keccak

from . import fractions, sumcheck
from .chip import Chip, Message
from .curve import Point
from .field import R
from .kzg import Opening, absorb_points
from .transcript import Transcript

PROTOCOL = "Jovay tables 1"


@dataclass(frozen=True)
class TableProof:
    """``variables`` of its rows; the columns' values at the last point lie in ``rows``. ``opening`` of its own columns,
    ``fixed`` of those that the key has.
    """

    variables: int
    commitment: Point
    messages: fractions.Proof
    rows: sumcheck.Proof
    opening: Opening
    fixed: Opening | None


@dataclass(frozen=True)
class Fixed:
    """The commitment to a table's fixed columns, and its height."""

    variables: int
    commitment: Point


@dataclass(frozen=True)
class Statement:
    """The chips with what is fixed of them, and the messages that are public: they join what tables send and receive.

    Each message of a bus has as many values as all others of it.
    """

    chips: tuple[Chip, ...]
    public: tuple[Message, ...]
    fixed: Mapping[str, Fixed] = field(default_factory=dict)

    def begin(self, variables: Sequence[int], commitments: Sequence[Point]) -> Transcript:
        """A transcript that has heard what is proven, and of which tables."""
        transcript = Transcript(PROTOCOL)
        for chip in self.chips:
            transcript.absorb("chip", description(chip))
            if chip.fixed:
                known = self.fixed[chip.name]
                transcript.absorb("fixed height", bytes([known.variables]))
                absorb_points(transcript, "fixed", [known.commitment])
        for message in self.public:
            parts = message.bus, message.multiplicity, *message.values
            transcript.absorb_elements("public", [part % R for part in parts])
        transcript.absorb("heights", bytes(variables))
        absorb_points(transcript, "commitments", commitments)
        return transcript

    @property
    def width(self) -> int:
        """The most values that a message has."""
        return max([1, *(chip.shape.width for chip in self.chips), *(len(m.values) for m in self.public)])


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


class _Text:
    """A formula as text."""

    def __init__(self, text: str) -> None:
        self._text = text

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
