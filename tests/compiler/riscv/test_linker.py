"""Linking: what LLVM emits at size, every relocation against its definition, and refusals."""

import struct

import pytest

from jovay.compiler.errors import CompilerError
from jovay.compiler.riscv import relocations as r
from jovay.compiler.riscv.elf import write_elf
from jovay.compiler.riscv.encoding import encode
from jovay.compiler.riscv.layout import DATA_BASE, OUTPUT_BASE, MemorySizes
from jovay.compiler.riscv.linker import LinkError, Object, Section, link, parse_object, select
from jovay.compiler.riscv.start import START, load_immediate, start_object
from jovay.compiler.riscv.target import compile_module
from jovay.native.emulator import run
from rigs.rv64 import Program, signed

BASE = 0x10_0000
SIZES = MemorySizes(stack=4096, input=4096, output=4096, arena=4096)


def patched(kind, target, words=(0,), offset=0, addend=0, extra=()):
    """The words after one relocation (and ``extra`` ones) at ``BASE``, symbol 1 being ``target``."""
    data = bytearray(struct.pack(f"<{len(words)}I", *words))
    r.apply(data, BASE, [*extra, r.Relocation(offset, kind, 1, addend)], {1: target, 2: BASE}.__getitem__)
    return list(struct.unpack(f"<{len(words)}I", data))


@pytest.mark.parametrize(
    "distance", [0, 4, -4, 0x7FE, 0x800, 0x801, 0xFFF, 0x1000, -0x800, -0x801, 0x7FFF_F7FF]
)
def test_pc_relative_pairs(distance):
    auipc, load, store = encode("auipc", rd=5), encode("ld", rd=6, rs1=5), encode("sd", rs1=5, rs2=6)
    high = r.Relocation(0, r.PCREL_HI20, 1, 0)
    words = [auipc, load, store]
    for kind, at in ((r.PCREL_LO12_I, 4), (r.PCREL_LO12_S, 8)):
        data = bytearray(struct.pack("<3I", *words))
        r.apply(data, BASE, [high, r.Relocation(at, kind, 2, 0)], {1: BASE + distance, 2: BASE}.__getitem__)
        first, second, third = struct.unpack("<3I", data)
        low = second >> 20 if kind == r.PCREL_LO12_I else third >> 25 << 5 | third >> 7 & 31
        assert signed(first & 0xFFFFF000, 32) + signed(low, 12) == distance
        assert (first & 0xFFF, second & 0xFFFFF, third & 0x1FFF07F) == (
            auipc,
            load & 0xFFFFF,
            store & 0x1FFF07F,
        )


@pytest.mark.parametrize("kind", [r.CALL, r.CALL_PLT])
def test_calls(kind):
    for distance in (8, -8, 0x800, 0x12345678, -0x7000_0000):
        first, second = patched(kind, BASE + distance, (encode("auipc", rd=1), encode("jalr", rd=1, rs1=1)))
        assert signed(first & 0xFFFFF000, 32) + signed(second >> 20, 12) == distance


def test_absolute_pairs():
    target = 0x1234_5FFC
    (high,) = patched(r.HI20, target, (encode("lui", rd=5),))
    (low,) = patched(r.LO12_I, target, (encode("addi", rd=5, rs1=5),))
    (store,) = patched(r.LO12_S, target, (encode("sd", rs1=5, rs2=6),))
    assert signed(high & 0xFFFFF000, 32) + signed(low >> 20, 12) == target
    assert store == encode("sd", rs1=5, rs2=6, imm=signed(target, 12))


def test_branches_and_jumps():
    assert patched(r.BRANCH, BASE - 4096, (encode("bne", rs1=3),)) == [encode("bne", rs1=3, imm=-4096)]
    assert patched(r.JAL, BASE + 0xFFFFE, (encode("jal", rd=1),)) == [encode("jal", rd=1, imm=0xFFFFE)]


def test_numbers():
    assert patched(r.ABS64, 0x1_2345_6789, (0, 0), addend=1) == [0x2345_678A, 1]
    assert patched(r.ABS32, 0x8765_4321, (0,)) == [0x8765_4321]
    assert patched(r.PCREL32, BASE - 16, (0, 0), offset=4) == [0, 2**32 - 20]
    assert patched(r.ADD32, 100, (7,)) == [107]
    assert patched(r.SUB32, 100, (7,)) == [2**32 - 93]
    assert patched(r.ADD64, 1, (2**32 - 1, 0)) == [0, 1]
    assert patched(r.SUB64, 1, (0, 1)) == [2**32 - 1, 0]
    assert patched(r.SUB16, 1, (0x0002_0000,)) == [0x0002_FFFF]
    assert patched(r.SET8, 0x7F, (0xFFFFFFFF,)) == [0xFFFFFF7F]
    assert patched(r.RELAX, 5, (3,)) == [3]


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        (r.BRANCH, BASE + 4096),
        (r.BRANCH, BASE + 3),
        (r.JAL, BASE + (1 << 20)),
        (r.ABS32, 1 << 32),
        (r.PCREL_HI20, BASE + (1 << 31)),
        (r.PCREL_LO12_I, BASE + 64),
        (r.HI20, 1 << 31),
        (r.ALIGN, 0),
        (20, BASE),  # GOT_HI20
        (200, BASE),
    ],
)
def test_what_does_not_fit_is_an_error(kind, target):
    with pytest.raises(ValueError, match=f"relocation {kind} at 0x100000"):
        patched(kind, target)
    with pytest.raises(ValueError, match="relocation"):
        patched(r.ABS64, 0, (0,), offset=0)


