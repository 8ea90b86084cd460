"""All accesses of memory in a run, word by word: what was there since when."""

from __future__ import annotations

import numpy as np

from jovay.kernel.riscv.decode import CODE, LOADS, STORES
from jovay.prover.zk.field import U64

from .buses import LIMB
from .calls import MOMENT, Calls
from .parts import is_one_of
from .run import Run

NAMES = (*LOADS, *STORES)
WIDTHS = {"b": 1, "h": 2, "w": 4, "d": 8}
_WIDTHS_BY_CODE = np.zeros(256, np.uint64)
for _name in NAMES:
    _WIDTHS_BY_CODE[CODE[_name]] = WIDTHS[_name[1]]
#: Bits of time stamps; numbers of words have 28 (addresses have 31).
_TIME_BITS = 34


class Timeline:
    """Of ``part``, all loads and stores: ``widths`` in bytes, ``index`` of the word, ``offset`` in it, whether it
    reaches ``across`` into the next, ``gaps`` of both: times since the accesses before, less 1.
    Of the words of ``calls``, gaps are ``short``; ``long_waits`` says of which they are not.

    Accesses are the first words of all loads and stores, their second words where they lie across two,
    and the words of system calls' blocks, number by number; they are told apart by that place.
    """

    def __init__(self, run: Run) -> None:
        self.part = run.where(is_one_of(run.operation, NAMES))
        part = self.part
        self.widths = _WIDTHS_BY_CODE[part.operation.astype(np.int64)]
        address = part.a + part.imm
        self.carry = (address < part.a).astype(np.uint64)
        self.index, self.offset = address >> np.uint64(3), address % np.uint64(8)
        self.aligned = (self.offset == 0) & (self.widths == 8)
        self.across = (self.offset + self.widths > 8).astype(np.uint64)
        second = self.across == 1
        time = 4 * part.clock + np.uint64(MOMENT)
        words, times = [self.index, self.index[second] + np.uint64(1)], [time, time[second]]
        before, after = [part.word0, part.word1[second]], [part.new0, part.new1[second]]
        for blocks in run.calls.values():
            place = np.arange(blocks.before.shape[1], dtype=np.uint64)
            words.append(((blocks.address >> np.uint64(3))[:, None] + place).ravel())
            times.append(np.repeat(4 * blocks.clock + np.uint64(MOMENT), len(place)))
            before.append(blocks.before.ravel())
            after.append(blocks.after.ravel())
        self.words, self.times = np.concatenate(words), np.concatenate(times)
        self.before, self.after = np.concatenate(before), np.concatenate(after)
        gaps = self._gaps()
        first, others, *rest = np.split(gaps, np.cumsum([len(each) for each in words])[:-1])
        self.gaps = first, np.zeros_like(first)
        self.gaps[1][second] = others
        self.calls = {
            number: Calls(
                blocks.clock,
                blocks.address >> np.uint64(3),
                blocks.before,
                blocks.after,
                short(each.reshape(blocks.before.shape)),
            )
            for (number, blocks), each in zip(run.calls.items(), rest, strict=True)
        }
        long = gaps >= LIMB
        long[: len(first) + len(others)] = False
        since = self.times[long] - np.uint64(1) - gaps[long]
        self.long_waits = self.words[long], self.before[long], since, gaps[long]

    def _gaps(self) -> U64:
        """Of each access, the time since its word's one before, less 1; and which are words' first and last ones."""
        order = np.argsort(self.words << np.uint64(_TIME_BITS) | self.times, kind="stable")
        words = self.words[order]
        same = words[1:] == words[:-1]
        some = np.ones(min(len(order), 1), np.bool_)
        self.earliest, self.latest = order[np.r_[some, ~same]], order[np.r_[~same, some]]
        before = np.zeros_like(self.times)
        before[order[1:]] = np.where(same, self.times[order][:-1], np.uint64(0))
        gaps: U64 = self.times - before - np.uint64(1)
        return gaps


def short(gaps: U64) -> U64:
    """Those of one limb; none for longer ones, before which what is there is renewed."""
    return np.where(gaps < LIMB, gaps, np.uint64(0))
