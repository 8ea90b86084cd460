"""The compression function F of BLAKE2b (RFC 7693), with any number of rounds (EIP-152)."""

from ..lang import U8, U64, Ptr, Table, kernel, load64, rotr, store64

#: The sixteen working variables.
Lanes = tuple[(U64,) * 16]

IV = Table(
    U64,
    [
        0x6A09E667F3BCC908, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B, 0xA54FF53A5F1D36F1,
        0x510E527FADE682D1, 0x9B05688C2B3E6C1F, 0x1F83D9ABFB41BD6B, 0x5BE0CD19137E2179,
    ],
)  # fmt: skip

#: Order of the message words by round; round r takes row r % 10.
SIGMA = Table(
    U8,
    [
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
        14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3,
        11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4,
        7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8,
        9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13,
        2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9,
        12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11,
        13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10,
        6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5,
        10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0,
    ],
)  # fmt: skip


@kernel(inline=True)
def mix(a: U64, b: U64, c: U64, d: U64, m: Ptr, row: U64) -> tuple[U64, U64, U64, U64]:
    """The function G with the message words that SIGMA names at ``row`` and after it."""
    a = a + b + load64(m + (SIGMA[row] << 3))
    d = rotr(d ^ a, 32)
    c = c + d
    b = rotr(b ^ c, 24)
    a = a + b + load64(m + (SIGMA[row + 1] << 3))
    d = rotr(d ^ a, 16)
    c = c + d
    b = rotr(b ^ c, 63)
    return a, b, c, d


@kernel(inline=True)
def blake2b_round(v: Lanes, m: Ptr, row: U64) -> Lanes:
    """One round: G on the columns, then on the diagonals."""
    v0, v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12, v13, v14, v15 = v
    v0, v4, v8, v12 = mix(v0, v4, v8, v12, m, row)
    v1, v5, v9, v13 = mix(v1, v5, v9, v13, m, row + 2)
    v2, v6, v10, v14 = mix(v2, v6, v10, v14, m, row + 4)
    v3, v7, v11, v15 = mix(v3, v7, v11, v15, m, row + 6)
    v0, v5, v10, v15 = mix(v0, v5, v10, v15, m, row + 8)
    v1, v6, v11, v12 = mix(v1, v6, v11, v12, m, row + 10)
    v2, v7, v8, v13 = mix(v2, v7, v8, v13, m, row + 12)
    v3, v4, v9, v14 = mix(v3, v4, v9, v14, m, row + 14)
    return v0, v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12, v13, v14, v15


@kernel
def blake2f(rounds: U64, h: Ptr, m: Ptr, t0: U64, t1: U64, final: U64):
    """Apply F in place to the eight little-endian words at ``h``.

    ``m`` holds the sixteen words of the block, ``t0`` and ``t1`` are the offset counters, ``final`` is not 0
    for the last block. ``rounds`` may be 0.
    """
    h0, h1, h2, h3 = load64(h), load64(h + 8), load64(h + 16), load64(h + 24)
    h4, h5, h6, h7 = load64(h + 32), load64(h + 40), load64(h + 48), load64(h + 56)
    v14 = IV[6] if final == 0 else ~IV[6]
    v = (h0, h1, h2, h3, h4, h5, h6, h7, IV[0], IV[1], IV[2], IV[3], IV[4] ^ t0, IV[5] ^ t1, v14, IV[7])
    row = U64(0)
    done = U64(0)
    while done != rounds:
        v = blake2b_round(v, m, row)
        row = row + 16 if row != 144 else U64(0)
        done += 1
    v0, v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12, v13, v14, v15 = v
    store64(h, h0 ^ v0 ^ v8)
    store64(h + 8, h1 ^ v1 ^ v9)
    store64(h + 16, h2 ^ v2 ^ v10)
    store64(h + 24, h3 ^ v3 ^ v11)
    store64(h + 32, h4 ^ v4 ^ v12)
    store64(h + 40, h5 ^ v5 ^ v13)
    store64(h + 48, h6 ^ v6 ^ v14)
    store64(h + 56, h7 ^ v7 ^ v15)
