"""And, or, exclusive or: byte by byte, each and looked up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from jovay.prover.zk.chip import Chip, Message, Row
from jovay.prover.zk.field import U64
from jovay.prover.zk.tables import Table

from .buses import BYTES
from .lookups import asked
from .parts import chosen, common, executed, flags, total
from .run import Run

NAMES = ("and", "or", "xor")
_BYTES = 8
_COLUMNS = (
    *(*NAMES, "clock", "pc", "b", "c"),
    *(f"{prefix}{i}" for prefix in ("a_", "y_", "both_") for i in range(_BYTES)),
)


def _word(parts: list[Any]) -> Any:
    return total([part * (1 << 8 * i) for i, part in enumerate(parts)])


def _constraints(row: Row) -> list[Any]:
    """y is b and the immediate, of which one is 0. x ^ y = x + y − 2(x & y), x | y = x + y − (x & y)."""
    a, y, both = (_word(list(row.many(prefix))) for prefix in ("a_", "y_", "both_"))
    is_and, is_or, is_xor = (getattr(row, name) for name in NAMES)
    return [
        *flags(row, NAMES),
        row.c - is_and * both - is_or * (a + y - both) - is_xor * (a + y - 2 * both),
    ]


def _messages(row: Row) -> list[Message]:
    """a and the immediate are what they have to be."""
    used = total([getattr(row, name) for name in NAMES])
    a, y, both = (list(row.many(prefix)) for prefix in ("a_", "y_", "both_"))
    bytewise = [Message(BYTES, used, parts) for parts in zip(a, y, both, strict=True)]
    return [executed(row, NAMES, a=_word(a), imm=_word(y) - row.b), *bytewise]


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
    y = part.b + part.imm
    columns = [*marks, *common(part, ("clock", "pc", "b", "c"))]
    return Table.of_words(BITWISE, [*columns, *_bytes_of(part.a), *_bytes_of(y), *_bytes_of(part.a & y)])


def and_columns() -> list[U64]:
    """All pairs of bytes."""
    index = np.arange(1 << 16, dtype=np.uint64)
    x, y = index >> np.uint64(8), index % np.uint64(256)
    return [x, y, x & y]


def and_table(tables: Iterable[Table]) -> Table:
    """How often each pair is asked for."""
    times = np.zeros(1 << 16, np.int64)
    for x, y, _ in asked(tables, BYTES):
        pairs = (x << np.uint64(8) | y).astype(np.int64)
        times += np.bincount(pairs[(x < 256) & (y < 256)], minlength=1 << 16)
    return Table.of_words(AND_TABLE, [times.astype(np.uint64)], and_columns())
