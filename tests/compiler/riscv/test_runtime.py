"""The block operations that compiled code calls, at every small size, alignment and overlap."""

import ctypes
import random

import pytest

from jovay.kernel.lang import U64
from jovay.kernel.riscv.runtime import memcpy, memmove, memset
from jovay.native.library import build

SIZE = 256


@pytest.fixture(scope="module", params=["native", "python"])
def functions(request):
    entries = [memset, memcpy, memmove]
    if request.param == "python":
        return entries, 200
    library = build(entries)
    return [library[f] for f in entries], 20_000


def cases(count, longest=SIZE):
    rng = random.Random(count)
    for _ in range(count):
        size = rng.choice((rng.randrange(20), rng.randrange(longest)))
        yield rng.randrange(SIZE - size), rng.randrange(SIZE - size), size


def test_set(functions):
    (function, _, _), count = functions
    buffer = ctypes.create_string_buffer(SIZE)
    base = ctypes.addressof(buffer)
    for target, byte, size in cases(count):
        expected = bytearray(buffer.raw)
        expected[target : target + size] = bytes([byte]) * size
        result = function(U64(base + target), U64(byte | 0xFFFFFFFFFFFFFF00), U64(size))
        assert (result, buffer.raw) == (base + target, bytes(expected)), (target, byte, size)


@pytest.mark.parametrize("which", [1, 2])
def test_copy_and_move(functions, which):
    entries, count = functions
    buffer = ctypes.create_string_buffer(random.Random(which).randbytes(SIZE), SIZE)
    base = ctypes.addressof(buffer)
    for target, source, size in cases(count):
        if which == 1 and source < target < source + size:
            continue  # upwards only
        expected = bytearray(buffer.raw)
        expected[target : target + size] = expected[source : source + size]
        result = entries[which](U64(base + target), U64(base + source), U64(size))
        assert (result, buffer.raw) == (base + target, bytes(expected)), (target, source, size)
