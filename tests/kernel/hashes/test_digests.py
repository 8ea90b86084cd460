"""SHA-256, RIPEMD-160 and BLAKE2b's F against hashlib, pycryptodome and EIP-152."""

import ctypes
import hashlib
import random

import pytest
from Crypto.Hash import RIPEMD160

from jovay.kernel.hashes import blake2b, ripemd160, sha256
from jovay.kernel.lang import U64
from jovay.native.library import build

DIGESTS = {
    sha256.sha256: lambda data: hashlib.sha256(data).digest(),
    ripemd160.ripemd160: lambda data: RIPEMD160.new(data).digest(),
}


@pytest.fixture(scope="module")
def library():
    return build([*DIGESTS, blake2b.blake2f])


def run(call, size, data: bytes, word=int) -> bytes:
    """Digest of ``size`` bytes; a foreign byte follows the message, and the bytes after the digest stay 0."""
    message = ctypes.create_string_buffer(data + b"\x77", len(data) + 1)
    out = ctypes.create_string_buffer(size + 4)
    call(word(ctypes.addressof(message)), word(len(data)), word(ctypes.addressof(out)))
    assert out.raw[size:] == bytes(4)
    return out.raw[:size]


@pytest.mark.parametrize("function", DIGESTS, ids=lambda f: f.symbol)
def test_every_length_around_the_block_boundaries(library, function):
    for size in [*range(200), 1000, 65_536]:
        data = random.Random(size).randbytes(size)
        expected = DIGESTS[function](data)
        assert run(library[function], len(expected), data) == expected, size


@pytest.mark.parametrize("function", DIGESTS, ids=lambda f: f.symbol)
def test_plain_python_agrees(function):
    data = b"The quick brown fox jumps over the lazy dog. " * 2
    expected = DIGESTS[function](data)
    assert run(function, len(expected), data, U64) == expected


def blake2b_512(compress, data: bytes, word) -> bytes:
    """BLAKE2b-512 without a key, built on F."""
    state = [U64(v) for v in blake2b.IV.values]
    state[0] ^= 0x01010040
    h = (ctypes.c_uint64 * 8)(*state)
    blocks = [data[k : k + 128] for k in range(0, len(data), 128)] or [b""]
    for index, block in enumerate(blocks):
        last = index == len(blocks) - 1
        m = ctypes.create_string_buffer(block, 128)
        counter = len(data) if last else 128 * (index + 1)
        compress(
            word(12), word(ctypes.addressof(h)), word(ctypes.addressof(m)), word(counter), word(0), word(last)
        )
    return bytes(h)


def test_blake2b(library):
    for size in (0, 1, 127, 128, 129, 256, 1000):
        data = random.Random(size).randbytes(size)
        assert blake2b_512(library[blake2b.blake2f], data, int) == hashlib.blake2b(data).digest()
    assert blake2b_512(blake2b.blake2f, b"abc", U64) == hashlib.blake2b(b"abc").digest()


@pytest.mark.parametrize(
    ("rounds", "final", "expected"),
    [  # EIP-152, test vectors 4, 6 and 7
        (0, 1, "08c9bcf367e6096a3ba7ca8485ae67bb2bf894fe72f36e3cf1361d5f3af54fa5"
               "d282e6ad7f520e511f6c3e2b8c68059b9442be0454267ce079217e1319cde05b"),
        (12, 0, "75ab69d3190a562c51aef8d88f1c2775876944407270c42c9844252c26d28752"
                "98743e7f6d5ea2f2d3e8d226039cd31b4e426ac4f2d3d666a610c2116fde4735"),
        (1, 1, "b63a380cb2897d521994a85234ee2c181b5f844d2c624c002677e9703449d2fb"
               "a551b3a8333bcdf5f2f7e08993d53923de3d64fcc68c034e717b9293fed7a421"),
    ],
)  # fmt: skip
def test_f_of_eip_152(library, rounds, final, expected):
    h = (ctypes.c_uint64 * 8)(*blake2b.IV.values)
    h[0] ^= 0x01010040
    m = ctypes.create_string_buffer(b"abc", 128)
    library[blake2b.blake2f](rounds, ctypes.addressof(h), ctypes.addressof(m), 3, 0, final)
    assert bytes(h).hex() == expected
