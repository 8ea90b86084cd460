"""The RV64IM machine: fetches decoded instructions and carries them out until it stops.

Memory is one range of guest addresses, readable as a whole and writable from ``writable`` on; instructions
come from the decoded text only, so a program cannot change itself. Misaligned loads and stores are allowed,
misaligned jumps are not. Each instruction costs one cycle, also the one that stops the machine.

``ecall`` ends the program if a7 is ``SYSCALL_EXIT``, with the status in a0; otherwise a7 is one of ``calls`` and a0 the
address of its block, in writable memory and a multiple of 8.
"""

from ..lang import (
    U64,
    Bytes,
    Ptr,
    Record,
    Switch,
    kernel,
    load8,
    load16,
    load32,
    load64,
    signed_lt,
    store8,
    store16,
    store32,
    store64,
)
from .calls import CARRY_OUT, block_size
from .decode import BRANCHES, CODE, LOADS, STORES, field_imm, field_op, field_rd, field_rs1, field_rs2
from .operations import OPERATIONS, sign_extend

#: The system call that ends the program.
SYSCALL_EXIT = 93

#: Why the machine stopped. ``RUNNING`` after a run means the cycle limit.
RUNNING, EXITED, BREAKPOINT, BAD_SYSCALL, ILLEGAL_INSTRUCTION, BAD_LOAD, BAD_STORE, BAD_JUMP = range(8)
BAD_BLOCK, BAD_OPERANDS = 8, 9

#: The registers of a system call: its block or the status, and its number.
A0, A7 = 10, 17

#: What a step returns instead of the next pc when the machine stops: no pc is odd.
STOP = 1


class Machine(Record):
    """State of a machine. Addresses are the guest's but for ``memory`` and ``code``, which are the host's."""

    memory: Ptr  # where the guest's ``base`` lies
    base: U64
    size: U64
    writable: U64
    code: Ptr  # decoded text: 8 bytes per instruction, and one that is illegal after the last
    text: U64
    text_size: U64
    pc: U64
    cycles: U64
    limit: U64
    status: U64
    fault: U64  # the address that was refused
    registers: Bytes(33 * 8)  # x0 … x31, and where writes to x0 go


@kernel
def stop(m: Machine, status: U64, fault: U64) -> U64:
    m.status = status
    m.fault = fault
    return U64(STOP)


@kernel(inline=True)
def jump(m: Machine, target: U64, text: U64, text_size: U64) -> U64:
    """The next pc, if it is an instruction."""
    if target - text >= text_size or target & 3 != 0:
        return stop(m, U64(BAD_JUMP), target)
    return target


def _computation(name, operation):
    @kernel(name=f"step_{name}", inline=True)
    def step(m: Machine, rd: Ptr, a: U64, b: U64, imm: U64, pc: U64) -> U64:
        store64(rd, operation(a, b + imm))
        return pc + 4

    return step


def _branch(name, negate, compare):
    @kernel(name=f"step_{name}", inline=True)
    def step(m: Machine, rd: Ptr, a: U64, b: U64, imm: U64, pc: U64) -> U64:
        if compare(a, b) == negate:
            return pc + 4
        return jump(m, pc + imm, m.text, m.text_size)

    return step


def _load(name, width, load, signed):
    bits = 8 * width

    @kernel(name=f"step_{name}", inline=True)
    def step(m: Machine, rd: Ptr, a: U64, b: U64, imm: U64, pc: U64) -> U64:
        offset, room = a + imm - m.base, m.size
        if offset >= room or room - offset < width:  # nothing is added, so that nothing wraps
            return stop(m, U64(BAD_LOAD), a + imm)
        value = load(m.memory + offset)
        store64(rd, sign_extend(value, U64(bits)) if signed else value)
        return pc + 4

    return step


def _store(name, width, store):
    @kernel(name=f"step_{name}", inline=True)
    def step(m: Machine, rd: Ptr, a: U64, b: U64, imm: U64, pc: U64) -> U64:
        at, room = a + imm, m.base + m.size - m.writable
        if at - m.writable >= room or room - (at - m.writable) < width:  # also where nothing is writable
            return stop(m, U64(BAD_STORE), at)
        store(m.memory + (at - m.base), b)
        return pc + 4

    return step


@kernel(inline=True)
def equal(a: U64, b: U64) -> bool:
    return a == b


@kernel(inline=True)
def below(a: U64, b: U64) -> bool:
    return a < b


