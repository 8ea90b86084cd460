"""Keccak-256 against pycryptodome."""

import ctypes
import random

import pytest
from Crypto.Hash import keccak as reference

from jovay.kernel.hashes import keccak
from jovay.kernel.lang import U64
from jovay.native.library import build


def digest(data: bytes) -> bytes:
    return reference.new(digest_bits=256, data=data).digest()


def address(buffer) -> int:
    return ctypes.addressof(buffer)


@pytest.fixture(scope="module")
def library():
    return build([keccak.keccak256, keccak.keccak256_word, keccak.keccak256_batch])


def test_every_length_around_the_block_boundaries(library):
    choose = random.Random(1)
    out = ctypes.create_string_buffer(32)
    for size in [*range(420), 1000, 4096, 100_000]:
        data = choose.randbytes(size)
        message = ctypes.create_string_buffer(data, size + 1)
        library[keccak.keccak256](address(message), size, address(out))
        assert out.raw == digest(data), size
        word = library[keccak.keccak256_word](address(message), size)
        assert word.to_bytes(32, "big") == digest(data), size


def test_bytes_after_the_message_do_not_matter(library):
    message = ctypes.create_string_buffer(b"\xff" * 300, 300)
    for size in (0, 1, 7, 8, 9, 135, 136, 137):
        word = library[keccak.keccak256_word](address(message), size)
        assert word.to_bytes(32, "big") == digest(b"\xff" * size)


def test_batch(library):
    messages = [random.Random(k).randbytes(k * 37 % 500) for k in range(50)]
    kept = [ctypes.create_string_buffer(m, len(m) + 1) for m in messages]
    pointers = (ctypes.c_uint64 * 50)(*map(address, kept))
    sizes = (ctypes.c_uint64 * 50)(*map(len, messages))
    out = ctypes.create_string_buffer(32 * 50)
    assert library[keccak.keccak256_batch](50, address(pointers), address(sizes), address(out)) == 0
    assert out.raw == b"".join(map(digest, messages))


def test_plain_python_agrees():
    out = ctypes.create_string_buffer(32)
    for size in (0, 135, 200):
        data = random.Random(size).randbytes(size)
        message = ctypes.create_string_buffer(data, size + 1)
        keccak.keccak256(U64(address(message)), U64(size), U64(address(out)))
        assert out.raw == digest(data)
