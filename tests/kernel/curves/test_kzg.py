"""The point evaluation precompile against ckzg (and so its [τ]G2 against the ceremony's set-up)."""

import ctypes
import hashlib
import random
from pathlib import Path

import pytest

from jovay.kernel.curves import kzg
from jovay.kernel.curves.kzg import point_evaluation
from jovay.native.library import build

ckzg = pytest.importorskip("ckzg")
eth_account = pytest.importorskip("eth_account")

R = kzg.R
INFINITY = bytes([0xC0]) + bytes(47)
ANSWER = (4096).to_bytes(32, "big") + R.to_bytes(32, "big")
rnd = random.Random(4844)


@pytest.fixture(scope="module")
def setup():
    folder = Path(eth_account.__file__).parent / "typed_transactions" / "blob_transactions"
    return ckzg.load_trusted_setup(str(folder / "kzg_trusted_setup.txt"), 0)


@pytest.fixture(scope="module")
def call():
    function = build([point_evaluation])[point_evaluation]

    def invoke(data):
        source = ctypes.create_string_buffer(data, 192)
        out = ctypes.create_string_buffer(64)
        scratch = ctypes.create_string_buffer(b"\xa5" * (kzg.SCRATCH + 256), kzg.SCRATCH + 256)
        status = function(*(ctypes.addressof(buffer) for buffer in (source, out, scratch)))
        assert status in (0, 1)
        assert scratch.raw[kzg.SCRATCH :] == b"\xa5" * 256
        return out.raw if status == 0 else None

    return invoke


def word(x):
    return x.to_bytes(32, "big")


def versioned(commitment):
    return b"\x01" + hashlib.sha256(commitment).digest()[1:]


def pack(z, y, commitment, proof):
    return versioned(commitment) + z + y + commitment + proof


@pytest.fixture(scope="module")
def example(setup):
    """A blob's commitment, and proofs at some points."""
    blob = b"".join(word(rnd.randrange(R)) for _ in range(4096))
    commitment = ckzg.blob_to_kzg_commitment(blob, setup)
    points = [0, 1, R - 1, rnd.randrange(R), rnd.randrange(R)]
    return [(word(z), *ckzg.compute_kzg_proof(blob, word(z), setup)[::-1], commitment) for z in points]


def test_right_and_wrong_evaluations(call, setup, example):
    for z, y, proof, commitment in example:
        assert call(pack(z, y, commitment, proof)) == ANSWER
        wrong = word((int.from_bytes(y, "big") + 1) % R)
        for bad in (
            (z, wrong, commitment, proof),
            (word((int.from_bytes(z, "big") + 1) % R), y, commitment, proof),
            (z, y, proof, commitment),
            (z, y, commitment, INFINITY),
            (z, y, INFINITY, proof),
        ):
            assert ckzg.verify_kzg_proof(bad[2], bad[0], bad[1], bad[3], setup) is False
            assert call(pack(*bad)) is None


def test_constant_polynomials(call, setup):
    """Their proof is infinity; the zero polynomial's commitment is, too."""
    for value in (0, 1, 5):
        blob = word(value) * 4096
        commitment = ckzg.blob_to_kzg_commitment(blob, setup)
        proof, y = ckzg.compute_kzg_proof(blob, word(77), setup)
        assert proof == INFINITY
        assert y == word(value)
        assert call(pack(word(77), y, commitment, proof)) == ANSWER
        assert call(pack(word(77), word(value + 1), commitment, proof)) is None


def test_field_elements_must_be_canonical(call, example):
    z, y, proof, commitment = example[0]
    for k in (R, 2**256 - 1):
        assert call(pack(word(k), y, commitment, proof)) is None
        assert call(pack(z, word(k), commitment, proof)) is None
    assert call(pack(word(R), y, commitment, proof)) is None  # z = 0 in disguise


def test_versioned_hash(call, example):
    z, y, proof, commitment = example[1]
    good = pack(z, y, commitment, proof)
    assert call(b"\x02" + good[1:]) is None
    for at in (0, 1, 16, 31):
        assert call(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :]) is None


def test_malformed_points(call, setup, example):
    """ckzg refuses the same encodings: flags, range, off the curve, wrong subgroup, unclean infinity."""
    z, y, proof, _ = example[2]
    p = int(
        "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab", 16
    )
    bad = [
        bytes([proof[0] & 0x7F]) + proof[1:],
        bytes([proof[0] | 0x40]) + proof[1:],
        bytes([0xE0]) + bytes(47),
        bytes([0x40]) + bytes(47),
        bytes([0xC0]) + bytes(46) + b"\x01",
        ((1 << 383) + p).to_bytes(48, "big"),
        ((1 << 383) + p + 1).to_bytes(48, "big"),
        bytes([0x80]) + bytes(47),  # x = 0: on the curve, order 3
        *(bytes([0x80]) + bytes(46) + bytes([x]) for x in range(1, 20)),
    ]
    for encoding in bad:
        with pytest.raises(RuntimeError):
            ckzg.verify_kzg_proof(encoding, z, y, proof, setup)
        assert call(pack(z, y, encoding, proof)) is None
        assert call(pack(z, y, proof, encoding)) is None


def test_the_other_root_is_another_point(call, setup, example):
    z, y, proof, commitment = example[3]
    flipped = bytes([proof[0] ^ 0x20]) + proof[1:]
    assert ckzg.verify_kzg_proof(commitment, z, y, flipped, setup) is False
    assert call(pack(z, y, commitment, flipped)) is None
