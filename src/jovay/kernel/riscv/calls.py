"""What system calls do to memory: each works in place on a block of 8-byte words.

==================  =======================================================================================
POSEIDON2           the 16 elements of a state, 32 bits each and reduced: permuted
KECCAK_F            the 25 lanes of a state: permuted
MULMOD              256-bit ``a, b, m``, ``a · b / m`` below 2²⁵⁶: ``a`` becomes ``a · b mod m``
SECP256K1_ADD       points ``P, Q``, as x and y below the prime, on the curve, with different x: ``P`` becomes ``P + Q``
SECP256K1_SUBTRACT  points ``P, Q`` like these: ``P`` becomes ``P - Q``
SECP256K1_DOUBLE    a point ``P`` like these: ``P`` becomes ``2 P``
INVERSE_MODULO      256-bit ``a, b, m``, ``m`` odd, ``a < m``, without a common factor: ``a`` becomes ``1 / a mod m``
ROOT_MODULO         256-bit ``a, b, m``, ``m = 3 mod 4``, ``a < m``: ``a`` becomes an ``r`` with ``r² = ±a mod m``
==================  =======================================================================================

Which of the two roots it is, r or m - r, a program must not rely on: a proof may have the other.
Operands of no other kind are taken: the functions say False and write nothing.
"""

from ..curves.inverse import inverse_modulo
from ..curves.secp256k1 import FIELD, P
from ..hashes import poseidon2
from ..hashes.keccak import ROUND_CONSTANTS, keccak_round
from ..lang import U64, U256, Ptr, Switch, Table, kernel, load32, load64, load256, store32, store64, store256
from ..words.arith import mulmod, product512

POSEIDON2, KECCAK_F, MULMOD, SECP256K1_ADD, SECP256K1_DOUBLE = range(0x100, 0x105)
INVERSE_MODULO, ROOT_MODULO, SECP256K1_SUBTRACT = range(0x105, 0x108)
#: Words of each call's block.
WORDS = {
    POSEIDON2: 8,
    KECCAK_F: 25,
    MULMOD: 12,
    SECP256K1_ADD: 16,
    SECP256K1_DOUBLE: 8,
    INVERSE_MODULO: 12,
    ROOT_MODULO: 12,
    SECP256K1_SUBTRACT: 16,
}
MOST_WORDS, CALLS = max(WORDS.values()), len(WORDS)

_SIZES = Table(U64, [8 * words for words in WORDS.values()])
plus, minus, times, square, inverse = FIELD.plus, FIELD.minus, FIELD.times, FIELD.square, FIELD.inverse


@kernel
def block_size(number: U64) -> U64:
    """Bytes of a call's block; 0 if there is no such call."""
    return _SIZES[number - POSEIDON2] if number - POSEIDON2 < CALLS else U64(0)


@kernel(inline=False)
def permute_poseidon2(block: Ptr) -> bool:
    for i in range(16):
        if load32(block + 4 * i) >= poseidon2.P:
            return False
    state = poseidon2.permutation(
        (
            load32(block), load32(block + 4), load32(block + 8), load32(block + 12),
            load32(block + 16), load32(block + 20), load32(block + 24), load32(block + 28),
            load32(block + 32), load32(block + 36), load32(block + 40), load32(block + 44),
            load32(block + 48), load32(block + 52), load32(block + 56), load32(block + 60),
        )
    )  # fmt: skip
    store32(block, state[0])
    store32(block + 4, state[1])
    store32(block + 8, state[2])
    store32(block + 12, state[3])
    store32(block + 16, state[4])
    store32(block + 20, state[5])
    store32(block + 24, state[6])
    store32(block + 28, state[7])
    store32(block + 32, state[8])
    store32(block + 36, state[9])
    store32(block + 40, state[10])
    store32(block + 44, state[11])
    store32(block + 48, state[12])
    store32(block + 52, state[13])
    store32(block + 56, state[14])
    store32(block + 60, state[15])
    return True


