"""0x10–0x1e: comparisons and bit operations."""

from ...lang import U256, clz, kernel, signed_lt
from ...protocol import forks, gas
from ...words import arith
from ..opcodes import pure


@kernel
def lt(a: U256, b: U256) -> U256:
    """a < b"""
    return U256(a < b)


@kernel
def gt(a: U256, b: U256) -> U256:
    """a > b"""
    return U256(a > b)


@kernel
def slt(a: U256, b: U256) -> U256:
    """a < b, signed"""
    return U256(signed_lt(a, b))


@kernel
def sgt(a: U256, b: U256) -> U256:
    """a > b, signed"""
    return U256(signed_lt(b, a))


@kernel
def eq(a: U256, b: U256) -> U256:
    """a = b"""
    return U256(a == b)


@kernel
def iszero(a: U256) -> U256:
    """a = 0"""
    return U256(a == 0)


@kernel
def and_(a: U256, b: U256) -> U256:
    """a ∧ b"""
    return a & b


@kernel
def or_(a: U256, b: U256) -> U256:
    """a ∨ b"""
    return a | b


@kernel
def xor(a: U256, b: U256) -> U256:
    """a ⊕ b"""
    return a ^ b


@kernel
def not_(a: U256) -> U256:
    """¬a"""
    return ~a


@kernel
def count_leading_zeros(a: U256) -> U256:
    """leading zero bits of a (EIP-7939)"""
    return U256(clz(a))


pure(0x10, "LT", gas.VERYLOW, lt)
pure(0x11, "GT", gas.VERYLOW, gt)
pure(0x12, "SLT", gas.VERYLOW, slt)
pure(0x13, "SGT", gas.VERYLOW, sgt)
pure(0x14, "EQ", gas.VERYLOW, eq)
pure(0x15, "ISZERO", gas.VERYLOW, iszero)
pure(0x16, "AND", gas.VERYLOW, and_)
pure(0x17, "OR", gas.VERYLOW, or_)
pure(0x18, "XOR", gas.VERYLOW, xor)
pure(0x19, "NOT", gas.VERYLOW, not_)
pure(0x1A, "BYTE", gas.VERYLOW, arith.byte)
pure(0x1B, "SHL", gas.VERYLOW, arith.shl, forks.CONSTANTINOPLE)
pure(0x1C, "SHR", gas.VERYLOW, arith.shr, forks.CONSTANTINOPLE)
pure(0x1D, "SAR", gas.VERYLOW, arith.sar, forks.CONSTANTINOPLE)
pure(0x1E, "CLZ", gas.LOW, count_leading_zeros, forks.OSAKA)
