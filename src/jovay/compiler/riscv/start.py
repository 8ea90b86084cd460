"""``_start``: the few instructions between the machine's reset and the kernel's entry."""

from __future__ import annotations

import struct

from jovay.kernel.riscv.machine import SYSCALL_EXIT

from .elf import SHF_ALLOC, SHF_EXECINSTR
from .encoding import encode
from .layout import ARENA_BASE, INPUT_BASE, LENGTH_SIZE, OUTPUT_BASE, STACK_BASE, MemorySizes
from .linker import Object, Section
from .relocations import CALL_PLT, Relocation

RA, SP, A0, A1, A2, A3, A4, A5, A7 = 1, 2, 10, 11, 12, 13, 14, 15, 17
START = "_start"


def load_immediate(rd: int, value: int) -> list[int]:
    """Instructions that put a number of 31 bits into a register."""
    if not 0 <= value < (1 << 31) - 0x800:
        raise ValueError(f"{value:#x} is not a positive 31-bit number")
    upper = value + 0x800 >> 12
    low = value - (upper << 12)
    if upper == 0:
        return [encode("addi", rd=rd, imm=low)]
    words = [encode("lui", rd=rd, imm=upper)]
    return [*words, encode("addi", rd=rd, rs1=rd, imm=low)] if low else words


def start_object(entry: str, sizes: MemorySizes) -> Object:
    """The object that defines ``_start``, calling the symbol ``entry``.

    An input that says it is longer than its window ends the program: who proves a run chooses all that lies there.
    """
    words = load_immediate(SP, STACK_BASE + sizes.stack)
    words += load_immediate(A0, INPUT_BASE)
    words += [encode("ld", rd=A1, rs1=A0), encode("addi", rd=A0, rs1=A0, imm=LENGTH_SIZE)]
    words += load_immediate(A2, sizes.input - LENGTH_SIZE)
    words += [encode("bgeu", rs1=A2, rs2=A1, imm=8), encode("ebreak")]
    words += load_immediate(A2, OUTPUT_BASE)
    words += load_immediate(A3, ARENA_BASE)
    words += load_immediate(A4, sizes.arena)
    words += load_immediate(A5, sizes.output)
    call = Relocation(4 * len(words), CALL_PLT, 2, 0)
    words += [encode("auipc", rd=RA), encode("jalr", rd=RA, rs1=RA)]
    words += load_immediate(A7, SYSCALL_EXIT)
    words += [encode("ecall"), encode("ebreak")]
    code = bytearray(struct.pack(f"<{len(words)}I", *words))
    section = Section(".text.start", code, len(code), 16, SHF_ALLOC | SHF_EXECINSTR, [call])
    return Object({1: section}, [(None, 0, ""), (1, 0, START), (None, 0, entry)], {START: 1})
