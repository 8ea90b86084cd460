"""Poseidon2 over KoalaBear, width 16, one state at a time: the scalar twin of the SIMD kernel.

``poseidon2_constants`` defines the permutation and the 2-to-1 compression. Elements are canonical 32-bit
values; sums are kept unreduced in 64 bits where they fit.
"""

from ..lang import U32, U64, Ptr, Table, kernel, load32, store32
from .poseidon2_constants import DIAGONAL as DIAGONAL_VALUES
from .poseidon2_constants import EXTERNAL_FINAL, EXTERNAL_INITIAL
from .poseidon2_constants import INTERNAL as INTERNAL_VALUES
from .poseidon2_constants import P as MODULUS

P = U64(MODULUS)
State = tuple[(U64,) * 16]

EXTERNAL_CONSTANTS = Table(U32, [c for row in EXTERNAL_INITIAL + EXTERNAL_FINAL for c in row])
INTERNAL_CONSTANTS = Table(U32, INTERNAL_VALUES)
DIAGONAL = Table(U32, DIAGONAL_VALUES)


@kernel(inline=True)
def cube(x: U64) -> U64:
    """``x ** 3``, reduced, of an ``x`` below 2**38."""
    y = x % P
    return ((y * y) % P * y) % P


@kernel(inline=True)
def mix_four(a: U64, b: U64, c: U64, d: U64) -> tuple[U64, U64, U64, U64]:
    """The matrix M4; sums stay unreduced."""
    ab, cd = a + b, c + d
    total = ab + cd
    return total + ab + b, total + b + c + c, total + cd + d, total + d + a + a


@kernel(inline=True)
def external_layer(state: State) -> State:
    """The matrix circ(2 M4, M4, M4, M4); reduced elements give sums below 2**37."""
    s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13, s14, s15 = state
    s0, s1, s2, s3 = mix_four(s0, s1, s2, s3)
    s4, s5, s6, s7 = mix_four(s4, s5, s6, s7)
    s8, s9, s10, s11 = mix_four(s8, s9, s10, s11)
    s12, s13, s14, s15 = mix_four(s12, s13, s14, s15)
    t0 = s0 + s4 + s8 + s12
    t1 = s1 + s5 + s9 + s13
    t2 = s2 + s6 + s10 + s14
    t3 = s3 + s7 + s11 + s15
    return (
        s0 + t0, s1 + t1, s2 + t2, s3 + t3,
        s4 + t0, s5 + t1, s6 + t2, s7 + t3,
        s8 + t0, s9 + t1, s10 + t2, s11 + t3,
        s12 + t0, s13 + t1, s14 + t2, s15 + t3,
    )  # fmt: skip


@kernel(inline=True)
def full_round(state: State, at: U64) -> State:
    """Constants from index ``at``, cubes everywhere, the external layer."""
    s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13, s14, s15 = state
    c = EXTERNAL_CONSTANTS
    return external_layer(
        (
            cube(s0 + c[at]), cube(s1 + c[at + 1]), cube(s2 + c[at + 2]), cube(s3 + c[at + 3]),
            cube(s4 + c[at + 4]), cube(s5 + c[at + 5]), cube(s6 + c[at + 6]), cube(s7 + c[at + 7]),
            cube(s8 + c[at + 8]), cube(s9 + c[at + 9]), cube(s10 + c[at + 10]), cube(s11 + c[at + 11]),
            cube(s12 + c[at + 12]), cube(s13 + c[at + 13]), cube(s14 + c[at + 14]), cube(s15 + c[at + 15]),
        )
    )  # fmt: skip


@kernel(inline=True)
def partial_round(state: State, constant: U64) -> State:
    """A constant and a cube on the first element, then the internal layer; elements come and go reduced."""
    s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13, s14, s15 = state
    s0 = cube(s0 + constant)
    total = s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7 + s8 + s9 + s10 + s11 + s12 + s13 + s14 + s15
    d = DIAGONAL
    return (
        (total + d[0] * s0) % P, (total + s1) % P, (total + d[2] * s2) % P, (total + d[3] * s3) % P,
        (total + d[4] * s4) % P, (total + d[5] * s5) % P, (total + d[6] * s6) % P, (total + d[7] * s7) % P,
        (total + d[8] * s8) % P, (total + d[9] * s9) % P, (total + d[10] * s10) % P,
        (total + d[11] * s11) % P, (total + d[12] * s12) % P, (total + d[13] * s13) % P,
        (total + d[14] * s14) % P, (total + d[15] * s15) % P,
    )  # fmt: skip


@kernel(inline=True)
def reduced(state: State) -> State:
    """All elements reduced."""
    s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13, s14, s15 = state
    return (
        s0 % P, s1 % P, s2 % P, s3 % P, s4 % P, s5 % P, s6 % P, s7 % P,
        s8 % P, s9 % P, s10 % P, s11 % P, s12 % P, s13 % P, s14 % P, s15 % P,
    )  # fmt: skip


@kernel(inline=False)
def permutation(state: State) -> State:
    """The permutation of sixteen reduced elements."""
    state = external_layer(state)
    for i in range(4):
        state = full_round(state, U64(16 * i))
    state = reduced(state)
    for i in range(20):
        state = partial_round(state, INTERNAL_CONSTANTS[i])
    for i in range(4, 8):
        state = full_round(state, U64(16 * i))
    return reduced(state)


@kernel(inline=False)
def compress(left: Ptr, right: Ptr, out: Ptr):
    """Compress two digests of eight u32 elements into eight at ``out``."""
    state = permutation(
        (
            load32(left), load32(left + 4), load32(left + 8), load32(left + 12),
            load32(left + 16), load32(left + 20), load32(left + 24), load32(left + 28),
            load32(right), load32(right + 4), load32(right + 8), load32(right + 12),
            load32(right + 16), load32(right + 20), load32(right + 24), load32(right + 28),
        )
    )  # fmt: skip
    store32(out, (state[0] + load32(left)) % P)
    store32(out + 4, (state[1] + load32(left + 4)) % P)
    store32(out + 8, (state[2] + load32(left + 8)) % P)
    store32(out + 12, (state[3] + load32(left + 12)) % P)
    store32(out + 16, (state[4] + load32(left + 16)) % P)
    store32(out + 20, (state[5] + load32(left + 20)) % P)
    store32(out + 24, (state[6] + load32(left + 24)) % P)
    store32(out + 28, (state[7] + load32(left + 28)) % P)


@kernel
def compress_batch(n: U64, inputs: Ptr, outs: Ptr) -> U64:
    """Compress ``n`` pairs: 16 u32 elements each at ``inputs``, 8 each at ``outs``."""
    for i in range(n):
        compress(inputs + 64 * i, inputs + 64 * i + 32, outs + 32 * i)
    return U64(0)
