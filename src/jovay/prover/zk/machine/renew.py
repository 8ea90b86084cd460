"""Registers and words of memory that nobody has accessed for long: what they hold is said again.

The time since the access before, less 1, is one limb for most. Before one that comes later, what is there since then is
taken back and sent with a later time stamp, by a difference of two limbs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jovay.prover.zk.chip import Chip, Message, Row
from jovay.prover.zk.field import U64
from jovay.prover.zk.tables import Table

from .buses import LIMB, LIMB_BITS, MEMORY, REGISTER
from .calls import MOMENT
from .cpu import Accesses
from .parts import boolean, ranged
from .timeline import Timeline

_REGISTER, _WORD = ("register", "value"), ("index", "writable", "value")
_TIMES = ("since", "low", "high")


def _chip(name: str, bus: int, held: tuple[str, ...]) -> Chip:
    def messages(row: Row) -> list[Message]:
        values: list[Any] = [getattr(row, each) for each in held]
        later = row.since + 1 + row.low + LIMB * row.high
        return [
            Message(bus, -row.used, (*values, row.since)),
            Message(bus, row.used, (*values, later)),
            *ranged([row.low, row.high], row.used),
        ]

    return Chip(name, ("used", *held, *_TIMES), lambda row: [boolean(row.used)], messages)


RENEW_REGISTER = _chip("renew_register", REGISTER, _REGISTER)
RENEW_WORD = _chip("renew_word", MEMORY, _WORD)


def _table(chip: Chip, held: list[U64], since: U64, gaps: U64) -> Table:
    """Each is renewed right before its access: at the time before."""
    steps = gaps - np.uint64(1)
    times = [since, steps % np.uint64(LIMB), steps >> np.uint64(LIMB_BITS)]
    return Table.of_words(chip, [np.ones_like(since), *held, *times])


def register_table(accesses: Accesses) -> Table:
    """Before accesses of instructions."""
    long = accesses.gaps >= LIMB
    held = [accesses.register[: len(long)][long], accesses.before_value[: len(long)][long]]
    return _table(RENEW_REGISTER, held, accesses.before_time[: len(long)][long], accesses.gaps[long])


def word_table(timeline: Timeline, writable_from: int) -> Table:
    """Before loads and stores of aligned words, and before calls, whose blocks may be written."""
    long = timeline.aligned & (timeline.gaps[0] >= LIMB)
    index, gaps, part = timeline.index[long], timeline.gaps[0][long], timeline.part.where(long)
    writable, since = (
        (index >= writable_from).astype(np.uint64),
        4 * part.clock + np.uint64(MOMENT - 1) - gaps,
    )
    words, before, since_calls, waited = timeline.long_waits
    accesses = (index, writable, part.word0, since, gaps)
    calls = (words, np.ones_like(words), before, since_calls, waited)
    *held, since, gaps = map(np.concatenate, zip(accesses, calls, strict=True))
    return _table(RENEW_WORD, held, since, gaps)
