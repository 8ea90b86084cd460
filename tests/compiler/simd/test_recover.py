"""Batch public-key recovery against libsecp256k1 (coincurve)."""

import random
from dataclasses import dataclass

import coincurve
import numpy as np
import pytest

from jovay.compiler.simd import host
from jovay.compiler.simd.build import Kernels
from jovay.compiler.simd.secp256k1_field import P
from jovay.compiler.simd.secp256k1_points import GENERATOR, affine_add, unrelated_point
from jovay.compiler.simd.secp256k1_scalar import N

#: λ of the curve's endomorphism (x, y) → (βx, y): a third root of 1 mod n.
LAMBDA = 0x5363AD4CC05C30E0A5261C028812645A122E22EA20816678DF02967C1B23BD72


@dataclass(frozen=True)
class Case:
    digest: bytes
    signature: bytes

    @classmethod
    def of(cls, z: int, r: int, s: int, recovery_id: int) -> "Case":
        return cls(
            z.to_bytes(32, "big"), r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([recovery_id])
        )

    @classmethod
    def combination(cls, point: tuple[int, int], u1: int, u2: int) -> "Case":
        """The signature for which recovery computes u1·G + u2·point."""
        r = point[0]
        assert r < N
        return cls.of(-u1 * r % N, r, u2 * r % N, point[1] & 1)

    def key(self) -> bytes:
        """What libsecp256k1 says; empty where it refuses."""
        try:
            key = coincurve.PublicKey.from_signature_and_message(self.signature, self.digest, hasher=None)
        except Exception:
            return b""
        return key.format(compressed=False)[1:]


def recovered(kernels: Kernels, cases: list[Case]) -> list[tuple[int, bytes]]:
    digests, signatures = b"".join(c.digest for c in cases), b"".join(c.signature for c in cases)
    keys, marks = host.recover_batch(kernels, digests, signatures)
    return [(int(mark), key.tobytes()) for mark, key in zip(marks, keys, strict=True)]


def check(kernels: Kernels, cases: list[Case]) -> None:
    """Every case is decided by the kernel itself, as libsecp256k1 decides it."""
    for case, (mark, key) in zip(cases, recovered(kernels, cases), strict=True):
        expected = case.key()
        assert (mark, key) == ((1, expected) if expected else (0, bytes(64))), case


def multiple(k: int) -> tuple[int, int]:
    return coincurve.PrivateKey((k % N).to_bytes(32, "big")).public_key.point()


def signed(rng: random.Random, count: int) -> list[Case]:
    cases = []
    for _ in range(count):
        digest = rng.randbytes(32)
        key = coincurve.PrivateKey(rng.randrange(1, N).to_bytes(32, "big"))
        cases.append(Case(digest, key.sign_recoverable(digest, hasher=None)))
    return cases


@pytest.mark.parametrize("count", [0, 1, 8, 9, 16, 17, 31, 32, 33, 255, 256, 257, 300])
def test_counts(kernels: Kernels, count: int) -> None:
    check(kernels, signed(random.Random(count), count))


def test_random_numbers(kernels: Kernels) -> None:
    """Arbitrary r, s and digests: half of the r are no x-coordinate, half of the s are high."""
    rng = random.Random(1)
    cases = [
        Case.of(rng.getrandbits(256), rng.randrange(1, N), rng.randrange(1, N), rng.randrange(2))
        for _ in range(1000)
    ]
    check(kernels, cases)
    assert 400 < sum(bool(case.key()) for case in cases) < 600


