"""RV64IM decoding, in the kernel language: each instruction word becomes 8 bytes that the machine runs from.

=========  ===============================================================================================
bits 0-7   operation: ``CODE[mnemonic]``; 0 is an illegal instruction
bits 8-15  destination register; writes to x0 go to register 32, so that x0 stays 0
bits 16-23 first source register
bits 24-31 second source register, x0 where there is none
bits 32-63 immediate, signed
=========  ===============================================================================================

``fence`` becomes an addition into nowhere: there is one hart and no device.
"""

from ..lang import U8, U64, Ptr, Table, kernel, load32, sar, store64
from .operations import OPERATIONS, sign_extend

LOADS = ("lb", "lh", "lw", "ld", "lbu", "lhu", "lwu")
STORES = ("sb", "sh", "sw", "sd")
BRANCHES = ("beq", "bne", "blt", "bge", "bltu", "bgeu")
_NAMES = (*OPERATIONS, *LOADS, *STORES, *BRANCHES, "auipc", "jal", "jalr", "ecall", "ebreak")

#: Operation number by mnemonic.
CODE = {name: number for number, name in enumerate(_NAMES, 1)}


def _by_funct3(*names: str) -> Table:
    return Table(U8, [CODE.get(name, 0) for name in names])


_LOAD = _by_funct3(*LOADS, "")
_STORE = _by_funct3(*STORES, "", "", "", "")
_BRANCH = _by_funct3("beq", "bne", "", "", "blt", "bge", "bltu", "bgeu")
_PLAIN = _by_funct3("add", "sll", "slt", "sltu", "xor", "srl", "or", "and")
_OTHER = _by_funct3("sub", "", "", "", "", "sra", "", "")
_MULTIPLY = _by_funct3("mul", "mulh", "mulhsu", "mulhu", "div", "divu", "rem", "remu")
_PLAIN_W = _by_funct3("addw", "sllw", "", "", "", "srlw", "", "")
_OTHER_W = _by_funct3("subw", "", "", "", "", "sraw", "", "")
_MULTIPLY_W = _by_funct3("mulw", "", "", "", "divw", "divuw", "remw", "remuw")
ADD, SLL, SLLW, SRL, SRLW, SRA, SRAW, AUIPC, JAL, JALR, ECALL, EBREAK = (
    CODE[n] for n in "add sll sllw srl srlw sra sraw auipc jal jalr ecall ebreak".split()
)
NOWHERE = 32


@kernel(inline=True)
def field_op(decoded: U64) -> U64:
    return decoded & 255


@kernel(inline=True)
def field_rd(decoded: U64) -> U64:
    return (decoded >> 8) & 255


@kernel(inline=True)
def field_rs1(decoded: U64) -> U64:
    return (decoded >> 16) & 255


@kernel(inline=True)
def field_rs2(decoded: U64) -> U64:
    return (decoded >> 24) & 255


@kernel(inline=True)
def field_imm(decoded: U64) -> U64:
    return sar(decoded, 32)


@kernel
def pack(op: U64, rd: U64, rs1: U64, rs2: U64, imm: U64) -> U64:
    """The decoded form; illegal operations (0) have no operands."""
    if op == 0:
        return U64(0)
    target = U64(NOWHERE) if rd == 0 else rd
    return op | (target << 8) | (rs1 << 16) | (rs2 << 24) | (imm << 32)


@kernel
def register_operation(word: U64) -> U64:
    """Operation of OP and OP-32 instructions, by funct7 and funct3."""
    funct3 = (word >> 12) & 7
    funct7 = word >> 25
    wide = word & 8 == 0
    if funct7 == 0:
        return _PLAIN[funct3] if wide else _PLAIN_W[funct3]
    if funct7 == 1:
        return _MULTIPLY[funct3] if wide else _MULTIPLY_W[funct3]
    if funct7 == 0x20:
        return _OTHER[funct3] if wide else _OTHER_W[funct3]
    return U64(0)


@kernel
def decode_immediate(word: U64, rd: U64, rs1: U64) -> U64:
    """OP-IMM and OP-IMM-32: register operations with an immediate; a shift has a function code above."""
    funct3 = (word >> 12) & 7
    wide = word & 8 == 0
    imm = sign_extend(word >> 20, U64(12))
    if funct3 == 1 or funct3 == 5:
        shift = (word >> 20) & 63
        function = word >> 26
        if not wide and shift >= 32:
            return U64(0)
        op = U64(0)
        if funct3 == 1 and function == 0:
            op = U64(SLL) if wide else U64(SLLW)
        elif funct3 == 5 and function == 0:
            op = U64(SRL) if wide else U64(SRLW)
        elif funct3 == 5 and function == 0x10:
            op = U64(SRA) if wide else U64(SRAW)
        return pack(op, rd, rs1, U64(0), shift)
    return pack(_PLAIN[funct3] if wide else _PLAIN_W[funct3], rd, rs1, U64(0), imm)


@kernel(inline=True)
def store_offset(word: U64) -> U64:
    return sign_extend((word >> 25 << 5) | ((word >> 7) & 31), U64(12))


@kernel(inline=True)
def branch_offset(word: U64) -> U64:
    bits = (word >> 31 << 12) | (((word >> 7) & 1) << 11) | (((word >> 25) & 63) << 5)
    return sign_extend(bits | (((word >> 8) & 15) << 1), U64(13))


@kernel(inline=True)
def jump_offset(word: U64) -> U64:
    bits = (word >> 31 << 20) | (((word >> 12) & 255) << 12) | (((word >> 20) & 1) << 11)
    return sign_extend(bits | (((word >> 21) & 1023) << 1), U64(21))


@kernel
def decode(word: U64) -> U64:
    """Decoded form of one 32-bit instruction word."""
    opcode = word & 127
    rd = (word >> 7) & 31
    funct3 = (word >> 12) & 7
    rs1 = (word >> 15) & 31
    rs2 = (word >> 20) & 31
    imm = sign_extend(word >> 20, U64(12))
    zero = U64(0)
    if opcode == 0x33 or opcode == 0x3B:
        return pack(register_operation(word), rd, rs1, rs2, zero)
    if opcode == 0x13 or opcode == 0x1B:
        return decode_immediate(word, rd, rs1)
    if opcode == 0x03:
        return pack(_LOAD[funct3], rd, rs1, zero, imm)
    if opcode == 0x23:
        return pack(_STORE[funct3], zero, rs1, rs2, store_offset(word))
    if opcode == 0x63:
        return pack(_BRANCH[funct3], zero, rs1, rs2, branch_offset(word))
    if opcode == 0x37:
        return pack(U64(ADD), rd, zero, zero, word & 0xFFFFF000)
    if opcode == 0x17:
        return pack(U64(AUIPC), rd, zero, zero, word & 0xFFFFF000)
    if opcode == 0x6F:
        return pack(U64(JAL), rd, zero, zero, jump_offset(word))
    if opcode == 0x67 and funct3 == 0:
        return pack(U64(JALR), rd, rs1, zero, imm)
    if opcode == 0x0F and funct3 == 0:
        return pack(U64(ADD), zero, zero, zero, zero)
    if word == 0x73:
        return pack(U64(ECALL), zero, zero, zero, zero)
    if word == 0x00100073:
        return pack(U64(EBREAK), zero, zero, zero, zero)
    return zero


@kernel
def decode_text(text: Ptr, count: U64, target: Ptr) -> None:
    """Decode ``count`` instruction words at ``text`` into ``8 · count`` bytes at ``target``."""
    for k in range(count):
        store64(target + k * 8, decode(load32(text + k * 4)))
