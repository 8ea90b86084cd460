"""How the machine stops, where its memory ends, and that it computes the same in plain Python."""

import ctypes
import random
import struct

import pytest

from jovay.compiler.riscv.elf import PF_R, PF_W, PF_X, ElfError, Image, Segment, read_elf, write_elf
from jovay.kernel.lang import U64
from jovay.kernel.riscv import machine
from jovay.kernel.riscv.decode import decode_text
from jovay.native.emulator import Emulator, run
from rigs.rv64 import CONSTANTS, DATA, DATA_SIZE, TEXT, Program

LIMIT = 10_000
END = DATA + DATA_SIZE


@pytest.mark.parametrize(("name", "width"), [("lb", 1), ("lhu", 2), ("lw", 4), ("ld", 8)])
def test_loads_end_with_memory(name, width):
    def load(address):
        return run(Program().li(1, address)(name, rd=0, rs1=1)("ebreak").elf(), b"", LIMIT)

    for inside in (TEXT // 4096 * 4096, CONSTANTS - 1, END - width):
        assert load(inside).reason == "breakpoint", hex(inside)
    for outside in (TEXT - 1 - width, END - width + 1, END, 0, 2**64 - width, 2**64 - 1, 2**63):
        result = load(outside)
        assert (result.reason, result.fault) == ("load outside memory", outside)
        assert result.pc == TEXT + 4 * 11


@pytest.mark.parametrize(("name", "width"), [("sb", 1), ("sh", 2), ("sw", 4), ("sd", 8)])
def test_stores_stay_in_writable_memory(name, width):
    def store(address):
        return run(Program().li(1, address)(name, rs1=1, rs2=1)("ebreak").elf(), b"", LIMIT)

    for inside in (DATA, END - width):
        assert store(inside).reason == "breakpoint", hex(inside)
    for outside in (DATA - 1, TEXT, END - width + 1, END, 0, 2**64 - width, 2**64 - 1):
        result = store(outside)
        assert (result.reason, result.fault) == ("store outside writable memory", outside)


WIDTHS = {"b": 1, "h": 2, "w": 4, "d": 8}
#: Where an address that is cut to fewer bits, or a sum that wraps, would fall into memory again.
FAR = [
    *(2**32 + x for x in (0, TEXT, DATA, DATA + 8, END - 8)),
    *(2**k + DATA for k in range(33, 64)),
    *(2**64 - x for x in range(1, 17)),
    *(2**64 - x for x in (TEXT, DATA, END, 2**32, 2**32 - DATA, 2**63)),
    2**63 - 8, 2**63, 2**63 + DATA,
]  # fmt: skip


@pytest.mark.parametrize("suffix", WIDTHS)
def test_far_addresses_trap_at_every_width(suffix):
    for address in FAR:
        for imm in (0, -8, 8, 2047, -2048):
            base = (address - imm) % 2**64
            stored = run(
                Program().li(1, base)(f"s{suffix}", rs1=1, rs2=1, imm=imm)("ebreak").elf(), b"", LIMIT
            )
            assert (stored.reason, stored.fault) == ("store outside writable memory", address)
            loaded = run(
                Program().li(1, base)(f"l{suffix}", rd=2, rs1=1, imm=imm)("ebreak").elf(), b"", LIMIT
            )
            assert (loaded.reason, loaded.fault, loaded.registers[2]) == ("load outside memory", address, 0)


@pytest.mark.parametrize("suffix", WIDTHS)
def test_accesses_that_reach_over_an_end_trap(suffix):
    for over in range(1, WIDTHS[suffix]):
        for address, name in (
            (END - WIDTHS[suffix] + over, "s"),
            (END - WIDTHS[suffix] + over, "l"),
            (DATA - over, "s"),
        ):
            value = {"rs2": 1} if name == "s" else {"rd": 2}
            result = run(
                Program().li(1, address)(f"{name}{suffix}", rs1=1, **value)("ebreak").elf(), b"", LIMIT
            )
            assert (result.reason != "breakpoint", result.fault) == (True, address)


def segments(program, *others):
    text = struct.pack(f"<{len(program.words)}I", *program.words)
    return write_elf(image(Segment(TEXT, text, len(text), PF_R | PF_X), *others))


@pytest.mark.parametrize("suffix", WIDTHS)
def test_memory_smaller_than_an_access(suffix):
    """Nothing writable, or less than the access takes: no difference of sizes may wrap."""
    width = WIDTHS[suffix]
    for room in (0, 1, 2, 4):
        others = [Segment(DATA, b"", room, PF_R | PF_W)] if room else []
        for address in (DATA, DATA + 1, TEXT, TEXT + 2**32, 0, 8, 2**63, 2**64 - 8, 2**64 - 2**12):
            elf = segments(Program().li(1, address)(f"s{suffix}", rs1=1, rs2=1)("ebreak"), *others)
            fits = room and address >= DATA and address + width <= DATA + room
            assert run(elf, b"", LIMIT).reason == ("breakpoint" if fits else "store outside writable memory")


def test_memory_of_one_instruction():
    """The whole memory is shorter than a doubleword."""
    for imm in (0, 8, -8):
        result = run(segments(Program()("ld", rd=2, rs1=0, imm=imm)), b"", 1)
        assert (result.reason, result.fault) == ("load outside memory", imm % 2**64)


@pytest.mark.parametrize("seed", range(40))
def test_random_accesses_agree_with_arithmetic(seed):
    """Programs of loads and stores anywhere: each traps if and only if its bytes are not all there."""
    dice = random.Random(seed)
    edges = [TEXT // 4096 * 4096, TEXT, CONSTANTS, DATA, END, 0, 2**32, 2**32 + DATA, 2**63, 2**64]
    for _ in range(20):
        suffix, store = dice.choice(list(WIDTHS)), dice.random() < 0.5
        imm = dice.randrange(-2048, 2048)
        address = (dice.choice(edges) + dice.randrange(-20, 20)) % 2**64
        if dice.random() < 0.2:
            address = dice.getrandbits(64)
        p = Program().li(1, (address - imm) % 2**64)
        p(f"s{suffix}", rs1=1, rs2=1, imm=imm) if store else p(f"l{suffix}", rd=2, rs1=1, imm=imm)
        low = DATA if store else TEXT // 4096 * 4096
        fits = low <= address and address + WIDTHS[suffix] <= END
        ended = run(p("ebreak").elf(), b"", LIMIT)
        assert (ended.reason == "breakpoint") == fits, (hex(address), suffix, store)
        assert fits or ended.fault == address


@pytest.mark.parametrize("target", [TEXT + 2, TEXT - 4, TEXT + 4 * 24, 0, 2**64 - 4, DATA, 2**63])
def test_bad_jumps(target):
    result = run(Program().li(1, target).li(2, 5)("jalr", rd=2, rs1=1)("ebreak").elf(), b"", LIMIT)
    assert (result.reason, result.fault) == ("jump outside the program", target)
    assert result.pc == TEXT + 4 * 22
    assert result.registers[2] == 5  # a jump that stops the machine links nothing


def test_bad_branches_fault_only_if_taken():
    for name, reason in (("beq", "jump outside the program"), ("bne", "breakpoint")):
        for imm in (6, -8, 4000):
            result = run(Program()(name, imm=imm)("ebreak").elf(), b"", LIMIT)
            assert result.reason == reason
            assert result.pc == TEXT + (4 if reason == "breakpoint" else 0)
    assert run(Program()("jal", rd=1, imm=-4).elf(), b"", LIMIT).reason == "jump outside the program"


def test_running_past_the_end_is_illegal():
    result = run(Program()("addi", rd=1, imm=1).elf(), b"", LIMIT)
    assert (result.reason, result.pc, result.cycles) == ("illegal instruction", TEXT + 4, 2)


def test_endless_loop_meets_the_limit():
    result = run(Program()("jal", imm=0).elf(), b"", 12345)
    assert (result.reason, result.cycles, result.pc) == ("cycle limit", 12345, TEXT)
    assert run(Program()("jal", imm=0).elf(), b"", 0).cycles == 0


def test_a_run_goes_on_where_a_slice_ended(monkeypatch):
    p = Program().li(1, 100)("addi", rd=1, rs1=1, imm=-1)("bne", rs1=1, imm=-4)("ebreak")
    whole = run(p.elf(), b"", LIMIT)
    monkeypatch.setattr("jovay.native.emulator._SLICE", 7)
    assert run(p.elf(), b"", LIMIT) == whole
    assert whole.cycles == 11 + 200 + 1


def test_code_cannot_change_itself():
    p = Program()("auipc", rd=1)("sw", rs1=1, rs2=0, imm=8)("ebreak")
    assert run(p.elf(), b"", LIMIT).reason == "store outside writable memory"


def test_plain_python_runs_the_same_program():
    """Iterative Fibonacci with a division in the loop, in CPython and compiled."""
    p = Program().li(1, 20)("addi", rd=3, imm=1)
    p("add", rd=4, rs1=2, rs2=3)("addi", rd=2, rs1=3)("addi", rd=3, rs1=4)("remw", rd=5, rs1=4, rs2=1)
    p("sd", rs1=31, rs2=4)("addi", rd=1, rs1=1, imm=-1)("bne", rs1=1, imm=-24)("ebreak")
    p.words = Program().li(31, DATA + 8).words + p.words
    compiled = run(p.elf(), b"", LIMIT)
    text = struct.pack(f"<{len(p.words)}I", *p.words)
    words, decoded = ctypes.create_string_buffer(text), ctypes.create_string_buffer(8 * len(p.words) + 8)
    memory, state = ctypes.create_string_buffer(DATA_SIZE), ctypes.create_string_buffer(machine.Machine.size)
    decode_text(U64(ctypes.addressof(words)), U64(len(p.words)), U64(ctypes.addressof(decoded)))
    m = machine.Machine(ctypes.addressof(state))
    m.memory, m.base, m.size, m.writable = ctypes.addressof(memory), DATA, DATA_SIZE, DATA
    m.code, m.text, m.text_size, m.pc, m.limit = ctypes.addressof(decoded), TEXT, len(text), TEXT, LIMIT
    assert machine.run(m) == machine.BREAKPOINT
    assert struct.unpack_from("<32Q", state, machine.Machine.fields["registers"][1]) == compiled.registers
    assert (m.pc, m.cycles) == (compiled.pc, compiled.cycles)
    assert memory[8:64] == compiled.output[:56]


# ---- files -------------------------------------------------------------------------------------------------


def image(*segments, entry=TEXT):
    return Image(entry, segments)


CODE = Segment(TEXT, b"\x73\x00\x10\x00" * 4, 16, PF_R | PF_X)


def test_files_round_trip():
    data = Segment(DATA, b"abc", 100, PF_R | PF_W)
    constants = Segment(CONSTANTS, b"xyz", 3, PF_R)
    written = write_elf(image(CODE, constants, data))
    assert read_elf(written) == image(CODE, constants, data)
    assert write_elf(read_elf(written)) == written


@pytest.mark.parametrize(
    "bad",
    [
        image(CODE, Segment(TEXT + 8, b"", 8, PF_R)),
        image(Segment(TEXT, b"\x73\0\0\0", 4, PF_R | PF_W | PF_X)),
        image(CODE, Segment(CONSTANTS, b"\x73\0\0\0", 4, PF_R | PF_X)),
        image(Segment(DATA, b"abcd", 4, PF_R)),
        image(CODE, entry=TEXT + 2),
        image(CODE, entry=TEXT + 16),
        image(CODE, Segment(CONSTANTS, b"", 8, PF_R | PF_W), Segment(DATA, b"", 8, PF_R)),
        image(CODE, Segment(2**63 - 8, b"", 16, PF_R)),
        image(CODE, Segment(TEXT + 2**32, b"", 16, PF_R | PF_W)),
    ],
)
def test_unsound_images_are_refused(bad):
    with pytest.raises(ElfError):
        Emulator(write_elf(bad))


def test_damaged_files_are_refused_or_run():
    """Every truncation and every changed header byte: an ``ElfError``, or a program that stops by itself."""
    good = Program()("ebreak").elf()
    for size in range(0, 4096, 7):
        with pytest.raises(ElfError):
            read_elf(good[:size])
    for at in range(64 + 56 * 2):
        changed = bytearray(good)
        changed[at] ^= 0x80
        try:
            loaded = read_elf(bytes(changed))
        except ElfError:
            continue
        assert loaded.text.size % 4 == 0
        assert all(len(s.data) <= s.size for s in loaded.segments)