def test_bounds_of_r_and_s(kernels: Kernels) -> None:
    good = signed(random.Random(2), 1)[0]
    z, r = int.from_bytes(good.digest, "big"), int.from_bytes(good.signature[:32], "big")
    s = int.from_bytes(good.signature[32:64], "big")
    odd = good.signature[64]
    edges = [0, 1, 2, 3, N // 2, N // 2 + 1, N - 2, N - 1, N, N + 1, P - 1, P, P + 1, 2**256 - 1]
    edges += [2**k for k in (51, 52, 104, 156, 208, 255)] + [2**k - 1 for k in (52, 104, 156, 208)]
    cases = [good, *[Case.of(z, e, s, odd) for e in edges], *[Case.of(z, r, e, odd) for e in edges]]
    cases += [Case.of(z, r, N - s, odd), Case.of(z, r, s, 1 - odd)]
    check(kernels, cases)


def test_recovery_id_above_one_is_refused(kernels: Kernels) -> None:
    """Ethereum knows 0 and 1 only, even where SEC 1 has r + n as x-coordinate."""
    good = signed(random.Random(3), 1)[0]
    cases = [Case(good.digest, good.signature[:64] + bytes([i])) for i in (2, 3, 4, 27, 28, 255)]
    assert recovered(kernels, cases) == [(0, bytes(64))] * len(cases)


def test_bad_lanes_leave_their_neighbours_alone(kernels: Kernels) -> None:
    rng = random.Random(4)
    cases = signed(rng, 96)
    for i in rng.sample(range(96), 60):
        bad = rng.choice(
            [bytes(32) + cases[i].signature[32:], cases[i].signature[:64] + b"\x05", b"\xff" * 65]
        )
        cases[i] = Case(cases[i].digest, bad)
    for case, (mark, key) in zip(cases, recovered(kernels, cases), strict=True):
        expected = case.key() if case.signature[64] < 2 else b""
        assert (mark, key) == ((1, expected) if expected else (0, bytes(64)))


def test_digests_at_the_bounds(kernels: Kernels) -> None:
    r, s = multiple(12345)[0], 54321
    digests = [0, 1, N - 1, N, N + 1, 2**256 - 1, 2**128, 2**128 - 1, 2**255]
    check(kernels, [Case.of(z, r, s, odd) for z in digests for odd in (0, 1)])


def test_special_multipliers(kernels: Kernels) -> None:
    """u1 and u2 from numbers whose windows are all zero, all full, or carry to the top; with small and large
    R.
    """
    specials = [1, 2, 15, 16, 17, 31, 32, 33, N - 1, N - 2, N - 16, LAMBDA, N - LAMBDA, LAMBDA + 1, N // 2]
    specials += [2**128, 2**128 - 1, 2**127, 2**129, (2**130 - 1) // 33, 2**125, N - 2**125, 2**256 % N]
    specials += [a + b * LAMBDA for a in (-(2**127), 2**127, 2**124) for b in (-(2**126), 2**125, -1)]
    points = [multiple(k) for k in (1, 2, 3, N - 1, 2**128, LAMBDA, 99**40)]
    cases = [
        Case.combination(point, u1 % N, u2 % N)
        for point in points
        for u1, u2 in zip([0, *specials], [*specials, 5], strict=True)
    ]
    for case, (mark, key) in zip(cases, recovered(kernels, cases), strict=True):
        expected = case.key()
        assert (mark, key) == ((1, expected) if expected else (2, bytes(64))), case


def test_results_near_the_generator(kernels: Kernels) -> None:
    """Q = ±G, ±2·G, ±R and sums of equal points."""
    k = 0xC0FFEE
    point = multiple(k)
    cases = []
    for target in (1, -1, 2, -2, k, -k, 2 * k):
        for u2 in (1, 2, 12345, N - 1):
            cases.append(Case.combination(point, (target - u2 * k) % N, u2))
    cases += [
        Case.combination(GENERATOR, u1, u2) for u1 in (1, 2, N - 3) for u2 in (1, 2, 3) if (u1 + u2) % N
    ]
    check(kernels, cases)


def test_infinity_is_left_to_another_implementation(kernels: Kernels) -> None:
    k = 987654321
    cases = [Case.combination(multiple(k), -u2 * k % N, u2) for u2 in (1, 7, N - 1, 2**200)]
    assert [case.key() for case in cases] == [b""] * 4
    assert recovered(kernels, cases) == [(2, bytes(64))] * 4


def test_collisions_in_the_additions_are_noticed(kernels: Kernels) -> None:
    """With R the start of the accumulator, top windows ±1 double a point by addition or meet infinity."""
    start = unrelated_point()
    doubled = affine_add(start, start)
    cases = [Case.combination(start, u1, u2 % N) for u1 in (0, 1, 2**130) for u2 in (2**125, -(2**125))]
    cases += [Case.combination(doubled, 3, -(2**124) % N)]
    for case, (mark, key) in zip(cases, recovered(kernels, cases), strict=True):
        assert len(case.key()) == 64
        assert (mark, key) in ((2, bytes(64)), (1, case.key()))
    assert [mark for mark, _ in recovered(kernels, cases[:6])] == [2] * 6


def test_writes_only_its_rows(kernels: Kernels) -> None:
    cases = signed(random.Random(5), 3)
    keys, marks = np.full(4 * 64, 7, np.uint8), np.full(4, 7, np.uint8)
    digests = np.frombuffer(b"".join(c.digest for c in cases), np.uint8)
    signatures = np.frombuffer(b"".join(c.signature for c in cases), np.uint8)
    scratch = host.aligned(host.SCRATCH_BYTES)
    arrays = (digests, signatures, keys, marks, scratch)
    assert kernels["secp256k1_recover_batch"](3, *(a.ctypes.data for a in arrays)) == 0
    assert (keys[192:] == 7).all()
    assert marks.tolist() == [1, 1, 1, 7]
    assert keys[:192].tobytes() == b"".join(case.key() for case in cases)
