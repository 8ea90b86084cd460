"""EIP-4844's point evaluation precompile: does the polynomial behind a KZG commitment take value y at z?

e(C - [y]G1, G2) = e(π, [τ - z]G2), checked as e(C - [y]G1 + [z]π, -G2) · e(π, [τ]G2) = 1, so that only
points of G1 are multiplied. [τ]G2 comes from the Ethereum KZG ceremony.
"""

from jovay.kernel.hashes.sha256 import sha256
from jovay.kernel.lang import (
    U64,
    U256,
    U384,
    Ptr,
    address_of,
    bswap,
    copy,
    fill,
    kernel,
    load256be,
    load384,
    store8,
    store256be,
    store384,
)

from .bls12_381.curve import (
    CURVE_SCRATCH,
    E1,
    E2,
    E12,
    FP,
    FP2,
    FP12,
    G1,
    PAIR_SIZE,
    R,
    final_exponentiation,
    in_g1,
    miller,
    phi,
)
from .bls12_381.curve import P as MODULUS
from .bls12_381.maps import sqrt_fp
from .bls12_381.precompiles import msm_g1, split_g1
from .msm import SCALAR_SLOT, msm_scratch

FIELD_ELEMENTS_PER_BLOB = 4096
VERSIONED_HASH_VERSION_KZG = 1
#: Up to three points, each with its image under φ.
_TERMS = 6
SCRATCH = 64 + 2 * PAIR_SIZE + _TERMS * (G1.affine + SCALAR_SLOT) + 3 * E12
SCRATCH += max(CURVE_SCRATCH, msm_scratch(G1))

