"""What is wrong with tables, said plainly: for those who write chips."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .chip import Chip, Message
from .field import R
from .tables import Table


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
