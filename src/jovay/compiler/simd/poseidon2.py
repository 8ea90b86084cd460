"""Poseidon2 over KoalaBear, width 16: sixteen 2-to-1 compressions at a time.

``i64 poseidon2_compress_batch(i64 n, i64 inputs, i64 outs)``: ``inputs`` n·16 u32 (left digest, right digest,
canonical elements below p), ``outs`` n·8 u32 (canonical). Returns 0. The compression is that of
``jovay.kernel.hashes.poseidon2_constants``: the first 8 elements of permutation(left ‖ right), plus left.

Elements are in Montgomery form with radix 2^32 inside. One vector holds element i of sixteen states.
"""

from __future__ import annotations

from collections.abc import Sequence

import llvmlite.ir as ir

from jovay.kernel.hashes.poseidon2_constants import (
    DIGEST,
    EXTERNAL_FINAL,
    EXTERNAL_INITIAL,
    INTERNAL,
    WIDTH,
    P,
)

from .lanes import Lanes, Pointer, Routine, Value, table, text, transpose

VECTOR = Lanes(16, 32)
PAIRS = Lanes(8, 64)
HALF = Lanes(1, 32)
RADIX = 2**32
P_INVERSE = pow(P, -1, RADIX)
ROW = WIDTH * 4

State = list[Value]


def add(x: Value, y: Value | int) -> Value:
    """x + y mod p of canonical elements."""
    total = x + y
    return total.intrinsic("umin", total - P)


def subtract(x: Value, y: Value) -> Value:
    """x − y mod p of canonical elements."""
    return canonical(x - y)


def canonical(x: Value) -> Value:
    """The representative in [0, p) of a number in (−p, p) modulo 2^32."""
    return x.intrinsic("umin", x + P)


def _signed(x: Value) -> Value:
    """The low halves of 64-bit lanes, sign-extended: the operands of VPMULDQ."""
    return (x << 32).sar(32)


def _reduced_pairs(product: Value) -> Value:
    """Montgomery reduction of signed 64-bit products; the result stands in the high halves.

    The quotient is a 32-bit product: of a 64-bit one LLVM would drop the sign extension and use slow VPMULLQ.
    """
    quotient = (product.bitcast(VECTOR) * P_INVERSE).bitcast(PAIRS)
    return product - _signed(quotient) * P


def _split(x: Value) -> list[Value]:
    """The even and the odd elements, sign-extended to 64 bits."""
    pairs = x.bitcast(PAIRS)
    return [_signed(pairs), pairs.sar(32)]


