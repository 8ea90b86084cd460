"""And, or, exclusive or: byte by byte, each and looked up."""

from __future__ import annotations

from typing import Any

import numpy as np

from jovay.prover.zk.chip import Chip, Message, Row
from jovay.prover.zk.field import U64
from jovay.prover.zk.tables import Table

from .buses import BYTES
from .parts import EXECUTED, chosen, common, executed, flags, total
from .run import Run

NAMES = ("and", "or", "xor")
_BYTES = 8
_COLUMNS = (*NAMES, *EXECUTED, *(f"{prefix}{i}" for prefix in ("a_", "b_", "both_") for i in range(_BYTES)))


def _word(parts: list[Any]) -> Any:
    return total([part * (1 << 8 * i) for i, part in enumerate(parts)])


def _constraints(row: Row) -> list[Any]:
    """x ^ y = x + y − 2(x & y), x | y = x + y − (x & y); of b and the immediate one is 0."""
    a, b, both = (_word(list(row.many(prefix))) for prefix in ("a_", "b_", "both_"))
    is_and, is_or, is_xor = (getattr(row, name) for name in NAMES)
    return [
        *flags(row, NAMES),
        row.a - a,
        row.b + row.imm - b,
        row.c - is_and * both - is_or * (a + b - both) - is_xor * (a + b - 2 * both),
        total([is_and, is_or, is_xor]) * (row.pc + 4 - row.next),
    ]


def _messages(row: Row) -> list[Message]:
    used = total([getattr(row, name) for name in NAMES])
    bytewise = zip(row.many("a_"), row.many("b_"), row.many("both_"), strict=True)
    return [executed(row, NAMES), *(Message(BYTES, used, parts) for parts in bytewise)]


BITWISE = Chip("bitwise", _COLUMNS, _constraints, _messages)
AND_TABLE = Chip(
    "bytes",
    ("times",),
    lambda row: [],
    lambda row: [Message(BYTES, -row.times, (row.x, row.y, row.both))],
    fixed=("x", "y", "both"),
)


def _bytes_of(words: U64) -> list[U64]:
    return [(words >> np.uint64(8 * i)) % np.uint64(256) for i in range(_BYTES)]


def table(run: Run) -> Table:
    """The rows of a run."""
    part, marks = chosen(run, NAMES)
    b = part.b + part.imm
    return Table.of_words(
        BITWISE, [*marks, *common(part), *_bytes_of(part.a), *_bytes_of(b), *_bytes_of(part.a & b)]
    )


def and_columns() -> list[U64]:
    """All pairs of bytes."""
    index = np.arange(1 << 16, dtype=np.uint64)
    x, y = index >> np.uint64(8), index % np.uint64(256)
    return [x, y, x & y]


def and_table(run: Run) -> Table:
    """How often each pair is asked for."""
    part, _ = chosen(run, NAMES)
    pairs = zip(_bytes_of(part.a), _bytes_of(part.b + part.imm), strict=True)
    times = np.zeros(1 << 16, np.int64)
    for x, y in pairs:
        times += np.bincount((256 * x + y).astype(np.int64), minlength=1 << 16)
    return Table.of_words(AND_TABLE, [times.astype(np.uint64)], and_columns())
