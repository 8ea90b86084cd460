"""Every instruction of RV64IM on edge cases: the tables of its runs fit what the ISA manual says, and nothing else.

Programs leave signatures, as the architecture's tests do: the results of all cases, one after another, as the output.
It is public, and here it comes from the model.
"""

from __future__ import annotations

import random
import struct

import pytest

from jovay.kernel.riscv.decode import CODE
from jovay.prover.zk import audit
from jovay.prover.zk.errors import ZkError
from jovay.prover.zk.machine.program import Program, shown
from jovay.prover.zk.machine.run import Run
from jovay.prover.zk.setup import Setup, development_setup
from rigs.rv64 import COMPARE, CONSTANTS, DATA, DATA_SIZE, EDGES, IMMEDIATE, MODEL, WRAP, signed
from rigs.rv64 import Program as Code

Pair = tuple[int, int]
#: What special cases are made of: division by zero, overflow, of 64 and of 32 bits.
SPECIAL = [
    (1 << 63, WRAP - 1),
    (5, 0),
    (WRAP - (1 << 31), WRAP - 1),
    (WRAP - 7, 1 << 32),
    (1 << 31, (1 << 32) - 1),
]
_BASE, _TARGET = 1, 2
NO_SETUP = development_setup(8, 3)
LOADS = {"lb": 1, "lbu": 1, "lh": 2, "lhu": 2, "lw": 4, "lwu": 4, "ld": 8}
STORES = {"sb": 1, "sh": 2, "sw": 4, "sd": 8}


def pairs(name: str, count: int) -> list[Pair]:
    """Special ones, those of edges, and random ones."""
    rng = random.Random(name)
    found = [*SPECIAL, *((rng.choice(EDGES), rng.choice(EDGES)) for _ in range(count))]
    found += [
        (rng.getrandbits(rng.randint(1, 64)), rng.getrandbits(rng.randint(1, 64))) for _ in range(count)
    ]
    return found[:count]


class Signed:
    """A program, the constants from which it loads, and the signature that it has to leave."""

    def __init__(self) -> None:
        self.code, self.constants, self.signature = (
            Code().li(_BASE, CONSTANTS).li(_TARGET, DATA + 8),
            list[int](),
            list[int](),
        )

    def operands(self, *values: int) -> None:
        """Into registers 3, 4, …"""
        for register, value in enumerate(values, 3):
            self.code("ld", rd=register, rs1=_BASE)("addi", rd=_BASE, rs1=_BASE, imm=8)
            self.constants.append(value)

    def result(self, value: int) -> None:
        """Register 5 goes to the signature."""
        self.code("sd", rs1=_TARGET, rs2=5)("addi", rd=_TARGET, rs1=_TARGET, imm=8)
        self.signature.append(value % WRAP)

    def program(self, setup: Setup = NO_SETUP) -> Program:
        """With its end."""
        code = Code([*self.code.words])("addi", rd=17, imm=93)("addi", rd=10)("ecall")
        constants = struct.pack(f"<{len(self.constants)}Q", *self.constants)
        return Program(code.elf(constants=constants), setup)

    @property
    def output(self) -> bytes:
        """As it has to be."""
        return struct.pack(f"<{len(self.signature)}Q", *self.signature).ljust(DATA_SIZE - 8, b"\0")


def computed(names: list[str], count: int) -> Signed:
    """Two registers to one."""
    made = Signed()
    for name in names:
        for a, b in pairs(name, count):
            made.operands(a, b)
            made.code(name, rd=5, rs1=3, rs2=4)
            made.result(int(MODEL[name](a, b)))
    return made


def immediate(count: int) -> Signed:
    """A register and an immediate to one."""
    made, rng = Signed(), random.Random(1)
    for name, model in IMMEDIATE.items():
        width = 32 if name.endswith("w") else 64
        shift = name[:2] in ("sl", "sr") and not name.startswith("slt")
        for a, _ in pairs(name, count):
            imm = rng.choice([0, 1, 31, width - 1] if shift else [0, 1, -1, 2047, -2048])
            made.operands(a)
            made.code(name, rd=5, rs1=3, imm=imm)
            made.result(int(MODEL[model](a, imm % WRAP)))
    for imm in (0, 1, 0x7FFFF, 0x80000, 0xFFFFF):
        made.code("lui", rd=5, imm=imm)
        made.result(signed(imm << 12, 32))
        at = made.code.pc
        made.code("auipc", rd=5, imm=imm)
        made.result(at + signed(imm << 12, 32))
    return made


