"""Loads and stores of whole words that lie aligned: nearly all there are.

What memory and registers hold is below 2^64, so nothing has to be shown of the value. Nor that the word's number is
one: it is (a + immediate − 2^64·carry)/8 in the field, and memory has no word of another.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jovay.prover.zk.chip import Chip, Message, Row
from jovay.prover.zk.tables import Table

from .buses import MEMORY, WORD
from .calls import MOMENT
from .parts import boolean, common, executed, is_one_of, nothing, ranged
from .timeline import Timeline, short


def _address(row: Row) -> Any:
    """a, as it has to be."""
    return 8 * row.index + row.carry * WORD - row.imm


def _accessed(row: Row, used: Any, writable: Any, before: Any, after: Any) -> list[Message]:
    time = 4 * row.clock + MOMENT
    return [
        Message(MEMORY, -used, (row.index, writable, before, time - 1 - row.gap)),
        Message(MEMORY, used, (row.index, writable, after, time)),
        *ranged([row.gap], used),
    ]


LOAD = Chip(
    "load",
    ("ld", "clock", "pc", "imm", "carry", "index", "writable", "value", "gap"),
    lambda row: [boolean(row.ld), boolean(row.carry)],
    lambda row: [
        executed(row, ("ld",), a=_address(row), b=nothing(row), c=row.value),
        *_accessed(row, row.ld, row.writable, row.value, row.value),
    ],
)
STORE = Chip(
    "store",
    ("sd", "clock", "pc", "b", "imm", "carry", "index", "before", "gap"),
    lambda row: [boolean(row.sd), boolean(row.carry)],
    lambda row: [
        executed(row, ("sd",), a=_address(row), c=nothing(row)),
        *_accessed(row, row.sd, 1 + nothing(row), row.before, row.b),
    ],
)


def load_table(timeline: Timeline, writable_from: int) -> Table:
    """The rows of a run; words are writable from the one of a number on."""
    here = timeline.aligned & is_one_of(timeline.part.operation, ("ld",))
    part, index = timeline.part.where(here), timeline.index[here]
    columns = [np.ones_like(index), *common(part, ("clock", "pc", "imm")), timeline.carry[here], index]
    writable = (index >= writable_from).astype(np.uint64)
    return Table.of_words(LOAD, [*columns, writable, part.word0, short(timeline.gaps[0][here])])


def store_table(timeline: Timeline) -> Table:
    """The rows of a run."""
    here = timeline.aligned & is_one_of(timeline.part.operation, ("sd",))
    part, index = timeline.part.where(here), timeline.index[here]
    columns = [np.ones_like(index), *common(part, ("clock", "pc", "b", "imm")), timeline.carry[here], index]
    return Table.of_words(STORE, [*columns, part.word0, short(timeline.gaps[0][here])])
