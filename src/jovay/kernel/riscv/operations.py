"""What the computing instructions of RV64IM compute: two words in, one word out.

Immediate forms share the operation of their register form; ``lui`` is ``add``. Every operation is total:
division by zero and overflow give what chapter "M" of the ISA lays down.
"""

from collections.abc import Callable

from ..lang import U64, U128, kernel, sar, signed_lt

SIGN = U64(1 << 63)
ONES = U64((1 << 64) - 1)


@kernel(inline=True)
def sign_extend(value: U64, bits: U64) -> U64:
    """The low ``bits`` (1 to 64) of ``value`` as a signed number."""
    return sar(value << (64 - bits), 64 - bits)


@kernel(inline=True)
def word(value: U64) -> U64:
    """The low 32 bits as a signed number: what every W instruction leaves."""
    return sar(value << 32, 32)


@kernel(inline=True)
def low32(value: U64) -> U64:
    return value & 0xFFFFFFFF


@kernel(inline=True)
def add(a: U64, b: U64) -> U64:
    return a + b


@kernel(inline=True)
def sub(a: U64, b: U64) -> U64:
    return a - b


@kernel(inline=True)
def sll(a: U64, b: U64) -> U64:
    return a << (b & 63)


@kernel(inline=True)
def slt(a: U64, b: U64) -> U64:
    return U64(signed_lt(a, b))


@kernel(inline=True)
def sltu(a: U64, b: U64) -> U64:
    return U64(a < b)


@kernel(inline=True)
def xor(a: U64, b: U64) -> U64:
    return a ^ b


@kernel(inline=True)
def srl(a: U64, b: U64) -> U64:
    return a >> (b & 63)


@kernel(inline=True)
def sra(a: U64, b: U64) -> U64:
    return sar(a, b & 63)


@kernel(inline=True)
def or_(a: U64, b: U64) -> U64:
    return a | b


@kernel(inline=True)
def and_(a: U64, b: U64) -> U64:
    return a & b


@kernel(inline=True)
def addw(a: U64, b: U64) -> U64:
    return word(a + b)


@kernel(inline=True)
def subw(a: U64, b: U64) -> U64:
    return word(a - b)


@kernel(inline=True)
def sllw(a: U64, b: U64) -> U64:
    return word(a << (b & 31))


@kernel(inline=True)
def srlw(a: U64, b: U64) -> U64:
    return word(low32(a) >> (b & 31))


@kernel(inline=True)
def sraw(a: U64, b: U64) -> U64:
    return sar(word(a), b & 31)


@kernel(inline=True)
def mul(a: U64, b: U64) -> U64:
    return a * b


@kernel(inline=True)
def mulhu(a: U64, b: U64) -> U64:
    return U64((U128(a) * U128(b)) >> 64)


@kernel(inline=True)
def mulh(a: U64, b: U64) -> U64:
    """High word of the signed product: the unsigned one, less each factor where the other is negative."""
    return mulhu(a, b) - (sar(a, 63) & b) - (sar(b, 63) & a)


@kernel(inline=True)
def mulhsu(a: U64, b: U64) -> U64:
    return mulhu(a, b) - (sar(a, 63) & b)


@kernel(inline=True)
def magnitude(a: U64) -> U64:
    """Absolute value; the most negative number is its own."""
    return 0 - a if a >= SIGN else a


@kernel(inline=True)
def divu(a: U64, b: U64) -> U64:
    return ONES if b == 0 else a // b


@kernel(inline=True)
def remu(a: U64, b: U64) -> U64:
    return a if b == 0 else a % b


@kernel(inline=True)
def div(a: U64, b: U64) -> U64:
    """Rounds towards zero; -2⁶³ / -1 wraps to itself."""
    if b == 0:
        return ONES
    quotient = magnitude(a) // magnitude(b)
    return 0 - quotient if (a ^ b) >= SIGN else quotient


@kernel(inline=True)
def rem(a: U64, b: U64) -> U64:
    """Takes the sign of the dividend."""
    if b == 0:
        return a
    rest = magnitude(a) % magnitude(b)
    return 0 - rest if a >= SIGN else rest


@kernel(inline=True)
def mulw(a: U64, b: U64) -> U64:
    return word(a * b)


@kernel(inline=True)
def divw(a: U64, b: U64) -> U64:
    return word(div(word(a), word(b)))


@kernel(inline=True)
def divuw(a: U64, b: U64) -> U64:
    return word(divu(low32(a), low32(b)))


@kernel(inline=True)
def remw(a: U64, b: U64) -> U64:
    return word(rem(word(a), word(b)))


@kernel(inline=True)
def remuw(a: U64, b: U64) -> U64:
    return word(remu(low32(a), low32(b)))


#: The computing instructions by mnemonic.
OPERATIONS: dict[str, Callable[[U64, U64], U64]] = {
    f.__name__.rstrip("_"): f
    for f in (
        *(add, sub, sll, slt, sltu, xor, srl, sra, or_, and_, addw, subw, sllw, srlw, sraw),
        *(mul, mulh, mulhsu, mulhu, div, divu, rem, remu, mulw, divw, divuw, remw, remuw),
    )
}
