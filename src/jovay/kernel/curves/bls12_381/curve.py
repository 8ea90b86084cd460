"""BLS12-381: fields, groups, subgroup tests and the pairing, put together from the generic parts."""

from jovay.kernel.curves.dodecic import SCRATCH as DODECIC_SCRATCH
from jovay.kernel.curves.dodecic import dodecic_field
from jovay.kernel.curves.miller import digit_table, miller_loop
from jovay.kernel.curves.montgomery import prime_field
from jovay.kernel.curves.quadratic import fp2_inverse, fp2_power, quadratic_field
from jovay.kernel.curves.twist import twist_endomorphism
from jovay.kernel.curves.weierstrass import weierstrass_group
from jovay.kernel.lang import U64, Ptr, address_of, copy, kernel

#: The curve's parameter is -X_ABS; p and r are polynomials in it (Barreto, Lynn, Scott 2002; Bowe 2017).
X_ABS = 0xD201000000010000
R = X_ABS**4 - X_ABS**2 + 1
P = (X_ABS + 1) ** 2 * R // 3 - X_ABS
XI = (1, 1)

FP = prime_field("bls12_381", P)
FP2 = quadratic_field(FP, XI)
FP12 = dodecic_field(FP2, "M")
E1, E2, E12 = FP.size, FP2.size, FP12.size

G1 = weierstrass_group("bls12_381_g1", FP, FP.constant(4))
G2 = weierstrass_group("bls12_381_g2", FP2, FP2.constant((4, 4)))

_BITS = [int(bit) for bit in f"{X_ABS:b}"]
MILLER = miller_loop(FP12, "M", FP2.constant((12, 12)), _BITS)
PAIR_SIZE = MILLER.pair_size
_X_TABLE, _X_COUNT = digit_table(_BITS), len(_BITS)

_XI_INVERSE = fp2_inverse(FP2, XI)
_PSI = fp2_power(FP2, _XI_INVERSE, (P - 1) // 3), fp2_power(FP2, _XI_INVERSE, (P - 1) // 2)
psi, psi_jacobian = twist_endomorphism(FP2, *_PSI)

#: φ(x, y) = (βx, y) multiplies points of G1 by LAMBDA = -x².
LAMBDA = -(X_ABS**2) % R
BETA = FP.constant(pow(2, (P - 1) // 3, P))

#: Bytes of scratch for ``in_g1``, ``in_g2``, ``miller`` and ``final_exponentiation``.
CURVE_SCRATCH = (20 + DODECIC_SCRATCH + 8 * 6) * E2

_mul, _from_affine_g1, _sparse_g1, _equal_g1 = FP.mul, G1.from_affine, G1.times_sparse, G1.equal
_neg, _neg2, _from_affine_g2, _sparse_g2, _equal_g2 = (
    FP.neg,
    FP2.neg,
    G2.from_affine,
    G2.times_sparse,
    G2.equal,
)


@kernel(inline=False)
def phi(out: Ptr, p: Ptr) -> None:
    """φ of an affine point."""
    _mul(out, p, address_of(BETA))
    copy(out + E1, p + E1, E1)


@kernel(inline=False)
def in_g1(p: Ptr, s: Ptr) -> bool:
    """Whether an affine point of the curve, not infinity, has order r: φ(P) = -x²P.

    Scott, "A note on group membership tests for G1, G2 and GT on BLS pairing-friendly curves" (2021).
    """
    image, multiple, rest = s, s + 3 * E1, s + 6 * E1
    _from_affine_g1(image, p)
    _sparse_g1(multiple, image, U64(X_ABS), rest)
    _sparse_g1(multiple, multiple, U64(X_ABS), rest)
    _neg(multiple + E1, multiple + E1)
    _mul(image, image, address_of(BETA))
    return _equal_g1(image, multiple, rest)


@kernel(inline=False)
def in_g2(q: Ptr, s: Ptr) -> bool:
    """Whether an affine point of the twist, not infinity, has order r: ψ(Q) = xQ (Scott, as above)."""
    image, multiple, rest = s, s + 3 * E2, s + 6 * E2
    _from_affine_g2(image, q)
    _sparse_g2(multiple, image, U64(X_ABS), rest)
    _neg2(multiple + E2, multiple + E2)
    psi_jacobian(image, image)
    return _equal_g2(image, multiple, rest)


_run, _mul12, _sqr12, _inverse12 = MILLER.run, FP12.mul, FP12.cyclotomic_sqr, FP12.inverse
_frobenius, _frobenius2, _power12, _conjugate12 = (
    FP12.frobenius,
    FP12.frobenius2,
    FP12.cyclotomic_power,
    FP12.conjugate,
)


@kernel(inline=False)
def miller(out: Ptr, pairs: Ptr, count: U64, s: Ptr) -> None:
    """Optimal ate Miller loop (Vercauteren 2010), of length x."""
    _run(out, pairs, count, s)
    _conjugate12(out, out)


@kernel(inline=False)
def _power_x(out: Ptr, a: Ptr, s: Ptr) -> None:
    _power12(out, a, address_of(_X_TABLE), U64(_X_COUNT), s)
    _conjugate12(out, out)


@kernel(inline=False)
def _power_x_less_one(out: Ptr, a: Ptr, s: Ptr) -> None:
    t, rest = s, s + E12
    _power_x(out, a, rest)
    _conjugate12(t, a)
    _mul12(out, out, t, rest)


@kernel(inline=False)
def _easy_part(f: Ptr, s: Ptr) -> None:
    """f to the power (p⁶ - 1)(p² + 1)."""
    t, rest = s, s + E12
    _inverse12(t, f, rest)
    _conjugate12(f, f)
    _mul12(f, f, t, rest)
    _frobenius2(t, f)
    _mul12(f, f, t, rest)


@kernel(inline=False)
def final_exponentiation(f: Ptr, s: Ptr) -> None:
    """f to the power 3(p¹² - 1)/r, in place.

    Hayashida, Hayasaka, Teruya, "Efficient final exponentiation via cyclotomic structure for pairings over
    families of elliptic curves" (2020): 3(p⁴ - p² + 1)/r = (x - 1)²(x + p)(x² + p² - 1) + 3.
    """
    a, b, c, rest = s, s + E12, s + 2 * E12, s + 3 * E12
    _easy_part(f, s)
    _power_x_less_one(a, f, rest)
    _power_x_less_one(b, a, rest)
    _power_x(a, b, rest)
    _frobenius(b, b)
    _mul12(a, a, b, rest)  # (x - 1)²(x + p)
    _power_x(b, a, rest)
    _power_x(c, b, rest)
    _frobenius2(b, a)
    _mul12(c, c, b, rest)
    _conjugate12(a, a)
    _mul12(c, c, a, rest)
    _sqr12(a, f, rest)
    _mul12(f, a, f, rest)
    _mul12(f, f, c, rest)
