"""Batch Poseidon2 compression against the published vector and a plain implementation of the definition."""

import numpy as np
import pytest

from jovay.compiler.simd import host
from jovay.compiler.simd.build import Kernels
from jovay.kernel.hashes.poseidon2_constants import P
from rigs.poseidon2_model import permutation

# Plonky3, koala-bear/src/poseidon2.rs, test_default_koalabear_poseidon2_width_16
KNOWN_INPUT = [
    894848333, 1437655012, 1200606629, 1690012884, 71131202, 1749206695, 1717947831, 120589055,
    19776022, 42382981, 1831865506, 724844064, 171220207, 1299207443, 227047920, 1783754913,
]  # fmt: skip
KNOWN_OUTPUT = [
    1934285469, 604889435, 133449501, 1026180808, 1830659359, 176667110, 1391183747, 351743874,
    1238264085, 1292768839, 2023573270, 1201586780, 1360691759, 1230682461, 748270449, 651545025,
]  # fmt: skip


def compress(pair: list[int]) -> list[int]:
    return [(x + y) % P for x, y in zip(permutation(pair)[:8], pair[:8], strict=True)]


def test_published_vector_of_the_permutation() -> None:
    assert permutation(KNOWN_INPUT) == KNOWN_OUTPUT


def test_published_vector(kernels: Kernels) -> None:
    pairs = np.array([KNOWN_INPUT], np.uint32)
    expected = [(x + y) % P for x, y in zip(KNOWN_OUTPUT[:8], KNOWN_INPUT[:8], strict=True)]
    assert host.poseidon2_compress_batch(kernels, pairs)[0].tolist() == expected


def test_extreme_elements(kernels: Kernels) -> None:
    rows = [[x] * 16 for x in (0, 1, 2, P - 1, P - 2, P // 2, P // 2 + 1, 2**24, 2**24 - 1, 127 * 2**24)]
    rows += [[0, P - 1] * 8, [P - 1, 0] * 8, [*([0] * 8), *([P - 1] * 8)], [*([P - 1] * 8), *([0] * 8)]]
    rows += [[(P - 1) * (i == j) for j in range(16)] for i in range(16)]
    assert host.poseidon2_compress_batch(kernels, np.array(rows, np.uint32)).tolist() == [
        compress(r) for r in rows
    ]


@pytest.mark.parametrize("count", [0, 1, 15, 16, 17, 33, 100])
def test_counts(kernels: Kernels, count: int) -> None:
    pairs = np.random.default_rng(count).integers(0, P, (count, 16)).astype(np.uint32)
    expected = [compress(row) for row in pairs.tolist()]
    assert host.poseidon2_compress_batch(kernels, pairs).tolist() == expected


def test_every_lane_and_element_counts(kernels: Kernels) -> None:
    """A change of one element of one pair changes that digest and no other."""
    rng = np.random.default_rng(7)
    pairs = rng.integers(0, P - 1, (16, 16)).astype(np.uint32)
    before = host.poseidon2_compress_batch(kernels, pairs)
    for i in range(16):
        changed = pairs.copy()
        changed[i, (i * 5) % 16] += 1
        different = (host.poseidon2_compress_batch(kernels, changed) != before).any(axis=1)
        assert different.tolist() == [j == i for j in range(16)]


def test_writes_only_its_digests(kernels: Kernels) -> None:
    pairs, out = np.ones((5, 16), np.uint32), np.full((6, 8), 7, np.uint32)
    kernels["poseidon2_compress_batch"](5, pairs.ctypes.data, out.ctypes.data)
    assert (out[5] == 7).all()
    assert (out[:5] == np.array(compress([1] * 16))).all()
