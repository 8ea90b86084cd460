"""Rows of chips as a forger would have them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from jovay.prover.zk import audit
from jovay.prover.zk.chip import Chip, Message
from jovay.prover.zk.field import R
from jovay.prover.zk.machine.buses import CALL, LIMB, MEMORY, RANGE
from jovay.prover.zk.machine.calls import MOMENT, Calls
from jovay.prover.zk.tables import Table


def free_cells(
    tables: Sequence[Table], unless: Callable[[Chip, Sequence[int], str], bool] = lambda *cell: False
) -> set[tuple[str, str]]:
    """Cells of used rows that can be another and nobody notices, by chip and column, ``unless`` they may be."""
    rng, free = random.Random(4), set()
    for table in tables:
        chip, width = table.chip, len(table.own)
        used = [row for row in audit.rows_of(table)[:4096] if any(row[:width])]
        for row in rng.sample(used, min(len(used), 60)):
            for column in range(width):
                for change in (1, R - 1, 1 << 16, 1 << 64, rng.randrange(R)):
                    other = [*row[:column], (row[column] + change) % R, *row[column + 1 :]]
                    name = chip.columns[column]
                    if not audit.is_noticed(chip, row, other) and not unless(chip, row, name):
                        free.add((chip.name, name))
    return free


def kill_rates(tables: Sequence[Table], rows: int = 60) -> dict[tuple[str, str], tuple[int, int]]:
    """Of each column, how many changes to cells of used rows are noticed, and how many there were.

    A cell becomes 1 more or less, anything, its negative, that of another row, a flag the other one; or it is 2^16 more
    where the next column is 1 less, as limbs of the same number would be.
    """
    rng, found = random.Random(6), Counter[tuple[str, str]]()
    tried = Counter[tuple[str, str]]()
    for table in tables:
        chip, width = table.chip, len(table.own)
        used = [row for row in audit.rows_of(table)[:4096] if any(row[:width])]
        for row in rng.sample(used, min(len(used), rows)):
            for column, name in enumerate(chip.columns):
                value, other = row[column], rng.choice(used)[column]
                singles = {
                    value + 1,
                    value - 1,
                    rng.randrange(R),
                    -value,
                    other,
                    1 - value,
                    value + (1 << 64),
                }
                changes = [{column: each % R} for each in singles if each % R != value]
                if column + 1 < width:
                    changes.append({column: (value + LIMB) % R, column + 1: (row[column + 1] - 1) % R})
                for change in changes:
                    changed = [change.get(at, cell) for at, cell in enumerate(row)]
                    tried[chip.name, name] += 1
                    found[chip.name, name] += audit.is_noticed(chip, row, changed)
    return {cell: (found[cell], count) for cell, count in tried.items()}


def calls_of(blocks: Sequence[tuple[Sequence[int], Sequence[int]]], words: int) -> Calls:
    """Calls that found the first of each pair in their block, and left the second."""
    rng, count = random.Random(5), len(blocks)
    before, after = (np.array([block[k] for block in blocks], np.uint64).reshape(-1, words) for k in (0, 1))
    gaps = np.array([[rng.getrandbits(16) for _ in range(words)] for _ in blocks], np.uint64)
    clock = np.arange(5, 5 + count, dtype=np.uint64)
    return Calls(clock, clock * np.uint64(100), before, after, gaps.reshape(-1, words))


def said_around(calls: Calls, number: int) -> list[Message]:
    """What the rest of the machine says and hears of calls."""
    found = list[Message]()
    for at in range(len(calls)):
        clock, index = int(calls.clock[at]), int(calls.index[at])
        found.append(Message(CALL, 1, (number, clock, index)))
        time = 4 * clock + MOMENT
        for word, gap in enumerate(calls.gaps[at].tolist()):
            before, after = int(calls.before[at, word]), int(calls.after[at, word])
            found.append(Message(MEMORY, 1, (index + word, 1, before, time - 1 - gap)))
            found.append(Message(MEMORY, -1, (index + word, 1, after, time)))
    return found


def named_rows(table: Table) -> list[dict[str, int]]:
    """The rows by column."""
    return [dict(zip(table.chip.names, row, strict=True)) for row in audit.rows_of(table)]


def wrong_with(chip: Chip, row: Mapping[str, int]) -> tuple[list[int], list[int]]:
    """The constraints that do not hold, and the numbers said to be below 2^16 that are not."""
    values = [row[name] % R for name in chip.names]
    ranged = [m for m in chip.messages(chip.row(values)) if m.bus == RANGE and m.multiplicity % R]
    large = [m.values[0] % R for m in ranged if m.values[0] % R >= LIMB]
    return [number for _, number in chip.broken([values])], large


def is_accepted(chip: Chip, row: Mapping[str, int]) -> bool:
    """Whether nothing of a row by itself is wrong."""
    return wrong_with(chip, row) == ([], [])
