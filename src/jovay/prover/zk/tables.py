"""Tables in memory: the columns of a chip."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .chip import Chip
from .field import LANES, U64, R, Vector


@dataclass(frozen=True)
class Table:
    """Rows of a chip, as many as a power of two, 8 at least: its own columns, those fixed, and those computed."""

    chip: Chip
    columns: list[Vector]

    @classmethod
    def of(cls, chip: Chip, rows: Sequence[Sequence[int]], fixed: Sequence[Sequence[int]] = ()) -> Table:
        """Rows of its own elements, filled up with zeros, and of the fixed ones, filled up with the last."""
        height = max(LANES, 1 << (max(len(rows), len(fixed)) - 1).bit_length())
        fixed = [*fixed, *[fixed[-1]] * (height - len(fixed))] if fixed else fixed
        columns = [*filled(rows, len(chip.columns), height), *filled(fixed, len(chip.fixed), height)]
        columns += [Vector.of_words(COMPUTED_WORDS[name](height)) for name in chip.computed]
        return cls(chip, columns)

    @classmethod
    def of_words(cls, chip: Chip, own: Sequence[U64], fixed: Sequence[U64] = ()) -> Table:
        """Columns of numbers (``Vector.of_words``), filled up with zeros; the fixed ones with what is last in them.

        So what is looked up among fixed rows is one of those that were given.
        """
        given = [*own, *fixed]
        if len(own) != len(chip.columns) or len(fixed) != len(chip.fixed):
            raise ValueError(f"{chip.name}: {len(own)} columns and {len(fixed)} fixed ones")
        height = max(LANES, 1 << (max(column.shape[-1] for column in given) - 1).bit_length())
        columns = [Vector.of_words(_padded(column, height)) for column in own]
        columns += [Vector.of_words(_padded(column, height, mode="edge")) for column in fixed]
        columns += [Vector.of_words(COMPUTED_WORDS[name](height)) for name in chip.computed]
        return cls(chip, columns)

    def column(self, name: str) -> Vector:
        """One of them."""
        return self.columns[self.chip.names.index(name)]

    def fill(self, name: str, values: Iterable[int]) -> None:
        """Set a column to elements, which need not fit a word; zeros behind them."""
        given = [value % R for value in values]
        self.set(name, Vector.of(given + [0] * (len(self.column(name)) - len(given))))

    def set(self, name: str, values: Vector) -> None:
        """Set a column."""
        self.columns[self.chip.names.index(name)] = values

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


def _padded(column: U64, height: int, mode: Literal["constant", "edge"] = "constant") -> U64:
    return np.pad(column, [(0, 0)] * (column.ndim - 1) + [(0, height - column.shape[-1])], mode)


def filled(rows: Sequence[Sequence[int]], width: int, height: int) -> list[Vector]:
    """The columns of some rows, with zeros up to a height. Raises ``ValueError`` for rows of another width."""
    if any(len(row) != width for row in rows):
        raise ValueError(f"rows of {sorted({len(row) for row in rows})} elements for {width} columns")
    padded = [*rows, *[[0] * width] * (height - len(rows))]
    return [Vector.of([value % R for value in column]) for column in zip(*padded, strict=True)]


#: The columns of ``chip.COMPUTED`` for tables of a height.
COMPUTED_WORDS: dict[str, Callable[[int], U64]] = {"index": lambda height: np.arange(height, dtype=np.uint64)}