# ---- whole programs ----------------------------------------------------------------------------------------


def program(ir, entry="main", exported=("main",)):
    kernel = parse_object(compile_module([ir], set(exported), ()))
    return write_elf(link(select([start_object(entry, SIZES), kernel], []), START, SIZES))


VARIABLES = """
@counter = global i64 40
@zeroed = global [4 x i64] zeroinitializer
@pointers = constant [2 x ptr] [ptr @one, ptr @two]
@numbers = constant [4 x i64] [i64 10, i64 20, i64 30, i64 40]
define internal i64 @one(i64 %x) noinline { %r = add i64 %x, 1
 ret i64 %r }
define internal i64 @two(i64 %x) noinline { %r = mul i64 %x, 2
 ret i64 %r }
define i64 @main(i64 %in, i64 %size) {
 %old = load volatile i64, ptr @counter
 %new = add i64 %old, 2
 store volatile i64 %new, ptr @counter
 %slot = getelementptr [4 x i64], ptr @zeroed, i64 0, i64 %size
 store volatile i64 %new, ptr %slot
 %z = load volatile i64, ptr %slot
 %which = and i64 %size, 1
 %fp = getelementptr [2 x ptr], ptr @pointers, i64 0, i64 %which
 %f = load volatile ptr, ptr %fp
 %y = call i64 %f(i64 %z)
 %np = getelementptr [4 x i64], ptr @numbers, i64 0, i64 %size
 %n = load volatile i64, ptr %np
 %sum = add i64 %y, %n
 ret i64 %sum
}
"""


def test_variables_constants_and_function_pointers():
    elf = program(VARIABLES)
    assert [run(elf, bytes(n), 1000).status for n in range(4)] == [43 + 10, 84 + 20, 43 + 30, 84 + 40]


def switch_ir(cases):
    """A function that LLVM turns into a jump table with code behind every entry."""
    lines = ["declare void @llvm.trap()", "define i64 @main(i64 %in, i64 %size) {"]
    lines += ["switch i64 %size, label %none ["] + [f"i64 {k}, label %c{k}" for k in range(cases)] + ["]"]
    for k in range(cases):
        lines += [f"c{k}:", f"%p{k} = inttoptr i64 {DATA_BASE} to ptr"]
        lines += [f"store volatile i64 {k * k}, ptr inttoptr (i64 {OUTPUT_BASE + 8} to ptr)"] * (1 + k % 3)
        lines += [f"ret i64 {k * 1000003}"]
    return "\n".join([*lines, "none:", "ret i64 7", "}"])


def test_jump_tables():
    elf = program(switch_ir(40))
    assert [run(elf, bytes(n), 1000).status for n in range(42)] == [k * 1000003 for k in range(40)] + [7, 7]


def test_calls_across_two_megabytes():
    """Calls there and back are farther than ``jal`` reaches."""
    near = "declare i64 @far(i64)\ndefine i64 @near(i64 %x) { %r = mul i64 %x, 3\n ret i64 %r }\n"
    near += "define i64 @main(i64 %in, i64 %size) { %r = call i64 @far(i64 %size)\n"
    near += "%s = add i64 %r, 1\n ret i64 %s }"
    far = "declare i64 @near(i64)\ndefine i64 @far(i64 %x) { %r = call i64 @near(i64 %x)\n"
    far += "%s = add i64 %r, 10\n ret i64 %s }"
    first = parse_object(compile_module([near], {"main", "near"}, ("far",)))
    last = parse_object(compile_module([far], {"far"}, ("near",)))
    between = Object({1: Section(".text", bytearray(2 << 20), 2 << 20, 4, 6)}, [(None, 0, "")], {})
    program = link(select([start_object("main", SIZES), first, between, last], []), START, SIZES)
    assert len(program.text.data) > 2 << 20
    assert run(write_elf(program), b"abc", 100).status == 3 * 3 + 10 + 1


CALLS_MALLOC = """
declare i64 @malloc(i64)
define i64 @main(i64 %a) { %r = call i64 @malloc(i64 %a)
 ret i64 %r }
"""


def test_undefined_functions_are_named():
    with pytest.raises(CompilerError, match="malloc"):
        compile_module([CALLS_MALLOC], {"main"}, ())
    with pytest.raises(LinkError, match="undefined: absent"):
        select([start_object("absent", SIZES)], [])


def test_symbols_are_unique():
    o = start_object("main", SIZES)
    with pytest.raises(LinkError, match="defined twice"):
        link([o, start_object("main", SIZES)], START, SIZES)


def test_a_program_that_does_not_fit_is_refused():
    section = Section(".text", bytearray(4), 4, 4, 6)
    big = Section(".bss", bytearray(), OUTPUT_BASE - DATA_BASE + 8, 8, 3)
    with pytest.raises(LinkError, match="too large"):
        link([Object({1: section, 2: big}, [(1, 0, START)], {START: 0})], START, SIZES)


@pytest.mark.parametrize("value", [0, 1, 2047, 2048, 4096, 0x1234_5678, 0x7FFF_F7FF])
def test_load_immediate(value):
    p = Program()
    p.words += load_immediate(1, value)
    assert run(p("ebreak").elf(), b"", 10).registers[1] == value
