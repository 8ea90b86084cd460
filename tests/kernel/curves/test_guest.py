"""The same precompiles as RV64IM code: EIP-2537's vectors and BN254 in the emulator."""

import json
from pathlib import Path

import pytest

from jovay.compiler.riscv.build import build_elf
from jovay.kernel.curves.bls12_381.precompiles import (
    bls_g1add,
    bls_g1msm,
    bls_g2add,
    bls_g2msm,
    bls_map_fp2_to_g2,
    bls_map_fp_to_g1,
    bls_pairing,
)
from jovay.kernel.curves.bn254.precompiles import bn254_mul, bn254_pairing
from jovay.kernel.lang import U64, Ptr, Switch, kernel, load8, store64
from jovay.native.emulator import Emulator

VECTORS = json.loads((Path(__file__).parent / "eip2537.json").read_text())
NAMES = [*VECTORS, "bn254_mul", "bn254_pairing"]
LIMIT = 50_000_000


@kernel
def multiply(data: Ptr, size: U64, out: Ptr, scratch: Ptr) -> U64:
    return bn254_mul(data, out, scratch)


FUNCTIONS = [bls_g1add, bls_g1msm, bls_g2add, bls_g2msm, bls_pairing, bls_map_fp_to_g1, bls_map_fp2_to_g2]
PRECOMPILE = Switch("curve_precompile", dict(enumerate([*FUNCTIONS, multiply])), bn254_pairing)


@kernel
def guest(data: Ptr, size: U64, out: Ptr, arena: Ptr) -> U64:
    """The first input byte chooses the precompile."""
    store64(out, U64(256))
    return PRECOMPILE(load8(data), data + 1, size - 1, out + 8, arena)


@pytest.fixture(scope="module")
def call():
    emulator = Emulator(build_elf(guest))

    def invoke(name, data):
        run = emulator.run(bytes([NAMES.index(name)]) + data, LIMIT)
        assert run.exited
        assert run.status in (0, 1)
        return run.output if run.status == 0 else None

    return invoke


def test_order_of_names():
    assert [f.symbol.rpartition(".")[2] for f in FUNCTIONS] == NAMES[:7]


@pytest.mark.parametrize("name", VECTORS)
def test_eip_vectors(call, name):
    right = [v for v in VECTORS[name] if v[2] is not None]
    wrong = [v for v in VECTORS[name] if v[2] is None]
    for label, data, expected in right[:2] + right[-2:]:
        answer = bytes.fromhex(expected)
        assert call(name, bytes.fromhex(data))[: len(answer)] == answer, label
    for label, data, _ in wrong:
        assert call(name, bytes.fromhex(data)) is None, label


def word(x):
    return x.to_bytes(32, "big")


#: EIP-197's generator of G2.
G2 = b"".join(
    word(x)
    for x in (
        11559732032986387107991004021392285783925812861821192530917403151452391805634,
        10857046999023057135944570762232829481370756359578518086990519993285655852781,
        4082367875863433681332203403145435568316851327593401208105741076214120093531,
        8495653923123431417604973247489272438418190587263600148770280649306958101930,
    )
)
P = 21888242871839275222246405745257275088696311157297823662689037894645226208583


def test_bn254(call):
    double = call("bn254_mul", word(1) + word(2) + word(2))[:64]
    minus = word(1) + word(P - 2)
    assert call("bn254_pairing", double + G2 + (minus + G2) * 2)[:32] == word(1)
    assert call("bn254_pairing", double + G2 + minus + G2)[:32] == word(0)
    assert call("bn254_pairing", double + G2[::-1]) is None
