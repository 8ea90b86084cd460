"""BN254 precompiles against revm and py_ecc."""

import ctypes
import random

import pytest
from py_ecc import optimized_bn128 as bn

from jovay.kernel.curves.bn254 import curve, precompiles
from jovay.kernel.curves.bn254.precompiles import bn254_add, bn254_mul, bn254_pairing
from jovay.kernel.lang import U64
from jovay.native.library import build

pyrevm = pytest.importorskip("pyrevm")

P, R = curve.P, curve.R
ADD, MUL, PAIRING = 6, 7, 8
rnd = random.Random(254)


@pytest.fixture(scope="module")
def library():
    return build([bn254_add, bn254_mul, bn254_pairing])


@pytest.fixture(scope="module")
def evm():
    return pyrevm.EVM()


def reference(evm, number, data):
    """What revm's precompile returns: bytes, or None where it fails."""
    try:
        return bytes(evm.message_call("0x" + "00" * 20, f"0x{number:040x}", calldata=data))
    except RuntimeError:
        return None


def run(function, data, size, *extra):
    source = ctypes.create_string_buffer(data, len(data) + 1)
    out = ctypes.create_string_buffer(64)
    scratch = ctypes.create_string_buffer(b"\xa5" * (precompiles.SCRATCH + 256), precompiles.SCRATCH + 256)
    status = function(ctypes.addressof(source), *extra, ctypes.addressof(out), ctypes.addressof(scratch))
    assert status in (0, 1)
    assert scratch.raw[precompiles.SCRATCH :] == b"\xa5" * 256
    return out.raw[:size] if status == 0 else None


@pytest.fixture(scope="module")
def call(library):
    def invoke(number, data):
        if number == PAIRING:
            return run(library[bn254_pairing], data, 32, len(data))
        return run(library[bn254_add if number == ADD else bn254_mul], data, 64)

    return invoke


def word(x):
    return x.to_bytes(32, "big")


def g1(k):
    point = bn.multiply(bn.G1, k % R)
    return bytes(64) if bn.is_inf(point) else b"".join(word(int(x)) for x in bn.normalize(point))


def g2_bytes(x, y):
    return b"".join(word(int(c)) for f in (x, y) for c in f.coeffs[::-1])


def g2(k):
    point = bn.multiply(bn.G2, k % R)
    return bytes(128) if bn.is_inf(point) else g2_bytes(*bn.normalize(point))


