"""Multi-scalar multiplication: Straus for a few terms, Pippenger for many, both over signed (Booth) windows.

A term is an affine point other than infinity with a scalar below 2^128 in a slot of ``SCALAR_SLOT`` bytes:
16 bytes little-endian, the rest zero. Longer scalars come as several terms through the curve's endomorphism.
"""

from collections.abc import Callable

from jovay.kernel.lang import U64, Ptr, copy, fill, kernel, load64

from .weierstrass import Group

SCALAR_SLOT = 24
SCALAR_BITS = 128
STRAUS_TERMS = 10
STRAUS_WINDOW = 4
MAXIMUM_WINDOW = 7
_TABLE = 1 << (STRAUS_WINDOW - 1)


def msm_scratch(group: Group) -> int:
    """Bytes of scratch that the group's ``msm`` needs, for any number of terms."""
    points = max(STRAUS_TERMS * _TABLE, (1 << (MAXIMUM_WINDOW - 1)) + 3)
    return (points + 4) * group.jacobian


@kernel
def booth_digit(scalar: Ptr, window: U64, width: U64) -> tuple[U64, bool]:
    """Signed digit of a window: magnitude at most 2^(width-1), and whether it is negative (Booth 1951)."""
    if window == 0:
        x = load64(scalar) << 1
    else:
        lowest = window * width - 1
        x = load64(scalar + (lowest >> 3)) >> (lowest & 7)
    x = x & ((U64(2) << width) - 1)
    value = (x + 1) >> 1
    negative = (x >> width) != 0
    return (U64(1) << width) - value if negative else value, negative


@kernel
def pippenger_window(terms: U64) -> U64:
    """Window width by number of terms: weighs an addition per term against two per bucket."""
    if terms <= 24:
        return U64(4)
    if terms <= 80:
        return U64(5)
    if terms <= 280:
        return U64(6)
    return U64(MAXIMUM_WINDOW)


def _straus(group: Group) -> Callable:
    affine, jacobian, size = group.affine, group.jacobian, group.field.size
    double, add, add_affine, from_affine = group.double, group.add, group.add_affine, group.from_affine
    neg = group.field.neg

    @kernel(name=f"{group.tag}_straus", inline=False)
    def straus(out: Ptr, points: Ptr, scalars: Ptr, terms: U64, s: Ptr) -> None:
        """Shared doublings, a table of the multiples 1 to 8 of each point; at most ``STRAUS_TERMS``."""
        table, negated = s, s + terms * (_TABLE * jacobian)
        rest = negated + jacobian
        for t in range(terms):
            row, point = table + t * (_TABLE * jacobian), points + t * affine
            from_affine(row, point)
            double(row + jacobian, row, rest)
            for k in range(2, _TABLE):
                add_affine(row + k * jacobian, row + (k - 1) * jacobian, point, rest)
        fill(out, 0, jacobian)
        begun = False
        for k in range(SCALAR_BITS // STRAUS_WINDOW, -1, -1):
            if begun:  # small scalars begin with many digits 0
                for _ in range(STRAUS_WINDOW):
                    double(out, out, rest)
            for t in range(terms):
                digit, negative = booth_digit(scalars + t * SCALAR_SLOT, U64(k), U64(STRAUS_WINDOW))
                if digit != 0:
                    begun = True
                    entry = table + t * (_TABLE * jacobian) + (digit - 1) * jacobian
                    if negative:
                        copy(negated, entry, jacobian)
                        neg(negated + size, negated + size)
                        entry = negated
                    add(out, out, entry, rest)

    return straus


def _pippenger(group: Group) -> Callable:
    affine, jacobian = group.affine, group.jacobian
    double, add, add_affine, negate = group.double, group.add, group.add_affine, group.negate_affine

    @kernel(name=f"{group.tag}_fill_buckets", inline=False)
    def fill_buckets(
        buckets: Ptr, points: Ptr, scalars: Ptr, terms: U64, window: U64, width: U64, s: Ptr
    ) -> None:
        """Add each point to the bucket of its digit, with its sign."""
        negated, rest = s, s + jacobian
        for t in range(terms):
            digit, negative = booth_digit(scalars + t * SCALAR_SLOT, window, width)
            if digit != 0:
                point = points + t * affine
                if negative:
                    negate(negated, point)
                    point = negated
                bucket = buckets + (digit - 1) * jacobian
                add_affine(bucket, bucket, point, rest)

    @kernel(name=f"{group.tag}_pippenger", inline=False)
    def pippenger(out: Ptr, points: Ptr, scalars: Ptr, terms: U64, s: Ptr) -> None:
        width = pippenger_window(terms)
        count = U64(1) << (width - 1)
        running, total, buckets = s, s + jacobian, s + 2 * jacobian
        rest = buckets + count * jacobian
        fill(out, 0, jacobian)
        for k in range((U64(SCALAR_BITS) + width - 1) // width, -1, -1):
            for _ in range(width):
                double(out, out, rest)
            fill(buckets, 0, count * jacobian)
            fill_buckets(buckets, points, scalars, terms, U64(k), width, rest)
            fill(running, 0, 2 * jacobian)
            for i in range(count, 0, -1):
                add(running, running, buckets + (i - 1) * jacobian, rest)
                add(total, total, running, rest)
            add(out, out, total, rest)

    return pippenger


def multi_scalar(group: Group) -> Callable:
    """``msm(out, points, scalars, terms, s)``: Jacobian sum of ``terms`` points times scalars."""
    straus, pippenger = _straus(group), _pippenger(group)

    @kernel(name=f"{group.tag}_msm", inline=False)
    def msm(out: Ptr, points: Ptr, scalars: Ptr, terms: U64, s: Ptr) -> None:
        if terms <= STRAUS_TERMS:
            straus(out, points, scalars, terms, s)
        else:
            pippenger(out, points, scalars, terms, s)

    return msm
