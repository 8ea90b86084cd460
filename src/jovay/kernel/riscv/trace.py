"""The machine once more, writing down every instruction: what proofs of a run are made from."""

from ..lang import U64, Bytes, Ptr, Record, copy, kernel, load64
from .calls import MOST_WORDS, block_size
from .decode import CODE, ECALL, LOADS, STORES, field_imm, field_op, field_rd, field_rs1, field_rs2
from .machine import A0, A7, RUNNING, STEP, STOP, Machine, block_of


class Step(Record):
    """One instruction: its decoded form, what its registers held, what it left in the destination, and where it led.

    ``next_pc`` is ``STOP`` for the one that stops the machine. Of a load and a store, ``word0`` and ``word1`` are the
    8-byte words at and behind its address before, ``new0`` and ``new1`` after it; 0 outside memory.
    """

    pc: U64
    decoded: U64
    a: U64
    b: U64
    c: U64
    next_pc: U64
    word0: U64
    word1: U64
    new0: U64
    new1: U64


class Call(Record):
    """A system call that was carried out: the number of its instruction, counted from 1, and the words of its block.

    ``before`` and ``after`` begin with them; the rest is 0.
    """

    number: U64
    clock: U64
    address: U64
    before: Bytes(8 * MOST_WORDS)
    after: Bytes(8 * MOST_WORDS)


class Tracing(Record):
    """Where the records of instructions and calls go, how many there is room for, and how many there are."""

    steps: Ptr
    step_room: U64
    step_count: U64
    calls: Ptr
    call_room: U64
    call_count: U64


STEP_SIZE, CALL_SIZE = U64(Step.size), U64(Call.size)
#: Loads and stores have operation numbers that follow each other.
FIRST_ACCESS, ACCESSES = U64(CODE[LOADS[0]]), U64(len(LOADS) + len(STORES))
assert CODE[STORES[-1]] - CODE[LOADS[0]] + 1 == len(LOADS) + len(STORES)


@kernel(inline=True)
def word_at(m: Machine, offset: U64) -> U64:
    """The word at an offset into memory, 0 where it does not lie in it."""
    if offset >= m.size or m.size - offset < 8:
        return U64(0)
    return load64(m.memory + offset)


@kernel(inline=False)
def begin_call(m: Machine, call: Call) -> U64:
    """Write down a call that is about to be made; returns the size of its block, 0 if it is none."""
    number = load64(m.registers + A7 * 8)
    block, size = block_of(m, number), block_size(number)
    if block == 0:
        return U64(0)
    call.number, call.clock, call.address = number, m.cycles + 1, load64(m.registers + A0 * 8)
    copy(call.before, block, size)
    return size


@kernel
def run_traced(m: Machine, t: Tracing) -> U64:
    """``run`` while there is room for records of each instruction and call, in zeroed memory; how many instructions."""
    pc = m.pc
    count = U64(0)
    t.call_count = U64(0)
    x = m.registers
    m.status = U64(RUNNING)
    while count < t.step_room and t.call_count < t.call_room and m.cycles < m.limit:
        decoded = load64(m.code + ((pc - m.text) << 1))
        a = load64(x + (field_rs1(decoded) << 3))
        b = load64(x + (field_rs2(decoded) << 3))
        rd = x + (field_rd(decoded) << 3)
        step = Step(t.steps + count * STEP_SIZE)
        call = Call(t.calls + t.call_count * CALL_SIZE)
        offset = (a + field_imm(decoded) - m.base) & ~U64(7)
        accesses = field_op(decoded) - FIRST_ACCESS < ACCESSES
        if accesses:
            step.word0 = word_at(m, offset)
            step.word1 = word_at(m, offset + 8)
        block_bytes = begin_call(m, call) if field_op(decoded) == ECALL else U64(0)
        target = STEP(field_op(decoded), m, rd, a, b, field_imm(decoded), pc)
        if accesses:
            step.new0 = word_at(m, offset)
            step.new1 = word_at(m, offset + 8)
        if block_bytes != 0 and target != STOP:
            copy(call.after, m.memory + (call.address - m.base), block_bytes)
            t.call_count += 1
        step.pc = pc
        step.decoded = decoded
        step.a = a
        step.b = b
        step.c = load64(rd)
        step.next_pc = target
        count += 1
        m.cycles = m.cycles + 1
        if target == STOP:
            break
        pc = target
    m.pc = pc
    t.step_count = count
    return count
