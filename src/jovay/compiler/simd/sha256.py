"""SHA-256 (FIPS 180-4) of one message by the CPU's own instructions for it (SHA extensions).

``i64 sha256_digest(i64 data, i64 size, i64 out)``: the digest of ``size`` bytes, 32 bytes to ``out``. Returns 0.
Nothing outside the message is read.
"""

from __future__ import annotations

import llvmlite.ir as ir

from jovay.kernel.hashes.sha256 import INITIAL, K

from .lanes import BYTE, POINTER, Lanes, Pointer, Routine, Value, declare, table, text

VECTOR = Lanes(4, 32)
BYTES = Lanes(16, 8)
BLOCK = 64
#: Bytes of padding at least: 0x80, and the length in bits.
PADDING = 9
#: The instructions keep the eight words in two registers, A B E F and C D G H, the last one lowest.
ABEF, CDGH = (5, 4, 1, 0), (7, 6, 3, 2)
BIG_ENDIAN = [4 * word + 3 - byte for word in range(4) for byte in range(4)]


def _two_rounds(cdgh: Value, abef: Value, words: Value) -> Value:
    """A B E F after two rounds with the lower two of ``words``, constants included; C D G H is what A B E F was."""
    return cdgh.target("llvm.x86.sha256rnds2", abef, words)


def _next_words(w: list[Value]) -> Value:
    """The schedule's four words after the sixteen of ``w``."""
    middle = w[2].shuffle(w[3], [1, 2, 3, 4])
    return (w[0].target("llvm.x86.sha256msg1", w[1]) + middle).target("llvm.x86.sha256msg2", w[3])


def compression(module: ir.Module) -> Routine:
    """Routine ``(p state, p data, i blocks)``: take in one block or more."""
    constants = table(module, "sha256_constants", Lanes(1, 32), list(K.values))
    code = Routine(module, "sha256_compress", "ppi")
    state, data, blocks = code.arguments
    keys = [code.pointer(constants).at(16 * i).load(VECTOR) for i in range(16)]

    def block(i: Value, before: list[Value]) -> list[Value]:
        at = data.at(i << 6)
        abef, cdgh = before
        w: list[Value] = []
        for k in range(16):
            if k < 4:
                raw = at.at(16 * k).load(BYTES, align=1)
                w.append(raw.shuffle(raw, BIG_ENDIAN).bitcast(VECTOR))
            else:
                w = [*w[1:], _next_words(w)]
            words = w[-1] + keys[k]
            cdgh = _two_rounds(cdgh, abef, words)
            abef = _two_rounds(abef, cdgh, words.shuffle(words, [2, 3, 2, 3]))
        return [before[0] + abef, before[1] + cdgh]

    after = code.repeat(blocks, [state.load(VECTOR), state.at(16).load(VECTOR)], block)
    state.store(after[0])
    state.at(16).store(after[1])
    return code.end()


def _copy(code: Routine, to: Pointer, source: Pointer, size: Value) -> None:
    bit = ir.IntType(1)
    kinds = [POINTER, POINTER, ir.IntType(64), bit]
    function = declare(code.module, "llvm.memcpy.p0.p0.i64", ir.VoidType(), kinds)
    code.b.call(function, [to.v, source.v, size.v, ir.Constant(bit, 0)])


def sha256_module() -> str:
    """LLVM IR that exports ``sha256_digest``."""
    module = ir.Module("sha256")
    compress = compression(module)
    code = Routine(module, "sha256_digest", "pip", exported=True)
    data, size, out = code.arguments
    state, tail = code.buffer(32), code.buffer(2 * BLOCK)
    for i, order in enumerate((ABEF, CDGH)):
        state.at(16 * i).store(code.constant(VECTOR, [INITIAL.values[k] for k in order]))
    blocks = size >> 6
    with code.when(blocks.compare("!=", 0)):
        code.call(compress, state, data, blocks)
    rest = size & (BLOCK - 1)
    for i in range(0, 2 * BLOCK, 16):
        tail.at(i).store(code.constant(BYTES, 0))
    _copy(code, tail, data.at(blocks << 6), rest)
    tail.at(rest).store(code.constant(BYTE, 0x80))
    more = (rest + (PADDING - 1)) >> 6
    tail.at((more << 6) + (BLOCK - 8)).store((size << 3).intrinsic("bswap"), align=8)
    code.call(compress, state, tail, more + 1)
    first, second = state.load(VECTOR), state.at(16).load(VECTOR)
    for i, lanes in enumerate(([3, 2, 7, 6], [1, 0, 5, 4])):
        words = first.shuffle(second, lanes).bitcast(BYTES)
        out.at(16 * i).store(words.shuffle(words, BIG_ENDIAN), align=1)
    code.end()
    return text(module)
