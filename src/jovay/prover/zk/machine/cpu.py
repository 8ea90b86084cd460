"""The instructions in order: each is fetched, reads two registers, is executed elsewhere, and writes one.

A register is a chain of messages: who reads it receives what it holds since when, and sends the same with the time of
the reading; who writes it sends the new value. A time stamp is 4·clock and 0, 1 or 3; that it is later than the one
received is shown by the difference, less 1, in two limbs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jovay.prover.zk.chip import Chip, Message, Row
from jovay.prover.zk.field import U64
from jovay.prover.zk.tables import Table

from .buses import EXECUTE, LIMB, LIMB_BITS, PROGRAM, REGISTER, STATE, STOPPED
from .parts import boolean, ranged
from .run import Run

_ACCESSES = (("rs1", "a", 0), ("rs2", "b", 1), ("rd", "c", 3))
_COLUMNS = (
    *("used", "clock", "pc", "operation", "rd", "rs1", "rs2", "imm", "a", "b", "c", "next", "old"),
    *(f"{part}_{name}" for name, _, _ in _ACCESSES for part in ("low", "high")),
)


def _constraints(row: Row) -> list[Any]:
    return [boolean(row.used)]


def _messages(row: Row) -> list[Message]:
    used = row.used
    instruction = (row.pc, row.operation, row.rd, row.rs1, row.rs2, row.imm)
    found = [
        Message(PROGRAM, used, instruction),
        Message(STATE, -used, (row.clock, row.pc)),
        Message(STATE, used, (row.clock + 1, row.next)),
        Message(EXECUTE, used, (row.operation, row.clock, row.pc, row.a, row.b, row.imm, row.c, row.next)),
    ]
    for register, value, moment in _ACCESSES:
        low, high = (getattr(row, f"{part}_{register}") for part in ("low", "high"))
        number, now, time = getattr(row, register), getattr(row, value), 4 * row.clock + moment
        before = row.old if register == "rd" else now
        found.append(Message(REGISTER, -used, (number, before, time - 1 - low - LIMB * high)))
        found.append(Message(REGISTER, used, (number, now, time)))
        found += ranged([low, high], used)
    return found


CPU = Chip("cpu", _COLUMNS, _constraints, _messages)


#: What a system call reads: its argument and its number, at time 4·clock + 2.
CALL_REGISTERS, CALL_MOMENT = (10, 17), 2


class Accesses:
    """All accesses of registers in the order of time, register by register: a run's, then those of its system call."""

    def __init__(self, run: Run) -> None:
        self._count = len(run)
        end = 4 * run.clock[-1:] + np.uint64(CALL_MOMENT)
        calls = np.array(CALL_REGISTERS, np.uint64)
        self.register = np.concatenate([*(getattr(run, register) for register, _, _ in _ACCESSES), calls])
        self.time = np.concatenate(
            [*(4 * run.clock + np.uint64(moment) for _, _, moment in _ACCESSES), end, end]
        )
        value = np.concatenate([*(getattr(run, value) for _, value, _ in _ACCESSES), np.zeros_like(calls)])
        order = np.lexsort((self.time, self.register))
        same = self.register[order][1:] == self.register[order][:-1]
        self.before_value, self.before_time = np.zeros_like(value), np.zeros_like(self.time)
        self.before_value[order[1:]] = np.where(same, value[order][:-1], np.uint64(0))
        self.before_time[order[1:]] = np.where(same, self.time[order][:-1], np.uint64(0))
        value[-len(calls) :] = self.before_value[-len(calls) :]
        self.value, self.last = value, order[np.r_[~same, True]]

    def gaps(self, access: int) -> U64:
        """Time since the access before, less 1; by number of an instruction's access, 3 for the system call's."""
        part = slice(access * self._count, None if access == len(_ACCESSES) else (access + 1) * self._count)
        gaps: U64 = self.time[part] - self.before_time[part] - np.uint64(1)
        return gaps

    @property
    def old(self) -> U64:
        """What rd held before it was written."""
        return self.before_value[2 * self._count : 3 * self._count]

    @property
    def call(self) -> U64:
        """What the system call read."""
        return self.value[3 * self._count :]


def table(run: Run, accesses: Accesses) -> Table:
    """The rows of a run."""
    columns = [np.ones(len(run), np.uint64), run.clock, run.pc, run.operation, run.rd, run.rs1, run.rs2]
    columns += [run.imm, run.a, run.b, run.c, run.next, accesses.old]
    for access in range(len(_ACCESSES)):
        gap = accesses.gaps(access)
        columns += [gap % np.uint64(LIMB), gap >> np.uint64(LIMB_BITS)]
    made = Table.of_words(CPU, columns)
    made.put("next", len(run) - 1, STOPPED)
    return made
