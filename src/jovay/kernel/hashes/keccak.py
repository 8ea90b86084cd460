"""Keccak-256 with the padding of "The Keccak reference" 3.0, which Ethereum kept when FIPS 202 changed it."""

from ..lang import U64, U256, Ptr, Table, bswap, kernel, load8, load64, rotl, store64

RATE = U64(136)
#: The state: lane (x, y) at index x + 5 * y.
Lanes = tuple[(U64,) * 25]

ROUND_CONSTANTS = Table(
    U64,
    [
        0x0000000000000001, 0x0000000000008082, 0x800000000000808A, 0x8000000080008000,
        0x000000000000808B, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
        0x000000000000008A, 0x0000000000000088, 0x0000000080008009, 0x000000008000000A,
        0x000000008000808B, 0x800000000000008B, 0x8000000000008089, 0x8000000000008003,
        0x8000000000008002, 0x8000000000000080, 0x000000000000800A, 0x800000008000000A,
        0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
    ],
)  # fmt: skip


@kernel(inline=False)
def padded_lane(data: Ptr, size: U64, index: U64) -> U64:
    """Lane ``index`` of a last block of ``size`` bytes at ``data``, padded with 0x01 (not the final 0x80)."""
    start = index << 3
    if size >= start + 8:
        return load64(data + start)
    if size < start:
        return U64(0)
    lane = U64(1)
    at = size
    while at > start:
        at -= 1
        lane = (lane << 8) | load8(data + at)
    return lane


@kernel(inline=True)
def keccak_round(state: Lanes, constant: U64) -> Lanes:
    """One round: theta, rho, pi, chi, iota."""
    (
        a00, a01, a02, a03, a04,
        a05, a06, a07, a08, a09,
        a10, a11, a12, a13, a14,
        a15, a16, a17, a18, a19,
        a20, a21, a22, a23, a24,
    ) = state  # fmt: skip
    # theta
    c0 = a00 ^ a05 ^ a10 ^ a15 ^ a20
    c1 = a01 ^ a06 ^ a11 ^ a16 ^ a21
    c2 = a02 ^ a07 ^ a12 ^ a17 ^ a22
    c3 = a03 ^ a08 ^ a13 ^ a18 ^ a23
    c4 = a04 ^ a09 ^ a14 ^ a19 ^ a24
    d0 = c4 ^ rotl(c1, 1)
    d1 = c0 ^ rotl(c2, 1)
    d2 = c1 ^ rotl(c3, 1)
    d3 = c2 ^ rotl(c4, 1)
    d4 = c3 ^ rotl(c0, 1)
    # rho, pi and chi, plane by plane: this order needs the fewest registers; iota
    b0 = a00 ^ d0
    b1 = rotl(a06 ^ d1, 44)
    b2 = rotl(a12 ^ d2, 43)
    b3 = rotl(a18 ^ d3, 21)
    b4 = rotl(a24 ^ d4, 14)
    e00 = b0 ^ (~b1 & b2) ^ constant
    e01 = b1 ^ (~b2 & b3)
    e02 = b2 ^ (~b3 & b4)
    e03 = b3 ^ (~b4 & b0)
    e04 = b4 ^ (~b0 & b1)
    b0 = rotl(a03 ^ d3, 28)
    b1 = rotl(a09 ^ d4, 20)
    b2 = rotl(a10 ^ d0, 3)
    b3 = rotl(a16 ^ d1, 45)
    b4 = rotl(a22 ^ d2, 61)
    e05 = b0 ^ (~b1 & b2)
    e06 = b1 ^ (~b2 & b3)
    e07 = b2 ^ (~b3 & b4)
    e08 = b3 ^ (~b4 & b0)
    e09 = b4 ^ (~b0 & b1)
    b0 = rotl(a01 ^ d1, 1)
    b1 = rotl(a07 ^ d2, 6)
    b2 = rotl(a13 ^ d3, 25)
    b3 = rotl(a19 ^ d4, 8)
    b4 = rotl(a20 ^ d0, 18)
    e10 = b0 ^ (~b1 & b2)
    e11 = b1 ^ (~b2 & b3)
    e12 = b2 ^ (~b3 & b4)
    e13 = b3 ^ (~b4 & b0)
    e14 = b4 ^ (~b0 & b1)
    b0 = rotl(a04 ^ d4, 27)
    b1 = rotl(a05 ^ d0, 36)
    b2 = rotl(a11 ^ d1, 10)
    b3 = rotl(a17 ^ d2, 15)
    b4 = rotl(a23 ^ d3, 56)
    e15 = b0 ^ (~b1 & b2)
    e16 = b1 ^ (~b2 & b3)
    e17 = b2 ^ (~b3 & b4)
    e18 = b3 ^ (~b4 & b0)
    e19 = b4 ^ (~b0 & b1)
    b0 = rotl(a02 ^ d2, 62)
    b1 = rotl(a08 ^ d3, 55)
    b2 = rotl(a14 ^ d4, 39)
    b3 = rotl(a15 ^ d0, 41)
    b4 = rotl(a21 ^ d1, 2)
    e20 = b0 ^ (~b1 & b2)
    e21 = b1 ^ (~b2 & b3)
    e22 = b2 ^ (~b3 & b4)
    e23 = b3 ^ (~b4 & b0)
    e24 = b4 ^ (~b0 & b1)
    return (
        e00, e01, e02, e03, e04,
        e05, e06, e07, e08, e09,
        e10, e11, e12, e13, e14,
        e15, e16, e17, e18, e19,
        e20, e21, e22, e23, e24,
    )  # fmt: skip


