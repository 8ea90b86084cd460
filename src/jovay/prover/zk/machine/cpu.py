"""The instructions in order: each is fetched, reads two registers, is executed elsewhere, and writes one.

A register is a chain of messages: who reads it receives what it holds since when, and sends the same with the time of
the reading; who writes it sends the new value. A time stamp is 4·clock and 0, 1 or 3; that it is later than the one
received is shown by the difference, less 1, in one limb (what is older, ``renew`` has said again).
"""

from __future__ import annotations

import numpy as np

from jovay.kernel.riscv.decode import CODE
from jovay.prover.zk.chip import Chip, Message, Row
from jovay.prover.zk.field import U64
from jovay.prover.zk.tables import Table

from .buses import EXECUTE, PROGRAM, REGISTER, STATE, STOPPED
from .parts import boolean, ranged
from .run import Run
from .timeline import short

_ACCESSES = (("rs1", "a", 0), ("rs2", "b", 1), ("rd", "c", 3))
#: Time stamps of a run are below 2^48.
_TIME_BITS = 48
_COLUMNS = (
    *("used", "pc", "operation", "rd", "rs1", "rs2", "imm", "a", "b", "c", "next", "old"),
    *(f"gap_{name}" for name, _, _ in _ACCESSES),
)


def _messages(row: Row) -> list[Message]:
    """The clock is the number of the row, counted from 1."""
    used, clock = row.used, row.index + 1
    instruction = (row.pc, row.operation, row.rd, row.rs1, row.rs2, row.imm)
    found = [
        Message(PROGRAM, used, instruction),
        Message(STATE, -used, (clock, row.pc)),
        Message(STATE, used, (clock + 1, row.next)),
        Message(EXECUTE, used, (row.operation, clock, row.pc, row.a, row.b, row.imm, row.c, row.next)),
    ]
    for register, value, moment in _ACCESSES:
        number, now, gap = (getattr(row, name) for name in (register, value, f"gap_{register}"))
        before, time = row.old if register == "rd" else now, 4 * clock + moment
        found.append(Message(REGISTER, -used, (number, before, time - 1 - gap)))
        found.append(Message(REGISTER, used, (number, now, time)))
        found += ranged([gap], used)
    return found


CPU = Chip("cpu", _COLUMNS, lambda row: [boolean(row.used)], _messages, computed=("index",))


#: What a system call reads: its argument and its number, at time 4·clock + 2.
CALL_REGISTERS, CALL_MOMENT = (10, 17), 2


class Accesses:
    """All accesses of registers, register by register in the order of time: of all instructions rs1, rs2 and rd, then
    those of system calls. ``gaps`` and ``read_gaps`` are the times since the accesses before, less 1, of the former,
    and of the latter: shape (a0 and a7, calls).
    """

    def __init__(self, run: Run) -> None:
        self._count = len(run)
        called = run.clock[run.operation == CODE["ecall"]]
        numbers = [getattr(run, register) for register, _, _ in _ACCESSES]
        numbers += [np.full_like(called, register) for register in CALL_REGISTERS]
        values = [getattr(run, value) for _, value, _ in _ACCESSES]
        values += [np.zeros_like(called)] * len(CALL_REGISTERS)
        times = [4 * run.clock + np.uint64(moment) for _, _, moment in _ACCESSES]
        times += [4 * called + np.uint64(CALL_MOMENT)] * len(CALL_REGISTERS)
        self.register, self.time, value = map(np.concatenate, (numbers, times, values))
        order = np.argsort(self.register << np.uint64(_TIME_BITS) | self.time, kind="stable")
        first = np.r_[True, self.register[order][1:] != self.register[order][:-1]]
        # What calls read is what was there: of each access in order, the last one with a value that is told.
        told = first | (order < len(_ACCESSES) * self._count)
        last = np.maximum.accumulate(np.where(told, np.arange(len(order)), 0))
        held = np.where(order[last] < len(_ACCESSES) * self._count, value[order][last], np.uint64(0))
        value[order] = held
        self.before_value, self.before_time = np.zeros_like(value), np.zeros_like(self.time)
        self.before_value[order[1:]] = np.where(first[1:], np.uint64(0), held[:-1])
        self.before_time[order[1:]] = np.where(first[1:], np.uint64(0), self.time[order][:-1])
        self.value, self.last = value, order[np.r_[first[1:], True]]
        gaps = self.time - self.before_time - np.uint64(1)
        told_by = len(_ACCESSES) * self._count
        self.gaps, self.read_gaps = gaps[:told_by], gaps[told_by:].reshape(len(CALL_REGISTERS), -1)

    @property
    def old(self) -> U64:
        """What rd held before it was written."""
        return self.before_value[2 * self._count : 3 * self._count]

    @property
    def read(self) -> U64:
        """What system calls read: shape (a0 and a7, calls)."""
        return self.value[3 * self._count :].reshape(len(CALL_REGISTERS), -1)


def table(run: Run, accesses: Accesses) -> Table:
    """The rows of a run."""
    columns = [np.ones(len(run), np.uint64), run.pc, run.operation, run.rd, run.rs1, run.rs2]
    columns += [run.imm, run.a, run.b, run.c, run.next, accesses.old]
    columns += np.split(short(accesses.gaps), len(_ACCESSES))
    made = Table.of_words(CPU, columns)
    made.put("next", len(run) - 1, STOPPED)
    return made
