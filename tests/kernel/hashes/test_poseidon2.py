"""Scalar Poseidon2 against the definition written out with Python integers."""

import ctypes
import random

import pytest

from jovay.kernel.hashes import poseidon2
from jovay.kernel.hashes.poseidon2_constants import P
from jovay.kernel.lang import U64
from jovay.native.library import build
from rigs.poseidon2_model import permutation


def compression(elements):
    return [(t + x) % P for t, x in zip(permutation(elements)[:8], elements[:8], strict=True)]


@pytest.fixture(scope="module")
def library():
    return build([poseidon2.compress, poseidon2.compress_batch])


def compress(call, elements, word=int):
    data = (ctypes.c_uint32 * 16)(*elements)
    out = (ctypes.c_uint32 * 8)()
    at = ctypes.addressof(data)
    call(word(at), word(at + 32), word(ctypes.addressof(out)))
    return list(out)


def test_published_vector(library):
    """Plonky3's test vector of its default permutation, independent of the definition."""
    state = [
        894848333, 1437655012, 1200606629, 1690012884, 71131202, 1749206695, 1717947831, 120589055,
        19776022, 42382981, 1831865506, 724844064, 171220207, 1299207443, 227047920, 1783754913,
    ]  # fmt: skip
    expected = [
        1934285469, 604889435, 133449501, 1026180808, 1830659359, 176667110, 1391183747, 351743874,
        1238264085, 1292768839, 2023573270, 1201586780, 1360691759, 1230682461, 748270449, 651545025,
    ]  # fmt: skip
    assert permutation(state) == expected
    assert compress(library[poseidon2.compress], state) == [
        (t + x) % P for t, x in zip(expected[:8], state, strict=False)
    ]


def test_extreme_elements(library):
    for elements in ([0] * 16, [P - 1] * 16, [0, P - 1] * 8, [P - 1] + [0] * 15, [0] * 15 + [P - 1]):
        assert compress(library[poseidon2.compress], elements) == compression(elements)


def test_batch(library):
    choose = random.Random(3)
    pairs = [[choose.randrange(P) for _ in range(16)] for _ in range(100)]
    data = (ctypes.c_uint32 * 1600)(*[x for pair in pairs for x in pair])
    out = (ctypes.c_uint32 * 800)()
    assert library[poseidon2.compress_batch](100, ctypes.addressof(data), ctypes.addressof(out)) == 0
    assert list(out) == [x for pair in pairs for x in compression(pair)]


def test_plain_python_agrees():
    elements = list(range(P - 8, P + 0)) + list(range(8))
    assert compress(poseidon2.compress, elements, U64) == compression(elements)
