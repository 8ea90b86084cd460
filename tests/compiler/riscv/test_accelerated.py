"""Programs that make system calls give what native code and programs without them give."""

import ctypes
import random
import struct

import coincurve
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.riscv import accelerated_guest as guest
from jovay.compiler.errors import KernelCompileError
from jovay.compiler.riscv.build import build_elf
from jovay.compiler.riscv.elf import program_digest
from jovay.kernel.accelerated import ACCELERATORS
from jovay.kernel.curves.secp256k1 import GENERATOR, MODULUS, ORDER_VALUE, recover
from jovay.kernel.hashes.keccak import keccak256
from jovay.kernel.hashes.poseidon2 import compress
from jovay.kernel.hashes.poseidon2_constants import P
from jovay.kernel.lang import U64, U256
from jovay.native.emulator import Emulator
from jovay.native.library import build
from rigs.secp256k1_points import times

HASHING, COMPRESSING, MULTIPLYING, RECOVERING = range(4)
LIMIT = 10**7
N = ORDER_VALUE


@pytest.fixture(scope="module")
def emulator():
    return Emulator(build_elf(guest.main, accelerators=ACCELERATORS))


@pytest.fixture(scope="module")
def native():
    return build([keccak256, compress, recover])


def answer(emulator, function, data):
    run = emulator.run(function.to_bytes(8, "little") + data, LIMIT)
    assert (run.reason, run.status) == ("exit", 0)
    return run.output


def test_keccak(emulator, native):
    dice = random.Random(1)
    for size in [*range(140), *range(265, 280), 600, 1360]:
        data, out = dice.randbytes(size), ctypes.create_string_buffer(32)
        native[keccak256](data, size, ctypes.addressof(out))
        assert answer(emulator, HASHING, data) == out.raw, size


