"""Sums of fractions by GKR: Σ p/q over very many leaves, as LogUp needs them (Papini and Haböck, eprint 2023/1284).

Leaves are two by two added up, (p₀·q₁ + p₁·q₀)/(q₀·q₁), where the halves of a layer, which its first variable tells
apart, are what is added. From the root down, one sumcheck for each layer leads a claim about it to one about the layer
below; the last, about the leaves, is for others to check. No denominator is inverted, and none is committed to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from jovay.compiler.native import compile_modules
from jovay.compiler.simd.sumcheck import Values, module_text
from jovay.native.library import ObjectCode
from jovay.native.places import addresses

from . import sumcheck
from .errors import FractionsError
from .field import LANES, R, Vector, portable
from .multilinear import fold
from .progress import Done, ignore
from .sumcheck import Columns, Held, Polynomial
from .threads import each, shares
from .transcript import Transcript

#: A layer's p + λ·q from the four halves of the layer below: p₀, p₁, q₀, q₁.
LAYER = Polynomial("fractions", 4, 1, 2, lambda c, k: c[0] * c[3] + c[1] * c[2] + k[0] * (c[2] * c[3]))
#: The share of the work until all layers are summed up.
_SUMMED = 0.35
#: The layers above are summed up in the open.
FEW = LANES


@dataclass(frozen=True)
class Proof:
    """``tops``: p and q of the highest layer that is sent whole; ``layers`` from there down."""

    tops: tuple[list[int], list[int]]
    layers: list[sumcheck.Proof]


@dataclass(frozen=True)
class Claim:
    """What the leaves' polynomials are at a point."""

    point: list[int]
    p: int
    q: int


class Layer(Columns, Protocol):
    """Fractions, as many as a power of two, 8 at least. As columns: the halves p₀, p₁, q₀, q₁."""

    def above(self) -> tuple[Vector, Vector]:
        """p and q of the layer above: sums of the fractions in the lower and the upper half."""
        ...

    def whole(self) -> tuple[Vector, Vector]:
        """p and q."""
        ...


class Given(Held):
    """A layer in memory, which is used up."""

    def __init__(self, p: Vector, q: Vector) -> None:
        super().__init__([half for side in (p, q) for half in side.halves()])
        self._sides = p, q

    def above(self) -> tuple[Vector, Vector]:
        """As ``Layer.above``."""
        outs = Vector.empty(len(self)), Vector.empty(len(self))

        def part(share: slice) -> None:
            halves, ends = ([Vector(v.words[share]) for v in side] for side in (self.vectors, outs))
            sum_pairs(halves, ends)

        each(part, shares(len(outs[0].words)))
        return outs

    def whole(self) -> tuple[Vector, Vector]:
        """As ``Layer.whole``."""
        return self._sides


def prove(leaves: Layer, transcript: Transcript, done: Done = ignore) -> tuple[Proof, Claim]:
    """Prove what the fractions add up to; they are used up."""
    whole = len(leaves)
    layers = [leaves]
    while 2 * len(layers[-1]) > FEW:
        layers.append(Given(*layers[-1].above()))
    top = layers.pop().whole()
    done(_SUMMED)
    tops = top[0].values(), top[1].values()
    point, proofs = _begin(tops, transcript), list[sumcheck.Proof]()
    claim = _claim(tops, point)
    while layers:
        # 1. One random sum of both claims; its sumcheck ends in the halves' values.
        weight = transcript.challenge("lambda")
        layer = layers.pop()
        share = len(layer) / whole
        proof, point = sumcheck.prove(LAYER, layer, [weight], claim.point, transcript)
        proofs.append(proof)
        done(_SUMMED + (1 - _SUMMED) * share)
        # 2. One random point between the halves.
        claim = _lower(proof.values, point, transcript)
    return Proof(tops, proofs), claim


def verify(variables: int, proof: Proof, transcript: Transcript) -> Claim:
    """The claim about 2^variables leaves that add up to ``total(proof)``. Raises ``ZkError``."""
    tops = proof.tops
    if any(len(side) != FEW or not all(0 <= value < R for value in side) for side in tops):
        raise FractionsError("the highest layer is malformed")
    if len(proof.layers) != variables - (FEW.bit_length() - 1):
        raise FractionsError(f"{len(proof.layers)} layers for {variables} variables")
    claim = _claim(tops, _begin(tops, transcript))
    for layer in proof.layers:
        weight = transcript.challenge("lambda")
        total = (claim.p + weight * claim.q) % R
        point = sumcheck.verify(LAYER, total, [weight], claim.point, layer, transcript)
        claim = _lower(layer.values, point, transcript)
    return claim


Fraction = tuple[int, int]


def total(proof: Proof) -> Fraction:
    """What the leaves add up to."""
    return add_up(zip(*proof.tops, strict=True))


def add_up(fractions: Iterable[Fraction]) -> Fraction:
    """The sum of fractions, whose denominators may be zero."""
    top, bottom = 0, 1
    for p, q in fractions:
        top, bottom = (top * q + p * bottom) % R, bottom * q % R
    return top, bottom


def check_zero(fraction: Fraction) -> None:
    """Raises ``FractionsError`` unless it is 0/q, where q is not zero."""
    if fraction[1] == 0:
        raise FractionsError("a denominator is zero")
    if fraction[0]:
        raise FractionsError("the fractions do not add up to zero")


@cache
def _sums_of_pairs() -> Callable[..., int]:
    def polynomials(c: Sequence[Any], _: Sequence[Any]) -> list[Any]:
        return [c[0] * c[3] + c[1] * c[2], c[2] * c[3]]

    values = Values("fractions_above", 4, 0, 2, polynomials)
    code = compile_modules([module_text([values], portable())], {values.symbol})
    return ObjectCode(code).function(values.symbol, 4)


def sum_pairs(halves: Sequence[Vector], outs: Sequence[Vector]) -> None:
    """p and q of sums of fractions, from p₀, p₁, q₀, q₁."""
    ins, ends = (addresses(vector.words for vector in side) for side in (halves, outs))
    _sums_of_pairs()(len(outs[0].words), ins, 0, ends)


def _begin(tops: tuple[list[int], list[int]], transcript: Transcript) -> list[int]:
    transcript.absorb_elements("tops", [*tops[0], *tops[1]])
    return transcript.challenges("point", FEW.bit_length() - 1)


def _claim(tops: tuple[list[int], list[int]], point: Sequence[int]) -> Claim:
    values = []
    for side in tops:
        left = list(side)
        for r in point:
            left = fold(left, r)
        values.append(left[0])
    return Claim(list(point), *values)


def _lower(values: Sequence[int], point: Sequence[int], transcript: Transcript) -> Claim:
    p0, p1, q0, q1 = values
    transcript.absorb_elements("halves", values)
    r = transcript.challenge("half")
    return Claim([r, *point], (p0 + r * (p1 - p0)) % R, (q0 + r * (q1 - q0)) % R)
