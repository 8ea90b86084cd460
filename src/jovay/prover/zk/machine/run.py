"""A run of a program, instruction by instruction, as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from jovay.kernel.riscv.decode import BRANCHES, CODE, STORES
from jovay.native.emulator import Calls, Emulator, Trace
from jovay.prover.zk.errors import ZkError
from jovay.prover.zk.field import U64

_SILENT = [CODE[name] for name in (*BRANCHES, *STORES, "ecall", "ebreak")]


@dataclass(frozen=True)
class Run:
    """Columns over all instructions. ``c`` is 0 for one that writes no register; ``next`` of the last one is 1.

    ``word0`` … ``new1``: the two words of memory at a load or store, before and after it. ``output``: what the program
    leaves, and ``calls``: what its system calls work on, by number.
    """

    clock: U64
    pc: U64
    operation: U64
    rd: U64
    rs1: U64
    rs2: U64
    imm: U64
    a: U64
    b: U64
    c: U64
    next: U64
    word0: U64
    word1: U64
    new0: U64
    new1: U64
    output: bytes = b""
    calls: Mapping[int, Calls] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.clock)

    def where(self, mask: npt.NDArray[Any]) -> Run:
        """Some of them."""
        columns = [each.name for each in fields(self) if each.name not in ("output", "calls")]
        return replace(self, **{name: getattr(self, name)[mask] for name in columns})

    @classmethod
    def of(cls, emulator: Emulator, data: bytes, max_cycles: int = 1 << 24) -> Run:
        """Run a program to its end. Raises ``ZkError`` if it does not exit."""
        return cls.traced(emulator.trace(data, max_cycles))

    @classmethod
    def traced(cls, trace: Trace) -> Run:
        """What is written down of a run."""
        steps, execution = trace.steps, trace.execution
        if not execution.exited:
            raise ZkError(f"the program ends by: {execution.reason}, after {len(steps)} instructions")
        operation, rd, rs1, rs2, imm = unpacked(steps["decoded"])
        c = np.where(np.isin(operation, _SILENT), np.uint64(0), steps["c"])
        clock = np.arange(1, len(steps) + 1, dtype=np.uint64)
        of_step = {name: steps[name] for name in ("pc", "a", "b", "word0", "word1", "new0", "new1")}
        return cls(
            clock=clock, operation=operation, rd=rd, rs1=rs1, rs2=rs2, imm=imm, c=c, next=steps["next_pc"],
            **of_step, output=execution.output, calls=trace.calls,
        )  # fmt: skip


def unpacked(decoded: U64) -> list[U64]:
    """Operation, rd, rs1, rs2 and immediate of decoded instructions (``kernel.riscv.decode``)."""
    small = [(decoded >> np.uint64(shift)) & np.uint64(255) for shift in (0, 8, 16, 24)]
    return [*small, (decoded.view(np.int64) >> 32).view(np.uint64)]
