"""What a table is to the protocol: its columns in memory, and the polynomials that its chip makes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from jovay.compiler.native import compile_modules
from jovay.compiler.simd.sumcheck import Values, module_text
from jovay.native.library import ObjectCode
from jovay.native.places import addresses

from .chip import Chip
from .field import LANES, U64, R, Vector, element, portable, powers
from .multilinear import eq_values
from .sumcheck import Polynomial


@dataclass(frozen=True)
class Table:
    """Rows of a chip, as many as a power of two, 8 at least: its own columns, those fixed, and those computed."""

    chip: Chip
    columns: list[Vector]

    @classmethod
    def of(cls, chip: Chip, rows: Sequence[Sequence[int]], fixed: Sequence[Sequence[int]] = ()) -> Table:
        """Rows of its own elements, and of the fixed ones, filled up with zeros."""
        height = max(LANES, 1 << (max(len(rows), len(fixed)) - 1).bit_length())
        columns = [*filled(rows, len(chip.columns), height), *filled(fixed, len(chip.fixed), height)]
        columns += [Vector.of_words(COMPUTED_WORDS[name](height)) for name in chip.computed]
        return cls(chip, columns)

    @classmethod
    def of_words(cls, chip: Chip, own: Sequence[U64], fixed: Sequence[U64] = ()) -> Table:
        """Columns of numbers below 2^64, all of one length, filled up with zeros."""
        given = [*own, *fixed]
        if len(own) != len(chip.columns) or len(fixed) != len(chip.fixed):
            raise ValueError(f"{chip.name}: {len(own)} columns and {len(fixed)} fixed ones")
        height = max(LANES, 1 << (max(map(len, given)) - 1).bit_length())
        columns = [Vector.of_words(np.pad(column, (0, height - len(column)))) for column in given]
        columns += [Vector.of_words(COMPUTED_WORDS[name](height)) for name in chip.computed]
        return cls(chip, columns)

    def fill(self, name: str, values: Iterable[int]) -> None:
        """Set a column to elements, which need not fit a word; zeros behind them."""
        given = [value % R for value in values]
        at = self.chip.names.index(name)
        self.columns[at] = Vector.of(given + [0] * (len(self.columns[at]) - len(given)))

    def put(self, name: str, row: int, value: int) -> None:
        """Set one element."""
        self.columns[self.chip.names.index(name)].put(row, value)

    @property
    def own(self) -> list[Vector]:
        """What the prover commits to."""
        return self.columns[: len(self.chip.columns)]

    @property
    def fixed(self) -> list[Vector]:
        """What the verification key knows."""
        return self.columns[len(self.chip.columns) :][: len(self.chip.fixed)]

    @property
    def variables(self) -> int:
        """Of its rows."""
        return len(self.columns[0]).bit_length() - 1

    def fractions(self, alpha: int, betas: Sequence[int]) -> tuple[Vector, Vector]:
        """Multiplicities and denominators of all messages of all rows, message by message; 0/1 to fill up."""
        shape, rows, height = self.chip.shape, len(self.columns[0]), len(self.columns[0].words)
        count = 1 << places(shape.messages)
        p, q = Vector.empty(count * rows), Vector.empty(count * rows)
        q.words[shape.messages * height :] = Vector.of([1] * LANES).words
        parts = [side.words[i * height :] for side in (p, q) for i in range(shape.messages)]
        constants = np.concatenate([element(value) for value in (alpha, *betas[: shape.width], 0)])
        run = _message_values(self.chip)
        run(height, addresses(column.words for column in self.columns), constants, addresses(parts))
        return p, q


def filled(rows: Sequence[Sequence[int]], width: int, height: int) -> list[Vector]:
    """The columns of some rows, with zeros up to a height. Raises ``ValueError`` for rows of another width."""
    if any(len(row) != width for row in rows):
        raise ValueError(f"rows of {sorted({len(row) for row in rows})} elements for {width} columns")
    padded = [*rows, *[[0] * width] * (height - len(rows))]
    return [Vector.of([value % R for value in column]) for column in zip(*padded, strict=True)]


def stacked(columns: Sequence[Vector]) -> Vector:
    """Columns one after another, filled up to a power of two: what is committed to."""
    count, height = 1 << places(len(columns)), len(columns[0].words)
    whole = Vector.empty(count * len(columns[0]))
    for i, column in enumerate(columns):
        whole.words[i * height : (i + 1) * height] = column.words
    return whole


#: The columns of ``chip.COMPUTED`` for tables of a height.
COMPUTED_WORDS: dict[str, Callable[[int], U64]] = {"index": lambda height: np.arange(height, dtype=np.uint64)}


@cache
def _message_values(chip: Chip) -> Callable[..., int]:
    shape = chip.shape

    def polynomials(columns: Sequence[Any], constants: Sequence[Any]) -> list[Any]:
        alpha, *betas = constants
        messages = chip.messages(chip.row(columns))
        counts = [m.multiplicity for m in messages]
        counts = [alpha.known(count) if isinstance(count, int) else count for count in counts]
        return counts + [m.denominator(alpha, betas) for m in messages]

    values = Values(
        f"messages_{chip.name}", len(chip.names), 1 + shape.width, 2 * shape.messages, polynomials
    )
    code = compile_modules([module_text([values], portable())], {values.symbol})
    return ObjectCode(code).function(values.symbol, 4)


def places(count: int) -> int:
    """Variables that tell ``count`` things apart."""
    return max(0, (count - 1).bit_length())


@cache
def combined(chip: Chip) -> Polynomial:
    """All that is claimed of a row: Σ aᵢ·constraintᵢ + Σ bₖ·multiplicityₖ + Σ cₖ·denominatorₖ.

    Its constants are α, the βs, and the aᵢ, bₖ and cₖ (``weights``).
    """
    shape = chip.shape

    def formula(columns: Sequence[Any], constants: Sequence[Any]) -> Any:
        row, alpha = chip.row(columns), constants[0]
        betas, rest = constants[1 : 1 + shape.width], constants[1 + shape.width :]
        messages = chip.messages(row)
        parts = [*chip.constraints(row), *(m.multiplicity for m in messages)]
        parts += [m.denominator(alpha, betas) for m in messages]
        first, *others = (weight * part for weight, part in zip(rest, parts, strict=True))
        return sum(others, first)

    constants = 1 + shape.width + shape.constraints + 2 * shape.messages
    return Polynomial(chip.name, len(chip.names), constants, shape.degree, formula)


def weights(chip: Chip, gamma: int, prefix: Sequence[int]) -> tuple[list[int], int, int]:
    """The aᵢ, bₖ and cₖ for the claims about the messages at ``prefix``; the weights of those claims, p's and q's.

    Constraints count γ⁰, γ¹, …, the multiplicities' claim the next power, the denominators' the last.
    """
    shape = chip.shape
    powered = powers(gamma, shape.constraints + 2)
    *own, p, q = powered
    messages = eq_values(prefix)[: shape.messages]
    return own + [p * e % R for e in messages] + [q * e % R for e in messages], p, q
