"""System calls that chips of their own answer: each works in place on a block of words in writable memory.

``ecall`` with the call's number in a7 and the block's address, a multiple of 8, in a0; no register changes. The system
chip sends (number, clock, index of the block's first word) on ``CALL``, and the call's chip receives it. It takes each
word of the block out of memory once, and gives it back at time 4·clock + 2. Whoever gives a word back shows that it
is below 2^64; what is taken out is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from jovay.prover.zk.chip import Chip, Message, Row
from jovay.prover.zk.field import U64
from jovay.prover.zk.tables import Table

from .buses import CALL, MEMORY
from .parts import ranged

#: When the words are accessed: 4·clock + 2.
MOMENT = 2


@dataclass(frozen=True)
class Calls:
    """All calls of one number in a run, in order: shape (calls,), and (calls, words) of what each word of a block held
    before and after, and of the time since its access before, less 1; that is one limb, as older words are renewed.
    """

    clock: U64
    index: U64
    before: U64
    after: U64
    gaps: U64

    def __len__(self) -> int:
        return len(self.clock)

    @classmethod
    def none(cls, words: int) -> Calls:
        """Nobody called."""
        empty, blocks = np.zeros(0, np.uint64), np.zeros((0, words), np.uint64)
        return cls(empty, empty, blocks, blocks, blocks)

    def gap_columns(self) -> list[U64]:
        """The columns ``gap_names``."""
        return list(self.gaps.T)


def joined(parts: Sequence[Calls]) -> Calls:
    """Calls of several numbers, one after the other; zeros for words that shorter blocks lack."""
    most = max(part.before.shape[1] for part in parts)

    def all_of(name: str) -> U64:
        columns = [getattr(part, name) for part in parts]
        if columns[0].ndim == 2:
            columns = [np.pad(block, ((0, 0), (0, most - block.shape[1]))) for block in columns]
        return np.concatenate(columns)

    return Calls(*map(all_of, ("clock", "index", "before", "after", "gaps")))


class Accelerator(Protocol):
    """A module that answers system calls: the words of each one's block by its number, chips, their tables in order.

    What its tables send on ``RANGE`` and ``BYTES`` is counted elsewhere; lookup tables of its own it counts itself.
    """

    CALLS: Mapping[int, int]
    CHIPS: tuple[Chip, ...]

    @property
    def tables(self) -> Callable[..., list[Table]]:
        """One for each chip, of the ``Calls`` of each number."""

    def fixed(self) -> list[Table]:
        """Those that have fixed columns, for the verification key."""


def gap_names(words: int) -> Iterator[str]:
    """The columns in which a chip has the times since its words were accessed before."""
    return (f"gap{word}" for word in range(words))


def called(row: Row, number: int, used: Any) -> Message:
    """Answer a call; ``row`` has ``clock`` and ``index``."""
    return Message(CALL, -used, (number * used, row.clock, row.index))


def taken(row: Row, word: int, value: Any, used: Any) -> list[Message]:
    """Word ``word`` of the block holds ``value`` before the call; ``row`` has its gap."""
    gap = getattr(row, f"gap{word}")
    since = 4 * row.clock + MOMENT - 1 - gap
    return [Message(MEMORY, -used, (row.index + word, 1 + 0 * row.index, value, since)), *ranged([gap], used)]


def given(row: Row, word: int, value: Any, used: Any) -> Message:
    """It holds ``value`` afterwards."""
    return Message(MEMORY, used, (row.index + word, 1 + 0 * row.index, value, 4 * row.clock + MOMENT))
