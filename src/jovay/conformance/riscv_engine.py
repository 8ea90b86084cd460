"""State tests on the kernel as a RISC-V program, in the emulator."""

from __future__ import annotations

from collections.abc import Collection

from jovay.compiler.generate import Progress
from jovay.compiler.riscv.build import build_elf
from jovay.compiler.riscv.layout import MIB, MemorySizes
from jovay.kernel.programs.guests import state_test
from jovay.native.emulator import Emulator

from .state_tests import EngineError

#: Room for ``state_test.sizes_for`` at scale 0, the scale of tests for this engine.
SIZES = MemorySizes(stack=64 * MIB, arena=1280 * MIB)
#: More than a test of 2²⁴ gas, the limit of a transaction, should ever need.
MAX_CYCLES = 100_000_000_000


class RiscvError(EngineError):
    """The guest did not reach its end; the message says where and why."""


class RiscvEngine:
    """Runs tests one after the other, each in fresh memory. Tests must be encoded at scale 0."""

    def __init__(self, progress: Progress | None = None, accelerators: Collection[str] = ()) -> None:
        self.elf = build_elf(state_test, SIZES, progress, accelerators)
        self._emulator = Emulator(self.elf)

    def run(self, data: bytes) -> tuple[bytes, int]:
        """(outcome, cycles)."""
        result = self._emulator.run(data, MAX_CYCLES)
        if not result.exited:
            where = f"pc {result.pc:#x}, address {result.fault:#x}"
            raise RiscvError(f"{result.reason} at {where} after {result.cycles} cycles")
        return result.output, result.cycles
