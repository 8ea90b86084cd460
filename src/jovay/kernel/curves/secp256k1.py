"""secp256k1 (SEC 2): recovery of public keys from ECDSA signatures (SEC 1, 4.1.6), addresses.

``Q = (s R - z G) / r``. The multiple of R uses the curve's endomorphism (R. Gallant, R. Lambert, S. Vanstone,
"Faster point multiplication on elliptic curves with efficient endomorphisms", 2001): two scalars of 128 bits
in non-adjacent form share 128 doublings with each other and with the windows of the generator.
"""

from ..lang import U64, U256, Ptr, kernel, load8, load256be, store8, store256be
from ..words.arith import mulmod, product512
from .inverse import inverse_modulo
from .jacobian import DIGIT_BIAS, Point, non_adjacent_form, signed_digit, weierstrass_curve
from .prime256 import pseudo_mersenne_field

MODULUS = 2**256 - 2**32 - 977
ORDER_VALUE = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
GENERATOR = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)
P, ORDER, HALF_ORDER = U256(MODULUS), U256(ORDER_VALUE), U256(ORDER_VALUE >> 1)

FIELD = pseudo_mersenne_field("secp256k1_field", MODULUS)
CURVE = weierstrass_curve("secp256k1", FIELD, 0, GENERATOR)
plus, minus, times, square, inverse = FIELD.plus, FIELD.minus, FIELD.times, FIELD.square, FIELD.inverse
double, add_affine, generator_multiple = CURVE.double, CURVE.add_affine, CURVE.generator_multiple

