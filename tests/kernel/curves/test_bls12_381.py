"""BLS12-381 precompiles against EIP-2537's vectors (``eip2537.json``, from the EIP's assets) and py_ecc."""

import ctypes
import json
import random
from pathlib import Path

import pytest
from py_ecc import optimized_bls12_381 as bls
from py_ecc.bls.hash_to_curve import clear_cofactor_G1, clear_cofactor_G2, map_to_curve_G1, map_to_curve_G2

from jovay.kernel.curves.bls12_381 import curve, precompiles
from jovay.kernel.lang import U64
from jovay.native.library import build

P, R = curve.P, curve.R
OUTPUT_SIZE = {
    "bls_g1add": 128,
    "bls_g1msm": 128,
    "bls_g2add": 256,
    "bls_g2msm": 256,
    "bls_pairing": 32,
    "bls_map_fp_to_g1": 128,
    "bls_map_fp2_to_g2": 256,
}
VECTORS = json.loads((Path(__file__).parent / "eip2537.json").read_text())
rnd = random.Random(381)


@pytest.fixture(scope="module")
def library():
    return build([getattr(precompiles, name) for name in OUTPUT_SIZE])


def run(function, name, data):
    source = ctypes.create_string_buffer(data, len(data) + 1)
    out = ctypes.create_string_buffer(256)
    scratch = ctypes.create_string_buffer(b"\xa5" * (precompiles.SCRATCH + 256), precompiles.SCRATCH + 256)
    addresses = (ctypes.addressof(b) for b in (out, scratch))
    status = function(ctypes.addressof(source), len(data), *addresses)
    assert status in (0, 1)
    assert scratch.raw[precompiles.SCRATCH :] == b"\xa5" * 256
    assert out.raw[OUTPUT_SIZE[name] :] == bytes(256 - OUTPUT_SIZE[name])
    return out.raw[: OUTPUT_SIZE[name]] if status == 0 else None


@pytest.fixture(scope="module")
def call(library):
    return lambda name, data: run(library[getattr(precompiles, name)], name, data)


def fp(x):
    return x.to_bytes(64, "big")


def word(x):
    return x.to_bytes(32, "big")


def encode(point):
    """EIP-2537's bytes of a py_ecc point of either group."""
    g2 = isinstance(point[0], bls.FQ2)
    if bls.is_inf(point):
        return bytes(256 if g2 else 128)
    x, y = bls.normalize(point)
    parts = [*x.coeffs, *y.coeffs] if g2 else [x, y]
    return b"".join(fp(int(part)) for part in parts)


def g1(k):
    return encode(bls.multiply(bls.G1, k % R))


def g2(k):
    return encode(bls.multiply(bls.G2, k % R))


