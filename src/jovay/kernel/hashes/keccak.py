"""Keccak-256 with the padding of "The Keccak reference" 3.0, which Ethereum kept when FIPS 202 changed it."""

from ..lang import U64, U256, Ptr, Table, bswap, kernel, load8, load64, rotl, store64

RATE = U64(136)
RATE_LANES = 17

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


@kernel(inline=False)
def sponge(data: Ptr, size: U64) -> tuple[U64, U64, U64, U64]:
    """The first four lanes of the state after absorbing the padded message."""
    a00 = a01 = a02 = a03 = a04 = U64(0)
    a05 = a06 = a07 = a08 = a09 = U64(0)
    a10 = a11 = a12 = a13 = a14 = U64(0)
    a15 = a16 = a17 = a18 = a19 = U64(0)
    a20 = a21 = a22 = a23 = a24 = U64(0)
    more = True
    while more:
        if size >= RATE:
            a00 ^= load64(data)
            a01 ^= load64(data + 8)
            a02 ^= load64(data + 16)
            a03 ^= load64(data + 24)
            a04 ^= load64(data + 32)
            a05 ^= load64(data + 40)
            a06 ^= load64(data + 48)
            a07 ^= load64(data + 56)
            a08 ^= load64(data + 64)
            a09 ^= load64(data + 72)
            a10 ^= load64(data + 80)
            a11 ^= load64(data + 88)
            a12 ^= load64(data + 96)
            a13 ^= load64(data + 104)
            a14 ^= load64(data + 112)
            a15 ^= load64(data + 120)
            a16 ^= load64(data + 128)
            data += RATE
            size -= RATE
        else:
            a00 ^= padded_lane(data, size, 0)
            a01 ^= padded_lane(data, size, 1)
            a02 ^= padded_lane(data, size, 2)
            a03 ^= padded_lane(data, size, 3)
            a04 ^= padded_lane(data, size, 4)
            a05 ^= padded_lane(data, size, 5)
            a06 ^= padded_lane(data, size, 6)
            a07 ^= padded_lane(data, size, 7)
            a08 ^= padded_lane(data, size, 8)
            a09 ^= padded_lane(data, size, 9)
            a10 ^= padded_lane(data, size, 10)
            a11 ^= padded_lane(data, size, 11)
            a12 ^= padded_lane(data, size, 12)
            a13 ^= padded_lane(data, size, 13)
            a14 ^= padded_lane(data, size, 14)
            a15 ^= padded_lane(data, size, 15)
            a16 ^= padded_lane(data, size, 16) ^ U64(1 << 63)
            more = False
        for step in range(24):
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
            # rho and pi
            b00 = a00 ^ d0
            b01 = rotl(a06 ^ d1, 44)
            b02 = rotl(a12 ^ d2, 43)
            b03 = rotl(a18 ^ d3, 21)
            b04 = rotl(a24 ^ d4, 14)
            b05 = rotl(a03 ^ d3, 28)
            b06 = rotl(a09 ^ d4, 20)
            b07 = rotl(a10 ^ d0, 3)
            b08 = rotl(a16 ^ d1, 45)
            b09 = rotl(a22 ^ d2, 61)
            b10 = rotl(a01 ^ d1, 1)
            b11 = rotl(a07 ^ d2, 6)
            b12 = rotl(a13 ^ d3, 25)
            b13 = rotl(a19 ^ d4, 8)
            b14 = rotl(a20 ^ d0, 18)
            b15 = rotl(a04 ^ d4, 27)
            b16 = rotl(a05 ^ d0, 36)
            b17 = rotl(a11 ^ d1, 10)
            b18 = rotl(a17 ^ d2, 15)
            b19 = rotl(a23 ^ d3, 56)
            b20 = rotl(a02 ^ d2, 62)
            b21 = rotl(a08 ^ d3, 55)
            b22 = rotl(a14 ^ d4, 39)
            b23 = rotl(a15 ^ d0, 41)
            b24 = rotl(a21 ^ d1, 2)
            # chi and iota
            a00 = b00 ^ (~b01 & b02) ^ ROUND_CONSTANTS[step]
            a01 = b01 ^ (~b02 & b03)
            a02 = b02 ^ (~b03 & b04)
            a03 = b03 ^ (~b04 & b00)
            a04 = b04 ^ (~b00 & b01)
            a05 = b05 ^ (~b06 & b07)
            a06 = b06 ^ (~b07 & b08)
            a07 = b07 ^ (~b08 & b09)
            a08 = b08 ^ (~b09 & b05)
            a09 = b09 ^ (~b05 & b06)
            a10 = b10 ^ (~b11 & b12)
            a11 = b11 ^ (~b12 & b13)
            a12 = b12 ^ (~b13 & b14)
            a13 = b13 ^ (~b14 & b10)
            a14 = b14 ^ (~b10 & b11)
            a15 = b15 ^ (~b16 & b17)
            a16 = b16 ^ (~b17 & b18)
            a17 = b17 ^ (~b18 & b19)
            a18 = b18 ^ (~b19 & b15)
            a19 = b19 ^ (~b15 & b16)
            a20 = b20 ^ (~b21 & b22)
            a21 = b21 ^ (~b22 & b23)
            a22 = b22 ^ (~b23 & b24)
            a23 = b23 ^ (~b24 & b20)
            a24 = b24 ^ (~b20 & b21)
    return a00, a01, a02, a03


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
    """Digests of ``n`` messages, 32 bytes each at ``out``; u64 addresses and lengths at ``pointers``, ``sizes``."""
    for i in range(n):
        keccak256(load64(pointers + 8 * i), load64(sizes + 8 * i), out + 32 * i)
    return U64(0)
