"""What is wrong with tables, said plainly: for those who write chips."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from . import affine
from .chip import Chip, Message
from .field import U64, R, Vector
from .multilinear import eq_vector
from .rows import combined, constrained
from .tables import Table

I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Broken:
    """Constraint ``number`` of a chip does not hold in a row."""

    chip: str
    row: int
    number: int


def rows_of(table: Table) -> list[tuple[int, ...]]:
    """The rows as numbers."""
    return list(zip(*(column.values() for column in table.columns), strict=True))


def broken(tables: Iterable[Table]) -> list[Broken]:
    """Constraints that do not hold."""
    return [
        Broken(table.chip.name, row, number)
        for table in tables
        for row, number in table.chip.broken(rows_of(table))
    ]


Messages = dict[tuple[int, ...], int]


def messages_of(messages: Iterable[Message]) -> Messages:
    """How often each is sent, bus first; negative where it is received."""
    counts: Counter[tuple[int, ...]] = Counter()
    for message in messages:
        times = message.multiplicity % R
        if times:
            place = (message.bus, *(value % R for value in message.values))
            counts[place] += times if times < R // 2 else times - R
    return {message: times for message, times in counts.items() if times}


def unbalanced(tables: Iterable[Table], public: Sequence[Message] = ()) -> Messages:
    """Messages that are not received as often as they are sent, and how often more."""
    rows = (table.chip.messages(table.chip.row(row)) for table in tables for row in rows_of(table))
    return messages_of([*public, *(message for messages in rows for message in messages)])


def is_noticed(chip: Chip, before: Sequence[int], after: Sequence[int]) -> bool:
    """Whether a row that fits can be told from another: by a constraint, or since it sends something else."""
    if chip.broken([after]):
        return True
    said = [messages_of(chip.messages(chip.row(values))) for values in (before, after)]
    return said[0] != said[1]


# ---- large tables: by random sums, of which one in 2^30 may miss something --------------------------------------


@dataclass(frozen=True)
class Loose:
    """Message ``number`` of a row of a chip, or of the public ones (row 0 of ``""``), is among those on a bus that are
    sent ``times`` more than they are received.
    """

    chip: str
    number: int
    row: int
    times: int


def broken_chips(tables: Iterable[Table]) -> list[str]:
    """The chips of which a constraint does not hold in some row."""
    found = []
    for table in tables:
        columns = [table.columns[number] for number in constrained(table.chip)]
        silent = Vector.empty(len(table.columns[0]))
        silent.words[:] = 0
        weights = eq_vector(_drawn(table.variables))
        constants = _drawn(table.chip.shape.constraints)
        if constants and combined(table.chip).total([*columns, silent], constants, weights):
            found.append(table.chip.name)
    return found


def loose(tables: Sequence[Table], public: Sequence[Message] = (), most: int = 20) -> list[Loose]:
    """Messages that are not received as often as they are sent: ``most`` of them at most."""
    width = max([1, *(t.chip.shape.width for t in tables), *(len(m.values) for m in public)])
    alpha, *betas = _drawn(1 + width)
    said = [_said(form, table) for table in tables for form in affine.fractions(table.chip, alpha, betas)]
    places = [(t.chip.name, number) for t in tables for number in range(t.chip.shape.messages)]
    for number, message in enumerate(public):
        word = message.denominator(alpha, betas) % R % (1 << 64)
        said.append((np.zeros(1, np.int64), np.array([word], np.uint64), np.array([message.multiplicity])))
        places.append(("", number))
    rows, keys, times = (np.concatenate(each) for each in zip(*said, strict=True))
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.r_[True, keys[order][1:] != keys[order][:-1]])
    sums = np.add.reduceat(times[order], starts)
    ends = np.r_[starts[1:], len(order)]
    first = np.cumsum([0, *(len(each[0]) for each in said)])
    found = list[Loose]()
    for group in np.flatnonzero(sums).tolist():
        for at in order[starts[group] : ends[group]].tolist():
            name, number = places[int(np.searchsorted(first, at, side="right")) - 1]
            found.append(Loose(name, number, int(rows[at]), int(sums[group])))
            if len(found) == most:
                return found
    return found


def _said(form: tuple[affine.Affine, affine.Affine], table: Table) -> tuple[I64, U64, I64]:
    """Of a message, where it is said at all: rows, the lowest words of denominators, and how often."""
    out = Vector.empty(len(table.columns[0])), Vector.empty(len(table.columns[0]))
    affine.evaluate(form, table.columns, out)
    times = out[0].rows()
    low, negative = times[:, 0].view(np.int64), times[:, 3] != 0
    low = np.where(negative, low - np.uint64(R % (1 << 64)).view(np.int64), low)
    rows = np.flatnonzero(low)
    return rows, out[1].lowest()[rows], low[rows]


def _drawn(count: int) -> list[int]:
    return [secrets.randbelow(R) for _ in range(count)]
