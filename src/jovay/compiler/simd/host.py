"""The batch kernels over Python bytes and NumPy arrays, for tests, benchmarks and tools."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .build import Kernels
from .secp256k1_recover import SCRATCH_BYTES

Bytes = npt.NDArray[np.uint8]
Words32 = npt.NDArray[np.uint32]


def aligned(size: int) -> Bytes:
    """Zero bytes at an address that is a multiple of 64."""
    block = np.zeros(size + 64, np.uint8)
    start = -block.ctypes.data % 64
    return block[start : start + size]


def recover_batch(kernels: Kernels, digests: bytes, signatures: bytes) -> tuple[Bytes, Bytes]:
    """Public keys (n, 64) and marks (n,) of n digests (32 bytes) and signatures (65 bytes: r, s, id).

    The marks are those of ``secp256k1_recover``.
    """
    n = len(digests) // 32
    if len(digests) != 32 * n or len(signatures) != 65 * n:
        raise ValueError("digests take 32 bytes each, signatures 65")
    inputs = [np.frombuffer(data, np.uint8) for data in (digests, signatures)]
    keys, marks, scratch = np.zeros((n, 64), np.uint8), np.zeros(n, np.uint8), aligned(SCRATCH_BYTES)
    kernels["secp256k1_recover_batch"](n, *(a.ctypes.data for a in (*inputs, keys, marks, scratch)))
    return keys, marks


def keccak256_batch(kernels: Kernels, messages: Sequence[bytes]) -> list[bytes]:
    """Keccak-256 of every message."""
    lengths = np.array([len(m) for m in messages], np.uint64)
    data = np.frombuffer(b"".join(messages) or b"\0", np.uint8)
    starts = np.cumsum(lengths, dtype=np.uint64) - lengths + np.uint64(data.ctypes.data)
    digests = np.zeros((len(messages), 32), np.uint8)
    arrays = (starts, lengths, digests)
    kernels["keccak256_batch"](len(messages), *(a.ctypes.data for a in arrays))
    return [digest.tobytes() for digest in digests]


def poseidon2_compress_batch(kernels: Kernels, pairs: Words32) -> Words32:
    """Digests (n, 8) of pairs of digests (n, 16), canonical elements."""
    if pairs.ndim != 2 or pairs.shape[1] != 16 or pairs.dtype != np.uint32:
        raise ValueError("pairs must be an (n, 16) array of uint32")
    inputs = np.ascontiguousarray(pairs)
    digests = np.zeros((len(pairs), 8), np.uint32)
    kernels["poseidon2_compress_batch"](len(pairs), inputs.ctypes.data, digests.ctypes.data)
    return digests
