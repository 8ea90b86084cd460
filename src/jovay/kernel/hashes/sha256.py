"""SHA-256 (FIPS 180-4)."""

from ..lang import U32, U64, Ptr, Table, bswap, kernel, load8, load32, rotr, store32

#: The eight working variables, and sixteen words of the message schedule.
State = tuple[(U32,) * 8]
Words = tuple[(U32,) * 16]

K = Table(
    U32,
    [
        0x428A2F98, 0x71374491, 0xB5C0FBCF, 0xE9B5DBA5, 0x3956C25B, 0x59F111F1, 0x923F82A4, 0xAB1C5ED5,
        0xD807AA98, 0x12835B01, 0x243185BE, 0x550C7DC3, 0x72BE5D74, 0x80DEB1FE, 0x9BDC06A7, 0xC19BF174,
        0xE49B69C1, 0xEFBE4786, 0x0FC19DC6, 0x240CA1CC, 0x2DE92C6F, 0x4A7484AA, 0x5CB0A9DC, 0x76F988DA,
        0x983E5152, 0xA831C66D, 0xB00327C8, 0xBF597FC7, 0xC6E00BF3, 0xD5A79147, 0x06CA6351, 0x14292967,
        0x27B70A85, 0x2E1B2138, 0x4D2C6DFC, 0x53380D13, 0x650A7354, 0x766A0ABB, 0x81C2C92E, 0x92722C85,
        0xA2BFE8A1, 0xA81A664B, 0xC24B8B70, 0xC76C51A3, 0xD192E819, 0xD6990624, 0xF40E3585, 0x106AA070,
        0x19A4C116, 0x1E376C08, 0x2748774C, 0x34B0BCB5, 0x391C0CB3, 0x4ED8AA4A, 0x5B9CCA4F, 0x682E6FF3,
        0x748F82EE, 0x78A5636F, 0x84C87814, 0x8CC70208, 0x90BEFFFA, 0xA4506CEB, 0xBEF9A3F7, 0xC67178F2,
    ],
)  # fmt: skip
INITIAL = Table(
    U32,
    [0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19],
)  # fmt: skip


@kernel(inline=False)
def padded_word(data: Ptr, size: U64, at: U64) -> U64:
    """The four bytes from offset ``at`` of a message of ``size`` bytes, little-endian, 0x80 after its end."""
    if at + 4 <= size:
        return load32(data + at)
    word = U64(0)
    for k in range(4):
        index = at + 3 - k
        byte = load8(data + index) if index < size else U64(0x80) if index == size else U64(0)
        word = (word << 8) | byte
    return word


@kernel(inline=True)
def step(a: U32, b: U32, c: U32, d: U32, e: U32, f: U32, g: U32, h: U32, w: U32) -> tuple[U32, U32]:
    """One step: the new values of ``d`` and ``h``; ``w`` is the word plus its constant."""
    t = h + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + ((e & f) ^ (~e & g)) + w
    return d + t, t + (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))


@kernel(inline=True)
def eight_steps(state: State, words: State, at: U64) -> State:
    """Steps ``at`` to ``at + 7``."""
    a, b, c, d, e, f, g, h = state
    d, h = step(a, b, c, d, e, f, g, h, words[0] + U32(K[at]))
    c, g = step(h, a, b, c, d, e, f, g, words[1] + U32(K[at + 1]))
    b, f = step(g, h, a, b, c, d, e, f, words[2] + U32(K[at + 2]))
    a, e = step(f, g, h, a, b, c, d, e, words[3] + U32(K[at + 3]))
    h, d = step(e, f, g, h, a, b, c, d, words[4] + U32(K[at + 4]))
    g, c = step(d, e, f, g, h, a, b, c, words[5] + U32(K[at + 5]))
    f, b = step(c, d, e, f, g, h, a, b, words[6] + U32(K[at + 6]))
    e, a = step(b, c, d, e, f, g, h, a, words[7] + U32(K[at + 7]))
    return a, b, c, d, e, f, g, h


