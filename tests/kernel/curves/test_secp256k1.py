"""Recovery on secp256k1 against libsecp256k1 (coincurve) and affine arithmetic in Python."""

import ctypes
import random

import coincurve
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jovay.kernel.curves import secp256k1
from jovay.kernel.curves.inverse import inverse_modulo
from jovay.kernel.lang import U64, U256
from jovay.native.library import build
from rigs.secp256k1_points import add, times

P, N, G = secp256k1.MODULUS, secp256k1.ORDER_VALUE, secp256k1.GENERATOR
ROOT = 0x5363AD4CC05C30E0A5261C028812645A122E22EA20816678DF02967C1B23BD72


@pytest.fixture(scope="module")
def library():
    return build(
        [
            secp256k1.recover,
            secp256k1.recover_batch,
            secp256k1.split,
            secp256k1.combine,
            inverse_modulo,
        ]
    )


def expected_key(digest, r, s, recid):
    """SEC 1, 4.1.6, in Python; None where there is no key."""
    x = r + N * (recid >> 1)
    if not (0 < r < N and 0 < s < N and recid < 4 and x < P):
        return None
    y = pow(x**3 + 7, (P + 1) // 4, P)
    if (y * y - x**3 - 7) % P:
        return None
    y = y if y % 2 == recid % 2 else P - y
    z, inverse = int.from_bytes(digest, "big"), pow(r, -1, N)
    key = add(times(s * inverse % N, (x, y)), times(-z * inverse % N, G))
    return key and key[0].to_bytes(32, "big") + key[1].to_bytes(32, "big")


def recover(library, digest, r, s, recid):
    message, out = ctypes.create_string_buffer(digest, 32), ctypes.create_string_buffer(66)
    found = library[secp256k1.recover](ctypes.addressof(message), r, s, recid, ctypes.addressof(out))
    assert out.raw[64:] == bytes(2)
    assert found or out.raw == bytes(66)
    return out.raw[:64] if found else None


def signature(seed):
    choose = random.Random(seed)
    key, digest = coincurve.PrivateKey(choose.randbytes(32)), choose.randbytes(32)
    signed = key.sign_recoverable(digest, hasher=None)
    return digest, signed, key.public_key.format(compressed=False)[1:]


def test_signatures_of_libsecp256k1(library):
    for seed in range(150):
        digest, signed, key = signature(seed)
        r, s = int.from_bytes(signed[:32], "big"), int.from_bytes(signed[32:64], "big")
        assert recover(library, digest, r, s, signed[64]) == key
        assert recover(library, digest, r, N - s, signed[64] ^ 1) == key  # high s
        assert recover(library, digest, r, s, signed[64] ^ 1) == expected_key(digest, r, s, signed[64] ^ 1)


def test_arbitrary_scalars(library):
    """Most r belong to no point: both verdicts occur."""
    choose, found = random.Random(11), 0
    for _ in range(150):
        digest, r, s = choose.randbytes(32), choose.randrange(N), choose.randrange(N)
        recid = choose.randrange(2)
        key = recover(library, digest, r, s, recid)
        assert key == expected_key(digest, r, s, recid)
        found += key is not None
    assert 40 < found < 110


def test_ranges(library):
    digest, signed, _ = signature(1)
    r, s, v = int.from_bytes(signed[:32], "big"), int.from_bytes(signed[32:64], "big"), signed[64]
    for bad in ((0, s, v), (r, 0, v), (N, s, v), (r, N, v), (2**256 - 1, s, v), (r, 2**256 - 1, v)):
        assert recover(library, digest, *bad) is None
    assert all(recover(library, digest, r, s, v + 2 * k) is None for k in range(1, 130))
    assert recover(library, digest, r, s, v + 2**32) is None


def test_nonce_points_with_x_above_the_order(library):
    digest, verdicts = b"\x05" * 32, set()
    for r in [*range(1, 30), P - N - 2, P - N - 1, P - N, P - N + 1]:
        for recid in (2, 3):
            key = recover(library, digest, r, 12345, recid)
            assert key == expected_key(digest, r, 12345, recid), (r, recid)
            verdicts.add(key is None)
    assert verdicts == {True, False}


@pytest.mark.parametrize("z", [0, 1, N - 1, N, N + 1, 2**256 - 1, (N - 1) // 2, (N + 1) // 2])
def test_edge_digests(library, z):
    digest = z.to_bytes(32, "big")
    for r, s in ((G[0], 1), (G[0], N - 1), (1, 2)):
        for recid in (0, 1):
            assert recover(library, digest, r, s, recid) == expected_key(digest, r, s, recid)


def test_key_at_infinity(library):
    """R = kG with s k = z makes Q the point at infinity."""
    for k in (1, 2, 3, 128, 2**128, N - 1):
        x, y = times(k, G)
        for s in (1, 7, N - 5):
            digest = (s * k % N).to_bytes(32, "big")
            assert recover(library, digest, x % N, s, y & 1 | 2 * (x >= N)) is None


SCALARS = st.one_of(
    st.sampled_from([0, 1, 2, 3, 127, 128, 129, 255, 256, N - 1, N - 2, N // 2, N // 2 + 1, ROOT, N - ROOT]),
    st.builds(lambda bits, e: (1 << bits) % N + e, st.integers(1, 255), st.integers(-1, 1)),
    st.integers(0, N - 1),
)


@settings(max_examples=150, deadline=None)
@given(SCALARS, SCALARS, st.sampled_from([1, 2, 5, 128, 2**127, 2**128, ROOT, N - ROOT, N - 1, N - 2**64]))
def test_double_multiplication(library, of_point, of_generator, k):
    """Multiples of G as the other point make additions of equal and opposite points."""
    x, y = times(k % N, G)
    rx, ry, rz = library[secp256k1.combine](x, y, of_point, of_generator)
    expected = times((of_point * k + of_generator) % N, G)
    if rz == 0:
        assert expected is None
    else:
        scale = pow(rz, -1, P)
        assert (rx * scale**2 % P, ry * scale**3 % P) == expected


@settings(max_examples=300, deadline=None)
@given(SCALARS)
def test_split(library, k):
    k1, k2 = (v - 2**256 if v >> 255 else v for v in library[secp256k1.split](k))
    assert (k1 + k2 * ROOT - k) % N == 0
    assert max(abs(k1), abs(k2)) < 2**128


@settings(max_examples=500, deadline=None)
@given(st.integers(1, 2**256 - 1), st.sampled_from([P, N, 2**255 - 19, 2**61 - 1, 5]))
def test_inverse(library, x, m):
    x = x % m or 1
    assert library[inverse_modulo](x, m) == pow(x, -1, m)
    assert library[inverse_modulo](0, m) == 0


def test_batch(library):
    cases = [signature(seed) for seed in range(20)]
    digests = ctypes.create_string_buffer(b"".join(c[0] for c in cases))
    bad = cases[7][1][:64] + b"\x09"
    signatures = ctypes.create_string_buffer(b"".join(bad if k == 7 else c[1] for k, c in enumerate(cases)))
    keys, ok = ctypes.create_string_buffer(64 * 20), ctypes.create_string_buffer(20)
    call = library[secp256k1.recover_batch]
    assert call(20, *map(ctypes.addressof, (digests, signatures, keys, ok)), 0) == 0
    assert ok.raw == bytes(k != 7 for k in range(20))
    assert all(keys.raw[64 * k : 64 * k + 64] == c[2] for k, c in enumerate(cases) if k != 7)


def test_plain_python_agrees():
    digest, signed, key = signature(5)
    message, out = ctypes.create_string_buffer(digest, 32), ctypes.create_string_buffer(64)
    r, s = (U256(int.from_bytes(signed[k : k + 32], "big")) for k in (0, 32))
    at, to = U64(ctypes.addressof(message)), U64(ctypes.addressof(out))
    assert secp256k1.recover(at, r, s, U64(signed[64]), to)
    assert out.raw == key
