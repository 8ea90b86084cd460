"""EIP-2537: additions, multi-scalar multiplications, pairing check and maps on BLS12-381.

Every function takes (input, size, output, scratch) and returns 0, or 1 where the input is invalid (the
caller then fails the call); ``scratch`` is ``SCRATCH`` bytes, 8-aligned.
"""

from collections.abc import Callable
from typing import NamedTuple

from jovay.kernel.curves.glv import scalar_split
from jovay.kernel.curves.msm import SCALAR_SLOT, msm_scratch, multi_scalar
from jovay.kernel.curves.weierstrass import Group
from jovay.kernel.lang import U64, Ptr, fill, kernel, load256be, store8

from .curve import (
    CURVE_SCRATCH,
    E2,
    E12,
    FP12,
    G1,
    G2,
    LAMBDA,
    PAIR_SIZE,
    X_ABS,
    R,
    final_exponentiation,
    miller,
    phi,
    psi,
)
from .encoding import (
    G1_BYTES,
    G2_BYTES,
    decode_g1,
    decode_g1_member,
    decode_g2,
    decode_g2_member,
    encode_g1,
    encode_g2,
)
from .maps import MAP_SCRATCH, bls_map_fp2_to_g2, bls_map_fp_to_g1

__all__ = [
    "SCRATCH",
    "bls_g1add",
    "bls_g1msm",
    "bls_g2add",
    "bls_g2msm",
    "bls_map_fp2_to_g2",
    "bls_map_fp_to_g1",
    "bls_pairing",
]

PAIRS_AT_ONCE = 8
POINTS_AT_ONCE = 128
_MSM_SCRATCH = (
    2 * POINTS_AT_ONCE * (G2.affine + SCALAR_SLOT) + 2 * G2.jacobian + max(msm_scratch(G2), CURVE_SCRATCH)
)
_PAIRING_SCRATCH = PAIRS_AT_ONCE * PAIR_SIZE + 3 * E12 + CURVE_SCRATCH
SCRATCH = max(_MSM_SCRATCH, _PAIRING_SCRATCH, MAP_SCRATCH)


@kernel(inline=False)
def _psi_squared(out: Ptr, q: Ptr) -> None:
    psi(out, q)
    psi(out, out)


class Codec(NamedTuple):
    """Encoding of a group's points: bytes of one, ``decode(out, source, s)``, ``encode(out, jacobian,
    s)``."""

    width: int
    decode: Callable
    encode: Callable


class Endomorphism(NamedTuple):
    """``image(out, p)`` of affine points, and the ``split`` of scalars along it."""

    image: Callable
    split: Callable


def _addition(name: str, group: Group, codec: Codec) -> Callable:
    affine, jacobian, (width, decode, encode) = group.affine, group.jacobian, codec
    from_affine, add_affine, infinite = group.from_affine, group.add_affine, group.affine_is_infinity

    @kernel(name=name)
    def addition(data: Ptr, size: U64, out: Ptr, scratch: Ptr) -> U64:
        """Two points to their sum; the points need not have order r."""
        p, q = scratch, scratch + affine
        total, rest = scratch + 2 * affine, scratch + 2 * affine + jacobian
        if size != 2 * width:
            return U64(1)
        if not (decode(p, data, rest) and decode(q, data + width, rest)):
            return U64(1)
        from_affine(total, p)
        if not infinite(q):
            add_affine(total, total, q, rest)
        encode(out, total, rest)
        return U64(0)

    return addition


