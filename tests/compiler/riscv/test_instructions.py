"""Every RV64IM instruction in the compiled machine, against a model from the ISA manual and against QEMU."""

import random
import struct

import pytest

from jovay.compiler.riscv.encoding import encode
from jovay.native.emulator import run
from rigs.rv64 import COMPARE, CONSTANTS, DATA, EDGES, IMMEDIATE, MODEL, TEXT, WRAP, Program, qemu, signed

A7, EXIT = 17, 93
LIMIT = 1_000_000
PAIRS_PER_RUN = 250


def operands(seed, count=400):
    """Pairs of words: all of the edges with each other, then random ones of random length."""
    rng = random.Random(seed)
    pairs = [(a, b) for a in EDGES for b in EDGES]
    pairs += [
        (rng.getrandbits(rng.randint(1, 64)), rng.getrandbits(rng.randint(1, 64))) for _ in range(count)
    ]
    return pairs


def compute(name, pairs):
    """Results of a register instruction over ``pairs``, and the program that computed them."""
    p = Program().li(1, CONSTANTS).li(2, DATA + 8)
    for k in range(len(pairs)):
        if k and k % 64 == 0:
            p("addi", rd=1, rs1=1, imm=1024)("addi", rd=2, rs1=2, imm=512)
        p("ld", rd=3, rs1=1, imm=16 * (k % 64))("ld", rd=4, rs1=1, imm=16 * (k % 64) + 8)
        p(name, rd=5, rs1=3, rs2=4)("sd", rs1=2, rs2=5, imm=8 * (k % 64))
    p("ebreak")
    result = run(p.elf(constants=struct.pack(f"<{2 * len(pairs)}Q", *sum(pairs, ()))), b"", LIMIT)
    assert result.reason == "breakpoint"
    return list(struct.unpack_from(f"<{len(pairs)}Q", result.output))


@pytest.mark.parametrize("name", MODEL)
def test_register_instructions(name):
    pairs = operands(name)
    for start in range(0, len(pairs), PAIRS_PER_RUN):
        part = pairs[start : start + PAIRS_PER_RUN]
        assert compute(name, part) == [int(MODEL[name](a, b)) % WRAP for a, b in part]


@pytest.mark.parametrize("name", IMMEDIATE)
def test_immediate_instructions(name):
    rng = random.Random(name)
    width = 32 if name.endswith("w") else 64
    shift = name[:2] in ("sl", "sr") and not name.startswith("slt")
    for a in [*EDGES, *(rng.getrandbits(64) for _ in range(20))]:
        for imm in (0, 1, 31, width - 1) if shift else (0, 1, -1, 2047, -2048, rng.randint(-2048, 2047)):
            result = run(Program().li(1, a)(name, rd=2, rs1=1, imm=imm)("ebreak").elf(), b"", LIMIT)
            assert result.registers[2] == int(MODEL[IMMEDIATE[name]](a, imm % WRAP)) % WRAP, (a, imm)


@pytest.mark.parametrize("name", COMPARE)
def test_branches(name):
    for a, b in operands(name, 50)[::3]:
        p = Program().li(1, a).li(2, b)(name, rs1=1, rs2=2, imm=12)
        p("addi", rd=3, imm=7)("ebreak")("addi", rd=3, imm=9)("ebreak")
        assert run(p.elf(), b"", LIMIT).registers[3] == (9 if COMPARE[name](a, b) else 7), (a, b)


@pytest.mark.parametrize("value", [0, 1, 0x7FFFF, 0x80000, 0xFFFFF, 0x12345])
def test_upper_immediates(value):
    result = run(Program()("lui", rd=1, imm=value)("auipc", rd=2, imm=value)("ebreak").elf(), b"", LIMIT)
    assert result.registers[1] == signed(value << 12, 32) % WRAP
    assert result.registers[2] == (TEXT + 4 + signed(value << 12, 32)) % WRAP


