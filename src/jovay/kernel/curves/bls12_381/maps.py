"""Maps of field elements to G1 and G2 as in EIP-2537: simplified SWU, isogeny, cofactor clearing (RFC 9380).

``scratch`` is ``MAP_SCRATCH`` bytes, 8-aligned.
"""

from collections.abc import Callable

from jovay.kernel.curves.montgomery import PrimeField, exponent_table
from jovay.kernel.curves.quadratic import QuadraticField
from jovay.kernel.lang import U64, Ptr, Table, address_of, copy, kernel, load8

from . import isogeny
from .curve import E1, E2, FP, FP2, G1, G2, X_ABS, P, psi_jacobian
from .encoding import FP_BYTES, decode_fp, decode_fp2, encode_g1, encode_g2

MAP_SCRATCH = 48 * E2

# Quadratic residues: p = 3 mod 4, so c^((p-3)/4) = 1/√c where c is a square.
_ROOT_DIGITS, _ROOT_COUNT = exponent_table((P - 3) // 4)
_power, _mul, _sqr, _add, _sub, _neg, _halve = FP.power, FP.mul, FP.sqr, FP.add, FP.sub, FP.neg, FP.halve
_equal, _is_zero, _to_bytes = FP.equal, FP.is_zero, FP.to_bytes


@kernel(inline=False)
def sqrt_fp(out: Ptr, a: Ptr, s: Ptr) -> bool:
    """A root of ``a``, or of ``-a`` where ``a`` is no square (then False); ``s``: 18 elements."""
    root = s
    _power(root, a, address_of(_ROOT_DIGITS), U64(_ROOT_COUNT), s + E1)
    _mul(root, root, a)
    _sqr(s + E1, root)
    square = _equal(s + E1, a)
    copy(out, root, E1)
    return square


_G1_SQRT_MINUS_Z = FP.constant(pow(-isogeny.G1_Z, (P + 1) // 4, P))


@kernel(inline=False)
def root_fp(out: Ptr, a: Ptr, s: Ptr) -> bool:
    """A root of ``a``, or of ``Z·a`` where ``a`` is no square (then False)."""
    square = sqrt_fp(out, a, s)
    if not square:
        _mul(out, out, address_of(_G1_SQRT_MINUS_Z))
    return square


_mul2 = FP2.mul
_G2_Z = FP2.constant(isogeny.G2_Z)
_norm_of_z = isogeny.G2_Z[0] ** 2 + isogeny.G2_Z[1] ** 2
_SQRT_MINUS_NORM_Z = FP.constant(pow(-_norm_of_z, (P + 1) // 4, P))


@kernel(inline=False)
def root_fp2(out: Ptr, a: Ptr, s: Ptr) -> bool:
    """A root of ``a``, or of ``Z·a`` where ``a`` is no square (then False).

    A square c has a norm that is a square n²; then t = (c0 ± n)/2 is x0² for one sign in x0 + x1·u = √c, and
    x1 = c1/2x0. Where t is no square, the other sign's root follows from the same power of t, since
    t·t' = -c1²/4.
    """
    c, n, t, r, rest = s, s + E2, s + E2 + E1, s + 2 * E2, s + 3 * E2
    copy(c, a, E2)
    _sqr(n, c)
    _sqr(t, c + E1)
    _add(t, n, t)
    square = sqrt_fp(n, t, rest)
    if not square:
        _mul2(c, c, address_of(_G2_Z))
        _mul(n, n, address_of(_SQRT_MINUS_NORM_Z))
    _add(t, c, n)
    _halve(t, t)
    if _is_zero(t):
        copy(t, c, E1)
    _power(r, t, address_of(_ROOT_DIGITS), U64(_ROOT_COUNT), rest)
    _mul(n, t, r)
    _mul(c + E1, c + E1, r)
    _halve(c + E1, c + E1)
    _sqr(rest, n)
    if _equal(rest, t):
        copy(out, n, E1)
        copy(out + E1, c + E1, E1)
    else:
        _neg(out, c + E1)
        copy(out + E1, n, E1)
    return square


@kernel(inline=False)
def sign_fp(a: Ptr, s: Ptr) -> U64:
    """``sgn0`` for Fp: the parity."""
    _to_bytes(s, a)
    return load8(s + E1 - 1) & 1


@kernel(inline=False)
def sign_fp2(a: Ptr, s: Ptr) -> U64:
    """``sgn0`` for Fp2: the parity of the first part that is not zero."""
    return sign_fp(a + E1, s) if _is_zero(a) else sign_fp(a, s)


def simplified_swu(
    name: str,
    field: PrimeField | QuadraticField,
    curve: tuple[Table, Table, Table],
    root: Callable,
    sign: Callable,
) -> Callable:
    """``swu(out, u, s)``: an affine point on y² = x³ + A·x + B from ``u`` (RFC 9380, section 6.6.2).

    ``curve`` is A, B, Z.
    """
    a, b, z = curve
    size, mul, sqr, add, neg, is_zero = field.size, field.mul, field.sqr, field.add, field.neg, field.is_zero
    inverse, one = field.inverse, field.one

    @kernel(name=name, inline=False)
    def swu(out: Ptr, u: Ptr, s: Ptr) -> None:
        zuu, t, x, y = s, s + size, s + 2 * size, s + 3 * size
        g, rest = s + 4 * size, s + 5 * size
        sqr(zuu, u)
        mul(zuu, zuu, address_of(z))
        sqr(t, zuu)
        add(t, t, zuu)
        if is_zero(t):
            copy(x, address_of(z), size)
        else:
            neg(x, t)
        mul(x, x, address_of(a))
        inverse(x, x, rest)
        add(t, t, address_of(one))
        mul(t, t, address_of(b))
        mul(x, x, t)
        sqr(g, x)
        add(g, g, address_of(a))
        mul(g, g, x)
        add(g, g, address_of(b))
        if not root(y, g, rest):
            mul(x, x, zuu)
            mul(y, y, zuu)
            mul(y, y, u)
        if sign(u, rest) != sign(y, rest):
            neg(y, y)
        copy(out, x, 2 * size)

    return swu


def isogeny_map(name: str, field: PrimeField | QuadraticField, polynomials: list[list]) -> Callable:
    """``map(out, p, s)``: Jacobian image of an affine point; the polynomials are x's and y's fractions."""
    size, mul, sqr, add = field.size, field.mul, field.sqr, field.add
    tables = [field.constant(*polynomial) for polynomial in polynomials]
    x_num, x_den, y_num, y_den = tables
    nx, dx, ny, dy = (len(polynomial) for polynomial in polynomials)

    @kernel(name=f"{name}_horner", inline=False)
    def horner(out: Ptr, coefficients: Ptr, count: U64, x: Ptr) -> None:
        copy(out, coefficients + (count - 1) * size, size)
        for i in range(count - 1, 0, -1):
            mul(out, out, x)
            add(out, out, coefficients + (i - 1) * size)

    @kernel(name=name, inline=False)
    def image(out: Ptr, p: Ptr, s: Ptr) -> None:
        # With Z = dx·dy: X = nx·dx·dy² and Y = y·ny·dx³·dy²; a pole gives Z = 0, which is infinity.
        xn, xd, yn, yd = s, s + size, s + 2 * size, s + 3 * size
        horner(xn, address_of(x_num), U64(nx), p)
        horner(xd, address_of(x_den), U64(dx), p)
        horner(yn, address_of(y_num), U64(ny), p)
        horner(yd, address_of(y_den), U64(dy), p)
        mul(yn, yn, p + size)
        mul(out + 2 * size, xd, yd)
        mul(yd, yd, out + 2 * size)
        mul(out, xn, yd)
        sqr(xd, xd)
        mul(yd, yd, xd)
        mul(out + size, yn, yd)

    return image


_G1_CURVE = FP.constant(isogeny.G1_A), FP.constant(isogeny.G1_B), FP.constant(isogeny.G1_Z)
_G2_CURVE = FP2.constant(isogeny.G2_A), FP2.constant(isogeny.G2_B), _G2_Z
swu_g1 = simplified_swu("swu_g1", FP, _G1_CURVE, root_fp, sign_fp)
swu_g2 = simplified_swu("swu_g2", FP2, _G2_CURVE, root_fp2, sign_fp2)
isogeny_g1 = isogeny_map(
    "isogeny_g1",
    FP,
    [isogeny.G1_X_NUMERATOR, isogeny.G1_X_DENOMINATOR, isogeny.G1_Y_NUMERATOR, isogeny.G1_Y_DENOMINATOR],
)
isogeny_g2 = isogeny_map(
    "isogeny_g2",
    FP2,
    [isogeny.G2_X_NUMERATOR, isogeny.G2_X_DENOMINATOR, isogeny.G2_Y_NUMERATOR, isogeny.G2_Y_DENOMINATOR],
)

_sparse_g1, _sparse_g2, _add_g2, _double_g2 = G1.times_sparse, G2.times_sparse, G2.add, G2.double
_neg2 = FP2.neg


@kernel(inline=False)
def _times_x(out: Ptr, p: Ptr, s: Ptr) -> None:
    """The curve's (negative) parameter times a point of the twist."""
    _sparse_g2(out, p, U64(X_ABS), s)
    _neg2(out + E2, out + E2)


@kernel(inline=False)
def _subtract(out: Ptr, p: Ptr, s: Ptr) -> None:
    """out - p"""
    copy(s, p, 3 * E2)
    _neg2(s + E2, s + E2)
    _add_g2(out, out, s, s + 3 * E2)


@kernel(inline=False)
def clear_cofactor_g2(out: Ptr, p: Ptr, s: Ptr) -> None:
    """[x² - x - 1]P + [x - 1]ψ(P) + ψ²(2P): Budroni and Pintore 2017, RFC 9380, appendix G.3."""
    t1, t2, t3, rest = s, s + 3 * E2, s + 6 * E2, s + 9 * E2
    _times_x(t1, p, rest)
    psi_jacobian(t2, p)
    _double_g2(t3, p, rest)
    psi_jacobian(t3, t3)
    psi_jacobian(t3, t3)
    _subtract(t3, t2, rest)
    _add_g2(t2, t1, t2, rest)
    _times_x(t2, t2, rest)
    _add_g2(t3, t3, t2, rest)
    _subtract(t3, t1, rest)
    _subtract(t3, p, rest)
    copy(out, t3, 3 * E2)


@kernel
def bls_map_fp_to_g1(data: Ptr, size: U64, out: Ptr, scratch: Ptr) -> U64:
    """64 bytes, an element of Fp, to the 128 bytes of a point of G1."""
    point, image, rest = scratch, scratch + 2 * E1, scratch + 5 * E1
    if size != FP_BYTES or not decode_fp(image, data):
        return U64(1)
    swu_g1(point, image, rest)
    isogeny_g1(image, point, rest)
    _sparse_g1(image, image, U64(X_ABS + 1), rest)
    encode_g1(out, image, rest)
    return U64(0)


@kernel
def bls_map_fp2_to_g2(data: Ptr, size: U64, out: Ptr, scratch: Ptr) -> U64:
    """128 bytes, an element of Fp2, to the 256 bytes of a point of G2."""
    point, image, rest = scratch, scratch + 2 * E2, scratch + 5 * E2
    if size != 2 * FP_BYTES or not decode_fp2(image, data):
        return U64(1)
    swu_g2(point, image, rest)
    isogeny_g2(image, point, rest)
    clear_cofactor_g2(image, image, rest)
    encode_g2(out, image, rest)
    return U64(0)