@kernel(inline=True)
def signed_below(a: U64, b: U64) -> bool:
    return signed_lt(a, b)


@kernel(inline=True)
def step_auipc(m: Machine, rd: Ptr, a: U64, b: U64, imm: U64, pc: U64) -> U64:
    store64(rd, pc + imm)
    return pc + 4


@kernel(inline=True)
def step_jal(m: Machine, rd: Ptr, a: U64, b: U64, imm: U64, pc: U64) -> U64:
    target = jump(m, pc + imm, m.text, m.text_size)
    if target != STOP:
        store64(rd, pc + 4)
    return target


@kernel(inline=True)
def step_jalr(m: Machine, rd: Ptr, a: U64, b: U64, imm: U64, pc: U64) -> U64:
    target = jump(m, (a + imm) & ~U64(1), m.text, m.text_size)
    if target != STOP:
        store64(rd, pc + 4)
    return target


@kernel(inline=True)
def block_of(m: Machine, number: U64) -> Ptr:
    """Where the block of system call ``number`` lies in the host's memory; 0 unless it is one as it should be."""
    at, size, room = load64(m.registers + A0 * 8), block_size(number), m.base + m.size - m.writable
    if size == 0 or at & 7 != 0 or at - m.writable >= room or room - (at - m.writable) < size:
        return Ptr(0)
    return m.memory + (at - m.base)


@kernel(inline=False)
def step_ecall(m: Machine, rd: Ptr, a: U64, b: U64, imm: U64, pc: U64) -> U64:
    number = load64(m.registers + A7 * 8)
    if number == SYSCALL_EXIT:
        return stop(m, U64(EXITED), U64(0))
    if block_size(number) == 0:
        return stop(m, U64(BAD_SYSCALL), number)
    block = block_of(m, number)
    if block == 0:
        return stop(m, U64(BAD_BLOCK), load64(m.registers + A0 * 8))
    if not CARRY_OUT(number, block):
        return stop(m, U64(BAD_OPERANDS), number)
    return pc + 4


@kernel
def step_ebreak(m: Machine, rd: Ptr, a: U64, b: U64, imm: U64, pc: U64) -> U64:
    return stop(m, U64(BREAKPOINT), U64(0))


@kernel
def step_illegal(m: Machine, rd: Ptr, a: U64, b: U64, imm: U64, pc: U64) -> U64:
    return stop(m, U64(ILLEGAL_INSTRUCTION), U64(0))


def _steps():
    steps = {CODE[name]: _computation(name, f) for name, f in OPERATIONS.items()}
    tests = {"eq": (False, equal), "ne": (True, equal), "lt": (False, signed_below)}
    tests |= {"ge": (True, signed_below), "ltu": (False, below), "geu": (True, below)}
    for name in BRANCHES:
        steps[CODE[name]] = _branch(name, *tests[name[1:]])
    widths = {"b": (1, load8, store8), "h": (2, load16, store16)}
    widths |= {"w": (4, load32, store32), "d": (8, load64, store64)}
    for name in LOADS:
        width, load, _ = widths[name[1]]
        steps[CODE[name]] = _load(name, width, load, width < 8 and not name.endswith("u"))
    for name in STORES:
        width, _, store = widths[name[1]]
        steps[CODE[name]] = _store(name, width, store)
    return steps | {
        CODE["auipc"]: step_auipc,
        CODE["jal"]: step_jal,
        CODE["jalr"]: step_jalr,
        CODE["ecall"]: step_ecall,
        CODE["ebreak"]: step_ebreak,
    }


STEP = Switch("step", _steps(), step_illegal)


@kernel
def run(m: Machine) -> U64:
    """Run until the machine stops or ``cycles`` reaches ``limit``; returns the status."""
    pc = m.pc
    cycles = m.cycles
    limit = m.limit
    code = m.code
    text = m.text
    x = m.registers
    m.status = U64(RUNNING)
    while cycles < limit:
        decoded = load64(code + ((pc - text) << 1))
        a = load64(x + (field_rs1(decoded) << 3))
        b = load64(x + (field_rs2(decoded) << 3))
        target = STEP(field_op(decoded), m, x + (field_rd(decoded) << 3), a, b, field_imm(decoded), pc)
        cycles = cycles + 1
        if target == STOP:
            break
        pc = target
    m.pc = pc
    m.cycles = cycles
    return m.status
