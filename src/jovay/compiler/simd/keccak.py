"""Keccak-256 (Ethereum's, padding byte 0x01) of many messages, eight at a time.

``i64 keccak256_batch(i64 n, i64 ptrs, i64 lens, i64 out)``: n messages at the addresses ``ptrs[i]`` with the
lengths ``lens[i]`` in bytes (both arrays of u64), digests to ``out``, n·32 bytes. Returns 0. Nothing outside
a message is read. Each lane hashes its own message and takes the next one as soon as it is done, so lengths
may differ freely.
"""

from __future__ import annotations

import llvmlite.ir as ir

from .lanes import WORD, Lanes, Pointer, Routine, Value, table, text, transpose

VECTOR = Lanes(8, 64)
RATE = 136
WORDS = 25


def rotations() -> list[int]:
    """Rotation of lane x + 5y (FIPS 202, 3.2.2)."""
    offsets, x, y = [0] * WORDS, 1, 0
    for t in range(24):
        offsets[x + 5 * y] = (t + 1) * (t + 2) // 2 % 64
        x, y = y, (2 * x + 3 * y) % 5
    return offsets


def round_constants() -> list[int]:
    """The 24 constants of ι, from the linear-feedback register of FIPS 202, 3.2.5."""
    constants, state = [], 1
    for _ in range(24):
        word = 0
        for j in range(7):
            if state & 1:
                word |= 1 << ((1 << j) - 1)
            state <<= 1
            if state & 0x100:
                state ^= 0x171
        constants.append(word)
    return constants


def _rotated(word: Value, count: int) -> Value:
    return word.intrinsic("fshl", word, count)


def keccak_round(a: list[Value], constant: Value) -> list[Value]:
    """θ, ρ, π, χ, ι on the 25 words of eight states, plane by plane, which needs the fewest registers."""
    columns = [a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20] for x in range(5)]
    mixed = [columns[(x + 4) % 5] ^ _rotated(columns[(x + 1) % 5], 1) for x in range(5)]
    counts = rotations()
    out: list[Value] = []
    for y in range(5):
        plane = []
        for x in range(5):
            column = (x + 3 * y) % 5  # π brings lane (column, x) here
            source = column + 5 * x
            plane.append(_rotated(a[source] ^ mixed[column], counts[source]))
        out += [plane[x] ^ (~plane[(x + 1) % 5] & plane[(x + 2) % 5]) for x in range(5)]
    out[0] = out[0] ^ constant
    return out


def permutation(module: ir.Module) -> Routine:
    """Routine ``(p state)``: Keccak-f[1600] on eight states, 25 vectors in memory."""
    constants = table(module, "keccak_round_constants", WORD, round_constants())
    code = Routine(module, "keccak_f1600_x8", "p")
    (at,) = code.arguments

    def step(i: Value, state: list[Value]) -> list[Value]:
        constant = code.pointer(constants).at(i << 3).load(WORD).splat(VECTOR.count)
        return keccak_round(state, constant)

    start = [at.at(w * VECTOR.bytes).load(VECTOR) for w in range(WORDS)]
    for w, word in enumerate(code.repeat(24, start, step)):
        at.at(w * VECTOR.bytes).store(word)
    return code.end()


def _block_words(code: Routine, source: Pointer, left: Value) -> tuple[Value, Value, Value]:
    """The next block of a message with ``left`` bytes to go, padded if it is the last: words 0–7, 8–15 and
    16.
    """
    clipped = left.intrinsic("umin", RATE).convert(8)
    rows = []
    for part, size in enumerate((64, 64, 8)):
        lanes = Lanes(size, 8)
        position = code.constant(lanes, [64 * part + i for i in range(size)])
        length = clipped.splat(size)
        row = source.at(64 * part).load_where(position.compare("<", length), lanes)
        end = position.compare("==", length)
        rows.append(end.select(code.constant(lanes, 1), row))
    last = rows[2].bitcast(WORD) ^ left.compare("<", RATE).select(
        code.constant(WORD, 1 << 63), code.constant(WORD, 0)
    )
    return rows[0].bitcast(VECTOR), rows[1].bitcast(VECTOR), last


