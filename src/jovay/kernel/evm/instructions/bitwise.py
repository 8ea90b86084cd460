"""0x10–0x1e: comparisons and bit operations."""

from ...lang import U256, clz, kernel, signed_lt
from ...protocol import opcodes as op
from ...words import arith
from ..templates import pure


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


pure(op.LT, lt)
pure(op.GT, gt)
pure(op.SLT, slt)
pure(op.SGT, sgt)
pure(op.EQ, eq)
pure(op.ISZERO, iszero)
pure(op.AND, and_)
pure(op.OR, or_)
pure(op.XOR, xor)
pure(op.NOT, not_)
pure(op.BYTE, arith.byte)
pure(op.SHL, arith.shl)
pure(op.SHR, arith.shr)
pure(op.SAR, arith.sar)
pure(op.CLZ, count_leading_zeros)
