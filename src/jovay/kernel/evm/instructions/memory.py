"""0x51–0x53, 0x59, 0x5e: memory."""

from ...lang import U64, U256, Ptr, copy, kernel, load256, load256be, store8, store256, store256be
from ...machine.frame import Frame
from ...machine.machine import Machine
from ...machine.preemption import pace
from ...machine.status import NEXT, OUT_OF_GAS
from ...protocol import opcodes as op
from ...protocol.gas import COPY
from ..memory import at, expand, words_of
from ..templates import Control, instruction, source


@instruction(op.MLOAD)
def mload(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    offset = load256(sp - 32)
    paid, gas = expand(m, f, gas, offset, U256(32))
    if not paid:
        return U64(OUT_OF_GAS), pc, sp, gas
    store256(sp - 32, load256be(at(f, offset)))
    return U64(NEXT), pc + 1, sp, gas


@instruction(op.MSTORE)
def mstore(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    offset = load256(sp - 32)
    paid, gas = expand(m, f, gas, offset, U256(32))
    if not paid:
        return U64(OUT_OF_GAS), pc, sp, gas
    store256be(at(f, offset), load256(sp - 64))
    return U64(NEXT), pc + 1, sp - 64, gas


@instruction(op.MSTORE8)
def mstore8(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    offset = load256(sp - 32)
    paid, gas = expand(m, f, gas, offset, U256(1))
    if not paid:
        return U64(OUT_OF_GAS), pc, sp, gas
    store8(at(f, offset), U64(load256(sp - 64)))
    return U64(NEXT), pc + 1, sp - 64, gas


@kernel
def msize(m: Machine, f: Frame) -> U256:
    """bytes of memory in use"""
    return U256(f.memory_size)


source(op.MSIZE, msize)


@instruction(op.MCOPY)
def mcopy(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    target, origin, size = load256(sp - 32), load256(sp - 64), load256(sp - 96)
    cost = words_of(size) * COPY
    if gas < cost:
        m.tracing.lacking = cost
        return U64(OUT_OF_GAS), pc, sp, gas
    paid, gas = expand(m, f, gas - cost, target if target > origin else origin, size)
    if not paid:
        return U64(OUT_OF_GAS), pc, sp, gas
    if size != 0:
        copy(at(f, target), at(f, origin), U64(size))
    return pace(m, gas), pc + 1, sp - 96, gas