def test_poseidon2(emulator, native):
    dice, edges = random.Random(2), [0, 1, P - 1, P // 2, P // 2 + 1]
    for _ in range(50):
        data = struct.pack("<16I", *(dice.choice([*edges, dice.randrange(P)]) for _ in range(16)))
        out = ctypes.create_string_buffer(32)
        native[compress](data[:32], data[32:], ctypes.addressof(out))
        assert answer(emulator, COMPRESSING, data) == out.raw


def test_products(emulator):
    dice, edges = random.Random(3), [0, 1, 2, 2**64, 2**128 - 1, 2**255, 2**256 - 1]
    for _ in range(200):
        a, b, m = (dice.choice([*edges, dice.getrandbits(256), dice.getrandbits(70)]) for _ in range(3))
        found = answer(emulator, MULTIPLYING, b"".join(x.to_bytes(32, "little") for x in (a, b, m)))
        expected = (a * b % m, (a + b) % m) if m else (0, 0)
        assert (int.from_bytes(found[:32], "little"), int.from_bytes(found[32:], "little")) == expected


@pytest.fixture(scope="module")
def recovered(emulator, native):
    def key(digest, r, s, recid):
        """The key that the guest finds, which is the native one; b"" for none."""
        message, out = ctypes.create_string_buffer(digest, 32), ctypes.create_string_buffer(64)
        found = native[recover](ctypes.addressof(message), r, s, recid, ctypes.addressof(out))
        data = digest + r.to_bytes(32, "little") + s.to_bytes(32, "little") + recid.to_bytes(8, "little")
        answered = answer(emulator, RECOVERING, data)
        assert answered == (out.raw if found else b""), (digest, r, s, recid)
        return answered

    return key


def test_signatures(recovered):
    dice, found = random.Random(4), 0
    for _ in range(30):
        key, digest = coincurve.PrivateKey(dice.randbytes(32)), dice.randbytes(32)
        signed = key.sign_recoverable(digest, hasher=None)
        r, s = int.from_bytes(signed[:32], "big"), int.from_bytes(signed[32:64], "big")
        assert recovered(digest, r, s, signed[64]) == key.public_key.format(compressed=False)[1:]
        recovered(digest, r, N - s, signed[64])
        found += recovered(digest, dice.randrange(N), s, dice.randrange(2)) != b""
    assert 5 < found < 25


def test_what_is_no_signature(recovered):
    r, s = GENERATOR[0], 5
    bad = [
        (0, s, 0),
        (r, 0, 0),
        (N, s, 0),
        (r, N, 0),
        (2**256 - 1, s, 0),
        (r, 2**256 - 1, 0),
        (r, s, 4),
        (r, s, 2),
    ]
    for each in bad:
        assert recovered(bytes(32), *each) == b""
    for x in [*range(1, 20), MODULUS - N - 1, MODULUS - N]:
        for recid in range(4):
            recovered(b"\5" * 32, x, 12345, recid)


@pytest.mark.parametrize("z", [0, 1, N - 1, N, N + 1, 2**256 - 1, (N - 1) // 2, (N + 1) // 2])
def test_edge_digests(recovered, z):
    for r, s in ((GENERATOR[0], 1), (GENERATOR[0], N - 1), (1, 2)):
        for recid in (0, 1):
            recovered(z.to_bytes(32, "big"), r, s, recid)


ROOT = 0x5363AD4CC05C30E0A5261C028812645A122E22EA20816678DF02967C1B23BD72
SCALARS = st.one_of(
    st.sampled_from([1, 2, 3, 7, 8, 9, 127, 128, 129, 136, N - 1, N - 8, N // 2, N // 2 + 1, ROOT, N - ROOT]),
    st.builds(lambda bits, e: (1 << bits) % N + e, st.integers(1, 255), st.integers(-1, 1)),
    st.integers(1, N - 1),
)


@settings(max_examples=150, deadline=None)
@given(
    SCALARS,
    st.one_of(st.just(0), SCALARS),
    st.sampled_from([1, 2, 3, 5, 8, 128, 2**127, 2**128, ROOT, N - ROOT, N - 1]),
)
def test_sums_of_multiples(recovered, of_point, of_generator, k):
    """Nonce points that are known multiples of G make additions of equal and opposite points."""
    x, y = times(k, GENERATOR)
    r = x % N
    digest = (-of_generator * r % N).to_bytes(32, "big")
    key = recovered(digest, r, of_point * r % N, y & 1 | 2 * (x >= N))
    expected = times((of_point * k + of_generator) % N, GENERATOR)
    assert key == (expected[0].to_bytes(32, "big") + expected[1].to_bytes(32, "big") if expected else b"")


def test_each_by_itself():
    """Any set of accelerators; what is not among them is code."""
    data = [(HASHING, bytes(300)), (COMPRESSING, bytes(64)), (MULTIPLYING, bytes(range(96)))]
    whole = Emulator(build_elf(guest.main))
    expected = [answer(whole, *each) for each in data]
    for name, (numbers, _) in ACCELERATORS.items():
        one = Emulator(build_elf(guest.main, accelerators=[name]))
        assert [answer(one, *each) for each in data] == expected
        calls = [one.trace(function.to_bytes(8, "little") + given, LIMIT).calls for function, given in data]
        assert set().union(*calls) == (numbers if name != "secp256k1" else set())


def test_they_are_part_of_the_program():
    elf = build_elf(guest.main, accelerators=ACCELERATORS)
    assert elf == build_elf(guest.main, accelerators=[*sorted(ACCELERATORS), "keccak"])
    assert program_digest(elf) != program_digest(build_elf(guest.main))
    with pytest.raises(KernelCompileError, match="no accelerators: blake3"):
        build_elf(guest.main, accelerators=["blake3"])


def test_plain_python_agrees():
    """The functions as they stand: the calls are the machine's own functions."""
    data, out = ctypes.create_string_buffer(bytes(range(200))), ctypes.create_string_buffer(64)
    found = ACCELERATORS["keccak"][1][keccak256.__globals__["sponge"]](U64(ctypes.addressof(data)), U64(150))
    native_out = ctypes.create_string_buffer(32)
    keccak256(U64(ctypes.addressof(data)), U64(150), U64(ctypes.addressof(native_out)))
    assert b"".join(int(lane).to_bytes(8, "little") for lane in found) == native_out.raw
    (again,) = (twin for f, twin in ACCELERATORS["secp256k1"][1].items() if f is recover)
    digest = U64(ctypes.addressof(data))
    assert again(digest, U256(GENERATOR[0]), U256(7), U64(0), U64(ctypes.addressof(out)))
    key = ctypes.create_string_buffer(64)
    assert recover(digest, U256(GENERATOR[0]), U256(7), U64(0), U64(ctypes.addressof(key)))
    assert key.raw == out.raw