def curve_point():
    """A random point of G1's curve, which almost never has order r."""
    while True:
        x = rnd.randrange(P)
        y = pow(x**3 + 4, (P + 1) // 4, P)
        if y * y % P == (x**3 + 4) % P:
            return bls.FQ(x), bls.FQ(y), bls.FQ(1)


def twist_point():
    """A random point of G2's curve: the map to it before its cofactor is cleared."""
    return map_to_curve_G2(bls.FQ2([rnd.randrange(P), rnd.randrange(P)]))


@pytest.mark.parametrize("name", VECTORS)
def test_eip_vectors(call, name):
    assert any(expected is None for _, _, expected in VECTORS[name])
    for label, data, expected in VECTORS[name]:
        result = call(name, bytes.fromhex(data))
        assert result == (None if expected is None else bytes.fromhex(expected)), label


@pytest.mark.parametrize(("group", "point"), [("g1", curve_point), ("g2", twist_point)])
def test_addition(call, group, point):
    points = [point() for _ in range(4)]
    points += [bls.neg(points[0]), bls.multiply(points[0], R), bls.multiply(points[0], 0)]
    for a in points:
        for b in points:
            assert call(f"bls_{group}add", encode(a) + encode(b)) == encode(bls.add(a, b))


SCALARS = [0, 1, 2, R - 1, R, R + 1, 2**128, 2**255, 2**256 - 1, curve.LAMBDA, curve.X_ABS**2, curve.X_ABS]


@pytest.mark.parametrize(("group", "encoded"), [("g1", g1), ("g2", g2)])
@pytest.mark.parametrize("count", [1, 2, 5, 6, 12, 40, 128, 129, 200])
def test_multiplication(call, group, encoded, count):
    """Straus and Pippenger, with repeated points, infinity and edge scalars among them."""
    logarithms = [0, 1, R - 1] + [rnd.randrange(R) for _ in range(5)]
    points = [encoded(k) for k in logarithms]
    chosen = [rnd.randrange(len(points)) for _ in range(count)]
    scalars = [rnd.choice(SCALARS) if rnd.random() < 0.3 else rnd.randrange(1 << 256) for _ in range(count)]
    data = b"".join(points[i] + word(k) for i, k in zip(chosen, scalars, strict=True))
    total = sum(logarithms[i] * k for i, k in zip(chosen, scalars, strict=True))
    assert call(f"bls_{group}msm", data) == encoded(total)


@pytest.mark.parametrize(("group", "encoded", "point"), [("g1", g1, curve_point), ("g2", g2, twist_point)])
def test_multiplication_checks_the_subgroup(call, group, encoded, point):
    for _ in range(5):
        outside = point()
        assert not bls.is_inf(bls.multiply(outside, R))
        assert call(f"bls_{group}msm", encode(outside) + word(1)) is None
        assert call(f"bls_{group}msm", encoded(1) + word(1) + encode(outside) + word(0)) is None
        cleared = clear_cofactor_G1(outside) if group == "g1" else clear_cofactor_G2(outside)
        assert call(f"bls_{group}msm", encode(cleared) + word(7)) == encode(bls.multiply(cleared, 7))


def test_small_order_points_are_outside(call):
    """Points of order 3 such as (0, ±2) are no members of G1."""
    for y in (2, P - 2):
        assert call("bls_g1msm", fp(0) + fp(y) + word(1)) is None
        assert call("bls_pairing", fp(0) + fp(y) + g2(1)) is None


@pytest.mark.parametrize("count", [2, 8, 9])
def test_pairing_products(call, count):
    exponents = [(rnd.randrange(R), rnd.randrange(1 << 64)) for _ in range(count - 1)]
    total = sum(a * b for a, b in exponents)
    data = b"".join(g1(a) + g2(b) for a, b in exponents)
    assert call("bls_pairing", data + g1(-total) + g2(1)) == word(1)
    assert call("bls_pairing", data + g1(1 - total) + g2(1)) == word(0)
    assert call("bls_pairing", g1(0) + g2(3) + data + g1(-total) + g2(1) + g1(1) + g2(0)) == word(1)


def test_pairs_of_infinity_alone(call):
    """Without a pair to compute the product is one; with zero scalars alone a sum is infinity."""
    nothing = [bytes(128) + bytes(256), g1(3) + bytes(256), bytes(128) + g2(4)]
    for count in (1, 3, 8, 9, 17):
        assert call("bls_pairing", b"".join(nothing[k % 3] for k in range(count))) == word(1)
        assert call("bls_g1msm", (g1(5) + word(0)) * count) == bytes(128)
        assert call("bls_g2msm", (g2(5) + word(0)) * count) == bytes(256)
    assert call("bls_pairing", b"".join(nothing) * 3 + g1(1) + g2(1)) == word(0)


def test_pairing_checks_both_subgroups(call):
    assert call("bls_pairing", encode(curve_point()) + g2(0)) is None
    assert call("bls_pairing", g1(0) + encode(twist_point())) is None
    assert call("bls_pairing", g1(0) + g2(1)) == word(1)


def test_invalid_encodings(call):
    """Each coordinate: not below p, top bytes set, off the curve; and infinity that is not all zeros."""
    cases = [("bls_g1add", g1(1) + g1(2)), ("bls_g2add", g2(1) + g2(2)), ("bls_pairing", g1(1) + g2(2))]
    cases += [("bls_g1msm", g1(1) + word(3)), ("bls_g2msm", g2(1) + word(3))]
    for name, data in cases:
        for at in range(0, len(data) - 63, 64):
            value = int.from_bytes(data[at : at + 64], "big")
            for bad in (value + P, P, value | 1 << 384, value | 1 << 511, (value + 1) % P):
                assert call(name, data[:at] + fp(bad) + data[at + 64 :]) is None, (name, at, bad)
        for wrong in (b"", data[:-1], data + b"\0", data[: len(data) // 2]):
            assert call(name, wrong) is None
    assert call("bls_g1add", fp(0) + fp(1) + g1(1)) is None
    assert call("bls_g2add", fp(0) * 3 + fp(1) + g2(1)) is None


@pytest.mark.parametrize("special", [True, False])
def test_maps(call, special):
    for k in range(8):
        u = (0, 1, P - 1, 2, 11, P - 11, 3, 4)[k] if special else rnd.randrange(P)
        v = (0, 0, 0, 1, P - 1, 5, 0, 9)[k] if special else rnd.randrange(P)
        expected = encode(clear_cofactor_G1(map_to_curve_G1(bls.FQ(u))))
        assert call("bls_map_fp_to_g1", fp(u)) == expected
        for pair in ((u, v), (v, u)):
            expected = encode(clear_cofactor_G2(map_to_curve_G2(bls.FQ2(pair))))
            assert call("bls_map_fp2_to_g2", fp(pair[0]) + fp(pair[1])) == expected
    for bad in (fp(P), fp(2**384), b"", bytes(63), bytes(65), bytes(128)):
        assert call("bls_map_fp_to_g1", bad) is None
        assert call("bls_map_fp2_to_g2", bad + fp(1)) is None


def test_as_plain_python():
    """The same function run by CPython."""

    def add(*arguments):
        return precompiles.bls_g1add(*map(U64, arguments))

    assert run(add, "bls_g1add", g1(5) + g1(9)) == g1(14)
    assert run(add, "bls_g1add", g1(5) + fp(1) + fp(1)) is None

    def map_to_g1(*arguments):
        return precompiles.bls_map_fp_to_g1(*map(U64, arguments))

    assert run(map_to_g1, "bls_map_fp_to_g1", fp(7)) == encode(clear_cofactor_G1(map_to_curve_G1(bls.FQ(7))))
