"""The machine once more, writing down every instruction: what proofs of a run are made from."""

from ..lang import U64, Ptr, Record, kernel, load64
from .decode import CODE, LOADS, STORES, field_imm, field_op, field_rd, field_rs1, field_rs2
from .machine import RUNNING, STEP, STOP, Machine


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


STEP_SIZE = U64(Step.size)
#: Loads and stores have operation numbers that follow each other.
FIRST_ACCESS, ACCESSES = U64(CODE[LOADS[0]]), U64(len(LOADS) + len(STORES))
assert CODE[STORES[-1]] - CODE[LOADS[0]] + 1 == len(LOADS) + len(STORES)


@kernel(inline=True)
def word_at(m: Machine, offset: U64) -> U64:
    """The word at an offset into memory, 0 where it does not lie in it."""
    if offset >= m.size or m.size - offset < 8:
        return U64(0)
    return load64(m.memory + offset)


@kernel
def run_traced(m: Machine, steps: Ptr, room: U64) -> U64:
    """``run`` for at most ``room`` instructions, a ``Step`` of each at ``steps``; returns how many there were."""
    pc = m.pc
    count = U64(0)
    x = m.registers
    m.status = U64(RUNNING)
    while count < room and m.cycles < m.limit:
        decoded = load64(m.code + ((pc - m.text) << 1))
        a = load64(x + (field_rs1(decoded) << 3))
        b = load64(x + (field_rs2(decoded) << 3))
        rd = x + (field_rd(decoded) << 3)
        step = Step(steps + count * STEP_SIZE)
        offset = (a + field_imm(decoded) - m.base) & ~U64(7)
        accesses = field_op(decoded) - FIRST_ACCESS < ACCESSES
        if accesses:
            step.word0 = word_at(m, offset)
            step.word1 = word_at(m, offset + 8)
        target = STEP(field_op(decoded), m, rd, a, b, field_imm(decoded), pc)
        if accesses:
            step.new0 = word_at(m, offset)
            step.new1 = word_at(m, offset + 8)
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
    return count
