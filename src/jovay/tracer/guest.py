"""The stateless function as the RISC-V program that the zkVM proves."""

from __future__ import annotations

from jovay.compiler.riscv.build import build_elf
from jovay.compiler.riscv.elf import program_digest
from jovay.compiler.riscv.layout import MIB, MemorySizes
from jovay.kernel.programs import guests
from jovay.native.emulator import Emulator
from jovay.state.errors import GuestError

from .witness import StatelessResult, read_result

GUEST_ARENA = 1024 * MIB


class GuestExecutor:
    """Runs it in the emulator."""

    def __init__(self) -> None:
        self.elf = build_elf(guests.block, MemorySizes(stack=16 * MIB, arena=GUEST_ARENA))
        self._emulator = Emulator(self.elf)

    @property
    def digest(self) -> bytes:
        """Hash of the program, which L1 will know it by."""
        return program_digest(self.elf)

    def execute(self, data: bytes, max_cycles: int = 10**12) -> tuple[StatelessResult, int]:
        """(result, cycles) of an encoded ``BlockInput`` of scale 0; ``GuestError`` if the program does not end."""
        run = self._emulator.run(data, max_cycles)
        if not run.exited:
            raise GuestError(
                f"{run.reason} at pc {run.pc:#x}, address {run.fault:#x}, after {run.cycles} cycles"
            )
        return read_result(run.output), run.cycles
