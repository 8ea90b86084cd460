"""Recovery of public keys by the machine: affine points, multiplications modulo the prime and the order.

The machine adds no points with the same x: these are told apart before. The point and its image under the endomorphism
have tables of eight multiples and digits of four bits, signed; the generator's are as in ``curves.secp256k1``.
"""

from ..curves.jacobian import DIGIT_BIAS
from ..curves.secp256k1 import BETA, CURVE, HALF_ORDER, ORDER, P, split
from ..lang import (
    U64,
    U256,
    Ptr,
    address_of,
    copy,
    kernel,
    load8,
    load64,
    load256,
    load256be,
    store256,
    store256be,
)
from ..riscv.calls import INVERSE_MODULO, ROOT_MODULO, SECP256K1_ADD, SECP256K1_DOUBLE, SECP256K1_SUBTRACT
from .calls import NUMBERS_AT, POINTS_AT, blocks, system_call
from .mulmod import modulo, product

GENERATOR_TABLE = CURVE.table
#: An entry of the point's table: x, y, and the image's x. Behind the entries: three scalars.
ENTRY, MULTIPLES = 96, 8
SCALARS_AT = NUMBERS_AT + ENTRY * MULTIPLES
#: Added to a scalar below 2**128, makes each of 32 digits of four bits the signed one plus 8.
NIBBLE_BIAS = U256(int("8" * 32, 16))


@kernel(inline=True)
def square_root(x: U256) -> U256:
    """A root of ``x``, or of ``-x``: just one of them has some, as the prime is 3 modulo 4."""
    block = modulo(P)
    store256(block, x)
    system_call(ROOT_MODULO, block)
    return load256(block)


@kernel(inline=True)
def inverse_modulo_order(x: U256) -> U256:
    """``1 / x`` modulo the order, for a reduced ``x`` that is not 0."""
    block = modulo(ORDER)
    store256(block, x)
    system_call(INVERSE_MODULO, block)
    return load256(block)


@kernel(inline=False)
def add_apart(points: Ptr, x: Ptr, y: Ptr, negative: bool, infinite: bool) -> bool:
    """``add`` to infinity, or to a point with the same x."""
    x2, y2 = load256(x), load256(y)
    if negative:
        y2 = P - y2  # no point has y = 0: the group's order is odd
    if infinite:
        store256(points, x2)
        store256(points + 32, y2)
        return False
    if load256(points + 32) != y2:
        return True
    system_call(SECP256K1_DOUBLE, points)
    return False


@kernel(inline=False)
def add(points: Ptr, x: Ptr, y: Ptr, negative: bool, infinite: bool) -> bool:
    """Add a point, or its negative, to the first of the block, which may be infinite; whether the sum is."""
    if infinite or (load64(points) == load64(x) and load256(points) == load256(x)):
        return add_apart(points, x, y, negative, infinite)
    store256(points + 64, load256(x))
    store256(points + 96, load256(y))
    if negative:
        system_call(SECP256K1_SUBTRACT, points)
    else:
        system_call(SECP256K1_ADD, points)
    return False


@kernel(inline=True)
def add_digit(points: Ptr, digit: U64, x_at: U64, negate: bool, infinite: bool) -> bool:
    """Add a digit plus 8 times the point (``x_at`` 0), or the image (64)."""
    if digit == 8:
        return infinite
    negative = digit < 8
    entry = blocks() + NUMBERS_AT + ((8 - digit if negative else digit - 8) - 1) * ENTRY
    return add(points, entry + x_at, entry + 32, negative != negate, infinite)


@kernel(inline=True)
def add_generator(points: Ptr, digit: U64, part: U64, negate: bool, infinite: bool) -> bool:
    """Add a signed digit times the generator, or 2**128 times that if ``part`` is 1."""
    if digit == 0:
        return infinite
    negative = digit >> 63 != 0
    entry = address_of(GENERATOR_TABLE) + (((-digit if negative else digit) - 1) + part * 128) * 64
    return add(points, entry, entry + 32, negative != negate, infinite)