def _joined(even: Value, odd: Value) -> Value:
    """One vector of the high halves of even and odd elements."""
    order = [2 * (i // 2) + 1 + VECTOR.count * (i % 2) for i in range(VECTOR.count)]
    return even.bitcast(VECTOR).shuffle(odd.bitcast(VECTOR), order)


def multiply(x: Value, y: Value) -> Value:
    """x·y/2^32 in (−p, p), for factors in [−p, p]."""
    return _joined(*(_reduced_pairs(a * b) for a, b in zip(_split(x), _split(y), strict=True)))


def cube(x: Value) -> Value:
    """x³/2^64, canonical, of a number in [−p, p]."""
    halves = ((a, _reduced_pairs(a * a).sar(32)) for a in _split(x))
    return canonical(_joined(*(_reduced_pairs(a * square) for a, square in halves)))


def halved(x: Value) -> Value:
    """x/2 mod p."""
    odd = (x & 1).compare("!=", 0)
    half = x >> 1
    return odd.select(half + (P + 1) // 2, half)


def over_power(x: Value, k: int) -> Value:
    """x/2^k mod p in (−p, p), 1 ≤ k ≤ 24: as 2^24 = −1/127, low bits l give −l·127·2^(24−k)."""
    return (x >> k) - (x & ((1 << k) - 1)) * (127 << (24 - k))


def external_layer(s: State) -> State:
    """circ(2·M4, M4, M4, M4)."""
    blocks = []
    for a, b, c, d in (s[i : i + 4] for i in range(0, WIDTH, 4)):
        low, high = add(a, b), add(c, d)
        total = add(low, high)
        left, right = add(total, b), add(total, d)
        blocks.append([add(left, low), add(left, add(c, c)), add(right, high), add(right, add(a, a))])
    sums = [add(add(blocks[0][j], blocks[1][j]), add(blocks[2][j], blocks[3][j])) for j in range(4)]
    return [add(blocks[i // 4][i % 4], sums[i % 4]) for i in range(WIDTH)]


def internal_layer(s: State) -> State:
    """J + diag(−2, 1, 2, 1/2, 3, 4, −1/2, −3, −4, 2^−8, 2^−3, 2^−24, −2^−8, −2^−3, −2^−4, −2^−24)."""
    rest = s[1:]
    while len(rest) > 1:
        rest = [add(*pair) for pair in zip(rest[::2], rest[1::2], strict=False)] + rest[len(rest) & ~1 :]
    total = add(rest[0], s[0])
    double = {i: add(s[i], s[i]) for i in (2, 4, 5, 7, 8)}
    out = [subtract(rest[0], s[0]), add(total, s[1]), add(total, double[2]), add(total, halved(s[3]))]
    out += [add(total, add(double[4], s[4])), add(total, add(double[5], double[5]))]
    out += [subtract(total, halved(s[6])), subtract(total, add(double[7], s[7]))]
    out += [subtract(total, add(double[8], double[8]))]
    out += [add(total, canonical(over_power(s[i], k))) for i, k in ((9, 8), (10, 3), (11, 24))]
    return out + [
        subtract(total, canonical(over_power(s[i], k))) for i, k in ((12, 8), (13, 3), (14, 4), (15, 24))
    ]


def permute(code: Routine, state: State, constants: Pointer) -> State:
    """The permutation of states in Montgomery form; ``constants`` is ``round_constants`` in memory."""

    def constant(index: Value) -> Value:
        return constants.at(index << 2).load(HALF).splat(VECTOR.count)

    def full(start: int, s: State) -> State:
        def step(i: Value, s: State) -> State:
            first = i * WIDTH + start
            return external_layer([cube(x + constant(first + j)) for j, x in enumerate(s)])

        return code.repeat(len(EXTERNAL_INITIAL), s, step)

    def partial(i: Value, s: State) -> State:
        return internal_layer([cube(s[0] + constant(i + WIDTH * len(EXTERNAL_INITIAL))), *s[1:]])

    state = full(0, external_layer(state))
    state = code.repeat(len(INTERNAL), state, partial)
    return full(WIDTH * len(EXTERNAL_INITIAL) + len(INTERNAL), state)


def round_constants() -> list[int]:
    """All round constants in order of use, in Montgomery form, minus p: so x + c stays in [−p, p)."""
    initial, final = ([c for row in rounds for c in row] for rounds in (EXTERNAL_INITIAL, EXTERNAL_FINAL))
    return [(c * RADIX % P - P) % RADIX for c in [*initial, *INTERNAL, *final]]


def compress_sixteen(module: ir.Module) -> Routine:
    """Routine ``(p inputs, p outs)``: sixteen compressions."""
    constants = table(module, "poseidon2_constants", HALF, round_constants())
    code = Routine(module, "poseidon2_compress_x16", "pp")
    inputs, outs = code.arguments
    kept = code.buffer(DIGEST * VECTOR.bytes)
    columns = transpose([inputs.at(i * ROW).load(VECTOR, align=4) for i in range(VECTOR.count)])
    for i in range(DIGEST):
        kept.at(i * VECTOR.bytes).store(columns[i])
    square = code.constant(VECTOR, RADIX * RADIX % P)
    state = permute(code, [canonical(multiply(x, square)) for x in columns], code.pointer(constants))
    one = code.constant(VECTOR, 1)
    digest = []
    for i, x in enumerate(state[:DIGEST]):
        plain = canonical(multiply(x, one))
        digest.append(add(plain, kept.at(i * VECTOR.bytes).load(VECTOR)))
    _store_rows(code, outs, digest)
    return code.end()


def _store_rows(code: Routine, outs: Pointer, digest: Sequence[Value]) -> None:
    nothing = [code.constant(VECTOR, 0)] * (VECTOR.count - DIGEST)
    for i, row in enumerate(transpose([*digest, *nothing])):
        outs.at(i * DIGEST * 4).store(row.shuffle(row, list(range(DIGEST))), align=4)


def poseidon2_module() -> str:
    """LLVM IR that exports ``poseidon2_compress_batch``."""
    module = ir.Module("poseidon2")
    sixteen = compress_sixteen(module)
    code = Routine(module, "poseidon2_compress_batch", "ipp", exported=True)
    n, inputs, outs = code.arguments
    whole = n >> 4
    size = VECTOR.count
    with code.when(whole.compare("!=", 0)):
        row, out = size * ROW, size * DIGEST * 4
        code.each(whole, lambda i: code.call(sixteen, inputs.at(i * row), outs.at(i * out)))
    rest, done = n & (size - 1), n & -size
    with code.when(rest.compare("!=", 0)):
        spare_in, spare_out = code.buffer(size * ROW), code.buffer(size * DIGEST * 4)
        zero = code.constant(VECTOR, 0)
        code.each(size, lambda i: spare_in.at(i * ROW).store(zero))
        last_in, last_out = inputs.at(done * ROW), outs.at(done * (DIGEST * 4))
        digest = Lanes(DIGEST, 32)
        code.each(rest, lambda i: spare_in.at(i * ROW).store(last_in.at(i * ROW).load(VECTOR, align=4)))
        code.call(sixteen, spare_in, spare_out)
        code.each(rest, lambda i: last_out.at(i << 5).store(spare_out.at(i << 5).load(digest), align=4))
    code.end()
    return text(module)
