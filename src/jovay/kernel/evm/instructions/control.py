"""0x00, 0x56–0x58, 0x5a, 0x5b, 0xf3, 0xfd, 0xfe: control flow and the ends of a frame."""

from ...lang import U64, U256, Ptr, kernel, load256, store256
from ...machine.frame import Frame
from ...machine.machine import Machine
from ...machine.status import INVALID_JUMP, INVALID_OPCODE, NEXT, OUT_OF_GAS, PAUSED, RETURN, REVERT, STOP
from ...protocol import opcodes as op
from ...state.code import is_jumpdest
from ..memory import expand
from ..templates import Control, instruction


@instruction(op.STOP)
def stop(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    return U64(STOP), pc, sp, gas


@kernel(inline=True)
def jump_to(m: Machine, f: Frame, target: U256, pc: U64, sp: Ptr, gas: U64) -> Control:
    if target >= U256(f.code_size) or not is_jumpdest(f.jumpdests, U64(target)):
        return U64(INVALID_JUMP), pc, sp, gas
    if gas < m.preemption.pause_below:  # the host wants to look at the clock
        return U64(PAUSED), U64(target), sp, gas
    return U64(NEXT), U64(target), sp, gas


@instruction(op.JUMP)
def jump(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    return jump_to(m, f, load256(sp - 32), pc, sp - 32, gas)


@instruction(op.JUMPI)
def jumpi(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    if load256(sp - 64) == 0:
        return U64(NEXT), pc + 1, sp - 64, gas
    return jump_to(m, f, load256(sp - 32), pc, sp - 64, gas)


@instruction(op.PC)
def program_counter(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    store256(sp, U256(pc))
    return U64(NEXT), pc + 1, sp + 32, gas


@instruction(op.GAS)
def gas_left(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    store256(sp, U256(gas))
    return U64(NEXT), pc + 1, sp + 32, gas


@instruction(op.JUMPDEST)
def jumpdest(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    return U64(NEXT), pc + 1, sp, gas


@kernel(inline=True)
def halt_with_output(m: Machine, f: Frame, how: U64, pc: U64, sp: Ptr, gas: U64) -> Control:
    """End with a memory range as output; from here on the frame's input fields describe it."""
    offset, size = load256(sp - 32), load256(sp - 64)
    paid, gas = expand(m, f, gas, offset, size)
    if not paid:
        return U64(OUT_OF_GAS), pc, sp, gas
    f.input = f.memory + U64(offset)
    f.input_size = U64(size)
    return how, pc, sp - 64, gas


@instruction(op.RETURN)
def return_(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    return halt_with_output(m, f, U64(RETURN), pc, sp, gas)


@instruction(op.REVERT)
def revert(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    return halt_with_output(m, f, U64(REVERT), pc, sp, gas)


@instruction(op.INVALID)
def invalid(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    return U64(INVALID_OPCODE), pc, sp, gas