@kernel(inline=True)
def absorb_block(state: Lanes, data: Ptr) -> Lanes:
    """Add a whole block of the message to the state."""
    (
        a00, a01, a02, a03, a04,
        a05, a06, a07, a08, a09,
        a10, a11, a12, a13, a14,
        a15, a16, a17, a18, a19,
        a20, a21, a22, a23, a24,
    ) = state  # fmt: skip
    return (
        a00 ^ load64(data),
        a01 ^ load64(data + 8),
        a02 ^ load64(data + 16),
        a03 ^ load64(data + 24),
        a04 ^ load64(data + 32),
        a05 ^ load64(data + 40),
        a06 ^ load64(data + 48),
        a07 ^ load64(data + 56),
        a08 ^ load64(data + 64),
        a09 ^ load64(data + 72),
        a10 ^ load64(data + 80),
        a11 ^ load64(data + 88),
        a12 ^ load64(data + 96),
        a13 ^ load64(data + 104),
        a14 ^ load64(data + 112),
        a15 ^ load64(data + 120),
        a16 ^ load64(data + 128),
        a17, a18, a19,
        a20, a21, a22, a23, a24,
    )  # fmt: skip


@kernel(inline=True)
def absorb_last(state: Lanes, data: Ptr, size: U64) -> Lanes:
    """Add the last ``size`` bytes, less than a block, and the padding."""
    (
        a00, a01, a02, a03, a04,
        a05, a06, a07, a08, a09,
        a10, a11, a12, a13, a14,
        a15, a16, a17, a18, a19,
        a20, a21, a22, a23, a24,
    ) = state  # fmt: skip
    return (
        a00 ^ padded_lane(data, size, 0),
        a01 ^ padded_lane(data, size, 1),
        a02 ^ padded_lane(data, size, 2),
        a03 ^ padded_lane(data, size, 3),
        a04 ^ padded_lane(data, size, 4),
        a05 ^ padded_lane(data, size, 5),
        a06 ^ padded_lane(data, size, 6),
        a07 ^ padded_lane(data, size, 7),
        a08 ^ padded_lane(data, size, 8),
        a09 ^ padded_lane(data, size, 9),
        a10 ^ padded_lane(data, size, 10),
        a11 ^ padded_lane(data, size, 11),
        a12 ^ padded_lane(data, size, 12),
        a13 ^ padded_lane(data, size, 13),
        a14 ^ padded_lane(data, size, 14),
        a15 ^ padded_lane(data, size, 15),
        a16 ^ padded_lane(data, size, 16) ^ U64(1 << 63),
        a17, a18, a19,
        a20, a21, a22, a23, a24,
    )  # fmt: skip


@kernel(inline=False)
def sponge(data: Ptr, size: U64) -> tuple[U64, U64, U64, U64]:
    """The first four lanes of the state after absorbing the padded message."""
    zero = U64(0)
    state = (
        zero, zero, zero, zero, zero,
        zero, zero, zero, zero, zero,
        zero, zero, zero, zero, zero,
        zero, zero, zero, zero, zero,
        zero, zero, zero, zero, zero,
    )  # fmt: skip
    more = True
    while more:
        if size >= RATE:
            state = absorb_block(state, data)
            data += RATE
            size -= RATE
        else:
            state = absorb_last(state, data, size)
            more = False
        for pair in range(12):  # two rounds at a time: the second undoes the renaming of the first
            state = keccak_round(state, ROUND_CONSTANTS[pair + pair])
            state = keccak_round(state, ROUND_CONSTANTS[pair + pair + 1])
    return state[0], state[1], state[2], state[3]


@kernel
def keccak256(data: Ptr, size: U64, out: Ptr):
    """Digest of ``size`` bytes at ``data``, as 32 bytes at ``out`` (which may overlap the message)."""
    h0, h1, h2, h3 = sponge(data, size)
    store64(out, h0)
    store64(out + 8, h1)
    store64(out + 16, h2)
    store64(out + 24, h3)


@kernel
def keccak256_word(data: Ptr, size: U64) -> U256:
    """Digest of ``size`` bytes at ``data``, read big-endian."""
    h0, h1, h2, h3 = sponge(data, size)
    return bswap((U256(h3) << 192) | (U256(h2) << 128) | (U256(h1) << 64) | U256(h0))


@kernel
def keccak256_batch(n: U64, pointers: Ptr, sizes: Ptr, out: Ptr) -> U64:
    """Digests, 32 bytes each, of ``n`` messages: u64 addresses at ``pointers``, lengths at ``sizes``."""
    for i in range(n):
        keccak256(load64(pointers + 8 * i), load64(sizes + 8 * i), out + 32 * i)
    return U64(0)
