"""P-256 verification against OpenSSL (cryptography) and affine arithmetic in Python."""

import random

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from jovay.kernel.curves import p256
from jovay.kernel.curves.jacobian import affine_sum
from jovay.kernel.lang import U256
from jovay.native.library import build

P, N, G = p256.MODULUS, p256.ORDER_VALUE, p256.GENERATOR
ALGORITHM = ec.ECDSA(Prehashed(hashes.SHA256()))


@pytest.fixture(scope="module")
def library():
    return build([p256.p256_verify, p256.combine])


def add(first, second):
    if first is None or second is None:
        return first or second
    if first[0] == second[0] and first[1] != second[1]:
        return None
    return affine_sum(P, -3, first, second)


def times(k, point):
    result = None
    for bit in f"{k:b}" if k else "":
        result = result and affine_sum(P, -3, result, result)
        result = add(result, point) if bit == "1" else result
    return result


def signature(seed):
    choose = random.Random(seed)
    secret = choose.randrange(1, N)
    digest = choose.randbytes(32)
    signed = ec.derive_private_key(secret, ec.SECP256R1()).sign(digest, ALGORITHM)
    numbers = ec.derive_private_key(secret, ec.SECP256R1()).public_key().public_numbers()
    return (int.from_bytes(digest, "big"), *decode_dss_signature(signed), numbers.x, numbers.y)


def openssl(digest, r, s, x, y):
    try:
        key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
        key.verify(encode_dss_signature(r, s), digest.to_bytes(32, "big"), ALGORITHM)
    except (InvalidSignature, ValueError):
        return False
    return True


def test_signatures_of_openssl(library):
    verify = library[p256.p256_verify]
    for seed in range(100):
        digest, r, s, x, y = signature(seed)
        assert verify(digest, r, s, x, y) == 1
        assert verify(digest, r, N - s, x, y) == 1
        changes = [(1, 0, 0, 0, 0), (0, 1, 0, 0, 0), (0, 0, 1, 0, 0), (0, 0, 0, 1, 0), (0, 0, 0, 0, 1)]
        for change in changes:
            changed = [(v ^ c) for v, c in zip((digest, r, s, x, y), change, strict=True)]
            assert verify(*changed) == 0
        assert verify(digest, r, s, x, P - y) == 0


def test_ranges(library):
    verify = library[p256.p256_verify]
    digest, r, s, x, y = signature(3)
    for bad in (
        (digest, 0, s, x, y),
        (digest, r, 0, x, y),
        (digest, N, s, x, y),
        (digest, r, N, x, y),
        (digest, r, s, 0, 0),
        (digest, r, s, P, y),
        (digest, r, s, x, P),
        (digest, r, s, 2**256 - 1, 2**256 - 1),
        (0, 0, 0, 0, 0),
    ):
        assert verify(*bad) == 0


def forged(u, v, secret):
    """A signature of some digest whose nonce point is u G + v Q."""
    point = times((u + v * secret) % N, G)
    r = point[0] % N
    s = r * pow(v, -1, N) % N
    return (u * s % N, r, s, *times(secret, G))


def test_edge_scalars(library):
    """Multipliers at the edges of windows and of the non-adjacent form, with small secrets."""
    verify = library[p256.p256_verify]
    edges = [1, 2, 3, 127, 128, 129, 2**127, 2**128, N // 2, N // 2 + 1, N - 1, N - 2, N - 128]
    for u in (0, *edges):
        for v in edges:
            for secret in (1, 2, N - 1):
                if (u + v * secret) % N:
                    case = forged(u, v, secret)
                    assert verify(*case) == 1 == openssl(*case), (u, v, secret)


def test_sum_at_infinity(library):
    """u G + v Q = infinity is no signature."""
    for secret in (1, 5, N - 1):
        r, s = 12345, 678
        digest = -r * secret % N
        assert library[p256.p256_verify](digest, r, s, *times(secret, G)) == 0


def test_digest_above_the_order(library):
    point = times(7, G)
    r = point[0] % N
    s = 3
    secret = (s * 7 - 5) * pow(r, -1, N) % N
    for digest in (5, N + 5):
        case = (digest, r, s, *times(secret, G))
        assert library[p256.p256_verify](*case) == 1 == openssl(*case)


def test_x_above_the_order(library):
    """A nonce point whose x is r + N: take such a point as the key itself, with u = 0 and v = 1."""
    found = 0
    for r in range(1, 40):
        x = r + N
        y = pow(x**3 - 3 * x + p256.B_VALUE, (P + 1) // 4, P)
        if (y * y - x**3 + 3 * x - p256.B_VALUE) % P == 0:
            assert library[p256.p256_verify](0, r, r, x, y) == 1 == openssl(0, r, r, x, y)
            found += 1
    assert found > 5


@settings(max_examples=60, deadline=None)
@given(st.integers(0, N - 1), st.integers(0, N - 1), st.sampled_from([1, 2, 3, 128, 2**128, N - 1, N - 3]))
def test_double_multiplication(library, of_point, of_generator, k):
    encode, unscale = p256.FIELD.constant, pow(2**256, -1, P)
    x, y = map(encode, times(k, G))
    point = library[p256.combine](x, y, of_point, of_generator)
    rx, ry, rz = (c * unscale % P for c in point)
    expected = times((of_point * k + of_generator) % N, G)
    if rz == 0:
        assert expected is None
    else:
        scale = pow(rz, -1, P)
        assert (rx * scale**2 % P, ry * scale**3 % P) == expected


def test_plain_python_agrees():
    case = signature(8)
    assert p256.p256_verify(*map(U256, case))
    assert not p256.p256_verify(*map(U256, (case[0] ^ 1, *case[1:])))
