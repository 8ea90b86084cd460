"""Modular exponentiation against Python's pow."""

import ctypes
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jovay.kernel.lang import U64
from jovay.kernel.words import modexp
from jovay.native.library import build


@pytest.fixture(scope="module")
def library():
    return build([modexp.modexp, modexp.modexp_scratch])


def power(call, scratch_size, base: bytes, exponent: bytes, modulus: bytes, word=int) -> bytes:
    """Run with the promised scratch and check the bytes around every output."""
    size = int(scratch_size(word(len(base)), word(len(exponent)), word(len(modulus))))
    operands = [ctypes.create_string_buffer(v + b"\xee", len(v) + 1) for v in (base, exponent, modulus)]
    out = ctypes.create_string_buffer(b"\xaa" * (len(modulus) + 2), len(modulus) + 2)
    scratch = ctypes.create_string_buffer(b"\x55" * (size + 16), size + 16)
    arguments = []
    for data, buffer in zip((base, exponent, modulus), operands, strict=True):
        arguments += [word(ctypes.addressof(buffer)), word(len(data))]
    call(*arguments, word(ctypes.addressof(out) + 1), word(ctypes.addressof(scratch)))
    assert out.raw[:1] + out.raw[-1:] == b"\xaa\xaa"
    assert scratch.raw[size:] == b"\x55" * 16
    return out.raw[1:-1]


def expected(base: bytes, exponent: bytes, modulus: bytes) -> bytes:
    b, e, m = (int.from_bytes(v, "big") for v in (base, exponent, modulus))
    return (pow(b, e, m) if m else 0).to_bytes(len(modulus), "big")


def check(library, *operands):
    call, scratch = library[modexp.modexp], library[modexp.modexp_scratch]
    assert power(call, scratch, *operands) == expected(*operands), [v.hex() for v in operands]


def number(size, kind, seed):
    """``size`` bytes of some shape."""
    choose = random.Random(seed)
    full = (1 << (8 * size)) - 1
    value = {
        "random": choose.getrandbits(8 * size + 1),
        "ones": full,
        "top": 1 << max(0, 8 * size - 1),
        "odd": choose.getrandbits(8 * size + 1) | 1,
        "even": choose.getrandbits(8 * size + 1) << choose.randrange(0, 8 * size + 1),
        "small": choose.getrandbits(5),
        "sparse": 1 << choose.randrange(8 * size + 1) | 1 << choose.randrange(8 * size + 1),
        "zero": 0,
        "gaps": sum((choose.choice((0, 1, 2**64 - 1, 2**63)) << 64 * k) for k in range(size // 8 + 1)),
    }[kind]
    return (value & full).to_bytes(size, "big")


KINDS = st.sampled_from(["random", "ones", "top", "odd", "even", "small", "sparse", "zero", "gaps"])
SIZES = st.one_of(st.sampled_from([0, 1, 7, 8, 9, 31, 32, 33, 40, 63, 64, 65, 128]), st.integers(0, 150))
OPERANDS = st.builds(number, SIZES, KINDS, st.integers(0, 2**32))


@settings(max_examples=1500, deadline=None)
@given(OPERANDS, OPERANDS, OPERANDS)
def test_any_operands(library, base, exponent, modulus):
    check(library, base, exponent, modulus)


def test_tiny_numbers(library):
    for m in range(20):
        for b in range(20):
            for e in range(6):
                check(library, bytes([b]), bytes([e]), bytes([m]))
                check(library, bytes([b]), bytes([e]), bytes(39) + bytes([m]))


def test_powers_of_two_and_their_neighbours(library):
    """Moduli whose odd part is 1, one limb or all but a bit."""
    choose = random.Random(5)
    for bits in (63, 64, 65, 127, 128, 192, 255, 256, 257, 320, 511, 512, 520):
        for factor in (1, 3, 2**64 - 1, 2**64 + 1, 2**128 - 1):
            for offset in (-1, 0, 1):
                m = (factor << bits) + offset
                size = (m.bit_length() + 7) // 8
                base, exponent = choose.randbytes(size + 3), choose.randbytes(9)
                check(library, base, exponent, m.to_bytes(size, "big"))


def test_long_operands(library):
    choose = random.Random(6)
    for sizes in ((1024, 40, 1024), (1024, 1, 33), (3, 5, 1024), (2000, 3, 100), (1024, 1024, 32)):
        base, exponent, modulus = (choose.randbytes(size) for size in sizes)
        check(library, base, exponent, modulus)
        check(library, base, exponent, modulus[:-1] + b"\x01")
        half = len(modulus) // 2
        check(library, base, exponent, modulus[:half] + bytes(len(modulus) - half))


def test_digit_estimates_that_are_too_large(library):
    """Bases just below multiples of the modulus, whose top limbs equal the modulus's."""
    choose = random.Random(8)
    for _ in range(300):
        limbs = [choose.choice((0, 1, 2**64 - 1, 2**63, choose.getrandbits(64))) for _ in range(6)]
        m = sum(limb << 64 * k for k, limb in enumerate(limbs)) | 1 << choose.randrange(320, 384)
        b = m * choose.choice((2**64 - 1, 2**128 - 1, choose.getrandbits(100) + 1))
        b += choose.choice((-1, 0, m - 1))
        check(library, b.to_bytes(80, "big"), b"\x01", m.to_bytes(48, "big"))


def test_plain_python_agrees():
    for sizes in ((9, 2, 5), (40, 6, 36), (33, 1, 32)):
        choose = random.Random(sizes[0])
        base, exponent, modulus = (choose.randbytes(size) for size in sizes)
        for m in (modulus, modulus[:-1] + b"\x05", modulus[:-2] + bytes(2)):
            result = power(modexp.modexp, modexp.modexp_scratch, base, exponent, m, U64)
            assert result == expected(base, exponent, m)
