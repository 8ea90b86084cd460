"""0x01–0x0b: arithmetic modulo 2²⁵⁶ (Yellow Paper, appendix H)."""

from ...lang import U64, U256, Ptr, Table, kernel, load256, store256
from ...machine.frame import Frame
from ...machine.machine import Machine
from ...machine.status import NEXT, OUT_OF_GAS
from ...protocol import forks, gas
from ...words import arith
from ..opcodes import Control, instruction, pure


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


pure(0x01, "ADD", gas.VERYLOW, add)
pure(0x02, "MUL", gas.LOW, mul)
pure(0x03, "SUB", gas.VERYLOW, sub)
pure(0x04, "DIV", gas.LOW, arith.div)
pure(0x05, "SDIV", gas.LOW, arith.sdiv)
pure(0x06, "MOD", gas.LOW, arith.mod)
pure(0x07, "SMOD", gas.LOW, arith.smod)
pure(0x08, "ADDMOD", gas.MID, arith.addmod)
pure(0x09, "MULMOD", gas.MID, arith.mulmod)
pure(0x0B, "SIGNEXTEND", gas.LOW, arith.signextend)

EXP_BYTE = Table(U64, gas.by_fork({forks.FRONTIER: 10, forks.SPURIOUS: 50}))  # EIP-160


@instruction(0x0A, "EXP", gas.EXP, pops=2, pushes=1)
def exp(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    """aᵇ, paid per byte of b"""
    exponent = load256(sp - 64)
    cost = arith.significant_bytes(exponent) * EXP_BYTE[m.block.fork]
    if gas < cost:
        m.wanted = cost
        return U64(OUT_OF_GAS), pc, sp, gas
    store256(sp - 64, arith.exp(load256(sp - 32), exponent))
    return U64(NEXT), pc + 1, sp - 32, gas - cost
