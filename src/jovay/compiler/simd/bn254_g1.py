"""Points of BN254's G1 in lanes: many affine additions with one inversion (Montgomery's trick).

``bn254_g1_add_pairs(count, left, right, points, out, scratch)``: ``count`` blocks of eight additions. ``left`` and
``right`` are positions (u32) in ``points``; the sums go to ``out`` one after another. A point is 64 bytes: x and y in
four words each, canonical and in Montgomery form with radix 2^260. ``scratch``: ``SCRATCH`` bytes. Returns 0.

Blocks go in turns of ``TURN``, each with an inversion, since what a turn reads twice stays in the cache.

Points with the same x are not added: their sum is a point of zeros, which the caller looks for if the first eight words
of ``scratch`` are not all 0.

Sums by buckets: scalars lie in blocks of eight (``numbers.BLOCK``), not in Montgomery form, and a digit is what
``mask`` leaves of a scalar from bit number ``bit`` on, within a word.

* ``bn254_g1_count(count, scalars, bit, mask, counts)``: how often each digit but 0 occurs is added to ``counts``;
* ``bn254_g1_place(count, scalars, bit, mask, base, starts, positions, buckets)``: the scalars' positions (u32) go where
  ``starts`` says for their digits, which goes up by one; ``base`` + digit (u32) to the same place of ``buckets``;
* ``bn254_g1_pair_up(count, buckets, positions, last, points, left, right, sums, positions', buckets', counts)``:
  ``count`` positions of points that are to be added up by buckets, which rise, and have another number behind them.
  Two by two they go to ``left`` and ``right``; where one is left in a bucket, its point goes to ``sums``, from ``last``
  downwards. How many pairs there are and how many of those alone is written to ``counts`` (u64). What is to be added up
  next, with its buckets: the pairs' sums, from position 0 of ``sums`` on, and those alone.
"""

from __future__ import annotations

from collections.abc import Callable

import llvmlite.ir as ir

from .lanes import WORD, Lanes, Pointer, Routine, Value, table, text, transpose
from .limbs import SLOT, VECTOR, pack, unpack
from .montgomery import Modulus
from .numbers import BLOCK, WORDS, Number, constant, load_slot, of, store_slot

P = 0x30644E72E131A029B85045B68181585D97816A916871CA8D3C208C16D87CFD47
POINT = 64
TURN = 256
_BLOCK_SCRATCH = 2 * SLOT
SCRATCH = TURN * _BLOCK_SCRATCH
#: Blocks whose points are on their way to the cache.
_AHEAD = 4
_INDEX = Lanes(1, 32)
_POWER_WINDOW = 4


def _gather(field: Modulus, points: Pointer, positions: Pointer) -> tuple[Number, Number]:
    """x and y of eight points."""
    rows = []
    for lane in range(VECTOR.count):
        position = positions.at(lane * _INDEX.bytes).load(_INDEX).convert(64)
        rows.append(points.at(position * POINT).load(VECTOR, align=WORD.bytes))
    words = transpose(rows)
    return tuple(of(field, unpack(words[k : k + WORDS]), field.value) for k in (0, WORDS))  # type: ignore[return-value]


def _prefetch(points: Pointer, positions: Pointer) -> None:
    """Eight points will be read."""
    for lane in range(VECTOR.count):
        position = positions.at(lane * _INDEX.bytes).load(_INDEX).convert(64)
        points.at(position * POINT).prefetch()


def _scatter(x: Number, y: Number, out: Pointer) -> None:
    words = [*pack(x.canonical().limbs), *pack(y.canonical().limbs)]
    for lane, row in enumerate(transpose(words)):
        out.at(lane * POINT).store(row)