@kernel(inline=True)
def quadruple(points: Ptr, infinite: bool) -> None:
    """Twice, and that twice."""
    if not infinite:
        system_call(SECP256K1_DOUBLE, points)
        system_call(SECP256K1_DOUBLE, points)


@kernel(inline=False)
def write_multiples(x: U256, y: U256) -> None:
    """The table of a point: no multiple that is added to it here is the point, or its negative."""
    table, points, block = blocks() + NUMBERS_AT, blocks() + POINTS_AT, modulo(P)
    store256(points, x)
    store256(points + 32, y)
    store256(points + 64, x)
    store256(points + 96, y)
    for i in range(MULTIPLES):
        if i == 1:
            system_call(SECP256K1_DOUBLE, points)
        elif i != 0:
            system_call(SECP256K1_ADD, points)
        copy(table + i * ENTRY, points, U64(64))
        store256(table + i * ENTRY + 64, product(block, load256(points), BETA))


@kernel(inline=False)
def combine(x: U256, y: U256, of_point: U256, of_generator: U256) -> bool:
    """``of_point * (x, y) + of_generator * G`` for scalars below the order, in the block of points; False: infinite."""
    write_multiples(x, y)
    k1, k2 = split(of_point)
    negate1, negate2, negate = k1 >> 255 != 0, k2 >> 255 != 0, of_generator > HALF_ORDER
    k1 = (-k1 if negate1 else k1) + NIBBLE_BIAS
    k2 = (-k2 if negate2 else k2) + NIBBLE_BIAS
    points, scalars = blocks() + POINTS_AT, blocks() + SCALARS_AT
    store256(scalars, k1)
    store256(scalars + 32, k2)
    store256(scalars + 64, (ORDER - of_generator if negate else of_generator) + DIGIT_BIAS)
    infinite = add_digit(points, load8(scalars + 16) + 8, U64(0), negate1, True)
    infinite = add_digit(points, load8(scalars + 48) + 8, U64(64), negate2, infinite)
    at = scalars + 16
    while at != scalars:
        at -= 1
        first, second = load8(at), load8(at + 32)
        quadruple(points, infinite)
        quadruple(points, infinite)
        infinite = add_digit(points, first >> 4, U64(0), negate1, infinite)
        infinite = add_digit(points, second >> 4, U64(64), negate2, infinite)
        quadruple(points, infinite)
        quadruple(points, infinite)
        infinite = add_digit(points, first & 15, U64(0), negate1, infinite)
        infinite = add_digit(points, second & 15, U64(64), negate2, infinite)
        infinite = add_generator(points, load8(at + 64) - 128, U64(0), negate, infinite)
        top = U64(0) if at + 1 == scalars + 16 else U64(128)
        infinite = add_generator(points, load8(at + 80) - top, U64(1), negate, infinite)
    return not infinite


@kernel(inline=False)
def recover(digest: Ptr, r: U256, s: U256, recid: U64, out: Ptr) -> bool:
    """``curves.secp256k1.recover``."""
    if r == 0 or r >= ORDER or s == 0 or s >= ORDER or recid > 3:
        return False
    x = r
    if recid >= 2:
        if r >= P - ORDER:
            return False
        x = r + ORDER
    block = modulo(P)
    y_squared = product(block, product(block, x, x), x) + 7
    if y_squared >= P:
        y_squared -= P
    y = square_root(y_squared)
    if product(block, y, y) != y_squared:
        return False
    if U64(y) & 1 != recid & 1:
        y = P - y
    z = load256be(digest)
    z = z - ORDER if z >= ORDER else z
    minus_z = ORDER - z if z != 0 else z
    r_inverse = inverse_modulo_order(r)
    of_point, of_generator = product(block, s, r_inverse), product(block, minus_z, r_inverse)
    if not combine(x, y, of_point, of_generator):
        return False
    points = blocks() + POINTS_AT
    store256be(out, load256(points))
    store256be(out + 32, load256(points + 32))
    return True