@kernel(inline=False)
def permute_keccak(block: Ptr) -> bool:
    state = (
        load64(block), load64(block + 8), load64(block + 16), load64(block + 24), load64(block + 32),
        load64(block + 40), load64(block + 48), load64(block + 56), load64(block + 64), load64(block + 72),
        load64(block + 80), load64(block + 88), load64(block + 96), load64(block + 104), load64(block + 112),
        load64(block + 120), load64(block + 128), load64(block + 136), load64(block + 144), load64(block + 152),
        load64(block + 160), load64(block + 168), load64(block + 176), load64(block + 184), load64(block + 192),
    )  # fmt: skip
    for pair in range(12):  # two rounds at a time, as ``keccak.sponge`` does
        state = keccak_round(state, ROUND_CONSTANTS[pair + pair])
        state = keccak_round(state, ROUND_CONSTANTS[pair + pair + 1])
    store64(block, state[0])
    store64(block + 8, state[1])
    store64(block + 16, state[2])
    store64(block + 24, state[3])
    store64(block + 32, state[4])
    store64(block + 40, state[5])
    store64(block + 48, state[6])
    store64(block + 56, state[7])
    store64(block + 64, state[8])
    store64(block + 72, state[9])
    store64(block + 80, state[10])
    store64(block + 88, state[11])
    store64(block + 96, state[12])
    store64(block + 104, state[13])
    store64(block + 112, state[14])
    store64(block + 120, state[15])
    store64(block + 128, state[16])
    store64(block + 136, state[17])
    store64(block + 144, state[18])
    store64(block + 152, state[19])
    store64(block + 160, state[20])
    store64(block + 168, state[21])
    store64(block + 176, state[22])
    store64(block + 184, state[23])
    store64(block + 192, state[24])
    return True


@kernel(inline=False)
def multiply(block: Ptr) -> bool:
    a, b, m = load256(block), load256(block + 32), load256(block + 64)
    high, _ = product512(a, b)
    if high >= m:
        return False
    store256(block, mulmod(a, b, m))
    return True


@kernel(inline=False)
def invert(block: Ptr) -> bool:
    a, m = load256(block), load256(block + 64)
    if a >= m or U64(m) & 1 == 0:
        return False
    result = inverse_modulo(a, m)
    if mulmod(a, result, m) != 1:
        return False
    store256(block, result)
    return True


@kernel(inline=False)
def extract_root(block: Ptr) -> bool:
    a, m = load256(block), load256(block + 64)
    if a >= m or U64(m) & 3 != 3:
        return False
    exponent, at, result = (m >> 2) + 1, U64(255), U256(1)
    while at != 0:
        at -= 1
        result = mulmod(result, result, m)
        if U64(exponent >> at) & 1 != 0:
            result = mulmod(result, a, m)
    squared = mulmod(result, result, m)
    if squared != a and m - squared != a:
        return False
    store256(block, result)
    return True


@kernel
def on_curve(x: U256, y: U256) -> bool:
    """Whether ``(x, y)`` is a point, its coordinates reduced."""
    return x < P and y < P and square(y) == plus(times(square(x), x), U256(7))


@kernel(inline=True)
def store_third(block: Ptr, slope: U256, x1: U256, y1: U256, x2: U256) -> None:
    """Where the line through two points meets the curve again, mirrored."""
    x3 = minus(minus(square(slope), x1), x2)
    store256(block, x3)
    store256(block + 32, minus(times(slope, minus(x1, x3)), y1))


@kernel(inline=True)
def chord(block: Ptr, negative: bool) -> bool:
    """Add the second point, or its negative."""
    x1, y1, x2, y2 = load256(block), load256(block + 32), load256(block + 64), load256(block + 96)
    if not on_curve(x1, y1) or not on_curve(x2, y2) or x1 == x2:
        return False
    if negative:
        y2 = minus(U256(0), y2)
    store_third(block, times(minus(y2, y1), inverse(minus(x2, x1))), x1, y1, x2)
    return True


@kernel(inline=False)
def add_points(block: Ptr) -> bool:
    return chord(block, False)


@kernel(inline=False)
def subtract_points(block: Ptr) -> bool:
    return chord(block, True)


@kernel(inline=False)
def double_point(block: Ptr) -> bool:
    x, y = load256(block), load256(block + 32)  # no point has y = 0: the group's order is odd
    if not on_curve(x, y):
        return False
    squared = square(x)
    store_third(block, times(plus(plus(squared, squared), squared), inverse(plus(y, y))), x, y, x)
    return True


@kernel
def unknown(block: Ptr) -> bool:
    return False


CARRY_OUT = Switch(
    "system_call",
    {
        POSEIDON2: permute_poseidon2,
        KECCAK_F: permute_keccak,
        MULMOD: multiply,
        SECP256K1_ADD: add_points,
        SECP256K1_DOUBLE: double_point,
        INVERSE_MODULO: invert,
        ROOT_MODULO: extract_root,
        SECP256K1_SUBTRACT: subtract_points,
    },
    unknown,
)
