"""Point arithmetic on secp256k1 in lanes: Jacobian accumulators, affine table entries.

Doubling and mixed addition are the usual ones for y² = x³ + 7 (Hankerson, Menezes, Vanstone, Guide to
Elliptic Curve Cryptography, 3.2). Addition is wrong for a point and itself or its negative; then H = 0 and so
Z becomes 0 modulo p, and both formulas keep it 0 for ever: whoever ends with Z = 0 knows that the lane must
be computed another way.
"""

from __future__ import annotations

import hashlib

import llvmlite.ir as ir

from .lanes import WORD, Pointer, Routine, Value, table, transpose
from .limbs import SLOT, VECTOR, pack, unpack
from .secp256k1_field import Element, P, canonical, constant, folded, load, multiply, square
from .secp256k1_products import Calls, Cell, Products
from .secp256k1_scalar import BETA

LINE = 64  # bytes of a table entry: x and y in four 64-bit words each
Affine = tuple[int, int]

GENERATOR = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)


def affine_add(a: Affine, b: Affine) -> Affine:
    """a + b for points that are not opposite."""
    if a == b:
        slope = 3 * a[0] * a[0] * pow(2 * a[1], -1, P) % P
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P) % P
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def doubled(point: Affine, times: int) -> Affine:
    for _ in range(times):
        point = affine_add(point, point)
    return point


