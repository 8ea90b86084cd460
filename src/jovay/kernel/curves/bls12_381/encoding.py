"""EIP-2537's encodings: field elements in 64 bytes whose top 16 are zero, infinity as zeros."""

from jovay.kernel.lang import Ptr, fill, kernel, load64be

from .curve import E1, E2, FP, G1, G2, in_g1, in_g2

FP_BYTES, G1_BYTES, G2_BYTES = 64, 128, 256

_from_bytes, _to_bytes = FP.from_bytes, FP.to_bytes
_infinite_g1, _on_curve_g1, _to_affine_g1 = G1.affine_is_infinity, G1.on_curve, G1.to_affine
_infinite_g2, _on_curve_g2, _to_affine_g2 = G2.affine_is_infinity, G2.on_curve, G2.to_affine


@kernel(inline=False)
def decode_fp(out: Ptr, source: Ptr) -> bool:
    """64 bytes to an element; False unless they are below p."""
    if (load64be(source) | load64be(source + 8)) != 0:
        return False
    return _from_bytes(out, source + 16)


@kernel(inline=False)
def decode_fp2(out: Ptr, source: Ptr) -> bool:
    """128 bytes, real part first."""
    return decode_fp(out, source) and decode_fp(out + E1, source + FP_BYTES)


@kernel(inline=False)
def decode_g1(out: Ptr, source: Ptr, s: Ptr) -> bool:
    """128 bytes to an affine point; False unless on the curve or infinity."""
    if not (decode_fp(out, source) and decode_fp(out + E1, source + FP_BYTES)):
        return False
    return _infinite_g1(out) or _on_curve_g1(out, s)


@kernel(inline=False)
def decode_g2(out: Ptr, source: Ptr, s: Ptr) -> bool:
    """256 bytes to an affine point; False unless on the twist or infinity."""
    if not (decode_fp2(out, source) and decode_fp2(out + E2, source + 2 * FP_BYTES)):
        return False
    return _infinite_g2(out) or _on_curve_g2(out, s)


@kernel(inline=False)
def decode_g1_member(out: Ptr, source: Ptr, s: Ptr) -> bool:
    """``decode_g1`` that also asks for order r."""
    return decode_g1(out, source, s) and (_infinite_g1(out) or in_g1(out, s))


@kernel(inline=False)
def decode_g2_member(out: Ptr, source: Ptr, s: Ptr) -> bool:
    """``decode_g2`` that also asks for order r."""
    return decode_g2(out, source, s) and (_infinite_g2(out) or in_g2(out, s))


@kernel(inline=False)
def encode_fp(out: Ptr, a: Ptr) -> None:
    """64 bytes of an element."""
    fill(out, 0, 16)
    _to_bytes(out + 16, a)


@kernel(inline=False)
def encode_g1(out: Ptr, jacobian: Ptr, s: Ptr) -> None:
    """128 bytes of a Jacobian point."""
    _to_affine_g1(s, jacobian, s + 2 * E1)
    for i in range(2):
        encode_fp(out + i * FP_BYTES, s + i * E1)


@kernel(inline=False)
def encode_g2(out: Ptr, jacobian: Ptr, s: Ptr) -> None:
    """256 bytes of a Jacobian point."""
    _to_affine_g2(s, jacobian, s + 2 * E2)
    for i in range(4):
        encode_fp(out + i * FP_BYTES, s + i * E1)