def _inverse_routine(module: ir.Module, field: Modulus) -> Routine:
    """``(p slot)``: the elements of a slot (below 2p) become their inverses, by Fermat\'s theorem."""
    code = Routine(module, "bn254_fq_inverse", "p")
    (slot,) = code.arguments
    powers = code.buffer(SLOT << _POWER_WINDOW)
    bound = 2 * field.value
    base = load_slot(field, slot, bound)
    power = constant(code, field, 1)
    for k in range(1 << _POWER_WINDOW):
        store_slot(power, powers.at(k * SLOT))
        power = power * base
    exponent, digits = field.value - 2, []
    while exponent:
        digits.append(exponent & ((1 << _POWER_WINDOW) - 1))
        exponent >>= _POWER_WINDOW
    listed = table(module, "bn254_fq_exponent", WORD, digits[::-1])
    result = code.buffer(SLOT)
    store_slot(constant(code, field, 1), result)
    starts = code.pointer(listed)

    def step(i: Value) -> None:
        value = load_slot(field, result, bound)
        for _ in range(_POWER_WINDOW):
            value = value * value
        digit = starts.at(i * 8).load(WORD)
        store_slot(value * load_slot(field, powers.at(digit * SLOT), bound), result)

    code.each(len(digits), step)
    store_slot(load_slot(field, result, bound), slot)
    return code.end()


def _by_digits(code: Routine, body: Callable[[Value, Value], None]) -> None:
    """``body(position, digit)`` for all digits but 0."""
    count, scalars, bit, mask = code.arguments[:4]
    digits, start = code.buffer(VECTOR.bytes), scalars.at((bit >> 6) * VECTOR.bytes)
    shift, mask = (bit & 63).splat(VECTOR.count), mask.splat(VECTOR.count)

    def block(i: Value) -> None:
        found = start.at(i * BLOCK).load(VECTOR) >> shift & mask
        digits.store(found)
        some = found.compare("!=", 0)
        code.each_set(
            some, lambda lane: body(i * VECTOR.count + lane, digits.at(lane * WORD.bytes).load(WORD))
        )

    code.each(count, block)
    code.end()


def _sort(module: ir.Module) -> None:
    code = Routine(module, "bn254_g1_count", "ipiip", exported=True)
    counts = code.arguments[-1]

    def count(_: Value, digit: Value) -> None:
        place = counts.at(digit * _INDEX.bytes)
        place.store(place.load(_INDEX) + 1)

    _by_digits(code, count)
    sorting = Routine(module, "bn254_g1_place", "ipiiippp", exported=True)
    base, starts, positions, buckets = sorting.arguments[4:]

    def place(position: Value, digit: Value) -> None:
        start = starts.at(digit * _INDEX.bytes)
        free = start.load(_INDEX)
        start.store(free + 1)
        at = free.convert(64) * _INDEX.bytes
        positions.at(at).store(position.convert(32))
        buckets.at(at).store((base + digit).convert(32))

    _by_digits(sorting, place)


def _pair_up(module: ir.Module) -> None:
    code = Routine(module, "bn254_g1_pair_up", "ippip" + "ppp" + "ppp", exported=True)
    count, buckets, positions, last, points, left, right, sums, next_positions, next_buckets, counts = (
        code.arguments
    )

    def place(array: Pointer, index: Value) -> Pointer:
        return array.at(index * _INDEX.bytes)

    def step(i: Value, state: list[Value]) -> list[Value]:
        """Everything is written to where it belongs, and what does not is overwritten."""
        pairs, singles, taken = state
        bucket, position = place(buckets, i).load(_INDEX), place(positions, i).load(_INDEX)
        alike = bucket.compare("==", place(buckets, i + 1).load(_INDEX)).convert(64)
        free = 1 - taken
        pair, single = free & alike, free & (1 - alike)
        place(left, pairs).store(position)
        place(right, pairs).store(place(positions, i + 1).load(_INDEX))
        with code.when(single.compare("!=", 0)):
            point = points.at(position.convert(64) * POINT).load(VECTOR, align=WORD.bytes)
            sums.at((last - singles) * POINT).store(point, align=WORD.bytes)
        new = pair.compare("!=", 0).select(pairs, last - singles)
        place(next_positions, pairs + singles).store(new.convert(32))
        place(next_buckets, pairs + singles).store(bucket)
        return [pairs + pair, singles + single, pair]

    pairs, singles, _ = code.repeat(count, [code.constant(WORD, 0)] * 3, step)
    counts.store(pairs)
    counts.at(WORD.bytes).store(singles)
    code.end()


