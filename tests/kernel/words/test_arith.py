"""EVM word arithmetic against Python integers."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jovay.kernel.lang import U256
from jovay.kernel.words import arith
from jovay.native.library import build

WRAP = 1 << 256
EDGES = sorted(
    {0, 1, 2, 3, 5, 7, 10, 31, 32, 255, 256, 257, 10**18}
    | {(1 << k) + d for k in (31, 32, 63, 64, 65, 127, 128, 129, 160, 191, 192, 254, 255) for d in (-1, 0, 1)}
    | {WRAP - d for d in (1, 2, 3, 2**32, 2**64, 2**128, 2**192)}
    | {(1 << 256) - (1 << k) - 1 for k in (64, 128, 192)}
)
WORDS = st.one_of(
    st.sampled_from(EDGES),
    st.integers(0, 256).flatmap(lambda bits: st.integers(0, max(0, (1 << bits) - 1))),
)


def signed(x):
    return x - WRAP if x >> 255 else x


def truncated(a, b):
    """Quotient and remainder rounded towards zero."""
    q = abs(a) // abs(b)
    q = -q if (a < 0) != (b < 0) else q
    return q, a - q * b


def signextend(k, x):
    if k > 30:
        return x
    bits = 8 * k + 8
    low = x & ((1 << bits) - 1)
    return (low - (1 << bits) if low >> (bits - 1) else low) % WRAP


BINARY = {
    arith.div: lambda a, b: a // b if b else 0,
    arith.mod: lambda a, b: a % b if b else 0,
    arith.sdiv: lambda a, b: truncated(signed(a), signed(b))[0] % WRAP if b else 0,
    arith.smod: lambda a, b: truncated(signed(a), signed(b))[1] % WRAP if b else 0,
    arith.exp: lambda a, b: pow(a, b, WRAP),
    arith.signextend: signextend,
    arith.byte: lambda k, x: x.to_bytes(32, "big")[k] if k < 32 else 0,
    arith.shl: lambda n, x: (x << n) % WRAP if n < 256 else 0,
    arith.shr: lambda n, x: x >> n if n < 256 else 0,
    arith.sar: lambda n, x: (signed(x) >> min(n, 256)) % WRAP,
}
TERNARY = {
    arith.addmod: lambda a, b, m: (a + b) % m if m else 0,
    arith.mulmod: lambda a, b, m: a * b % m if m else 0,
}
UNARY = {arith.significant_bytes: lambda x: (x.bit_length() + 7) // 8, arith.bit_length: int.bit_length}
ENTRIES = [*BINARY, *TERNARY, *UNARY, arith.divmod256, arith.product512, arith.reciprocal_2by1]


@pytest.fixture(scope="module")
def library():
    return build(ENTRIES)


@pytest.mark.parametrize("function", BINARY, ids=lambda f: f.symbol)
def test_all_pairs_of_edges(library, function):
    native, oracle = library[function], BINARY[function]
    for a in EDGES:
        for b in EDGES:
            assert native(a, b) == oracle(a, b), (hex(a), hex(b))


@pytest.mark.parametrize("function", TERNARY, ids=lambda f: f.symbol)
def test_triples_of_edges(library, function):
    native, oracle = library[function], TERNARY[function]
    for a in EDGES[::3]:
        for b in EDGES[::2]:
            for m in EDGES:
                assert native(a, b, m) == oracle(a, b, m), (hex(a), hex(b), hex(m))


@settings(max_examples=400, deadline=None)
@given(WORDS, WORDS, WORDS)
def test_random_words(library, a, b, m):
    for function, oracle in BINARY.items():
        assert library[function](a, b) == oracle(a, b), function.symbol
    for function, oracle in TERNARY.items():
        assert library[function](a, b, m) == oracle(a, b, m), function.symbol
    for function, oracle in UNARY.items():
        assert library[function](a) == oracle(a), function.symbol


def test_division_near_digit_boundaries(library):
    """Dividends just around multiples of the divisor make quotient digits that are estimated too large."""
    choose = random.Random(20240806)
    for _ in range(3000):
        limbs = [choose.choice((0, 1, 2**63, 2**64 - 1, choose.getrandbits(64))) for _ in range(4)]
        b = sum(limb << (64 * k) for k, limb in enumerate(limbs))
        b = b >> choose.choice((0, 1, 63, 64, 100, 150)) or 1
        q = choose.choice((2**64 - 1, 2**128 - 1, choose.getrandbits(choose.randrange(1, 200))))
        q %= WRAP // b + 1
        a = min(max(q * b + choose.choice((-1, 0, 1, b - 1)), 0), WRAP - 1)
        assert library[arith.divmod256](a, b) == divmod(a, b), (hex(a), hex(b))
        m, c = max(b, 1), WRAP - 1 - q % WRAP
        assert library[arith.mulmod](a, c, m) == a * c % m, (hex(a), hex(c), hex(m))


def test_whole_product(library):
    for a in EDGES:
        for b in EDGES:
            assert library[arith.product512](a, b) == divmod(a * b, WRAP)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.sampled_from([0, 1, 2**62, 2**63 - 1, 2**54]), st.integers(0, 2**63 - 1)))
def test_reciprocal(library, low):
    d = low | 1 << 63
    assert library[arith.reciprocal_2by1](d) == (2**128 - 1) // d - 2**64


def test_plain_python_agrees():
    choose = random.Random(7)
    for bits in (1, 60, 64, 100, 128, 190, 250, 256):
        a, b, m = choose.getrandbits(256), choose.getrandbits(bits), choose.getrandbits(bits)
        for function, oracle in BINARY.items():
            exponent = b % 1000 if function is arith.exp else b
            assert function(U256(a), U256(exponent)) == oracle(a, exponent), function.symbol
        for function, oracle in TERNARY.items():
            assert function(U256(a), U256(b), U256(m)) == oracle(a, b, m), function.symbol
