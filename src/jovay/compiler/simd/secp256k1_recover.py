"""Batch recovery of secp256k1 public keys (SEC 1, 4.1.6) in AVX-512 IFMA lanes.

``i64 secp256k1_recover_batch(i64 n, i64 digests, i64 sigs, i64 out_pubkeys, i64 out_ok, i64 scratch)``; all
but ``n`` are addresses: ``digests`` n·32 bytes big-endian, ``sigs`` n·65 bytes (r, s big-endian, recovery id
0 or 1), ``out_pubkeys`` n·64 bytes (x, y big-endian), ``out_ok`` n bytes, ``scratch`` ``SCRATCH_BYTES``
aligned to 64 (one per concurrent call). Returns 0. Marks: 1 recovered; 0 there is no key (r or s is 0 or not
below the group order, recovery id above 1, no point with that x) and the key is all zero; 2 an exceptional
case of the point additions came up, or the key is the point at infinity: recover this one by another
implementation. High s is accepted.

Q = u1·G + u2·R with u1 = −z/r, u2 = s/r. u2 is split by the GLV endomorphism, u1 at bit 128; both parts of u2
run in signed 5-bit windows over a per-signature table of R … 16·R, both parts of u1 in signed 10-bit windows
over a constant table. The accumulator starts at an unrelated point, whose multiple is taken away at the end,
so that no addition meets the point at infinity. Inversions (1/r, table building, final coordinates) are
shared by a chunk of signatures.
"""

from __future__ import annotations

import llvmlite.ir as ir

from jovay.kernel.curves.secp256k1 import RECOVERY_SCRATCH

from .lanes import BYTE, WORD, Pointer, Routine, Value, table, text
from .limbs import SLOT, VECTOR, limbs_of, load_limbs, pack, store_limbs, unpack
from .montgomery import less
from .secp256k1_field import Element, P, canonical, constant, is_zero, load, multiply, square
from .secp256k1_points import (
    GENERATOR,
    LINE,
    addition,
    doubled,
    doubling,
    generator_table,
    line_words,
    multiples_level,
    per_lane_lines,
    unrelated_point,
)
from .secp256k1_products import Products
from .secp256k1_roots import INVERSE_TAIL, SQUARE_ROOT_TAIL, base_field, invert_many, power_chain
from .secp256k1_scalar import (
    ORDER,
    N,
    halves,
    recode,
    scalar_ring,
    split,
    windows,
)

WAYS = 2  # vectors per group in all stages but the square root
ROOT_WAYS = 4
CHUNK = 32  # vectors per chunk; a multiple of ROOT_WAYS
WINDOW, G_WINDOW = 5, 10
LEVELS = WINDOW - 1
ENTRIES = 1 << LEVELS
PAIR = WAYS * SLOT
GROUPS = CHUNK // WAYS
GROUP_BYTES = ENTRIES * 2 * PAIR

assert G_WINDOW == 2 * WINDOW
assert windows(WINDOW) == 2 * windows(G_WINDOW)