@pytest.mark.parametrize("name", ["lb", "lbu", "lh", "lhu", "lw", "lwu", "ld"])
@pytest.mark.parametrize("offset", range(9))
def test_loads_at_every_alignment(name, offset):
    data = bytes(range(0xF8, 0x100)) + bytes(range(0x78, 0x88)) + bytes(16)
    width = {"b": 1, "h": 2, "w": 4, "d": 8}[name[1]]
    result = run(Program().li(1, DATA + 8)(name, rd=2, rs1=1, imm=offset)("ebreak").elf(data), b"", LIMIT)
    plain = int.from_bytes(data[offset : offset + width], "little")
    assert result.registers[2] == (plain if name.endswith("u") else signed(plain, 8 * width) % WRAP)


@pytest.mark.parametrize(("name", "width"), [("sb", 1), ("sh", 2), ("sw", 4), ("sd", 8)])
@pytest.mark.parametrize("offset", range(9))
def test_stores_at_every_alignment(name, width, offset):
    value = 0x8182838485868788
    p = Program().li(1, DATA + 108).li(2, value)(name, rs1=1, rs2=2, imm=offset - 100)("ebreak")
    expected = bytearray(b"\x11" * 64)
    expected[offset : offset + width] = (value % (1 << 8 * width)).to_bytes(width, "little")
    assert run(p.elf(b"\x11" * 64), b"", LIMIT).output[:64] == bytes(expected)


def test_jumps_link_and_clear_the_lowest_bit():
    p = Program()("jal", rd=1, imm=8)("ebreak").li(5, TEXT + 4 * 30 + 1)
    while len(p.words) < 20:
        p("addi")
    p("jalr", rd=5, rs1=5)  # the target is read before the link is written
    while len(p.words) < 30:
        p("ebreak")
    p("auipc", rd=6)("jalr", rd=7, rs1=6, imm=12)("ebreak")("ebreak")
    result = run(p.elf(), b"", LIMIT)
    assert (result.reason, result.pc) == ("breakpoint", TEXT + 4 * 33)
    assert result.registers[1] == TEXT + 4
    assert result.registers[5] == TEXT + 4 * 21
    assert result.registers[7] == TEXT + 4 * 32


def test_writes_to_x0_are_lost():
    p = Program().li(1, DATA + 8).li(2, 99)
    for name in MODEL:
        p(name, rd=0, rs1=2, rs2=2)
    p("ld", rd=0, rs1=1)("lui", rd=0, imm=5)("auipc", rd=0)("jal", rd=0, imm=4)("sd", rs1=1, rs2=0)("ebreak")
    result = run(p.elf(b"\xff" * 16), b"", LIMIT)
    assert result.registers[0] == 0
    assert result.output[:8] == bytes(8)


def legal(opcode, funct3, funct7):
    """The RV64IM encodings by opcode, funct3 and funct7 (listing of the ISA manual), ``system`` aside."""
    if opcode in (0x33, 0x3B):
        base = {0x33: range(8), 0x3B: (0, 1, 5)}[opcode]
        multiply = {0x33: range(8), 0x3B: (0, 4, 5, 6, 7)}[opcode]
        return {0: funct3 in base, 1: funct3 in multiply, 32: funct3 in (0, 5)}.get(funct7, False)
    if opcode == 0x13:
        return {1: funct7 >> 1 == 0, 5: funct7 >> 1 in (0, 16)}.get(funct3, True)
    if opcode == 0x1B:
        return {0: True, 1: funct7 == 0, 5: funct7 in (0, 32)}.get(funct3, False)
    by_funct3 = {0x03: range(7), 0x23: range(4), 0x63: (0, 1, 4, 5, 6, 7), 0x67: (0,), 0x0F: (0,)}
    return opcode in (0x37, 0x17, 0x6F) or funct3 in by_funct3.get(opcode, ())


def test_what_is_legal():
    """Every opcode, funct3 and funct7: illegal words stop the machine where they stand, legal ones do not."""
    from jovay.kernel.riscv.decode import decode
    from jovay.native.library import build

    native = build([decode])[decode]
    for opcode in range(128):
        for funct3 in range(8):
            for funct7 in range(128):
                word = opcode | 3 << 7 | funct3 << 12 | 1 << 15 | 2 << 20 | funct7 << 25
                assert (native(word) != 0) == legal(opcode, funct3, funct7), f"{word:#010x}"


