"""BN254: fields, groups, subgroup test and pairing, put together from the generic parts."""

from jovay.kernel.curves.dodecic import SCRATCH as DODECIC_SCRATCH
from jovay.kernel.curves.dodecic import dodecic_field
from jovay.kernel.curves.miller import digit_table, miller_loop, signed_digits
from jovay.kernel.curves.montgomery import prime_field
from jovay.kernel.curves.quadratic import fp2_inverse, fp2_power, quadratic_field
from jovay.kernel.curves.twist import twist_endomorphism
from jovay.kernel.curves.weierstrass import weierstrass_group
from jovay.kernel.lang import U64, Ptr, address_of, copy, kernel

#: The curve's parameter; p and r are polynomials in it (Barreto and Naehrig 2005).
X = 4965661367192848881
P = 36 * X**4 + 36 * X**3 + 24 * X**2 + 6 * X + 1
R = 36 * X**4 + 36 * X**3 + 18 * X**2 + 6 * X + 1
XI = (9, 1)

FP = prime_field("bn254", P)
FP2 = quadratic_field(FP, XI)
FP12 = dodecic_field(FP2, "D")
E1, E2, E12 = FP.size, FP2.size, FP12.size

_b0, _b1 = fp2_inverse(FP2, XI)
#: The twist is y² = x³ + 3/ξ.
TWIST_B = (3 * _b0 % P, 3 * _b1 % P)
G1 = weierstrass_group("bn254_g1", FP, FP.constant(3))
G2 = weierstrass_group("bn254_g2", FP2, FP2.constant(TWIST_B))

_TRIPLE_B = FP2.constant((3 * TWIST_B[0] % P, 3 * TWIST_B[1] % P))
MILLER = miller_loop(FP12, "D", _TRIPLE_B, signed_digits(6 * X + 2))
PAIR_SIZE = MILLER.pair_size
_X_DIGITS = signed_digits(X)
_X_TABLE, _X_COUNT = digit_table(_X_DIGITS), len(_X_DIGITS)

_PSI = fp2_power(FP2, XI, (P - 1) // 3), fp2_power(FP2, XI, (P - 1) // 2)
psi, psi_jacobian = twist_endomorphism(FP2, *_PSI)
#: ψ² multiplies x by this and negates y.
_PSI2_X = FP.constant(fp2_power(FP2, XI, (P * P - 1) // 3)[0])

#: Bytes of scratch for ``in_subgroup``, ``miller`` and ``final_exponentiation``.
CURVE_SCRATCH = (20 + DODECIC_SCRATCH + 8 * 6) * E2

_from_affine_g2, _sparse_g2, _add_g2, _add_affine_g2 = G2.from_affine, G2.times_sparse, G2.add, G2.add_affine
_double_g2, _equal_g2 = G2.double, G2.equal
_scale2, _run, _add_line = FP2.scale, MILLER.run, MILLER.add_line


@kernel(inline=False)
def in_subgroup(q: Ptr, s: Ptr) -> bool:
    """Whether an affine point of the twist, not infinity, has order r.

    [x+1]Q + ψ([x]Q) + ψ²([x]Q) = ψ³([2x]Q): El Housni, Guillevic, Piellard, "Co-factor clearing and subgroup
    membership testing on pairing-friendly curves" (2022).
    """
    xq, left, right, rest = s, s + 3 * E2, s + 6 * E2, s + 9 * E2
    _from_affine_g2(left, q)
    _sparse_g2(xq, left, U64(X), rest)
    _add_affine_g2(left, xq, q, rest)
    psi_jacobian(right, xq)
    _add_g2(left, left, right, rest)
    psi_jacobian(right, right)
    _add_g2(left, left, right, rest)
    psi_jacobian(right, right)
    _double_g2(right, right, rest)
    return _equal_g2(left, right, rest)


@kernel(inline=False)
def miller(out: Ptr, pairs: Ptr, count: U64, s: Ptr) -> None:
    """Optimal ate Miller loop (Vercauteren 2010): 6x + 2 and the lines through ψ(Q) and -ψ²(Q)."""
    image, rest = s, s + 2 * E2
    _run(out, pairs, count, s)
    for k in range(count):
        pair = pairs + k * PAIR_SIZE
        q = pair + E2
        psi(image, q)
        _add_line(out, pair, image, rest)
        _scale2(image, q, address_of(_PSI2_X))
        copy(image + E2, q + E2, E2)
        _add_line(out, pair, image, rest)


_mul12, _sqr12, _inverse12, _conjugate12 = FP12.mul, FP12.cyclotomic_sqr, FP12.inverse, FP12.conjugate
_frobenius, _frobenius2, _power12 = FP12.frobenius, FP12.frobenius2, FP12.cyclotomic_power


@kernel(inline=False)
def _power_minus_x(out: Ptr, a: Ptr, s: Ptr) -> None:
    _power12(out, a, address_of(_X_TABLE), U64(_X_COUNT), s)
    _conjugate12(out, out)


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
    """f to a multiple, prime to r, of (p¹² - 1)/r, in place.

    Fuentes-Castañeda, Knapp, Rodríguez-Henríquez, "Faster hashing to G2" (2011), section 5; exponents in
    comments.
    """
    a, b, c, d, e, rest = s, s + E12, s + 2 * E12, s + 3 * E12, s + 4 * E12, s + 5 * E12
    _easy_part(f, s)
    _power_minus_x(a, f, rest)
    _sqr12(a, a, rest)  # -2x
    _sqr12(b, a, rest)
    _mul12(b, a, b, rest)  # -6x
    _power_minus_x(c, b, rest)  # 6x²
    _conjugate12(d, b)
    _mul12(b, c, d, rest)  # 6x² + 6x
    _sqr12(d, c, rest)  # 12x²
    _power_minus_x(e, d, rest)
    _conjugate12(e, e)  # 12x³
    _mul12(e, b, e, rest)  # 12x³ + 6x² + 6x
    _mul12(d, a, e, rest)  # 12x³ + 6x² + 4x
    _mul12(a, c, e, rest)
    _mul12(a, f, a, rest)  # 12x³ + 12x² + 6x + 1
    _frobenius(b, d)
    _mul12(a, a, b, rest)
    _frobenius2(b, e)
    _mul12(a, a, b, rest)
    _conjugate12(b, f)
    _mul12(b, b, d, rest)
    _frobenius2(b, b)
    _frobenius(b, b)
    _mul12(f, a, b, rest)
