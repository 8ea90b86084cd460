"""0x00, 0x56–0x58, 0x5a, 0x5b, 0xf3, 0xfd, 0xfe: control flow and the ends of a frame."""

from ...lang import U64, U256, Ptr, kernel, load256, store256
from ...machine.frame import Frame
from ...machine.machine import Machine
from ...machine.status import INVALID_JUMP, INVALID_OPCODE, NEXT, OUT_OF_GAS, PAUSED, RETURN, REVERT, STOP
from ...protocol import forks
from ...protocol import gas as price
from ...state.code import is_jumpdest
from ..memory import expand
from ..opcodes import Control, instruction


@instruction(0x00, "STOP", price.ZERO, pops=0, pushes=0)
def stop(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    """end the frame"""
    return U64(STOP), pc, sp, gas


@kernel(inline=True)
def jump_to(m: Machine, f: Frame, target: U256, pc: U64, sp: Ptr, gas: U64) -> Control:
    if target >= U256(f.code_size) or not is_jumpdest(f.jumpdests, U64(target)):
        return U64(INVALID_JUMP), pc, sp, gas
    if gas < m.pause_below:  # the host wants to look at the clock
        return U64(PAUSED), U64(target), sp, gas
    return U64(NEXT), U64(target), sp, gas


@instruction(0x56, "JUMP", price.MID, pops=1, pushes=0)
def jump(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    """go to a JUMPDEST"""
    return jump_to(m, f, load256(sp - 32), pc, sp - 32, gas)


@instruction(0x57, "JUMPI", price.HIGH, pops=2, pushes=0)
def jumpi(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    """go to a JUMPDEST if the condition is not 0"""
    if load256(sp - 64) == 0:
        return U64(NEXT), pc + 1, sp - 64, gas
    return jump_to(m, f, load256(sp - 32), pc, sp - 64, gas)


@instruction(0x58, "PC", price.BASE, pops=0, pushes=1)
def program_counter(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    """where this instruction stands"""
    store256(sp, U256(pc))
    return U64(NEXT), pc + 1, sp + 32, gas


@instruction(0x5A, "GAS", price.BASE, pops=0, pushes=1)
def gas_left(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    """gas left after this instruction"""
    store256(sp, U256(gas))
    return U64(NEXT), pc + 1, sp + 32, gas


@instruction(0x5B, "JUMPDEST", price.JUMPDEST, pops=0, pushes=0)
def jumpdest(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    """where jumps may land"""
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


@instruction(0xF3, "RETURN", price.ZERO, pops=2, pushes=0)
def return_(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    """end the frame with output"""
    return halt_with_output(m, f, U64(RETURN), pc, sp, gas)


@instruction(0xFD, "REVERT", price.ZERO, pops=2, pushes=0, since=forks.BYZANTIUM)
def revert(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    """undo the frame, with output (EIP-140)"""
    return halt_with_output(m, f, U64(REVERT), pc, sp, gas)


@instruction(0xFE, "INVALID", price.ZERO, pops=0, pushes=0)
def invalid(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    """the designated invalid instruction (EIP-141)"""
    return U64(INVALID_OPCODE), pc, sp, gas
