"""EIP-196 and EIP-197: addition, multiplication and pairing check on BN254.

Every function returns 0, or 1 where the input is invalid (the caller then fails the call); ``scratch`` is
``SCRATCH`` bytes, 8-aligned.
"""

from jovay.kernel.curves.glv import scalar_split
from jovay.kernel.curves.msm import SCALAR_SLOT, msm_scratch, multi_scalar
from jovay.kernel.lang import U64, Ptr, address_of, copy, fill, kernel, load256be, store8

from .curve import (
    CURVE_SCRATCH,
    E1,
    E2,
    E12,
    FP,
    FP12,
    G1,
    G2,
    PAIR_SIZE,
    R,
    X,
    final_exponentiation,
    in_subgroup,
    miller,
)

PAIRS_AT_ONCE = 8
_PAIRING_SCRATCH = PAIRS_AT_ONCE * PAIR_SIZE + 3 * E12 + CURVE_SCRATCH
SCRATCH = max(_PAIRING_SCRATCH, 1024 + msm_scratch(G1))

_from_bytes, _to_bytes = FP.from_bytes, FP.to_bytes
_infinite_g1, _on_curve_g1 = G1.affine_is_infinity, G1.on_curve
_infinite_g2, _on_curve_g2 = G2.affine_is_infinity, G2.on_curve
_from_affine, _add_affine, _to_affine = G1.from_affine, G1.add_affine, G1.to_affine


@kernel(inline=False)
def decode_g1(out: Ptr, source: Ptr, s: Ptr) -> bool:
    """64 bytes to an affine point; False unless the coordinates are below p and on the curve, or both
    zero."""
    if not (_from_bytes(out, source) and _from_bytes(out + E1, source + 32)):
        return False
    return _infinite_g1(out) or _on_curve_g1(out, s)


@kernel(inline=False)
def decode_g2(out: Ptr, source: Ptr, s: Ptr) -> bool:
    """128 bytes to an affine point of order r; the imaginary part of a coordinate comes first."""
    for i in range(0, 2 * E2, E2):
        if not (_from_bytes(out + i + E1, source + i) and _from_bytes(out + i, source + i + 32)):
            return False
    return _infinite_g2(out) or (_on_curve_g2(out, s) and in_subgroup(out, s))


@kernel(inline=False)
def encode_g1(out: Ptr, jacobian: Ptr, s: Ptr) -> None:
    """64 bytes of a Jacobian point."""
    _to_affine(s, jacobian, s + 2 * E1)
    _to_bytes(out, s)
    _to_bytes(out + 32, s + E1)


@kernel
def bn254_add(data: Ptr, out: Ptr, scratch: Ptr) -> U64:
    """128 bytes, two points, to the 64 bytes of their sum."""
    p, q, total, rest = scratch, scratch + 2 * E1, scratch + 4 * E1, scratch + 7 * E1
    if not (decode_g1(p, data, rest) and decode_g1(q, data + 64, rest)):
        return U64(1)
    _from_affine(total, p)
    if not _infinite_g1(q):
        _add_affine(total, total, q, rest)
    encode_g1(out, total, rest)
    return U64(0)


#: φ(x, y) = (βx, y) multiplies points of G1 by λ.
_LAMBDA = 36 * X**3 + 18 * X**2 + 6 * X + 1
_BETA = FP.constant(18 * X**3 + 18 * X**2 + 9 * X + 1)
_split = scalar_split("bn254", R, _LAMBDA)
_msm, _mul, _negate_g1 = multi_scalar(G1), FP.mul, G1.negate_affine


@kernel
def bn254_mul(data: Ptr, out: Ptr, scratch: Ptr) -> U64:
    """96 bytes, a point and a scalar (any 256 bits), to the 64 bytes of their product."""
    points, slots = scratch, scratch + 4 * E1
    total, rest = slots + 2 * SCALAR_SLOT, slots + 2 * SCALAR_SLOT + 3 * E1
    if not decode_g1(points, data, rest):
        return U64(1)
    fill(total, 0, 3 * E1)
    scalar = load256be(data + 64)
    if not _infinite_g1(points) and scalar != 0:
        image = points + 2 * E1
        copy(image, points, 2 * E1)
        _mul(image, image, address_of(_BETA))
        signs = _split(slots, scalar)
        if signs & 1 != 0:
            _negate_g1(points, points)
        if signs & 2 != 0:
            _negate_g1(image, image)
        _msm(total, points, slots, U64(2), rest)
    encode_g1(out, total, rest)
    return U64(0)


_mul12, _one12, _is_one12 = FP12.mul, FP12.one, FP12.is_one


@kernel(inline=False)
def _accumulate(total: Ptr, pairs: Ptr, count: U64, s: Ptr) -> None:
    """Multiply the Miller loops of ``count`` pairs into ``total``."""
    if count != 0:
        miller(s, pairs, count, s + E12)
        _mul12(total, total, s, s + E12)


@kernel
def bn254_pairing(data: Ptr, size: U64, out: Ptr, scratch: Ptr) -> U64:
    """Pairs of G1 and G2 points, 192 bytes each, to 32 bytes: 1 if the product of the pairings is one, else
    0."""
    total, pairs = scratch, scratch + E12
    rest = pairs + PAIRS_AT_ONCE * PAIR_SIZE
    if size % 192 != 0:
        return U64(1)
    _one12(total)
    count, paired = U64(0), False
    for k in range(0, size, 192):
        pair = pairs + count * PAIR_SIZE
        if not (decode_g1(pair, data + k, rest) and decode_g2(pair + E2, data + k + 64, rest)):
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
