"""System calls: number 93 ends the program, all others are answered by chips of their own (``calls``)."""

from __future__ import annotations

from typing import Any

import numpy as np

from jovay.kernel.riscv.decode import CODE
from jovay.kernel.riscv.machine import SYSCALL_EXIT
from jovay.prover.zk.chip import Chip, Message, Row
from jovay.prover.zk.tables import Table

from .buses import CALL, EXECUTE, EXIT, LIMB, LIMB_BITS, REGISTER, STOPPED
from .cpu import CALL_MOMENT, CALL_REGISTERS, Accesses
from .parts import boolean, ranged
from .run import Run

_NAMES = ("a0", "a7")
_COLUMNS = (
    *("exit", "call", "clock", "pc", "a", "b", "imm", *_NAMES, "index", "next"),
    *(f"{part}_{name}" for name in _NAMES for part in ("low", "high")),
)


def _constraints(row: Row) -> list[Any]:
    """``index`` is a0/8 in the field: where a0 is no multiple of 8, memory has no such word."""
    return [
        *map(boolean, (row.exit, row.call, row.exit + row.call)),
        row.exit * (row.a7 - SYSCALL_EXIT),
        row.call * (row.a0 - 8 * row.index),
        row.exit * (row.next - STOPPED),
        row.call * (row.next - row.pc - 4),
    ]


def _messages(row: Row) -> list[Message]:
    """a0 and a7 are read at time 4·clock + 2. No chip answers a call of number 93."""
    used, time = row.exit + row.call, 4 * row.clock + CALL_MOMENT
    instruction = CODE["ecall"] * used, row.clock, row.pc, row.a, row.b, row.imm, 0 * used, row.next
    found = [
        Message(EXECUTE, -used, instruction),
        Message(EXIT, row.exit, (row.a0,)),
        Message(CALL, row.call, (row.a7, row.clock, row.index)),
    ]
    for name, register in zip(_NAMES, CALL_REGISTERS, strict=True):
        low, high = (getattr(row, f"{part}_{name}") for part in ("low", "high"))
        number, value = register * used, getattr(row, name)
        found.append(Message(REGISTER, -used, (number, value, time - 1 - low - LIMB * high)))
        found.append(Message(REGISTER, used, (number, value, time)))
        found += ranged([low, high], used)
    return found


SYSTEM = Chip("system", _COLUMNS, _constraints, _messages)


def table(run: Run, accesses: Accesses) -> Table:
    """The rows of a run."""
    part = run.where(run.operation == CODE["ecall"])
    (argument, number), gaps = accesses.read, accesses.read_gaps
    ends = (number == SYSCALL_EXIT).astype(np.uint64)
    calls, zero = np.uint64(1) - ends, np.zeros_like(ends)
    columns = [ends, calls, part.clock, part.pc, part.a, part.b, part.imm, argument, number]
    columns += [calls * (argument >> np.uint64(3)), np.where(ends == 1, zero, part.next)]
    columns += [limb for gap in gaps for limb in (gap % np.uint64(LIMB), gap >> np.uint64(LIMB_BITS))]
    made = Table.of_words(SYSTEM, columns)
    for row in np.flatnonzero(ends).tolist():
        made.put("next", row, STOPPED)
    return made
