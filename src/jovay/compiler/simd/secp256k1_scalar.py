"""Arithmetic modulo the group order n of secp256k1 in lanes, and scalars cut into signed windows.

Products are Montgomery products with radix 2^260: ``ORDER.product(a, b)`` = a·b/2^260 mod n, below 2n. The GLV
endomorphism λ·(x, y) = (β·x, y) splits a scalar in two of 128 bits; the lattice basis and the rounding
constants are those of Gallant, Lambert, Vanstone (CRYPTO 2001) for this curve.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import llvmlite.ir as ir

from .lanes import BYTE, Pointer, Routine, Value, table
from .limbs import (
    LIMBS,
    MADD_HIGH,
    MADD_LOW,
    MASK52,
    SLOT,
    VECTOR,
    Limbs,
    limbs_of,
    load_limbs,
    pack,
    splat,
    store_limbs,
)
from .montgomery import RADIX, Modulus
from .secp256k1_roots import Ring

N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
ORDER = Modulus(N)

# Vectors (a, b) with a + b·λ = 0 mod n.
LATTICE_A = (0x3086D221A7D46BCDE86C90E49284EB15, 0x114CA50F7A8E2F3F657C1108D9D44CFD8)
LATTICE_B = (-0xE4437ED6010E88286F547FA90ABFE4C3, 0x3086D221A7D46BCDE86C90E49284EB15)
BETA = 0x7AE96A2B657C07106E64479EAC3434E99CF0497512F58995C1396C28719501EE

ROUND_BITS = 384
# round(2^384 · b2 / n) and round(2^384 · −b1 / n)
ROUND_1 = ((LATTICE_B[1] << (ROUND_BITS + 1)) + N) // (2 * N)
ROUND_2 = ((-LATTICE_B[0] << (ROUND_BITS + 1)) + N) // (2 * N)


def _rounded(k: Sequence[Value], factor: int) -> Limbs:
    """round(k · factor / 2^384) in three limbs."""
    t = [splat(k[0], 0)] * (2 * LIMBS)
    t[7] = splat(k[0], 1 << (ROUND_BITS - 1 - 7 * 52))
    for j, limb in enumerate(limbs_of(factor)):
        for i, x in enumerate(k):
            t[i + j] = t[i + j].target(MADD_LOW, x, limb)
            t[i + j + 1] = t[i + j + 1].target(MADD_HIGH, x, limb)
    for i in range(2 * LIMBS - 1):
        t[i + 1] = t[i + 1] + (t[i] >> 52)
        t[i] = t[i] & MASK52
    shift = ROUND_BITS - 7 * 52
    return [(t[i] >> shift | t[i + 1] << (52 - shift)) & MASK52 for i in (7, 8)] + [t[9] >> shift]


def _plus_low_product(t: Limbs, c: Sequence[Value], factor: int) -> Limbs:
    """t + c · factor modulo 2^156, columns not carried."""
    t = list(t)
    for j, limb in enumerate(limbs_of(factor % 2**156)[:3]):
        for i in range(3 - j):
            t[i + j] = t[i + j].target(MADD_LOW, c[i], limb)
        for i in range(2 - j):
            t[i + j + 1] = t[i + j + 1].target(MADD_HIGH, c[i], limb)
    return t


def _magnitude(t: Limbs) -> tuple[list[Value], Value]:
    """A signed number modulo 2^156 as two 64-bit words of its magnitude (below 2^128) and its sign bit, 0 or
    1.
    """
    for i in range(2):
        t[i + 1] = t[i + 1] + (t[i] >> 52)
    sign = (t[2] >> 51) & 1
    flip = 0 - sign
    t = [(limb & MASK52 ^ flip) & MASK52 for limb in t]
    t[0] = t[0] + sign
    for i in range(2):
        t[i + 1] = t[i + 1] + (t[i] >> 52)
        t[i] = t[i] & MASK52
    return [t[0] | t[1] << 52, t[1] >> 12 | t[2] << 40], sign


def split(k: Sequence[Value]) -> list[tuple[list[Value], Value]]:
    """k below n as k1 + k2·λ mod n: words of the magnitude and sign bit of k1 and of k2."""
    c1, c2 = _rounded(k, ROUND_1), _rounded(k, ROUND_2)
    zero = splat(k[0], 0)
    first = _plus_low_product(_plus_low_product(list(k[:3]), c1, -LATTICE_A[0]), c2, -LATTICE_A[1])
    second = _plus_low_product(_plus_low_product([zero] * 3, c1, -LATTICE_B[0]), c2, -LATTICE_B[1])
    return [_magnitude(first), _magnitude(second)]


def halves(k: Sequence[Value], sign: int) -> list[tuple[list[Value], Value]]:
    """The low and the high 128 bits of k below 2^256, both with the same sign bit."""
    words = pack(k)
    return [(words[:2], splat(k[0], sign)), (words[2:], splat(k[0], sign))]


def recode(code: Routine, parts: Sequence[tuple[list[Value], Value]], width: int, to: Pointer) -> None:
    """Write the signed windows of 128-bit numbers, lowest window first, one vector for each part.

    A digit d, −2^(width−1) ≤ d ≤ 2^(width−1), is written as (|d|−1)·64 (0 for d = 0), bit 1 set if it is
    negative, bit 0 if it is not zero: the offset of a table line with two flags below.
    """
    base = 1 << width
    stride = VECTOR.bytes * len(parts)
    zero = splat(parts[0][1], 0)
    state = [value for words, _ in parts for value in (*words, zero)]

    def window(i: Value, values: list[Value]) -> list[Value]:
        following: list[Value] = []
        for part, (_, sign) in enumerate(parts):
            low, high, carry = values[3 * part : 3 * part + 3]
            bits = (low & (base - 1)) << 1 | carry
            half, top = (bits + 1) >> 1, bits >> width
            size = top.compare("!=", 0).select(base - half, half)
            line = size.intrinsic("umax", 1) - 1
            encoded = line << 6 | (top ^ sign) << 1 | size.intrinsic("umin", 1)
            to.at(i * stride + part * VECTOR.bytes).store(encoded)
            following += [low >> width | high << (64 - width), high >> width, (low >> (width - 1)) & 1]
        return following

    code.repeat(windows(width), state, window)


def windows(width: int) -> int:
    """How many signed windows hold a number below 2^128."""
    return -(-129 // width)


def scalar_ring(module: ir.Module, ways: int) -> Ring:
    """Inversion mod n: raw numbers r in, 2^260/r out, so that a product by it divides by r."""

    def product(to: Pointer, a: Pointer, b: Pointer) -> None:
        for k in range(ways):
            at = k * SLOT
            store_limbs(to.at(at), ORDER.product(load_limbs(a.at(at)), load_limbs(b.at(at))))

    inverse = _inverse(module, ways, product)
    return Ring(ways, product, lambda code, to, a: code.call(inverse, to, a))


def _inverse(module: ir.Module, ways: int, product: Callable[[Pointer, Pointer, Pointer], None]) -> Routine:
    """Routine ``(p to, p a)``: 2^260/a by a^(n−2) in windows of four bits."""
    code = Routine(module, "secp256k1_scalar_inverse", "pp")
    to, a = code.arguments
    size = ways * SLOT
    powers, result = code.buffer(16 * size), code.buffer(size)

    def fill(to: Pointer, value: int) -> None:
        for k in range(ways):
            store_limbs(to.at(k * SLOT), [code.constant(VECTOR, limb) for limb in limbs_of(value)])

    fill(powers, RADIX % N)
    code.each(15, lambda i: product(powers.at((i + 1) * size), powers.at(i * size), a))
    fill(result, RADIX % N)
    nibbles = table(module, "secp256k1_scalar_exponent", BYTE, [int(digit, 16) for digit in f"{N - 2:x}"])

    def window(i: Value) -> None:
        code.each(4, lambda _: product(result, result, result))
        digit = code.pointer(nibbles).at(i).load(BYTE).convert(64)
        product(result, result, powers.at(digit * size))

    code.each(64, window)
    one = code.buffer(size)
    fill(one, 1)
    product(to, result, one)
    return code.end()