def _multiplication(
    name: str, group: Group, codec: Codec, endomorphism: Endomorphism, msm: Callable
) -> Callable:
    affine, jacobian, (width, decode, encode) = group.affine, group.jacobian, codec
    add, infinite, negate = group.add, group.affine_is_infinity, group.negate_affine
    image, split = endomorphism

    @kernel(name=f"{name}_term", inline=False)
    def term(points: Ptr, slots: Ptr, data: Ptr, s: Ptr) -> U64:
        """Decode a point and scalar into two terms; the number of terms, or 3 where the input is invalid."""
        if not decode(points, data, s):
            return U64(3)
        scalar = load256be(data + width)
        if infinite(points) or scalar == 0:
            return U64(0)
        image(points + affine, points)
        signs = split(slots, scalar)
        if signs & 1 != 0:
            negate(points, points)
        if signs & 2 != 0:
            negate(points + affine, points + affine)
        return U64(2)

    @kernel(name=name)
    def multiplication(data: Ptr, size: U64, out: Ptr, scratch: Ptr) -> U64:
        """Points of order r with 32-byte scalars, at least one, to the sum of their products."""
        points = scratch
        slots = points + 2 * POINTS_AT_ONCE * affine
        total = slots + 2 * POINTS_AT_ONCE * SCALAR_SLOT
        part, rest = total + jacobian, total + 2 * jacobian
        if size == 0 or size % (width + 32) != 0:
            return U64(1)
        fill(total, 0, jacobian)
        terms = U64(0)
        for at in range(0, size, width + 32):
            found = term(points + terms * affine, slots + terms * SCALAR_SLOT, data + at, rest)
            if found == 3:
                return U64(1)
            terms += found
            if terms == 2 * POINTS_AT_ONCE:
                msm(part, points, slots, terms, rest)
                add(total, total, part, rest)
                terms = U64(0)
        if terms != 0:
            msm(part, points, slots, terms, rest)
            add(total, total, part, rest)
        encode(out, total, rest)
        return U64(0)

    return multiplication


split_g1 = scalar_split("bls12_381_g1", R, LAMBDA)
msm_g1, _msm_g2 = multi_scalar(G1), multi_scalar(G2)
_PHI = Endomorphism(phi, split_g1)
_PSI_SQUARED = Endomorphism(_psi_squared, scalar_split("bls12_381_g2", R, X_ABS**2))
_MEMBER_G1 = Codec(G1_BYTES, decode_g1_member, encode_g1)
_MEMBER_G2 = Codec(G2_BYTES, decode_g2_member, encode_g2)

bls_g1add = _addition("bls_g1add", G1, Codec(G1_BYTES, decode_g1, encode_g1))
bls_g2add = _addition("bls_g2add", G2, Codec(G2_BYTES, decode_g2, encode_g2))
bls_g1msm = _multiplication("bls_g1msm", G1, _MEMBER_G1, _PHI, msm_g1)
bls_g2msm = _multiplication("bls_g2msm", G2, _MEMBER_G2, _PSI_SQUARED, _msm_g2)

_mul12, _one12, _is_one12 = FP12.mul, FP12.one, FP12.is_one
_infinite_g1, _infinite_g2 = G1.affine_is_infinity, G2.affine_is_infinity


@kernel(inline=False)
def _accumulate(total: Ptr, pairs: Ptr, count: U64, s: Ptr) -> None:
    """Multiply the Miller loops of ``count`` pairs into ``total``."""
    if count != 0:
        miller(s, pairs, count, s + E12)
        _mul12(total, total, s, s + E12)


@kernel
def bls_pairing(data: Ptr, size: U64, out: Ptr, scratch: Ptr) -> U64:
    """Pairs of G1 and G2 points, at least one, to 32 bytes: 1 if the product of the pairings is one, else
    0."""
    width = U64(G1_BYTES + G2_BYTES)
    total, pairs = scratch, scratch + E12
    rest = pairs + PAIRS_AT_ONCE * PAIR_SIZE
    if size == 0 or size % width != 0:
        return U64(1)
    _one12(total)
    count, paired = U64(0), False
    for at in range(0, size, width):
        pair = pairs + count * PAIR_SIZE
        if not decode_g1_member(pair, data + at, rest):
            return U64(1)
        if not decode_g2_member(pair + E2, data + at + G1_BYTES, rest):
            return U64(1)
        if not (_infinite_g1(pair) or _infinite_g2(pair + E2)):
            count += 1
            paired = True
        if count == PAIRS_AT_ONCE:
            _accumulate(total, pairs, count, rest)
            count = U64(0)
    if paired:
        _accumulate(total, pairs, count, rest)
        final_exponentiation(total, rest)
    fill(out, 0, 32)
    store8(out + 31, U64(_is_one12(total)))
    return U64(0)
