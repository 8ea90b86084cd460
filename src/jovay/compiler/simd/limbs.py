"""Numbers of up to 260 bits in lanes: five 52-bit limbs, which AVX-512 IFMA (VPMADD52) multiplies."""

from __future__ import annotations

from collections.abc import Sequence

from .lanes import Lanes, Pointer, Value

VECTOR = Lanes(8, 64)
LIMBS, LIMB_BITS = 5, 52
SLOT = LIMBS * VECTOR.bytes  # one number of one vector in memory
MASK52 = (1 << LIMB_BITS) - 1

MADD_LOW = "llvm.x86.avx512.vpmadd52l.uq.512"
MADD_HIGH = "llvm.x86.avx512.vpmadd52h.uq.512"

Limbs = list[Value]


def limbs_of(value: int) -> list[int]:
    """A non-negative integer in five limbs; the top one takes what is left."""
    return [(value >> (LIMB_BITS * i)) & MASK52 for i in range(LIMBS - 1)] + [
        value >> (LIMB_BITS * (LIMBS - 1))
    ]


def unpack(words: Sequence[Value]) -> Limbs:
    """Four 64-bit words, lowest first, as five limbs."""
    w0, w1, w2, w3 = words
    return [
        w0 & MASK52,
        (w0 >> 52 | w1 << 12) & MASK52,
        (w1 >> 40 | w2 << 24) & MASK52,
        (w2 >> 28 | w3 << 36) & MASK52,
        w3 >> 16,
    ]


def pack(limbs: Sequence[Value]) -> list[Value]:
    """Five clean limbs of a number below 2^256 as four 64-bit words."""
    a, b, c, d, e = limbs
    return [a | b << 52, b >> 12 | c << 40, c >> 24 | d << 28, d >> 36 | e << 16]


def splat(like: Value, value: int) -> Value:
    """A number in every lane of a value like this one."""
    return like.same(like.lanes.constant(value))


def load_limbs(source: Pointer) -> Limbs:
    """The limbs in a slot."""
    return [source.at(i * VECTOR.bytes).load(VECTOR) for i in range(LIMBS)]


def store_limbs(to: Pointer, limbs: Sequence[Value]) -> None:
    """Write limbs to a slot."""
    for i, limb in enumerate(limbs):
        to.at(i * VECTOR.bytes).store(limb)


def carried(limbs: Sequence[Value]) -> Limbs:
    """The same number with clean limbs, carried from the lowest on; the top one keeps what arrives."""
    rows = list(limbs)
    for i in range(LIMBS - 1):
        rows[i + 1] = rows[i + 1] + (rows[i] >> LIMB_BITS)
        rows[i] = rows[i] & MASK52
    return rows