def absorb(module: ir.Module) -> Routine:
    """Routine ``(p state, p sources, p lefts)``: XOR the next block of every lane into the states."""
    code = Routine(module, "keccak_absorb_x8", "ppp")
    state, sources, lefts = code.arguments
    first, second = [], []
    tail = code.buffer(VECTOR.bytes)
    for lane in range(VECTOR.count):
        address = sources.at(lane * 8).load(WORD)
        low, high, last = _block_words(code, code.address(address), lefts.at(lane * 8).load(WORD))
        first.append(low)
        second.append(high)
        tail.at(lane * 8).store(last)
    words = transpose(first) + transpose(second) + [tail.load(VECTOR)]
    for w, word in enumerate(words):
        at = state.at(w * VECTOR.bytes)
        at.store(at.load(VECTOR) ^ word)
    return code.end()


class _Lanes:
    """The messages now in the lanes: address of the next block, bytes left, index (−1: none)."""

    def __init__(self, code: Routine) -> None:
        self.code = code
        self.sources, self.lefts, self.indices = (code.buffer(VECTOR.bytes) for _ in range(3))
        self.taken = code.buffer(8)  # messages given to lanes so far

    def take(self, lane: Value, n: Value, ptrs: Pointer, lens: Pointer) -> None:
        """Give ``lane`` the next message, or none if all are taken."""
        at = lane << 3
        index = self.taken.load(WORD)
        have = index.compare("<", n)
        none = self.code.constant(WORD, -1)
        self.indices.at(at).store(have.select(index, none))
        self.lefts.at(at).store(self.code.constant(WORD, 0))
        with self.code.when(have):
            self.sources.at(at).store(ptrs.at(index << 3).load(WORD))
            self.lefts.at(at).store(lens.at(index << 3).load(WORD))
            self.taken.store(index + 1)


def keccak_module() -> str:
    """LLVM IR that exports ``keccak256_batch``."""
    module = ir.Module("keccak")
    permute, xor_block = permutation(module), absorb(module)
    code = Routine(module, "keccak256_batch", "ippp", exported=True)
    n, ptrs, lens, out = code.arguments
    state, lanes, done = code.buffer(WORDS * VECTOR.bytes), _Lanes(code), code.buffer(8)
    zero = code.constant(VECTOR, 0)
    for w in range(WORDS):
        state.at(w * VECTOR.bytes).store(zero)
    for buffer in (lanes.taken, done):
        buffer.store(code.constant(WORD, 0))
    lanes.sources.store(zero)
    code.each(VECTOR.count, lambda lane: lanes.take(lane, n, ptrs, lens))

    def finish(lane: Value) -> None:
        at = lane << 3
        index = lanes.indices.at(at).load(WORD)
        with code.when(index.compare("!=", -1)):
            for w in range(4):
                out.at((index << 5) + w * 8).store(state.at(at + w * VECTOR.bytes).load(WORD), align=1)
            done.store(done.load(WORD) + 1)
        lanes.take(lane, n, ptrs, lens)

    def block() -> None:
        code.call(xor_block, state, lanes.sources, lanes.lefts)
        code.call(permute, state)
        left = lanes.lefts.load(VECTOR)
        last = left.compare("<", RATE)
        lanes.lefts.store(left - RATE)
        lanes.sources.store(lanes.sources.load(VECTOR) + RATE)
        code.each_set(last, finish)
        for w in range(WORDS):
            at = state.at(w * VECTOR.bytes)
            at.store(last.select(zero, at.load(VECTOR)))

    code.repeat_while(lambda: done.load(WORD).compare("<", n), block)
    code.end()
    return text(module)