def unrelated_point() -> Affine:
    """A point whose logarithm nobody knows: the first x on the curve from a hashed sentence."""
    x = (
        int.from_bytes(hashlib.sha256(b"secp256k1 batch recovery, start of the accumulator").digest(), "big")
        % P
    )
    while pow(y := pow(x**3 + 7, (P + 1) // 4, P), 2, P) != (x**3 + 7) % P:
        x = (x + 1) % P
    return x, y


def line_words(point: Affine) -> list[int]:
    """A table line: x and y, lowest word first."""
    return [(c >> (64 * i)) & (2**64 - 1) for c in point for i in range(4)]


def generator_table(module: ir.Module, window: int) -> ir.GlobalVariable:
    """Lines of j·G and then of j·2^128·G, j = 1 … 2^(window−1)."""
    words: list[int] = []
    for start in (GENERATOR, doubled(GENERATOR, 128)):
        point = start
        for j in range(1 << (window - 1)):
            words += line_words(point)
            if j + 1 < 1 << (window - 1):
                point = affine_add(point, start)
    return table(module, "secp256k1_generator_table", WORD, words)


def load_point(source: Pointer, calls: Calls) -> list[Cell]:
    """X, Y, Z of an accumulator: three groups of ``ways`` slots."""
    return [calls.cell(source.at(c * calls.products.ways * SLOT)) for c in range(3)]


def double(calls: Calls, x: Cell, y: Cell, z: Cell) -> None:
    """Double (x, y, z) in place."""
    e = calls.square(x, scale=3)
    b = calls.square(y)
    calls.multiply(y, z, scale=2, to=z.home)
    d = calls.multiply(x, b, scale=4)
    calls.square(e, minus=d, shift=1, to=x.home)
    c = calls.square(b)
    calls.multiply(e, (d - x).carried(), minus=c, shift=3, to=y.home)


def add_affine(calls: Calls, point: list[Cell], x: Element, y: Element) -> list[Cell]:
    """point + (x, y); see above for equal and opposite points."""
    x1, y1, z1 = point
    zz = calls.square(z1)
    h = calls.multiply(x, zz, minus=x1)
    zzz = calls.multiply(z1, zz)
    hh = calls.square(h)
    r = calls.multiply(y, zzz, minus=y1)
    v = calls.multiply(x1, hh)
    hhh = calls.multiply(h, hh)
    z3 = calls.multiply(z1, h)
    x3 = calls.square(r, minus=hhh + (v << 1))
    w = calls.multiply(y1, hhh)
    y3 = calls.multiply(r, (v - x3).carried(), minus=w)
    return [x3, y3, z3]


def doubling(products: Products) -> Routine:
    """Routine ``(p point, i times)``: double the accumulators ``times`` ≥ 1 times."""
    code = Routine(products.module, "secp256k1_double", "pi")
    at, times = code.arguments
    calls = Calls(products, code)
    code.each(times, lambda _: double(calls, *load_point(at, calls)))
    return code.end()


def _line_element(words: list[list[Value]]) -> Element:
    """Canonical elements from the four words of each way."""
    columns = [unpack(w) for w in words]
    rows = [list(row) for row in zip(*columns, strict=True)]
    return Element(rows, [2**52 - 1] * 4 + [2**48 - 1], P - 1)


def addition(products: Products, name: str, endomorphism: bool) -> Routine:
    """Routine ``(p point, p lines, i lane stride, i way stride, p digits)``: add a table entry to each
    accumulator.

    ``digits`` has an encoded window (``recode``) per lane, one vector per way; lane l of way k takes its
    line from ``lines`` + k·way stride + l·lane stride. With ``endomorphism`` it is λ times the entry that is
    added.
    """
    code = Routine(products.module, name, "ppiip")
    at, lines, lane_stride, way_stride, digits = code.arguments
    calls = Calls(products, code)
    xs, ys = [], []
    for k in range(products.ways):
        rows = []
        for lane in range(VECTOR.count):
            offset = digits.at(k * VECTOR.bytes + lane * 8).load(WORD) & -LINE
            rows.append(lines.at(offset + way_stride * k + lane_stride * lane).load(VECTOR))
        words = transpose(rows)
        xs.append(words[:4])
        ys.append(words[4:])

    def flag(bit: int) -> list[Value]:
        vectors = (digits.at(k * VECTOR.bytes).load(VECTOR) for k in range(products.ways))
        return [(digit & bit).compare("!=", 0) for digit in vectors]

    x = calls.keep(_line_element(xs))
    y = _line_element(ys)
    y = calls.keep((-y).carried().where(flag(2), y))
    if endomorphism:
        x = calls.multiply(x, constant(code, BETA, products.ways))
    point = load_point(at, calls)
    total = add_affine(calls, point, x, y)
    for old, new in zip(point, total, strict=True):
        new.where(flag(1), old).store(old.home)
    return code.end()


def multiples_level(module: ir.Module, ways: int, group: int, invert: Routine) -> Routine:
    """Routine ``(p multiples, p scratch, i groups, i base)``: from the multiples 1 … base to base+1 … 2·base.

    ``multiples`` has for each of ``groups`` groups of ``ways`` vectors ``group`` bytes: x and y of 1·R, of
    2·R and so on. Equal x cannot meet, as every R has a large prime order. ``scratch`` holds 2·groups·base
    elements.
    """
    code = Routine(module, "secp256k1_multiples", "ppii")
    multiples, scratch, groups, base = code.arguments
    size = ways * SLOT

    def entry(g: Value, index: Value) -> tuple[Pointer, Pointer]:
        at = multiples.at(g * group + index * (2 * size))
        return at, at.at(size)

    def denominators(g: Value) -> None:
        top_x, top_y = entry(g, base - 1)
        row = scratch.at(g * base * size)

        def difference(j: Value) -> None:
            folded(load(top_x, ways) - load(entry(g, j)[0], ways)).store(row.at(j * size))

        with code.when(base.compare(">", 1)):
            code.each(base - 1, difference)
        folded(load(top_y, ways) << 1).store(row.at((base - 1) * size))

    code.each(groups, denominators)
    code.call(invert, scratch, scratch.at(groups * base * size), groups * base)

    def sums(g: Value) -> None:
        top_x, top_y = (load(c, ways) for c in entry(g, base - 1))
        row = scratch.at(g * base * size)

        def write(slope: Element, index: Value, other_x: Element) -> None:
            x = square(slope, plus=-(top_x + other_x))
            y = multiply(slope, (top_x - x).carried(), plus=-top_y)
            to_x, to_y = entry(g, index)
            x.store(to_x)
            y.store(to_y)

        def add(j: Value) -> None:
            other_x, other_y = (load(c, ways) for c in entry(g, j))
            slope = multiply((top_y - other_y).carried(), load(row.at(j * size), ways))
            write(slope, base + j, other_x)

        with code.when(base.compare(">", 1)):
            code.each(base - 1, add)
        inverse = load(row.at((base - 1) * size), ways)
        write(multiply(square(top_x, scale=3), inverse), base * 2 - 1, top_x)

    code.each(groups, sums)
    return code.end()


def per_lane_lines(module: ir.Module, ways: int, entries: int) -> Routine:
    """Routine ``(p lines, p multiples)``: the multiples of one group as lines: way, lane, entry."""
    code = Routine(module, "secp256k1_lines", "pp")
    lines, multiples = code.arguments
    size = ways * SLOT

    def write(entry: Value) -> None:
        x, y = (canonical(load(multiples.at(entry * (2 * size) + c * size), ways)) for c in range(2))
        for k in range(ways):
            words = [w for c in (x, y) for w in pack([row[k] for row in c.limbs])]
            for lane, line in enumerate(transpose(words)):
                lines.at(entry * LINE + (k * VECTOR.count + lane) * entries * LINE).store(line)

    code.each(entries, write)
    return code.end()