def twist_point():
    """A random point of the twist, which almost never has order r."""
    while True:
        x = bn.FQ2([rnd.randrange(P), rnd.randrange(P)])
        square = x * x * x + bn.b2
        # p = 3 mod 4: a root of c from the root of its norm
        c0, c1 = (int(c) for c in square.coeffs)
        norm = pow(c0 * c0 + c1 * c1, (P + 1) // 4, P)
        for candidate in ((c0 + norm), (c0 - norm)):
            a = pow(candidate * pow(2, -1, P), (P + 1) // 4, P)
            if a:
                y = bn.FQ2([a, c1 * pow(2 * a, -1, P)])
                if y * y == square:
                    return x, y


OFF_CURVE = word(1) + word(3)
INVALID_G1 = [
    OFF_CURVE,
    word(P + 1) + word(2),
    word(1) + word(P + 2),
    word(P) + word(0),
    word(0) + word(P),
    word(0) + word(1),
    word(2**256 - 1) * 2,
]
SCALARS = [0, 1, 2, 3, 7, 8, R - 1, R, R + 1, 2 * R, 2**128, 2**255, 2**256 - 1, 6 * curve.X**2]


def test_addition(call, evm):
    multiples = [0, 1, 2, R - 1, R - 2] + [rnd.randrange(R) for _ in range(6)]
    for a in multiples:
        for b in multiples:
            data = g1(a) + g1(b)
            assert call(ADD, data) == g1(a + b) == reference(evm, ADD, data)


def test_multiplication(call, evm):
    for k in SCALARS + [rnd.randrange(1 << rnd.randrange(1, 257)) for _ in range(200)]:
        a = rnd.randrange(R)
        data = g1(a) + word(k)
        assert call(MUL, data) == reference(evm, MUL, data)
    for k in SCALARS:
        assert call(MUL, g1(5) + word(k)) == g1(5 * k)
        assert call(MUL, bytes(64) + word(k)) == bytes(64)


@pytest.mark.parametrize("bad", INVALID_G1, ids=lambda b: b.hex()[:8] + b.hex()[-8:])
def test_invalid_g1(call, evm, bad):
    for number, data in (
        (ADD, bad + g1(1)),
        (ADD, g1(1) + bad),
        (ADD, bad + bytes(64)),
        (MUL, bad + word(0)),
        (MUL, bad + word(2)),
        (PAIRING, bad + g2(1)),
        (PAIRING, bad + bytes(128)),
    ):
        assert reference(evm, number, data) is None
        assert call(number, data) is None


def test_pairing_of_one_pair_is_not_one(call):
    assert call(PAIRING, b"") == word(1)
    assert call(PAIRING, g1(1) + g2(1)) == word(0)
    assert call(PAIRING, g1(0) + g2(1)) == word(1)
    assert call(PAIRING, g1(1) + g2(0)) == word(1)


@pytest.mark.parametrize("count", [2, 3, 8, 9, 17])
def test_pairing_products(call, evm, count):
    """Exponents that sum to zero give one, any other sum does not, also across groups of pairs."""
    exponents = [(rnd.randrange(R), rnd.randrange(1 << 64)) for _ in range(count - 1)]
    total = sum(a * b for a, b in exponents)
    data = b"".join(g1(a) + g2(b) for a, b in exponents)
    balanced, other = data + g1(-total) + g2(1), data + g1(1 - total) + g2(1)
    assert call(PAIRING, balanced) == word(1) == reference(evm, PAIRING, balanced)
    assert call(PAIRING, other) == word(0) == reference(evm, PAIRING, other)


def test_infinity_among_pairs(call, evm):
    data = g1(3) + g2(4) + bytes(64) + g2(9) + g1(7) + bytes(128) + g1(-12) + g2(1)
    assert call(PAIRING, data) == word(1) == reference(evm, PAIRING, data)


def test_subgroup(call, evm):
    for _ in range(5):
        x, y = twist_point()
        data = g1(1) + g2_bytes(x, y)
        assert reference(evm, PAIRING, data) is None
        assert call(PAIRING, data) is None
        assert call(PAIRING, bytes(64) + g2_bytes(x, y)) is None
    cofactor = 2 * P - R
    x, y = twist_point()
    cleared = bn.normalize(bn.multiply((x, y, bn.FQ2.one()), cofactor))
    assert call(PAIRING, g1(1) + g2_bytes(*cleared)) == word(0)


def test_invalid_pairing_input(call, evm):
    good = g1(1) + g2(1)
    for data in (
        good[:-1],
        good + b"\0",
        good[:64] + g2_bytes(bn.FQ2([1, 2]), bn.FQ2([3, 4])),
        *(
            good[:at] + word(int.from_bytes(good[at : at + 32], "big") + P) + good[at + 32 :]
            for at in range(0, 192, 32)
        ),
    ):
        assert reference(evm, PAIRING, data) is None
        assert call(PAIRING, data) is None


def test_as_plain_python(call):
    """The same functions run by CPython."""

    def add(*arguments):
        return bn254_add(*map(U64, arguments))

    def multiply(*arguments):
        return bn254_mul(*map(U64, arguments))

    assert run(add, g1(5) + g1(9), 64) == g1(14)
    assert run(add, g1(5) + OFF_CURVE, 64) is None
    assert run(multiply, g1(3) + word(R + 1000), 64) == g1(3000)


@pytest.mark.slow
def test_pairing_as_plain_python():
    def pairing(*arguments):
        return bn254_pairing(*map(U64, arguments))

    data = g1(3) + g2(1) + g1(-1) + g2(3)
    assert run(pairing, data, 32, len(data)) == word(1)
