"""0x01–0x0b: arithmetic modulo 2²⁵⁶ (Yellow Paper, appendix H)."""

from ...lang import U64, U256, Ptr, kernel, load256, store256
from ...machine.frame import Frame
from ...machine.machine import Machine
from ...machine.status import NEXT, OUT_OF_GAS
from ...protocol import opcodes as op
from ...protocol.gas import EXPONENTIATION_PER_BYTE
from ...words import arith
from ..templates import Control, instruction, pure


@kernel
def add(a: U256, b: U256) -> U256:
    """a + b"""
    return a + b


@kernel
def mul(a: U256, b: U256) -> U256:
    """a · b"""
    return a * b


@kernel
def sub(a: U256, b: U256) -> U256:
    """a − b"""
    return a - b


pure(op.ADD, add)
pure(op.MUL, mul)
pure(op.SUB, sub)
pure(op.DIV, arith.div)
pure(op.SDIV, arith.sdiv)
pure(op.MOD, arith.mod)
pure(op.SMOD, arith.smod)
pure(op.ADDMOD, arith.addmod)
pure(op.MULMOD, arith.mulmod)
pure(op.SIGNEXTEND, arith.signextend)


@instruction(op.EXP)
def exp(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    exponent = load256(sp - 64)
    cost = arith.significant_bytes(exponent) * EXPONENTIATION_PER_BYTE[m.block.fork]
    if gas < cost:
        m.tracing.lacking = cost
        return U64(OUT_OF_GAS), pc, sp, gas
    store256(sp - 64, arith.exp(load256(sp - 32), exponent))
    return U64(NEXT), pc + 1, sp - 32, gas - cost
