"""Batch Keccak-256 against pycryptodome."""

import ctypes
import mmap
import random

import numpy as np
import pytest
from Crypto.Hash import keccak

from jovay.compiler.simd import host
from jovay.compiler.simd.build import Kernels


def expected(message: bytes) -> bytes:
    return keccak.new(digest_bits=256, data=message).digest()


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 40])
def test_counts(kernels: Kernels, count: int) -> None:
    messages = [random.Random(i).randbytes(10 * i) for i in range(count)]
    assert host.keccak256_batch(kernels, messages) == [expected(m) for m in messages]


def test_every_length_of_some_blocks_in_any_order(kernels: Kernels) -> None:
    rng = random.Random(1)
    messages = [rng.randbytes(size) for size in range(5 * 136 + 2)]
    rng.shuffle(messages)
    assert host.keccak256_batch(kernels, messages) == [expected(m) for m in messages]


def test_one_long_message_among_short_ones(kernels: Kernels) -> None:
    rng = random.Random(2)
    messages = [rng.randbytes(20_000), *[rng.randbytes(5) for _ in range(100)]]
    assert host.keccak256_batch(kernels, messages) == [expected(m) for m in messages]


def test_reads_nothing_outside_a_message(kernels: Kernels) -> None:
    """Messages end at a page that cannot be read (a stray read kills the process)."""
    page = mmap.PAGESIZE
    block = mmap.mmap(-1, 3 * page)
    base = ctypes.addressof(ctypes.c_char.from_buffer(block))
    libc = ctypes.CDLL(None, use_errno=True)
    for guard in (base, base + 2 * page):
        assert libc.mprotect(ctypes.c_void_p(guard), ctypes.c_size_t(page), 0) == 0
    lengths = [0, 1, 63, 64, 65, 127, 128, 135, 136, 137, 271, 272, 273, page]
    for at_start in (True, False):
        starts = np.array([base + page + (0 if at_start else page - size) for size in lengths], np.uint64)
        sizes, out = np.array(lengths, np.uint64), np.zeros((len(lengths), 32), np.uint8)
        arrays = (starts, sizes, out)
        kernels["keccak256_batch"](len(lengths), *(a.ctypes.data for a in arrays))
        assert [row.tobytes() for row in out] == [expected(bytes(size)) for size in lengths]


def test_writes_only_its_digests(kernels: Kernels) -> None:
    out = np.full(4 * 32, 7, np.uint8)
    message = np.zeros(3, np.uint8)
    starts, sizes = np.full(3, message.ctypes.data, np.uint64), np.array([1, 2, 3], np.uint64)
    kernels["keccak256_batch"](3, starts.ctypes.data, sizes.ctypes.data, out.ctypes.data)
    assert (out[96:] == 7).all()
    assert out[64:96].tobytes() == expected(bytes(3))
