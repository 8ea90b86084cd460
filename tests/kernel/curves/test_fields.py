"""Montgomery fields and their quadratic extensions against Python integers, with carries at every limb."""

import ctypes
import itertools
import random

import pytest

from jovay.kernel.curves.bls12_381 import curve as bls12_381
from jovay.kernel.curves.bn254 import curve as bn254
from jovay.native.library import build

FIELDS = {"bn254": bn254.FP2, "bls12_381": bls12_381.FP2}
BASE = ["add", "sub", "mul", "sqr", "neg", "halve", "inverse"]
EXTENSION = [*BASE, "times_xi", "conjugate"]
UNARY = {"sqr", "neg", "halve", "times_xi", "conjugate"}
rnd = random.Random(1)


@pytest.fixture(scope="module")
def library():
    return build(
        [getattr(f, op) for f in FIELDS.values() for op in EXTENSION]
        + [getattr(f.base, op) for f in FIELDS.values() for op in BASE]
    )


def edges(field):
    """Stored words around limb boundaries, and random ones."""
    p, bits = field.modulus, 8 * field.size
    words = {0, 1, 2, p - 1, p - 2, p // 2, p // 2 + 1, p >> 1 << 1, (1 << bits) % p, (1 << 2 * bits) % p}
    for k in range(64, bits, 64):
        words |= {(1 << k) - 1, 1 << k, ((1 << k) - 1) ^ (p >> 3), p - (1 << k), p >> k << k}
    words |= {rnd.randrange(p) for _ in range(12)}
    return sorted(w for w in words if 0 <= w < p)


def apply(library, function, name, size, parts, operands):
    """The operation's result as ``parts`` words of ``size`` bytes, out of place and in place."""
    buffers = [
        ctypes.create_string_buffer(b"".join(w.to_bytes(size, "little") for w in operand), size * parts)
        for operand in operands
    ]
    out, scratch = ctypes.create_string_buffer(size * parts), ctypes.create_string_buffer(32 * size)
    extra = [scratch] if name == "inverse" else []
    call = library[function]
    call(*(ctypes.addressof(b) for b in (out, *buffers, *extra)))
    call(*(ctypes.addressof(b) for b in (buffers[0], *buffers, *extra)))
    assert out.raw == buffers[0].raw
    return tuple(int.from_bytes(out.raw[k * size : (k + 1) * size], "little") for k in range(parts))


def expected(name, p, r, xi, a, b):
    """The same on stored words (Montgomery form with radix r) of Fp2; Fp as its real part."""
    a0, a1 = a
    inverse_r = pow(r, -1, p)

    def times(x, y):
        return ((x[0] * y[0] - x[1] * y[1]) * inverse_r % p, (x[0] * y[1] + x[1] * y[0]) * inverse_r % p)

    if name == "inverse":
        norm = pow((a0 * a0 + a1 * a1) % p, -1, p) if a0 or a1 else 0
        return a0 * norm * r * r % p, -a1 * norm * r * r % p
    return {
        "add": lambda: ((a0 + b[0]) % p, (a1 + b[1]) % p),
        "sub": lambda: ((a0 - b[0]) % p, (a1 - b[1]) % p),
        "mul": lambda: times(a, b),
        "sqr": lambda: times(a, a),
        "neg": lambda: (-a0 % p, -a1 % p),
        "conjugate": lambda: (a0, -a1 % p),
        "halve": lambda: (a0 * pow(2, -1, p) % p, a1 * pow(2, -1, p) % p),
        "times_xi": lambda: ((a0 * xi[0] - a1 * xi[1]) % p, (a0 * xi[1] + a1 * xi[0]) % p),
    }[name]()


@pytest.mark.parametrize("name", BASE)
@pytest.mark.parametrize("curve", FIELDS)
def test_prime_field(library, curve, name):
    field = FIELDS[curve].base
    r, function = 1 << 8 * field.size, getattr(field, name)
    words = edges(field)
    unary = name in UNARY or name == "inverse"
    for a, b in ((a, 0) for a in words) if unary else itertools.product(words, words):
        operands = [(a,)] if unary else [(a,), (b,)]
        want = expected(name, field.modulus, r, (1, 1), (a, 0), (b, 0))[:1]
        assert apply(library, function, name, field.size, 1, operands) == want


@pytest.mark.parametrize("name", EXTENSION)
@pytest.mark.parametrize("curve", FIELDS)
def test_quadratic_field(library, curve, name):
    field = FIELDS[curve]
    p, size, function = field.base.modulus, field.base.size, getattr(field, name)
    words = edges(field.base)
    extremes = list(itertools.product((0, 1, p - 1), repeat=4))
    for a0, a1, b0, b1 in extremes + [rnd.choices(words, k=4) for _ in range(800)]:
        operands = [(a0, a1)] if name in UNARY or name == "inverse" else [(a0, a1), (b0, b1)]
        want = expected(name, p, 1 << 8 * size, field.xi, (a0, a1), (b0, b1))
        assert apply(library, function, name, size, 2, operands) == want


@pytest.mark.parametrize("curve", FIELDS)
def test_bytes(curve):
    field = FIELDS[curve].base
    library = build([field.to_bytes])
    for x in (0, 1, field.modulus - 1, rnd.randrange(field.modulus)):
        stored = ctypes.create_string_buffer(
            ((x << 8 * field.size) % field.modulus).to_bytes(field.size, "little")
        )
        out = ctypes.create_string_buffer(field.size)
        library[field.to_bytes](ctypes.addressof(out), ctypes.addressof(stored))
        assert int.from_bytes(out.raw, "big") == x
