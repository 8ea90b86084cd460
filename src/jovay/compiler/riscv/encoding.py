"""RV64IM instruction words from mnemonics (RISC-V Unprivileged ISA, chapters RV32I, RV64I and M).

``encode("addi", rd=2, rs1=2, imm=-16)``; immediates of branches and jumps are byte offsets from the
instruction, those of ``lui`` and ``auipc`` the upper 20 bits. Operands out of range are a ``ValueError``.
"""

from __future__ import annotations

#: mnemonic → (format, opcode, funct3, funct7)
INSTRUCTIONS: dict[str, tuple[str, int, int, int]] = {
    "lui": ("U", 0x37, 0, 0),
    "auipc": ("U", 0x17, 0, 0),
    "jal": ("J", 0x6F, 0, 0),
    "jalr": ("I", 0x67, 0, 0),
    "fence": ("I", 0x0F, 0, 0),
    "ecall": ("E", 0x73, 0, 0),
    "ebreak": ("E", 0x73, 0, 1),
}


def _family(template: str, opcode: int, rows: dict[str, tuple[int, int]]) -> None:
    for name, (funct3, funct7) in rows.items():
        INSTRUCTIONS[name] = (template, opcode, funct3, funct7)


_family("B", 0x63, {"beq": (0, 0), "bne": (1, 0), "blt": (4, 0), "bge": (5, 0)})
_family("B", 0x63, {"bltu": (6, 0), "bgeu": (7, 0)})
_family("I", 0x03, {n: (k, 0) for k, n in enumerate(("lb", "lh", "lw", "ld", "lbu", "lhu", "lwu"))})
_family("S", 0x23, {n: (k, 0) for k, n in enumerate(("sb", "sh", "sw", "sd"))})
_family("I", 0x13, {"addi": (0, 0), "slti": (2, 0), "sltiu": (3, 0)})
_family("I", 0x13, {"xori": (4, 0), "ori": (6, 0), "andi": (7, 0)})
_family("I", 0x1B, {"addiw": (0, 0)})
_family("shift64", 0x13, {"slli": (1, 0), "srli": (5, 0), "srai": (5, 0x20)})
_family("shift32", 0x1B, {"slliw": (1, 0), "srliw": (5, 0), "sraiw": (5, 0x20)})
_family(
    "R",
    0x33,
    {
        **{n: (k, 0) for k, n in enumerate(("add", "sll", "slt", "sltu", "xor", "srl", "or", "and"))},
        **{n: (k, 1) for k, n in enumerate(("mul", "mulh", "mulhsu", "mulhu", "div", "divu", "rem", "remu"))},
        "sub": (0, 0x20),
        "sra": (5, 0x20),
    },
)
_family("R", 0x3B, {"addw": (0, 0), "subw": (0, 0x20), "sllw": (1, 0), "srlw": (5, 0), "sraw": (5, 0x20)})
_family("R", 0x3B, {"mulw": (0, 1), "divw": (4, 1), "divuw": (5, 1), "remw": (6, 1), "remuw": (7, 1)})


def encode(name: str, *, rd: int = 0, rs1: int = 0, rs2: int = 0, imm: int = 0) -> int:
    """The 32-bit instruction word; operands the format has no place for must be left out (0)."""
    kind, opcode, funct3, funct7 = INSTRUCTIONS[name]
    for register in (rd, rs1, rs2):
        if not 0 <= register < 32:
            raise ValueError(f"{name}: no register x{register}")
    word = opcode | funct3 << 12
    if kind == "R":
        return word | rd << 7 | rs1 << 15 | rs2 << 20 | funct7 << 25
    if kind == "I":
        return word | rd << 7 | rs1 << 15 | _field(name, imm, 12) << 20
    if kind in ("shift64", "shift32"):
        if not 0 <= imm < int(kind[5:]):
            raise ValueError(f"{name}: shift by {imm}")
        return word | rd << 7 | rs1 << 15 | imm << 20 | funct7 << 25
    if kind == "S":
        value = _field(name, imm, 12)
        return word | (value & 31) << 7 | rs1 << 15 | rs2 << 20 | (value >> 5) << 25
    if kind == "B":
        return word | rs1 << 15 | rs2 << 20 | branch_bits(imm)
    if kind == "U":
        return word | rd << 7 | _field(name, imm, 20, unsigned=True) << 12
    if kind == "J":
        return word | rd << 7 | jump_bits(imm)
    return word | funct7 << 20


def branch_bits(offset: int) -> int:
    """A branch's offset (even, ±4 KiB), placed in the instruction word."""
    value = _offset("branch", offset, 13)
    return (value >> 11 & 1) << 7 | (value >> 1 & 15) << 8 | (value >> 5 & 63) << 25 | (value >> 12) << 31


def jump_bits(offset: int) -> int:
    """A ``jal``'s offset (even, ±1 MiB), placed in the instruction word."""
    value = _offset("jump", offset, 21)
    low = (value >> 12 & 255) << 12 | (value >> 11 & 1) << 20
    return low | (value >> 1 & 1023) << 21 | (value >> 20) << 31


def _offset(name: str, offset: int, bits: int) -> int:
    if offset % 2:
        raise ValueError(f"{name} by an odd offset {offset}")
    return _field(name, offset, bits)


def _field(name: str, value: int, bits: int, unsigned: bool = False) -> int:
    low = 0 if unsigned else -(1 << bits - 1)
    if not low <= value < 1 << (bits if unsigned else bits - 1):
        raise ValueError(f"{name}: {value} does not fit {bits} bits")
    return value & (1 << bits) - 1