@kernel(inline=True)
def expand(w0: U32, w1: U32, w9: U32, w14: U32) -> U32:
    """The schedule's word sixteen places after ``w0``."""
    s0 = rotr(w1, 7) ^ rotr(w1, 18) ^ (w1 >> 3)
    s1 = rotr(w14, 17) ^ rotr(w14, 19) ^ (w14 >> 10)
    return w0 + s0 + w9 + s1


@kernel(inline=True)
def next_words(words: Words) -> Words:
    """The sixteen words of the schedule that follow ``words``."""
    w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15 = words
    w0 = expand(w0, w1, w9, w14)
    w1 = expand(w1, w2, w10, w15)
    w2 = expand(w2, w3, w11, w0)
    w3 = expand(w3, w4, w12, w1)
    w4 = expand(w4, w5, w13, w2)
    w5 = expand(w5, w6, w14, w3)
    w6 = expand(w6, w7, w15, w4)
    w7 = expand(w7, w8, w0, w5)
    w8 = expand(w8, w9, w1, w6)
    w9 = expand(w9, w10, w2, w7)
    w10 = expand(w10, w11, w3, w8)
    w11 = expand(w11, w12, w4, w9)
    w12 = expand(w12, w13, w5, w10)
    w13 = expand(w13, w14, w6, w11)
    w14 = expand(w14, w15, w7, w12)
    w15 = expand(w15, w0, w8, w13)
    return w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15


@kernel(inline=False)
def compress_block(state: State, words: Words) -> State:
    """The compression function."""
    a, b, c, d, e, f, g, h = state
    now = state
    for i in range(4):
        at = U64(16 * i)
        w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15 = words
        now = eight_steps(now, (w0, w1, w2, w3, w4, w5, w6, w7), at)
        now = eight_steps(now, (w8, w9, w10, w11, w12, w13, w14, w15), at + 8)
        words = next_words(words)
    return (
        a + now[0], b + now[1], c + now[2], d + now[3],
        e + now[4], f + now[5], g + now[6], h + now[7],
    )  # fmt: skip


@kernel(inline=False)
def message_word(data: Ptr, size: U64, at: U64) -> U32:
    """Big-endian word at offset ``at`` of the padded message; the length field is added elsewhere."""
    return bswap(U32(padded_word(data, size, at)))


@kernel(inline=False)
def message_block(data: Ptr, size: U64, at: U64, last: bool) -> Words:
    """The padded message's block at offset ``at``, with the length in bits if it is the last."""
    w14, w15 = message_word(data, size, at + 56), message_word(data, size, at + 60)
    if last:
        w14, w15 = U32(size >> 29), U32(size << 3)
    return (
        message_word(data, size, at), message_word(data, size, at + 4),
        message_word(data, size, at + 8), message_word(data, size, at + 12),
        message_word(data, size, at + 16), message_word(data, size, at + 20),
        message_word(data, size, at + 24), message_word(data, size, at + 28),
        message_word(data, size, at + 32), message_word(data, size, at + 36),
        message_word(data, size, at + 40), message_word(data, size, at + 44),
        message_word(data, size, at + 48), message_word(data, size, at + 52),
        w14, w15,
    )  # fmt: skip


@kernel
def sha256(data: Ptr, size: U64, out: Ptr) -> U64:
    """Digest of ``size`` bytes at ``data``, as 32 bytes at ``out``. Returns 0."""
    state = (
        U32(INITIAL[0]), U32(INITIAL[1]), U32(INITIAL[2]), U32(INITIAL[3]),
        U32(INITIAL[4]), U32(INITIAL[5]), U32(INITIAL[6]), U32(INITIAL[7]),
    )  # fmt: skip
    at = U64(0)
    last = False
    while not last:
        last = at + 55 >= size
        state = compress_block(state, message_block(data, size, at, last))
        at += 64
    a, b, c, d, e, f, g, h = state
    store32(out, bswap(a))
    store32(out + 4, bswap(b))
    store32(out + 8, bswap(c))
    store32(out + 12, bswap(d))
    store32(out + 16, bswap(e))
    store32(out + 20, bswap(f))
    store32(out + 24, bswap(g))
    store32(out + 28, bswap(h))
    return U64(0)
