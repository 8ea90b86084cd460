"""The stateless programs as RISC-V: what the zkVM proves, run in the emulator."""

from __future__ import annotations

from collections.abc import Collection

from jovay.compiler.riscv.build import build_elf
from jovay.compiler.riscv.elf import program_digest
from jovay.compiler.riscv.layout import MIB, MemorySizes
from jovay.kernel.lang import KernelFunction
from jovay.kernel.programs import guests
from jovay.native.emulator import Emulator

from .chunk import ChunkStatement
from .errors import GuestError
from .witness import StatelessResult, read_result

GUEST_ARENA = 1024 * MIB


class Guest:
    """One program."""

    def __init__(self, entry: KernelFunction, accelerators: Collection[str] = ()) -> None:
        self.elf = build_elf(entry, MemorySizes(stack=16 * MIB, arena=GUEST_ARENA), accelerators=accelerators)
        self._emulator = Emulator(self.elf)

    @property
    def digest(self) -> bytes:
        """Hash of the program, which L1 will know it by."""
        return program_digest(self.elf)

    def run(self, data: bytes, max_cycles: int = 10**12) -> tuple[bytes, int]:
        """(output, cycles) of an encoded input of scale 0; ``GuestError`` if the program does not end."""
        run = self._emulator.run(data, max_cycles)
        if not run.exited:
            raise GuestError(
                f"{run.reason} at pc {run.pc:#x}, address {run.fault:#x}, after {run.cycles} cycles"
            )
        return run.output, run.cycles


class GuestExecutor(Guest):
    """Executes single blocks."""

    def __init__(self, accelerators: Collection[str] = ()) -> None:
        super().__init__(guests.block, accelerators)

    def execute(self, data: bytes, max_cycles: int = 10**12) -> tuple[StatelessResult, int]:
        """(result, cycles) of an encoded ``BlockInput``."""
        output, cycles = self.run(data, max_cycles)
        return read_result(output), cycles


class ChunkGuest(Guest):
    """Executes chunks."""

    def __init__(self, accelerators: Collection[str] = ()) -> None:
        super().__init__(guests.chunk, accelerators)

    def execute(self, data: bytes, max_cycles: int = 10**12) -> tuple[ChunkStatement, int]:
        """(statement, cycles) of an encoded ``ChunkInput``."""
        output, cycles = self.run(data, max_cycles)
        return ChunkStatement.read(output), cycles