@pytest.mark.parametrize(
    "word", [0, 0xFFFFFFFF, 0x00000073 | 1 << 7, 0x00200073, 0x30200073, 0xC0001073, 0x0000100F, 0x4501]
)
def test_illegal_instructions_stop_the_machine(word):
    p = Program()("addi", rd=1, imm=1)
    p.words.append(word)
    result = run(p("ebreak").elf(), b"", LIMIT)
    assert (result.reason, result.pc, result.cycles) == ("illegal instruction", TEXT + 4, 2)


def test_system_calls():
    result = run(Program().li(10, 77).li(A7, EXIT)("ecall").elf(), b"", LIMIT)
    assert (result.reason, result.exited, result.status) == ("exit", True, 77)
    result = run(Program().li(A7, 64)("ecall").elf(), b"", LIMIT)
    assert (result.reason, result.exited, result.fault) == ("unknown system call", False, 64)


SAFE = [*MODEL, *IMMEDIATE, "lui", "auipc", "fence"]


def random_program(rng, length):
    """A program without faults: computations, branches ahead, loads and stores, and a loop around them."""
    p = Program().li(31, DATA + 2048)
    for k in range(1, 31):
        p.li(k, rng.choice((rng.choice(EDGES), rng.getrandbits(64))))
    start = len(p.words)
    for k in range(length):
        rd, rs1, rs2 = rng.randrange(31), rng.randrange(31), rng.randrange(31)
        kind = rng.random()
        if kind < 0.15:
            ahead = rng.randint(1, min(8, length - k)) * 4
            p(rng.choice(list(COMPARE)), rs1=rs1, rs2=rs2, imm=ahead)
        elif kind < 0.2:
            p("jal", rd=rd, imm=rng.randint(1, min(8, length - k)) * 4)
        elif kind < 0.35:
            p(
                rng.choice(("lb", "lh", "lw", "ld", "lbu", "lhu", "lwu")),
                rd=rd,
                rs1=31,
                imm=rng.randint(-2000, 2000),
            )
        elif kind < 0.5:
            p(rng.choice(("sb", "sh", "sw", "sd")), rs1=31, rs2=rs2, imm=rng.randint(-2000, 2000))
        else:
            append_computation(p, rng, rd, rs1, rs2)
    # Go round until a counter at DATA + 8 runs out.
    p("ld", rd=30, rs1=31, imm=-2040)("addi", rd=30, rs1=30, imm=-1)("sd", rs1=31, rs2=30, imm=-2040)
    p("beq", rs1=30, imm=8)("jal", imm=4 * (start - len(p.words) - 1))("addi")
    return p


def append_computation(p, rng, rd, rs1, rs2):
    name = rng.choice(SAFE)
    if name in MODEL:
        p(name, rd=rd, rs1=rs1, rs2=rs2)
    elif name in ("lui", "auipc"):
        p(name, rd=rd, imm=rng.getrandbits(20))
    elif name in ("slli", "srli", "srai", "slliw", "srliw", "sraiw"):
        p(name, rd=rd, rs1=rs1, imm=rng.randrange(32 if name.endswith("w") else 64))
    else:
        p(name, rd=rd, rs1=rs1, imm=0 if name == "fence" else rng.randint(-2048, 2047))


@pytest.mark.parametrize("seed", range(40))
def test_random_programs_against_qemu(seed):
    pytest.importorskip("unicorn")
    rng = random.Random(seed)
    p = random_program(rng, 150)
    data = struct.pack("<Q", 5) + rng.randbytes(3000)
    steps = 4000
    registers, memory, pc = qemu(p.words, data, steps)
    p("ebreak")
    result = run(p.elf(data), b"", steps)
    if result.reason == "breakpoint":
        assert result.pc == pc == TEXT + 4 * (len(p.words) - 1)
    else:
        assert (result.reason, result.cycles, result.pc) == ("cycle limit", steps, pc)
    assert result.registers == registers
    assert result.output == memory


def test_encoder_refuses_what_does_not_fit():
    for name, operands in {
        "addi": {"imm": 2048}, "beq": {"imm": 4096}, "jal": {"imm": 3}, "lui": {"imm": -1},
        "slli": {"imm": 64}, "sraiw": {"imm": 32}, "add": {"rd": 32},
    }.items():  # fmt: skip
        with pytest.raises(ValueError, match=r"."):
            encode(name, **operands)