def _layout() -> tuple[dict[str, int], int]:
    """Offset of every array in the scratch memory, and the total size."""
    sizes = {
        "z": CHUNK * SLOT,
        "s": CHUNK * SLOT,
        "r": CHUNK * SLOT,
        "mark": CHUNK * VECTOR.bytes,
        "odd": CHUNK * VECTOR.bytes,
        "multiples": GROUPS * GROUP_BYTES,
        "inversion": 2 * GROUPS * (ENTRIES // 2) * PAIR,
        "x": CHUNK * SLOT,
        "y": CHUNK * SLOT,
        "denominator": CHUNK * SLOT,
        "lines": WAYS * VECTOR.count * ENTRIES * LINE,
        "digits": windows(WINDOW) * 2 * WAYS * VECTOR.bytes,
        "g_digits": windows(G_WINDOW) * 2 * WAYS * VECTOR.bytes,
    }
    offsets, at = {}, 0
    for name, size in sizes.items():
        offsets[name] = at
        at += -(-size // 64) * 64
    return offsets, at


OFFSETS, SCRATCH_BYTES = _layout()
assert SCRATCH_BYTES <= RECOVERY_SCRATCH


def _read_words(code: Routine, source: Pointer, row_bytes: int, rows: list[Value], words: int) -> list[Value]:
    """Big-endian words of eight rows of bytes, the first word of each row in the first vector."""
    buffer = code.buffer(words * VECTOR.bytes)
    for lane, row in enumerate(rows):
        for w in range(words):
            word = source.at(row * row_bytes + w * 8).load(WORD, align=1)
            buffer.at(w * VECTOR.bytes + lane * 8).store(word)
    return [buffer.at(w * VECTOR.bytes).load(VECTOR).intrinsic("bswap") for w in range(words)]


def _choose(mask: Value, limbs: list[Value], otherwise: int) -> list[Value]:
    return [
        mask.select(x, x.same(x.lanes.constant(o))) for x, o in zip(limbs, limbs_of(otherwise), strict=True)
    ]


def read_stage(module: ir.Module) -> Routine:
    """Routine ``(p scratch, p digests, p sigs, i n, i vectors)``: read and check a chunk of n rows.

    Lanes beyond n repeat the last row; lanes without a valid signature go on with r = s = 1 and mark 0.
    """
    code = Routine(module, "secp256k1_read", "pppii")
    scratch, digests, sigs, n, vectors = code.arguments

    def vector(v: Value) -> None:
        rows = [(v * VECTOR.count + lane).intrinsic("umin", n - 1) for lane in range(VECTOR.count)]
        z = unpack(_read_words(code, digests, 32, rows, 4)[::-1])
        words = _read_words(code, sigs, 65, rows, 8)
        r, s = unpack(words[3::-1]), unpack(words[:3:-1])
        ids = code.buffer(VECTOR.bytes)
        for lane, row in enumerate(rows):
            ids.at(lane * 8).store(sigs.at(row * 65 + 64).load(BYTE).convert(64))
        odd = ids.load(VECTOR)
        valid = odd.compare("<", 2)
        for number in (r, s):
            a, b, c, d, e = number
            valid = valid & less(number, N) & (a | b | c | d | e).compare("!=", 0)
        for name, number in (("z", z), ("s", _choose(valid, s, 1)), ("r", _choose(valid, r, 1))):
            store_limbs(scratch.at(v * SLOT + OFFSETS[name]), number)
        scratch.at(v * VECTOR.bytes + OFFSETS["mark"]).store(valid.convert(64))
        scratch.at(v * VECTOR.bytes + OFFSETS["odd"]).store(odd)

    code.each(vectors, vector)
    return code.end()


def point_stage(module: ir.Module) -> Routine:
    """Routine ``(p scratch, i quads)``: R from its x = r and the parity of y, or the generator where there is
    none.
    """
    root = power_chain(module, "secp256k1_root", SQUARE_ROOT_TAIL, ROOT_WAYS)
    code = Routine(module, "secp256k1_points", "pi")
    scratch, quads = code.arguments
    square_y, y_at = code.buffer(ROOT_WAYS * SLOT), code.buffer(ROOT_WAYS * SLOT)

    def quad(q: Value) -> None:
        x = load(scratch.at(q * (ROOT_WAYS * SLOT) + OFFSETS["r"]), ROOT_WAYS)
        wanted = multiply(x, square(x), plus=constant(code, 7, ROOT_WAYS))
        wanted.store(square_y)
        code.call(root, y_at, square_y)
        y = canonical(load(y_at, ROOT_WAYS))
        found = is_zero(canonical((square(y) - load(square_y, ROOT_WAYS)).carried()))
        flip = []
        for k in range(ROOT_WAYS):
            at = q * (ROOT_WAYS * VECTOR.bytes) + k * VECTOR.bytes
            odd = scratch.at(at + OFFSETS["odd"]).load(VECTOR)
            flip.append(((y.limbs[0][k] ^ odd) & 1).compare("!=", 0))
            mark = scratch.at(at + OFFSETS["mark"])
            mark.store(mark.load(VECTOR) & found[k].convert(64))
        y = canonical(-y).where(flip, y)
        generator = [constant(code, c, ROOT_WAYS) for c in GENERATOR]
        x, y = (c.where(found, g) for c, g in zip((x, y), generator, strict=True))
        _store_first_multiple(scratch, q, x, y)

    code.each(quads, quad)
    return code.end()


def _store_first_multiple(scratch: Pointer, q: Value, x: Element, y: Element) -> None:
    for half in range(ROOT_WAYS // WAYS):
        group = scratch.at((q * (ROOT_WAYS // WAYS) + half) * GROUP_BYTES + OFFSETS["multiples"])
        for c, whole in enumerate((x, y)):
            rows = [row[half * WAYS : (half + 1) * WAYS] for row in whole.limbs]
            Element(rows, whole.tops, whole.bound).store(group.at(c * PAIR))


def scalar_stage(module: ir.Module) -> Routine:
    """Routine ``(p scratch, i g)``: the windows of u1 and u2 of group g, from z, s and 2^260/r."""
    code = Routine(module, "secp256k1_scalars", "pi")
    scratch, g = code.arguments
    u2_parts, u1_parts = [], []
    for k in range(WAYS):
        z, s, inverse = (
            load_limbs(scratch.at(g * PAIR + k * SLOT + OFFSETS[name])) for name in ("z", "s", "r")
        )
        u2_parts.append(split(ORDER.reduced(ORDER.product(inverse, s))))
        u1_parts.append(halves(ORDER.reduced(ORDER.product(inverse, z)), sign=1))
    recode(code, [ways[h] for h in range(2) for ways in u2_parts], WINDOW, scratch.at(OFFSETS["digits"]))
    recode(code, [ways[h] for h in range(2) for ways in u1_parts], G_WINDOW, scratch.at(OFFSETS["g_digits"]))
    return code.end()


def product_stage(module: ir.Module) -> Routine:
    """Routine ``(p scratch, i g)``: u1·G + u2·R of group g, Jacobian, from windows and lines."""
    products = Products(module, WAYS)
    double = doubling(products)
    plain = addition(products, "secp256k1_add", endomorphism=False)
    turned = addition(products, "secp256k1_add_lambda", endomorphism=True)
    steps = windows(G_WINDOW)
    start = unrelated_point()
    undo = doubled(start, WINDOW * (2 * steps - 1))
    undo_line = table(module, "secp256k1_undo", WORD, line_words((undo[0], P - undo[1])))
    undo_digits = table(module, "secp256k1_undo_digits", WORD, [1] * (WAYS * VECTOR.count))
    g_table = generator_table(module, G_WINDOW)

    code = Routine(module, "secp256k1_products", "pi")
    scratch, g = code.arguments
    point = code.buffer(3 * PAIR)
    for c, value in enumerate((*start, 1)):
        constant(code, value, WAYS).store(point.at(c * PAIR))
    lines, lanes = scratch.at(OFFSETS["lines"]), (ENTRIES * LINE, VECTOR.count * ENTRIES * LINE)
    row = WAYS * VECTOR.bytes

    def step(i: Value) -> None:
        window = (steps - 1) - i
        for half in (1, 0):
            if half:
                with code.when(i.compare("!=", 0)):
                    code.call(double, point, WINDOW)
            else:
                code.call(double, point, WINDOW)
            digits = scratch.at((window * 2 + half) * (2 * row) + OFFSETS["digits"])
            code.call(plain, point, lines, *lanes, digits)
            code.call(turned, point, lines, *lanes, digits.at(row))
        digits = scratch.at(window * (2 * row) + OFFSETS["g_digits"])
        g_lines = code.pointer(g_table)
        code.call(plain, point, g_lines, 0, 0, digits)
        code.call(plain, point, g_lines.at(LINE << (G_WINDOW - 1)), 0, 0, digits.at(row))

    code.each(steps, step)
    code.call(plain, point, code.pointer(undo_line), 0, 0, code.pointer(undo_digits))
    _store_product(code, scratch, g, point)
    return code.end()


def _store_product(code: Routine, scratch: Pointer, g: Value, point: Pointer) -> None:
    """Keep X, Y and Z; a lane with Z = 0 goes on with Z = 1 and, if it was valid, mark 2."""
    x, y, z = (load(point.at(c * PAIR), WAYS) for c in range(3))
    z = canonical(z)
    lost = is_zero(z)
    for k in range(WAYS):
        mark = scratch.at(g * (WAYS * VECTOR.bytes) + k * VECTOR.bytes + OFFSETS["mark"])
        old = mark.load(VECTOR)
        mark.store(lost[k].select(old << 1, old))
    z = constant(code, 1, WAYS).where(lost, z)
    for name, coordinate in (("x", x), ("y", y), ("denominator", z)):
        coordinate.store(scratch.at(g * PAIR + OFFSETS[name]))


def write_stage(module: ir.Module) -> Routine:
    """Routine ``(p scratch, p keys, p ok, i n, i groups)``: affine coordinates of a chunk as bytes."""
    code = Routine(module, "secp256k1_write", "pppii")
    scratch, keys, ok, n, groups = code.arguments
    words = code.buffer(WAYS * 8 * VECTOR.bytes)

    def group(g: Value) -> None:
        x, y, inverse = (
            load(scratch.at(g * PAIR + OFFSETS[name]), WAYS) for name in ("x", "y", "denominator")
        )
        square_inverse = square(inverse)
        x = canonical(multiply(x, square_inverse))
        y = canonical(multiply(y, multiply(square_inverse, inverse)))
        marks = scratch.at(g * (WAYS * VECTOR.bytes) + OFFSETS["mark"])
        for k in range(WAYS):
            good = marks.at(k * VECTOR.bytes).load(VECTOR).compare("==", 1)
            zero = code.constant(VECTOR, 0)
            for c, coordinate in enumerate((x, y)):
                for w, word in enumerate(pack([row[k] for row in coordinate.limbs])[::-1]):
                    at = words.at((k * 8 + c * 4 + w) * VECTOR.bytes)
                    at.store(good.select(word.intrinsic("bswap"), zero))

        def lane(i: Value) -> None:
            index = g * (WAYS * VECTOR.count) + i
            with code.when(index.compare("<", n)):
                way = (i >> 3) * (8 * VECTOR.bytes) + (i & 7) * 8
                for w in range(8):
                    word = words.at(way + w * VECTOR.bytes).load(WORD)
                    keys.at(index * 64 + w * 8).store(word, align=1)
                ok.at(index).store(marks.at(i * 8).load(WORD).convert(8))

        code.each(WAYS * VECTOR.count, lane)

    code.each(groups, group)
    return code.end()


def recover_module() -> str:
    """LLVM IR that exports ``secp256k1_recover_batch``."""
    module = ir.Module("secp256k1_recover")
    ring = base_field(power_chain(module, "secp256k1_inverse", INVERSE_TAIL, WAYS), WAYS)
    invert = invert_many(module, "secp256k1_invert_many", ring)
    invert_scalars = invert_many(module, "secp256k1_invert_scalars", scalar_ring(module, WAYS))
    read, points, scalars = read_stage(module), point_stage(module), scalar_stage(module)
    level = multiples_level(module, WAYS, GROUP_BYTES, invert)
    to_lines = per_lane_lines(module, WAYS, ENTRIES)
    products, write = product_stage(module), write_stage(module)

    code = Routine(module, "secp256k1_recover_batch", "ippppp", exported=True)
    n, digests, sigs, keys, ok, scratch = code.arguments
    rows = CHUNK * VECTOR.count

    def chunk(i: Value) -> None:
        first = i * rows
        count = (n - first).intrinsic("umin", rows)
        quads = count + (ROOT_WAYS * VECTOR.count - 1) >> 5
        groups = count + (WAYS * VECTOR.count - 1) >> (WAYS * VECTOR.count).bit_length() - 1
        code.call(read, scratch, digests.at(first * 32), sigs.at(first * 65), count, quads << 2)
        code.call(points, scratch, quads)
        inversion = scratch.at(OFFSETS["inversion"])
        code.call(invert_scalars, scratch.at(OFFSETS["r"]), inversion, groups)
        for bits in range(LEVELS):
            code.call(level, scratch.at(OFFSETS["multiples"]), inversion, groups, 1 << bits)

        def group(g: Value) -> None:
            code.call(scalars, scratch, g)
            group_multiples = scratch.at(g * GROUP_BYTES + OFFSETS["multiples"])
            code.call(to_lines, scratch.at(OFFSETS["lines"]), group_multiples)
            code.call(products, scratch, g)

        code.each(groups, group)
        code.call(invert, scratch.at(OFFSETS["denominator"]), inversion, groups)
        code.call(write, scratch, keys.at(first * 64), ok.at(first), count, groups)

    with code.when(n.compare("!=", 0)):
        chunks = n + (rows - 1) >> (rows.bit_length() - 1)
        code.each(chunks, chunk)
    code.end()
    return text(module)