def jumping(count: int) -> Signed:
    """Branches that are taken and not, forth and back; links of jumps."""
    made = Signed()
    for name, model in COMPARE.items():
        for a, b in [*pairs(name, count), (7, 7), (WRAP - 1, WRAP - 1)]:
            made.operands(a, b)
            made.code("addi", rd=5, imm=1)(name, rs1=3, rs2=4, imm=8)("addi", rd=5, imm=2)
            made.result(1 if model(a, b) else 2)
    made.code("addi", rd=6, imm=3)("addi", rd=5)
    made.code("addi", rd=5, rs1=5, imm=5)("addi", rd=6, rs1=6, imm=-1)("blt", rs1=0, rs2=6, imm=-8)
    made.result(15)
    at = made.code.pc
    made.code("jal", rd=5, imm=8)("ebreak")
    made.result(at + 4)
    at = made.code.pc
    made.code("auipc", rd=6)("jalr", rd=5, rs1=6, imm=13)("ebreak")
    made.result(at + 8)
    return made


def accessing() -> Signed:
    """Loads and stores at all offsets."""
    made = Signed()
    data = bytes(range(0x78, 0x88)) + bytes(range(0xF8, 0x100))
    made.constants += struct.unpack("<3Q", data)
    made.code("addi", rd=_BASE, rs1=_BASE, imm=24).li(6, CONSTANTS).li(7, DATA + 2048)
    for name, width in LOADS.items():
        for offset in range(9):
            made.code(name, rd=5, rs1=6, imm=offset)
            plain = int.from_bytes(data[offset : offset + width], "little")
            made.result(plain if name.endswith("u") else signed(plain, 8 * width))
    for name, width in STORES.items():
        for offset in range(9):
            made.operands(0x8182838485868788, 0x1112131415161718)
            made.code("sd", rs1=7, rs2=4)("sd", rs1=7, rs2=4, imm=8)(name, rs1=7, rs2=3, imm=offset)
            expected = bytearray(struct.pack("<2Q", 0x1112131415161718, 0x1112131415161718))
            expected[offset : offset + width] = struct.pack("<Q", 0x8182838485868788)[:width]
            for at in (0, 8):
                made.code("ld", rd=5, rs1=7, imm=at)
                made.result(int.from_bytes(expected[at : at + 8], "little"))
    made.code("sd", rs1=7, rs2=0)("sd", rs1=7, rs2=0, imm=8)
    return made


def cases() -> dict[str, Signed]:
    """By name; a signature has room for 511 words."""
    names = sorted(MODEL)
    made = {f"computed {k}": computed(names[k::3], 40) for k in range(3)}
    return made | {"immediate": immediate(30), "jumping": jumping(40), "accessing": accessing()}


CASES = cases()


@pytest.mark.parametrize("name", CASES)
def test_signatures(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Program, "key", {})
    case = CASES[name]
    program = case.program()
    run = Run.of(program.emulator, b"")
    assert len(case.signature) <= DATA_SIZE // 8 - 1
    output = shown(case.output)
    tables = program.tables(run, output)
    assert audit.broken(tables) == []
    messages = program.statement(len(run), 0, output).public
    assert audit.unbalanced(tables, messages) == {}


def test_all_instructions_are_there() -> None:
    """``ebreak`` ends no run that is proven."""
    found = set[int]()
    for case in CASES.values():
        found |= set(Run.of(case.program().emulator, b"").operation.tolist())
    assert found == set(CODE.values()) - {CODE["ebreak"]}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["computed 0", "accessing"])
def test_signatures_are_proven(name: str) -> None:
    case = CASES[name]
    program = case.program(development_setup(1 << 18, 3))
    proof = program.prove(b"")
    assert proof.output == shown(case.output)
    program.verify(proof)
    with pytest.raises(ZkError):
        program.verify(type(proof)(proof.cycles, proof.status, proof.output[:-1] + b"\1", proof.proof))