_BLS_MODULUS = U256(R)
_HALF = U384((MODULUS - 1) // 2)
_FLAGS = U384(7 << 381)

GENERATOR = FP.constant(
    0x17F1D3A73197D7942695638C4FA9AC0FC3688C4F9774B905A14E3A3F171BAC586C55E83FF97A1AEFFB3AF00ADB22C6BB,
    0x08B3F481E3AAA0F1A09E30ED741D8AE4FCF5E095D5D00AF600DB18CB2C04B3EDD03CC744A2888AE40CAA232946C5E7E1,
)
#: -G2, the standard generator of EIP-2537 with its y negated.
_G2 = (
    (
        0x024AA2B2F08F0A91260805272DC51051C6E47AD4FA403B02B4510B647AE3D1770BAC0326A805BBEFD48056C8C121BDB8,
        0x13E02B6052719F607DACD3A088274F65596BD0D09920B61AB5DA61BBDC7F5049334CF11213945D57E5AC7D055D042B7E,
    ),
    (
        0x0CE5D527727D6E118CC9CDC6DA2E351AADFD9BAA8CBDD3A76D429A695160D12C923AC9CC3BACA289E193548608B82801,
        0x0606C4A02EA734CC32ACD2B02BC28B99CB3E287E85A763AF267492AB572E99AB3F370D275CEC1DA1AAA9075FF05F79BE,
    ),
)
NEGATIVE_G2 = FP2.constant(_G2[0], (-_G2[1][0], -_G2[1][1]))
#: [τ]G2.
TAU_G2 = FP2.constant(
    (
        0x185CBFEE53492714734429B7B38608E23926C911CCECEAC9A36851477BA4C60B087041DE621000EDC98EDADA20C1DEF2,
        0x15BFD7DD8CDEB128843BC287230AF38926187075CBFBEFA81009A2CE615AC53D2914E5870CB452D2AFAAAB24F3499F72,
    ),
    (
        0x014353BDB96B626DD7D5EE8599D1FCA2131569490E28DE18E82451A496A9C9794CE26D105941F383EE689BFBBB832A99,
        0x1666C54B0A32529503432FCAE0181B4BEF79DE09FC63671FDA5ED1BA9BFA07899495346F3D7AC9CD23048EF30D0A154F,
    ),
)
_FOUR = FP.constant(4)

_from_bytes, _to_bytes, _sqr, _mul, _add, _neg = FP.from_bytes, FP.to_bytes, FP.sqr, FP.mul, FP.add, FP.neg
_infinite, _negate, _to_affine = G1.affine_is_infinity, G1.negate_affine, G1.to_affine
_add_affine, _is_one = G1.add_affine, FP12.is_one


@kernel(inline=False)
def decompress_g1(out: Ptr, source: Ptr, s: Ptr) -> bool:
    """48 compressed bytes to an affine point; False unless canonical, on the curve and of order r.

    The top bits are: compressed (always set), infinity, and whether y is the larger of the two roots.
    """
    x = bswap(load384(source))
    flags = x >> 381
    if flags < 4:
        return False
    x = x & ~_FLAGS
    if flags & 2 != 0:
        fill(out, 0, 2 * E1)
        return flags == 6 and x == 0
    store384(s, bswap(x))
    if not _from_bytes(out, s):
        return False
    y, rest = out + E1, s + E1
    _sqr(s, out)
    _mul(s, s, out)
    _add(s, s, address_of(_FOUR))
    if not sqrt_fp(y, s, rest):
        return False
    _to_bytes(s, y)
    larger = bswap(load384(s)) > _HALF
    if larger != (flags & 1 != 0):
        _neg(y, y)
    return in_g1(out, s)


@kernel(inline=False)
def _terms(points: Ptr, slots: Ptr, terms: U64, point: Ptr, scalar: U256) -> U64:
    """Append the two terms of ``point`` times ``scalar``, unless the point is infinity; the new number of
    terms."""
    if _infinite(point):
        return terms
    first, second = points + terms * (2 * E1), points + (terms + 1) * (2 * E1)
    copy(first, point, 2 * E1)
    phi(second, point)
    signs = split_g1(slots + terms * SCALAR_SLOT, scalar)
    if signs & 1 != 0:
        _negate(first, first)
    if signs & 2 != 0:
        _negate(second, second)
    return terms + 2


@kernel(inline=False)
def verify_kzg_proof(commitment: Ptr, proof: Ptr, z: U256, y: U256, s: Ptr) -> bool:
    """The pairing check on affine points, z and y below the group's order."""
    points = s
    slots = points + _TERMS * (2 * E1)
    total = slots + _TERMS * SCALAR_SLOT
    pairs = total + 3 * E1
    f, rest = pairs + 2 * PAIR_SIZE, pairs + 2 * PAIR_SIZE + E12
    terms = _terms(points, slots, U64(0), address_of(GENERATOR), _BLS_MODULUS - y)
    terms = _terms(points, slots, terms, proof, z)
    msm_g1(total, points, slots, terms, rest)
    if not _infinite(commitment):
        _add_affine(total, total, commitment, rest)
    _to_affine(pairs, total, rest)
    count = U64(0)
    if not _infinite(pairs):
        copy(pairs + E2, address_of(NEGATIVE_G2), 2 * E2)
        count = U64(1)
    if not _infinite(proof):
        pair = pairs + count * PAIR_SIZE
        copy(pair, proof, 2 * E1)
        copy(pair + E2, address_of(TAU_G2), 2 * E2)
        count += 1
    if count == 0:
        return True
    miller(f, pairs, count, rest)
    final_exponentiation(f, rest)
    return _is_one(f)


@kernel(inline=False)
def _is_hash_of(versioned_hash: Ptr, commitment: Ptr, s: Ptr) -> bool:
    sha256(commitment, U64(48), s)
    store8(s, VERSIONED_HASH_VERSION_KZG)
    return load256be(s) == load256be(versioned_hash)


@kernel
def point_evaluation(data: Ptr, out: Ptr, scratch: Ptr) -> U64:
    """192 bytes (versioned hash ‖ z ‖ y ‖ commitment ‖ proof) to 64: the blob's length and the field's
    modulus.

    1 where any of them is malformed or the proof is wrong; ``scratch`` is ``SCRATCH`` bytes, 8-aligned.
    """
    commitment, proof, rest = scratch, scratch + 2 * E1, scratch + 4 * E1
    if not _is_hash_of(data, data + 96, rest):
        return U64(1)
    z, y = load256be(data + 32), load256be(data + 64)
    if z >= _BLS_MODULUS or y >= _BLS_MODULUS:
        return U64(1)
    if not (decompress_g1(commitment, data + 96, rest) and decompress_g1(proof, data + 144, rest)):
        return U64(1)
    if not verify_kzg_proof(commitment, proof, z, y, rest):
        return U64(1)
    store256be(out, U256(FIELD_ELEMENTS_PER_BLOB))
    store256be(out + 32, _BLS_MODULUS)
    return U64(0)