#: The endomorphism (x, y) -> (BETA x, y) multiplies by a cube root of 1 modulo the order.
BETA = U256(0x7AE96A2B657C07106E64479EAC3434E99CF0497512F58995C1396C28719501EE)
#: A short basis (A1, B1), (A2, A1) of the lattice of (u, v) with u + v * root = 0 mod ORDER; B1 is negative.
A1 = 0x3086D221A7D46BCDE86C90E49284EB15
MINUS_B1 = 0xE4437ED6010E88286F547FA90ABFE4C3
A2 = 0x114CA50F7A8E2F3F657C1108D9D44CFD8
BASIS_A1, BASIS_A2, BASIS_MINUS_B1 = U256(A1), U256(A2), U256(MINUS_B1)
#: The basis over the order, times 2**384, rounded.
FIRST_SCALED = U256(((A1 << 384) + ORDER_VALUE // 2) // ORDER_VALUE)
SECOND_SCALED = U256(((MINUS_B1 << 384) + ORDER_VALUE // 2) // ORDER_VALUE)


@kernel(inline=True)
def rounded_384(k: U256, factor: U256) -> U256:
    """``k * factor / 2**384``, rounded."""
    high, _ = product512(k, factor)
    return (high >> 128) + ((high >> 127) & 1)


@kernel(inline=False)
def split(k: U256) -> tuple[U256, U256]:
    """``(k1, k2)``, two's complement and below 2**128 in size, with ``k = k1 + k2 * root mod ORDER``."""
    c1 = rounded_384(k, FIRST_SCALED)
    c2 = rounded_384(k, SECOND_SCALED)
    return k - c1 * BASIS_A1 - c2 * BASIS_A2, c1 * BASIS_MINUS_B1 - c2 * BASIS_A1


@kernel(inline=False)
def squares(x: U256, count: U64) -> U256:
    """``x ** (2 ** count)``."""
    for _ in range(count):
        x = square(x)
    return x


@kernel(inline=False)
def square_root(x: U256) -> U256:
    """``x ** ((P + 1) / 4)``: a root of ``x`` if it has one."""
    # The exponent is 223 ones, 0, 22 ones, 00001100. onesK is x ** (2**K - 1).
    ones2 = times(square(x), x)
    ones3 = times(square(ones2), x)
    ones6 = times(squares(ones3, 3), ones3)
    ones9 = times(squares(ones6, 3), ones3)
    ones11 = times(squares(ones9, 2), ones2)
    ones22 = times(squares(ones11, 11), ones11)
    ones44 = times(squares(ones22, 22), ones22)
    ones88 = times(squares(ones44, 44), ones44)
    ones176 = times(squares(ones88, 88), ones88)
    ones220 = times(squares(ones176, 44), ones44)
    ones223 = times(squares(ones220, 3), ones3)
    head = times(squares(ones223, 23), ones22)
    return squares(times(squares(head, 6), ones2), 2)


@kernel(inline=False)
def combine(x: U256, y: U256, of_point: U256, of_generator: U256) -> Point:
    """``of_point * (x, y) + of_generator * G`` for scalars below the order."""
    k1, k2 = split(of_point)
    negate1, negate2 = k1 >> 255 != 0, k2 >> 255 != 0
    plus1, minus1 = non_adjacent_form(-k1 if negate1 else k1)
    plus2, minus2 = non_adjacent_form(-k2 if negate2 else k2)
    negate_generator = of_generator > HALF_ORDER
    biased = (ORDER - of_generator if negate_generator else of_generator) + DIGIT_BIAS
    # The points to add are the given one, its image, their sum and difference. x2 - x1 is their common Z: on
    # the isomorphic curve scaled by it all four are affine.
    y1 = minus(U256(0), y) if negate1 else y
    y2 = minus(U256(0), y) if negate2 else y
    z = minus(times(x, BETA), x)
    zz = square(z)
    zzz = times(zz, z)
    x1 = times(x, zz)
    x2 = plus(x1, zzz)
    slope, other = minus(y2, y1), minus(minus(U256(0), y2), y1)
    y1, y2 = times(y1, zzz), times(y2, zzz)
    x_sum = minus(minus(square(slope), x1), x2)
    y_sum = minus(times(slope, minus(x1, x_sum)), y1)
    x_difference = minus(minus(square(other), x1), x2)
    y_difference = minus(times(other, minus(x1, x_difference)), y1)
    at = U64(130)
    rx, ry, rz = U256(0), U256(0), U256(0)
    while at != 0:
        at -= 1
        rx, ry, rz = double(rx, ry, rz)
        p1, m1 = U64(plus1 >> at) & 1, U64(minus1 >> at) & 1
        p2, m2 = U64(plus2 >> at) & 1, U64(minus2 >> at) & 1
        if (p1 | m1 | p2 | m2) != 0:
            ax, ay = x_difference, y_difference
            negative = m1
            if (p2 | m2) == 0:
                ax, ay = x1, y1
            elif (p1 | m1) == 0:
                ax, ay = x2, y2
                negative = m2
            elif p1 == p2:
                ax, ay = x_sum, y_sum
            rx, ry, rz = add_affine(rx, ry, rz, ax, minus(U256(0), ay) if negative != 0 else ay)
        if at < 128 and at & 7 == 0:
            j = at >> 3
            for part in range(2):
                digit = signed_digit(biased, j + 16 * U64(part))
                if digit != 0:
                    gx, gy = generator_multiple(digit, U64(part), negate_generator)
                    rx, ry, rz = add_affine(rx, ry, rz, times(gx, zz), times(gy, zzz))
    return rx, ry, times(rz, z)


@kernel(inline=False)
def recover(digest: Ptr, r: U256, s: U256, recid: U64, out: Ptr) -> bool:
    """The public key, 64 bytes at ``out``, whose signature of the 32 bytes at ``digest`` is ``r, s``.

    ``recid``: bit 0 is the parity of the nonce point's y, bit 1 tells that its x is ``r + ORDER``. False,
    with nothing written, for scalars out of range, a ``recid`` above 3, or where there is no such point or
    key. High ``s`` is allowed. The key is x and y, big-endian.
    """
    if r == 0 or r >= ORDER or s == 0 or s >= ORDER or recid > 3:
        return False
    x = r
    if recid >= 2:
        if r >= P - ORDER:
            return False
        x = r + ORDER
    y_squared = plus(times(square(x), x), U256(7))
    y = square_root(y_squared)
    if square(y) != y_squared:
        return False
    if U64(y) & 1 != recid & 1:
        y = minus(U256(0), y)
    z = load256be(digest)
    z = z - ORDER if z >= ORDER else z
    r_inverse = inverse_modulo(r, ORDER)
    minus_z = ORDER - z if z != 0 else z
    qx, qy, qz = combine(x, y, mulmod(s, r_inverse, ORDER), mulmod(minus_z, r_inverse, ORDER))
    if qz == 0:
        return False
    scale = inverse(qz)
    scale_squared = square(scale)
    store256be(out, times(qx, scale_squared))
    store256be(out + 32, times(qy, times(scale_squared, scale)))
    return True


#: Scratch bytes that ``recover_batch`` has in every build.
RECOVERY_SCRATCH = 1 << 20


@kernel
def recover_batch(n: U64, digests: Ptr, signatures: Ptr, keys: Ptr, ok: Ptr, scratch: Ptr) -> U64:
    """Recover ``n`` public keys, 64 bytes each at ``keys``; a byte each at ``ok`` tells whether there is one.

    Digests have 32 bytes each, signatures 65 (r, s, recid). ``scratch`` is for the SIMD twin, not used here.
    """
    for i in range(n):
        at = signatures + 65 * i
        found = recover(digests + 32 * i, load256be(at), load256be(at + 32), load8(at + 64), keys + 64 * i)
        store8(ok + i, U64(found))
    return U64(0)
