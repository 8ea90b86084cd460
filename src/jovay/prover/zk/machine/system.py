"""The end of a program: the system call ``exit``."""

from __future__ import annotations

from typing import Any

import numpy as np

from jovay.kernel.riscv.machine import SYSCALL_EXIT
from jovay.prover.zk.chip import Chip, Message, Row
from jovay.prover.zk.errors import ZkError
from jovay.prover.zk.tables import Table

from .buses import EXIT, LIMB, REGISTER, STOPPED
from .cpu import CALL_MOMENT, CALL_REGISTERS, Accesses
from .parts import EXECUTED, boolean, chosen, common, executed, ranged
from .run import Run

_NAMES = ("ecall",)
_COLUMNS = (
    *_NAMES,
    *EXECUTED,
    "status",
    *(f"{part}_{name}" for name in ("a0", "a7") for part in ("low", "high")),
)


def _constraints(row: Row) -> list[Any]:
    return [boolean(row.ecall), row.ecall * row.c, row.ecall * (row.next - STOPPED)]


def _messages(row: Row) -> list[Message]:
    """a7 is the call's number and a0 the status: both are read at time 4·clock + 2."""
    used, time = row.ecall, 4 * row.clock + CALL_MOMENT
    found = [executed(row, _NAMES), Message(EXIT, used, (row.status,))]
    values = zip(("a0", "a7"), CALL_REGISTERS, (row.status, SYSCALL_EXIT * used), strict=True)
    for name, register, value in values:
        low, high = (getattr(row, f"{part}_{name}") for part in ("low", "high"))
        found.append(Message(REGISTER, -used, (register * used, value, time - 1 - low - LIMB * high)))
        found.append(Message(REGISTER, used, (register * used, value, time)))
        found += ranged([low, high], used)
    return found


SYSTEM = Chip("system", _COLUMNS, _constraints, _messages)


def table(run: Run, accesses: Accesses) -> Table:
    """The one row of a run."""
    part, marks = chosen(run, _NAMES)
    status, number = accesses.call.tolist()
    if number != SYSCALL_EXIT or len(part) != 1:
        raise ZkError(f"{len(part)} system calls, the last of which is {number}")
    gaps = [
        np.array([value], np.uint64) for gap in accesses.gaps(3).tolist() for value in divmod(gap, LIMB)[::-1]
    ]
    made = Table.of_words(SYSTEM, [*marks, *common(part), np.array([status], np.uint64), *gaps])
    made.put("next", 0, STOPPED)
    return made
