"""RV64IM for tests: programs by hand, a slow model from the ISA manual, and QEMU (unicorn) as a judge."""

from __future__ import annotations

import importlib
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from jovay.compiler.riscv.elf import PF_R, PF_W, PF_X, Image, Segment, write_elf
from jovay.compiler.riscv.encoding import encode
from jovay.compiler.riscv.layout import OUTPUT_BASE

TEXT = 0x10000
CONSTANTS = 0x11_0000
DATA = OUTPUT_BASE  # so that a run's output shows the memory
DATA_SIZE = 4096
WRAP = 1 << 64
EDGES = sorted(
    {0, 1, 2, 3, 31, 32, 33, 63, 64, 0x7FF, 0x800, 0xFFFF_FFFF_0000_0000, 0x5555_5555_5555_5555}
    | {(1 << k) + d for k in (31, 32, 63) for d in (-1, 0, 1)}
    | {WRAP - d for d in (1, 2, 3, 1 << 31, (1 << 31) + 1, 1 << 32)}
)


def signed(value: int, bits: int = 64) -> int:
    """The low ``bits`` of ``value`` in two's complement."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def _divide(a: int, b: int, bits: int) -> int:
    if b == 0:
        return -1
    if a == -(1 << bits - 1) and b == -1:
        return a
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def _remainder(a: int, b: int, bits: int) -> int:
    return a if b == 0 else a - b * _divide(a, b, bits) if (a, b) != (-(1 << bits - 1), -1) else 0


def _words(f: Callable[[int, int], int]) -> Callable[[int, int], int]:
    """A W instruction: 32-bit operands, result sign-extended."""
    return lambda a, b: signed(f(a & 0xFFFF_FFFF, b & 0xFFFF_FFFF), 32)


S = signed
#: What each computing instruction leaves in rd (before reduction modulo 2⁶⁴), from the ISA manual.
MODEL: dict[str, Callable[[int, int], int]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "sll": lambda a, b: a << b % 64,
    "slt": lambda a, b: S(a) < S(b),
    "sltu": lambda a, b: a < b,
    "xor": lambda a, b: a ^ b,
    "srl": lambda a, b: a >> b % 64,
    "sra": lambda a, b: S(a) >> b % 64,
    "or": lambda a, b: a | b,
    "and": lambda a, b: a & b,
    "mul": lambda a, b: a * b,
    "mulh": lambda a, b: S(a) * S(b) >> 64,
    "mulhsu": lambda a, b: S(a) * b >> 64,
    "mulhu": lambda a, b: a * b >> 64,
    "div": lambda a, b: _divide(S(a), S(b), 64),
    "divu": lambda a, b: a // b if b else WRAP - 1,
    "rem": lambda a, b: _remainder(S(a), S(b), 64),
    "remu": lambda a, b: a % b if b else a,
    "addw": _words(lambda a, b: a + b),
    "subw": _words(lambda a, b: a - b),
    "sllw": _words(lambda a, b: a << b % 32),
    "srlw": _words(lambda a, b: a >> b % 32),
    "sraw": _words(lambda a, b: S(a, 32) >> b % 32),
    "mulw": _words(lambda a, b: a * b),
    "divw": _words(lambda a, b: _divide(S(a, 32), S(b, 32), 32)),
    "divuw": _words(lambda a, b: a // b if b else 0xFFFF_FFFF),
    "remw": _words(lambda a, b: _remainder(S(a, 32), S(b, 32), 32)),
    "remuw": _words(lambda a, b: a % b if b else a),
}
#: Immediate forms and the model they share.
IMMEDIATE = {n: n[:-1] for n in ("addi", "xori", "ori", "andi", "slti", "slli", "srli", "srai")}
IMMEDIATE |= {"sltiu": "sltu"} | {n: n.replace("i", "") for n in ("addiw", "slliw", "srliw", "sraiw")}
COMPARE: dict[str, Callable[[int, int], bool]] = {
    "beq": lambda a, b: a == b,
    "bne": lambda a, b: a != b,
    "blt": lambda a, b: S(a) < S(b),
    "bge": lambda a, b: S(a) >= S(b),
    "bltu": lambda a, b: a < b,
    "bgeu": lambda a, b: a >= b,
}


@dataclass
class Program:
    """Code with labels by hand: ``p("addi", rd=1, imm=5)``, ``p.li(2, 1 << 63)``, then ``p.elf()``."""

    words: list[int] = field(default_factory=list)

    def __call__(self, name: str, **operands: int) -> Program:
        self.words.append(encode(name, **operands))
        return self

    @property
    def pc(self) -> int:
        """Address of the next instruction."""
        return TEXT + 4 * len(self.words)

    def li(self, rd: int, value: int) -> Program:
        """Put any 64-bit number into a register."""
        chunks = [(value >> shift) & 0x7FF for shift in (55, 44, 33, 22, 11, 0)]
        self("addi", rd=rd, imm=chunks[0])
        for chunk in chunks[1:]:
            self("slli", rd=rd, rs1=rd, imm=11)("addi", rd=rd, rs1=rd, imm=chunk)
        return self

    def elf(self, data: bytes = b"", constants: bytes = b"") -> bytes:
        """An executable: this text, ``constants`` at ``CONSTANTS``, ``DATA_SIZE`` writable bytes at ``DATA``.

        These begin with the length of the rest, so that the rest is the output; ``data`` is how it begins.
        """
        text = struct.pack(f"<{len(self.words)}I", *self.words)
        segments = [Segment(TEXT, text, len(text), PF_R | PF_X)]
        if constants:
            segments.append(Segment(CONSTANTS, constants, len(constants), PF_R))
        segments.append(Segment(DATA, memory(data), DATA_SIZE, PF_R | PF_W))
        return write_elf(Image(TEXT, tuple(segments)))


def memory(data: bytes) -> bytes:
    """The writable bytes as a program of ``Program.elf`` finds them."""
    return (struct.pack("<Q", DATA_SIZE - 8) + data).ljust(DATA_SIZE, b"\0")


def qemu(words: Sequence[int], data: bytes, steps: int) -> tuple[tuple[int, ...], bytes, int]:
    """Run ``words`` for ``steps`` instructions in unicorn on the memory of ``Program.elf``.

    Returns the registers, the writable bytes after the first eight, and the pc.
    """
    unicorn: Any = importlib.import_module("unicorn")
    names: Any = importlib.import_module("unicorn.riscv_const")
    engine = unicorn.Uc(unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV64)
    engine.mem_map(TEXT, 0x10_0000)
    engine.mem_map(DATA, DATA_SIZE)
    engine.mem_write(TEXT, struct.pack(f"<{len(words)}I", *words))
    engine.mem_write(DATA, memory(data))
    engine.emu_start(TEXT, TEXT + 4 * len(words), count=steps)
    registers = tuple(engine.reg_read(names.UC_RISCV_REG_X0 + k) for k in range(32))
    after = bytes(engine.mem_read(DATA + 8, DATA_SIZE - 8))
    return registers, after, engine.reg_read(names.UC_RISCV_REG_PC)
