"""P-256 (FIPS 186-5, secp256r1): verification of ECDSA signatures as in EIP-7951."""

from ..lang import U64, U256, kernel
from ..words.arith import mulmod, product64
from .inverse import inverse_modulo
from .jacobian import DIGIT_BIAS, Point, non_adjacent_form, signed_digit, weierstrass_curve
from .prime256 import montgomery_field

MODULUS = 2**256 - 2**224 + 2**192 + 2**96 - 1
ORDER_VALUE = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
B_VALUE = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
GENERATOR = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
P, ORDER, HALF_ORDER = U256(MODULUS), U256(ORDER_VALUE), U256(ORDER_VALUE >> 1)

#: The modulus's highest limb.
TOP_LIMB = U64(0xFFFFFFFF00000001)


@kernel(inline=True)
def shift_out(x: U256) -> U256:
    """``x / 2**64 mod P``, at most ``P``: adds the low limb times ``P = 2**192 * TOP_LIMB + 2**96 - 1``."""
    q = U64(x)
    return (x >> 64) + (U256(q) << 32) + (U256(product64(q, TOP_LIMB)) << 128)


FIELD = montgomery_field("p256_field", MODULUS, shift_out)
CURVE = weierstrass_curve("p256", FIELD, -3, GENERATOR)
plus, minus, times, square, encode = FIELD.plus, FIELD.minus, FIELD.times, FIELD.square, FIELD.encode
double, add_affine, generator_multiple = CURVE.double, CURVE.add_affine, CURVE.generator_multiple
B = U256(FIELD.constant(B_VALUE))


@kernel(inline=True)
def folded(k: U256) -> tuple[U256, bool]:
    """A scalar or its negative, whichever is below half the order, and whether it was negated."""
    negate = k > HALF_ORDER
    return ORDER - k if negate else k, negate


@kernel(inline=False)
def combine(x: U256, y: U256, of_point: U256, of_generator: U256) -> Point:
    """``of_point * (x, y) + of_generator * G``: scalars below the order, coordinates field elements."""
    k, negate = folded(of_point)
    g, negate_generator = folded(of_generator)
    biased = g + DIGIT_BIAS
    opposite = minus(U256(0), y)
    when_plus, when_minus = (opposite, y) if negate else (y, opposite)
    positive, negative = non_adjacent_form(k)
    at = U64(256)
    rx, ry, rz = U256(0), U256(0), U256(0)
    while at != 0:
        at -= 1
        rx, ry, rz = double(rx, ry, rz)
        if U64(positive >> at) & 1 != 0:
            rx, ry, rz = add_affine(rx, ry, rz, x, when_plus)
        elif U64(negative >> at) & 1 != 0:
            rx, ry, rz = add_affine(rx, ry, rz, x, when_minus)
        if at < 128 and at & 7 == 0:
            j = at >> 3
            for part in range(2):
                digit = signed_digit(biased, j + 16 * U64(part))
                if digit != 0:
                    gx, gy = generator_multiple(digit, U64(part), negate_generator)
                    rx, ry, rz = add_affine(rx, ry, rz, gx, gy)
    return rx, ry, rz


@kernel(inline=False)
def on_curve(x: U256, y: U256) -> bool:
    """Whether two field elements satisfy the curve's equation."""
    three = plus(plus(x, x), x)
    return square(y) == plus(minus(times(square(x), x), three), B)


@kernel(inline=False)
def p256_verify(digest: U256, r: U256, s: U256, x: U256, y: U256) -> bool:
    """Whether ``(r, s)`` signs ``digest``, the hash read big-endian, under the public key ``(x, y)``.

    False also for scalars or coordinates out of range and for points that are not on the curve.
    """
    if r == 0 or r >= ORDER or s == 0 or s >= ORDER or x >= P or y >= P:
        return False
    x, y = encode(x), encode(y)
    if not on_curve(x, y):  # (0, 0), which stands for infinity, is not
        return False
    digest = digest - ORDER if digest >= ORDER else digest
    w = inverse_modulo(s, ORDER)
    qx, _, qz = combine(x, y, mulmod(r, w, ORDER), mulmod(digest, w, ORDER))
    if qz == 0:
        return False
    # The sum's x, reduced modulo the order, must be r: x is r or r + ORDER. Compared without dividing by Z.
    zz = square(qz)
    if qx == times(encode(r), zz):
        return True
    return r < P - ORDER and qx == times(encode(r + ORDER), zz)
