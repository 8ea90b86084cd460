"""RIPEMD-160 (H. Dobbertin, A. Bosselaers, B. Preneel, "RIPEMD-160: a strengthened version of RIPEMD")."""

from ..lang import U8, U32, U64, Ptr, Switch, Table, kernel, rotl, store32
from .sha256 import padded_word

State = tuple[U32, U32, U32, U32, U32]

LEFT_WORD = Table(
    U8,
    [
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
        7, 4, 13, 1, 10, 6, 15, 3, 12, 0, 9, 5, 2, 14, 11, 8,
        3, 10, 14, 4, 9, 15, 8, 1, 2, 7, 0, 6, 13, 11, 5, 12,
        1, 9, 11, 10, 0, 8, 12, 4, 13, 3, 7, 15, 14, 5, 6, 2,
        4, 0, 5, 9, 7, 12, 2, 10, 14, 1, 3, 8, 11, 6, 15, 13,
    ],
)  # fmt: skip
RIGHT_WORD = Table(
    U8,
    [
        5, 14, 7, 0, 9, 2, 11, 4, 13, 6, 15, 8, 1, 10, 3, 12,
        6, 11, 3, 7, 0, 13, 5, 10, 14, 15, 8, 12, 4, 9, 1, 2,
        15, 5, 1, 3, 7, 14, 6, 9, 11, 8, 12, 2, 10, 0, 4, 13,
        8, 6, 4, 1, 3, 11, 15, 0, 5, 12, 2, 13, 9, 7, 10, 14,
        12, 15, 10, 4, 1, 5, 8, 7, 6, 2, 13, 14, 0, 3, 9, 11,
    ],
)  # fmt: skip
LEFT_ROTATION = Table(
    U8,
    [
        11, 14, 15, 12, 5, 8, 7, 9, 11, 13, 14, 15, 6, 7, 9, 8,
        7, 6, 8, 13, 11, 9, 7, 15, 7, 12, 15, 9, 11, 7, 13, 12,
        11, 13, 6, 7, 14, 9, 13, 15, 14, 8, 13, 6, 5, 12, 7, 5,
        11, 12, 14, 15, 14, 15, 9, 8, 9, 14, 5, 6, 8, 6, 5, 12,
        9, 15, 5, 11, 6, 8, 13, 12, 5, 12, 13, 14, 11, 8, 5, 6,
    ],
)  # fmt: skip
RIGHT_ROTATION = Table(
    U8,
    [
        8, 9, 9, 11, 13, 15, 15, 5, 7, 7, 8, 11, 14, 14, 12, 6,
        9, 13, 15, 7, 12, 8, 9, 11, 7, 7, 12, 7, 6, 15, 13, 11,
        9, 7, 15, 11, 8, 6, 6, 14, 12, 13, 5, 14, 13, 13, 7, 5,
        15, 5, 8, 11, 14, 14, 6, 14, 6, 9, 12, 9, 12, 5, 15, 8,
        8, 5, 12, 9, 12, 5, 14, 6, 8, 13, 6, 5, 15, 13, 11, 11,
    ],
)  # fmt: skip
LEFT_CONSTANT = Table(U32, [0, 0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xA953FD4E])
RIGHT_CONSTANT = Table(U32, [0x50A28BE6, 0x5C4DD124, 0x6D703EF3, 0x7A6D76E9, 0])


@kernel
def mix_0(x: U32, y: U32, z: U32) -> U32:
    return x ^ y ^ z


@kernel
def mix_1(x: U32, y: U32, z: U32) -> U32:
    return (x & y) | (~x & z)


@kernel
def mix_2(x: U32, y: U32, z: U32) -> U32:
    return (x | ~y) ^ z


@kernel
def mix_3(x: U32, y: U32, z: U32) -> U32:
    return (x & z) | (y & ~z)


@kernel
def mix_4(x: U32, y: U32, z: U32) -> U32:
    return x ^ (y | ~z)


#: The five non-linear functions, one for each round of sixteen steps.
MIX = Switch("ripemd160_mix", {0: mix_0, 1: mix_1, 2: mix_2, 3: mix_3}, mix_4)


@kernel(inline=True)
def advance(state: State, mixed: U32, word: U32, rotation: U64) -> State:
    """One step of either line; ``word`` is the message word plus the round's constant."""
    a, b, c, d, e = state
    return e, rotl(a + mixed + word, rotation) + e, b, rotl(c, 10), d


@kernel(inline=False)
def message_word(data: Ptr, size: U64, at: U64, index: U64) -> U32:
    """Word ``index`` of the padded message's block at offset ``at``."""
    where = at + (index << 2)
    if index >= 14 and at + 55 >= size:  # the length in bits ends the last block
        return U32(size << 3) if index == 14 else U32(size >> 29)
    return U32(padded_word(data, size, where))


@kernel(inline=False)
def compress_block(state: State, data: Ptr, size: U64, at: U64) -> State:
    """The compression function over the padded message's block at offset ``at``."""
    left = right = state
    for i in range(80):
        j = U64(i)
        group = j >> 4
        mixed = MIX(group, left[1], left[2], left[3])
        word = message_word(data, size, at, LEFT_WORD[j]) + U32(LEFT_CONSTANT[group])
        left = advance(left, mixed, word, LEFT_ROTATION[j])
        mixed = MIX(U64(4) - group, right[1], right[2], right[3])
        word = message_word(data, size, at, RIGHT_WORD[j]) + U32(RIGHT_CONSTANT[group])
        right = advance(right, mixed, word, RIGHT_ROTATION[j])
    return (
        state[1] + left[2] + right[3],
        state[2] + left[3] + right[4],
        state[3] + left[4] + right[0],
        state[4] + left[0] + right[1],
        state[0] + left[1] + right[2],
    )


@kernel
def ripemd160(data: Ptr, size: U64, out: Ptr):
    """Digest of ``size`` bytes at ``data``, as 20 bytes at ``out``."""
    state = (U32(0x67452301), U32(0xEFCDAB89), U32(0x98BADCFE), U32(0x10325476), U32(0xC3D2E1F0))
    at = U64(0)
    last = False
    while not last:
        last = at + 55 >= size
        state = compress_block(state, data, size, at)
        at += 64
    h0, h1, h2, h3, h4 = state
    store32(out, h0)
    store32(out + 4, h1)
    store32(out + 8, h2)
    store32(out + 12, h3)
    store32(out + 16, h4)
