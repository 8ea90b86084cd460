"""Poseidon2 over KoalaBear, width 16: published constants, definition of permutation and compression.

Poseidon2: https://eprint.iacr.org/2023/323. Parameters and round constants are those of Plonky3's
``default_koalabear_poseidon2_16`` (Grain LFSR: field_type=1, alpha=3, n=31, t=16, R_F=8, R_P=20).
All values are canonical integers in ``[0, P)``, none is in Montgomery form; all arithmetic is mod ``P``.

Permutation of a state ``s[0..15]``::

    s = EXTERNAL(s)                                   # a linear layer before the first round
    for c in EXTERNAL_INITIAL:                        # 4 full rounds
        s = EXTERNAL([(s[i] + c[i])**3 for i in range(16)])
    for c in INTERNAL:                                # 20 partial rounds
        s[0] = (s[0] + c)**3
        s = INTERNAL_LAYER(s)
    for c in EXTERNAL_FINAL:                          # 4 full rounds
        s = EXTERNAL([(s[i] + c[i])**3 for i in range(16)])

``EXTERNAL`` is the matrix circ(2*M4, M4, M4, M4): each block ``s[4k..4k+3]`` is multiplied by

    M4 = [[2, 3, 1, 1], [1, 2, 3, 1], [1, 1, 2, 3], [3, 1, 1, 2]]      (column vectors: y = M4 x)

giving ``x``, then ``s[i] = x[i] + x[i % 4] + x[4 + i % 4] + x[8 + i % 4] + x[12 + i % 4]``.

``INTERNAL_LAYER`` is J + diag(DIAGONAL), J the all-ones matrix: ``s[i] = sum(s) + DIAGONAL[i] * s[i]``.

2-to-1 compression of two digests ``left`` and ``right`` of 8 elements each (a truncated permutation with
feed-forward)::

    t = permutation(left || right)
    digest = [(t[i] + left[i]) % P for i in range(8)]

The feed-forward adds the first 8 inputs (``left``) only, to the first 8 outputs. Plonky3's
``TruncatedPermutation`` has no feed-forward, so digests differ from its.
"""

P = 0x7F000001  # 2**31 - 2**24 + 1
WIDTH = 16
DIGEST = 8

# fmt: off
EXTERNAL_INITIAL = (
    (
        0x7EE56A48, 0x11367045, 0x12E41941, 0x7EBBC12B, 0x1970B7D5, 0x662B60E8, 0x3E4990C6, 0x679F91F5,
        0x350813BB, 0x00874AD4, 0x28A0081A, 0x18FA5872, 0x5F25B071, 0x5E5D5998, 0x5E6FD3E7, 0x5B2E2660,
    ),
    (
        0x6F1837BF, 0x3FE6182B, 0x1EDD7AC5, 0x57470D00, 0x43D486D5, 0x1982C70F, 0x0EA53AF9, 0x61D6165B,
        0x51639C00, 0x2DEC352C, 0x2950E531, 0x2D2CB947, 0x08256CEF, 0x1A0109F6, 0x1F51FAF3, 0x5CEF1C62,
    ),
    (
        0x3D65E50E, 0x33D91626, 0x133D5A1E, 0x0FF49B0D, 0x38900CD1, 0x2C22CC3F, 0x28852BB2, 0x06C65A02,
        0x7B2CF7BC, 0x68016E1A, 0x15E16BC0, 0x5248149A, 0x6DD212A0, 0x18D6830A, 0x5001BE82, 0x64DAC34E,
    ),
    (
        0x5902B287, 0x426583A0, 0x0C921632, 0x3FE028A5, 0x245F8E49, 0x43BB297E, 0x7873DBD9, 0x3CC987DF,
        0x286BB4CE, 0x640A8DCD, 0x512A8E36, 0x03A4CF55, 0x481837A2, 0x03D6DA84, 0x73726AC7, 0x760E7FDF,
    ),
)

INTERNAL = (
    0x54DFEB5D, 0x7D40AFD6, 0x722CB316, 0x106A4573, 0x45A7CCDB, 0x44061375, 0x154077A5, 0x45744FAA,
    0x4EB5E5EE, 0x3794E83F, 0x47C7093C, 0x5694903C, 0x69CB6299, 0x373DF84C, 0x46A0DF58, 0x46B8758A,
    0x3241EBCB, 0x0B09D233, 0x1AF42357, 0x1E66CEC2,
)

EXTERNAL_FINAL = (
    (
        0x43E7DC24, 0x259A5D61, 0x27E85A3B, 0x1B9133FA, 0x343E5628, 0x485CD4C2, 0x16E269F5, 0x165B60C6,
        0x25F683D9, 0x124F81F9, 0x174331F9, 0x77344DC5, 0x5A821DBA, 0x5FC4177F, 0x54153BF5, 0x5E3F1194,
    ),
    (
        0x3BDBF191, 0x088C84A3, 0x68256C9B, 0x3C90BBC6, 0x6846166A, 0x03F4238D, 0x463335FB, 0x5E3D3551,
        0x6E59AE6F, 0x32D06CC0, 0x596293F3, 0x6C87EDB2, 0x08FC60B5, 0x34BCCA80, 0x24F007F3, 0x62731C6F,
    ),
    (
        0x1E1DB6C6, 0x0CA409BB, 0x585C1E78, 0x56E94EDC, 0x16D22734, 0x18E11467, 0x7B2C3730, 0x770075E4,
        0x35D1B18C, 0x22BE3DB5, 0x4FB1FBB7, 0x477CB3ED, 0x7D5311C6, 0x5B62AE7D, 0x559C5FA8, 0x77F15048,
    ),
    (
        0x3211570B, 0x490FEF6A, 0x77EC311F, 0x2247171B, 0x4E0AC711, 0x2EDF69C9, 0x3B5A8850, 0x65809421,
        0x5619B4AA, 0x362019A7, 0x6BF9D4ED, 0x5B413DFF, 0x617E181E, 0x5E7AB57B, 0x33AD7833, 0x3466C7CA,
    ),
)

# [-2, 1, 2, 1/2, 3, 4, -1/2, -3, -4, 1/2^8, 1/2^3, 1/2^24, -1/2^8, -1/2^3, -1/2^4, -1/2^24]
DIAGONAL = (
    0x7EFFFFFF, 0x00000001, 0x00000002, 0x3F800001, 0x00000003, 0x00000004, 0x3F800000, 0x7EFFFFFE,
    0x7EFFFFFD, 0x7E810001, 0x6F200001, 0x7EFFFF82, 0x007F0000, 0x0FE00000, 0x07F00000, 0x0000007F,
)
# fmt: on