def module_text(portable: bool = False) -> str:
    """IR of the additions, and of what sorts and makes pairs for them."""
    module, field = ir.Module("bn254_g1"), Modulus(P, portable)
    _sort(module)
    _pair_up(module)
    invert = _inverse_routine(module, field)
    code = Routine(module, "bn254_g1_add_pairs", "ippppp", exported=True)
    count, left, right, points, out, scratch = code.arguments
    bound, running, some = 2 * field.value, code.buffer(SLOT), code.buffer(VECTOR.bytes)
    some.store(code.constant(VECTOR, 0))
    step = VECTOR.count * _INDEX.bytes

    def smaller(a: Value, b: Value) -> Value:
        return a.compare("<", b).select(a, b)

    def forward(start: Value, i: Value) -> None:
        """Keep the product of the differences so far, and the difference, which is 1 where it would be 0."""
        place, i = scratch.at(i * _BLOCK_SCRATCH), start + i
        following = smaller(i + _AHEAD, count - 1)
        _prefetch(points, left.at(following * step))
        _prefetch(points, right.at(following * step))
        xa, _ = _gather(field, points, left.at(i * step))
        xb, _ = _gather(field, points, right.at(i * step))
        difference = (xb - xa).canonical()
        zero = difference.limbs[0]
        for limb in difference.limbs[1:]:
            zero = zero | limb
        one = constant(code, field, 1)
        same = zero.compare("==", 0)
        some.store(some.load(VECTOR) | same.convert(64))
        limbs = [same.select(o, d) for o, d in zip(one.limbs, difference.limbs, strict=True)]
        before = load_slot(field, running, bound)
        store_slot(before, place)
        kept = store_slot(of(field, limbs, field.value), place.at(SLOT))
        store_slot(before * kept, running)

    def backward(start: Value, i: Value) -> None:
        place, j = scratch.at(i * _BLOCK_SCRATCH), start + i
        difference, inverse = load_slot(field, place.at(SLOT), field.value), load_slot(field, running, bound)
        slope = inverse * load_slot(field, place, bound)
        store_slot(inverse * difference, running)
        xa, ya = _gather(field, points, left.at(j * step))
        xb, yb = _gather(field, points, right.at(j * step))
        slope = slope * (yb - ya)
        x = slope * slope - xa - xb
        y = slope * (xa - x) - ya
        _scatter(*_nothing_where_same(xa, xb, x, y), out.at(j * (VECTOR.count * POINT)))

    def turn(number: Value) -> None:
        start = number * TURN
        size = smaller(count - start, code.constant(WORD, TURN))
        store_slot(constant(code, field, 1), running)
        code.each(size, lambda i: forward(start, i))
        code.call(invert, running)
        code.each(size, lambda i: backward(start, size - 1 - i))

    code.each((count + TURN - 1) >> (TURN.bit_length() - 1), turn)
    scratch.store(some.load(VECTOR))
    code.end()
    return text(module)


def _nothing_where_same(xa: Number, xb: Number, x: Number, y: Number) -> tuple[Number, Number]:
    """Zeros in the lanes where the x of both points is the same."""
    differs = xa.limbs[0] ^ xb.limbs[0]
    for a, b in zip(xa.limbs[1:], xb.limbs[1:], strict=True):
        differs = differs | (a ^ b)
    keep = differs.compare("!=", 0)
    cleared = []
    for number in (x, y):
        clean = number.canonical()
        limbs = [keep.select(limb, limb.same(limb.lanes.constant(0))) for limb in clean.limbs]
        cleared.append(of(number.field, limbs, number.field.value))
    return cleared[0], cleared[1]
