"""SHA-256 by the CPU's instructions against hashlib."""

import ctypes
import hashlib
import mmap
import random

import pytest

from jovay.compiler.simd import build


@pytest.fixture(scope="module")
def digest():
    """The function of this machine; tests of it need a CPU with SHA extensions."""
    if not build.host_features() >= build.SHA:
        pytest.skip("this CPU has no SHA extensions")
    function = build.load()["sha256_digest"]

    def of(address: int, size: int) -> bytes:
        out = ctypes.create_string_buffer(36)
        assert function(address, size, ctypes.addressof(out)) == 0
        assert out.raw[32:] == bytes(4)
        return out.raw[:32]

    return of


def test_every_length_around_the_blocks(digest) -> None:
    for size in [*range(300), 1000, 4096, 65_537]:
        data = random.Random(size).randbytes(size)
        memory = ctypes.create_string_buffer(data + b"\x77", size + 1)
        assert digest(ctypes.addressof(memory), size) == hashlib.sha256(data).digest(), size


def test_any_alignment(digest) -> None:
    data = random.Random(1).randbytes(400)
    memory = ctypes.create_string_buffer(data, 400)
    for start in range(70):
        assert (
            digest(ctypes.addressof(memory) + start, 300)
            == hashlib.sha256(data[start : start + 300]).digest()
        )


def test_reads_nothing_outside_the_message(digest) -> None:
    """The message ends where a page begins that cannot be read (a stray read kills the process)."""
    page = mmap.PAGESIZE
    area = mmap.mmap(-1, 2 * page)
    address = ctypes.addressof(ctypes.c_char.from_buffer(area))
    protect = ctypes.CDLL(None, use_errno=True).mprotect
    assert protect(ctypes.c_void_p(address + page), ctypes.c_size_t(page), 0) == 0
    for size in (0, 1, 55, 56, 63, 64, 65, 200):
        data = random.Random(size).randbytes(size)
        area[page - size : page] = data
        assert digest(address + page - size, size) == hashlib.sha256(data).digest()
    protect(ctypes.c_void_p(address + page), ctypes.c_size_t(page), 3)
