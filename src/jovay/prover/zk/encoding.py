"""Proofs as bytes: words of 32 bytes, big-endian, one after another. There is but one way to write a proof."""

from __future__ import annotations

from . import fractions, sumcheck
from .curve import Point, encode_points, is_on_curve
from .errors import EncodingError
from .field import ELEMENT, R, encode_elements
from .kzg import Opening
from .layout import Layout
from .proof import Proof, Statement, padded


def _words(count: int) -> int:
    return -(-count // ELEMENT)


def encode(proof: Proof) -> bytes:
    """In the order in which it is said; a list has no length, since the heights tell it."""
    layers = [
        [*(v for message in layer.rounds for v in message), *layer.values] for layer in proof.messages.layers
    ]
    return b"".join(
        [
            padded(proof.heights),
            encode_points(proof.commitments),
            encode_elements(value for side in proof.messages.tops for value in side),
            *map(encode_elements, layers),
            *map(encode_elements, proof.rows),
            encode_elements(proof.columns),
            *map(encode_elements, proof.stack),
            encode_elements(proof.pieces),
            encode_points(proof.opening.folds),
            encode_elements(proof.opening.elements),
            encode_points([proof.opening.quotient]),
        ]
    )


def decode(statement: Statement, data: bytes) -> tuple[Layout, Proof]:
    """The proof, and where things lie in its tables. Raises ``EncodingError`` for bytes that are none, and ``ZkError``
    for heights that cannot be.
    """
    reader = _Reader(data)
    heights = reader.heights(len(statement.chips))
    layout = statement.layout(heights)
    proof = Proof(
        heights,
        reader.points(layout.own_pieces),
        reader.fractions(layout.leaves),
        reader.rounds(layout.rows, layout.degree),
        reader.elements(sum(len(chip.columns) + len(chip.fixed) for chip in layout.chips)),
        reader.rounds(layout.variables, 2),
        reader.elements(layout.own_pieces + layout.fixed_pieces),
        reader.opening(layout.variables),
    )
    reader.end()
    return layout, proof


class _Reader:
    """Takes a proof's parts off its front."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, words: int) -> bytes:
        """The next words."""
        start, self._at = self._at, self._at + words * ELEMENT
        if self._at > len(self._data):
            raise EncodingError(f"{len(self._data)} bytes are too few")
        return self._data[start : self._at]

    def end(self) -> None:
        """Nothing may be left."""
        if self._at != len(self._data):
            raise EncodingError(f"{len(self._data) - self._at} bytes too many")

    def heights(self, count: int) -> tuple[int, ...]:
        """A byte for each chip."""
        data = self.take(_words(count))
        if any(data[count:]):
            raise EncodingError("heights of more tables than there are chips")
        return tuple(data[:count])

    def numbers(self, count: int) -> list[int]:
        """Words."""
        data = self.take(count)
        return [int.from_bytes(data[at : at + ELEMENT], "big") for at in range(0, len(data), ELEMENT)]

    def elements(self, count: int) -> list[int]:
        """Words below the field's order."""
        found = self.numbers(count)
        if not all(value < R for value in found):
            raise EncodingError("a value is not below the field's order")
        return found

    def points(self, count: int) -> list[Point]:
        """Points of the curve."""
        found = self.numbers(2 * count)
        points = [None if x == y == 0 else (x, y) for x, y in zip(found[0::2], found[1::2], strict=True)]
        if not all(map(is_on_curve, points)):
            raise EncodingError("a point is not on the curve")
        return points

    def rounds(self, count: int, degree: int) -> list[list[int]]:
        """Messages of a sumcheck."""
        return [self.elements(degree) for _ in range(count)]

    def fractions(self, variables: int) -> fractions.Proof:
        """Of 2^variables leaves."""
        tops = self.elements(fractions.FEW), self.elements(fractions.FEW)
        first = fractions.FEW.bit_length() - 1
        layers = [
            sumcheck.Proof(self.rounds(above, fractions.LAYER.degree), self.elements(fractions.LAYER.columns))
            for above in range(first, variables)
        ]
        return fractions.Proof(tops, layers)

    def opening(self, variables: int) -> Opening:
        """Of a polynomial in so many variables."""
        folds, found = self.points(variables - 1), self.elements(2 * variables + 1)
        values = list(zip(found[0:-1:2], found[1:-1:2], strict=True))
        return Opening(folds, values, found[-1], self.points(1)[0])
