"""Inputs of precompiled contracts: valid, nearly valid and nonsense."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from random import Random

from py_ecc.optimized_bls12_381 import optimized_curve as bls
from py_ecc.optimized_bn128 import optimized_curve as bn

from jovay.kernel.precompiles import table

from .cases import address_of_key, private_key
from .hashing import keccak256

#: How often each contract is called. Pairings are rare: the slow implementations take a second for one.
WEIGHTS = {
    table.ECREC: 80, table.SHA256: 80, table.RIPEMD160: 80, table.ID: 100, table.MODEXP: 100,
    table.BN254_ADD: 60, table.BN254_MUL: 40, table.BN254_PAIRING: 3, table.BLAKE2F: 80,
    table.KZG_POINT_EVALUATION: 4, table.BLS12_G1ADD: 25, table.BLS12_G1MSM: 5, table.BLS12_G2ADD: 12,
    table.BLS12_G2MSM: 3, table.BLS12_PAIRING_CHECK: 2, table.BLS12_MAP_FP_TO_G1: 5,
    table.BLS12_MAP_FP2_TO_G2: 3, table.P256VERIFY: 50,
}  # fmt: skip

P256_P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
P256_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
P256_G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
Point = tuple[int, int]


def _p256_add(a: Point | None, b: Point | None) -> Point | None:
    """Affine addition on P-256; None is infinity."""
    if a is None or b is None:
        return a or b
    (x, y), (u, v) = a, b
    if x == u and (y + v) % P256_P == 0:
        return None
    if a == b:
        slope = (3 * x * x - 3) * pow(2 * y, -1, P256_P)
    else:
        slope = (v - y) * pow(u - x, -1, P256_P)
    w = (slope * slope - x - u) % P256_P
    return w, (slope * (x - w) - y) % P256_P


def _p256_multiply(k: int, point: Point) -> Point:
    total: Point | None = None
    addend: Point | None = point
    while k:
        if k & 1:
            total = _p256_add(total, addend)
        addend, k = _p256_add(addend, addend), k >> 1
    assert total is not None
    return total


@cache
def p256_signature(index: int) -> bytes:
    """A valid input of 0x100: digest, r, s, public key."""
    secret, nonce = 1 + index * 7919, 3 + index * 104729
    digest = hashlib.sha256(b"%d" % index).digest()
    r = _p256_multiply(nonce, P256_G)[0] % P256_N
    s = (int.from_bytes(digest) + r * secret) * pow(nonce, -1, P256_N) % P256_N
    x, y = _p256_multiply(secret, P256_G)
    return digest + b"".join(n.to_bytes(32) for n in (r, s, x, y))


@cache
def bn_g1(k: int) -> bytes:
    """k · G1 of BN254, k < 0 negated, 64 bytes."""
    if k == 0:
        return bytes(64)
    x, y = bn.normalize(bn.multiply(bn.G1, abs(k)) if k > 0 else bn.neg(bn.multiply(bn.G1, -k)))
    return int(x).to_bytes(32) + int(y).to_bytes(32)


@cache
def bn_g2(k: int) -> bytes:
    """k · G2 of BN254, 128 bytes, imaginary parts first."""
    if k == 0:
        return bytes(128)
    x, y = bn.normalize(bn.multiply(bn.G2, k))
    return b"".join(int(c).to_bytes(32) for c in (*reversed(x.coeffs), *reversed(y.coeffs)))


@cache
def bls_g1(k: int) -> bytes:
    """k · G1 of BLS12-381, 128 bytes."""
    if k == 0:
        return bytes(128)
    x, y = bls.normalize(bls.multiply(bls.G1, abs(k)) if k > 0 else bls.neg(bls.multiply(bls.G1, -k)))
    return int(x).to_bytes(64) + int(y).to_bytes(64)


@cache
def bls_g2(k: int) -> bytes:
    """k · G2 of BLS12-381, 256 bytes."""
    if k == 0:
        return bytes(256)
    x, y = bls.normalize(bls.multiply(bls.G2, k))
    return b"".join(int(c).to_bytes(64) for c in (*x.coeffs, *y.coeffs))


def _compressed_g1(k: int) -> bytes:
    """48-byte form of k · G1 of BLS12-381."""
    if k == 0:
        return b"\xc0" + bytes(47)
    point = bls_g1(k)
    x, y = int.from_bytes(point[:64]), int.from_bytes(point[64:])
    largest = y > (bls.field_modulus - 1) // 2
    return (x | 1 << 383 | int(largest) << 381).to_bytes(48)


def _scalar(dice: Random, order: int) -> bytes:
    return dice.choice([0, 1, 2, order - 1, order, order + 1, 2**256 - 1, dice.getrandbits(256)]).to_bytes(32)


def _ecrecover(dice: Random) -> bytes:
    key, digest = dice.randrange(4), keccak256(bytes([dice.randrange(256)]))
    signature = private_key(key).sign_recoverable(digest, hasher=None)
    v = signature[64] + 27
    if dice.random() < 0.2:
        v = dice.choice([0, 1, 26, 29, 256 + 27, address_of_key(key)])
    return digest + v.to_bytes(32) + signature[:64]


def _modexp(dice: Random) -> bytes:
    sizes = [dice.choice([0, 1, 2, 31, 32, 33, 64, 100, 8 * dice.randrange(20)]) for _ in range(3)]
    head = [n if dice.random() < 0.97 else dice.choice([1024, 1025, 2**32, 2**64 + 1, 2**255]) for n in sizes]
    body = b"".join(dice.randbytes(n) if dice.random() < 0.8 else bytes(n) for n in sizes)
    return b"".join(n.to_bytes(32) for n in head) + body


def _blake2f(dice: Random) -> bytes:
    rounds = (
        dice.choice([0, 1, 12, dice.randrange(64), 2**32 - 1])
        if dice.random() < 0.9
        else dice.getrandbits(20)
    )
    return rounds.to_bytes(4) + dice.randbytes(208) + bytes([dice.choice([0, 1, 1, 1, 2])])


def _point_evaluation(dice: Random) -> bytes:
    """An opening of a constant polynomial: the proof is the point at infinity."""
    c = dice.randrange(5)
    commitment = _compressed_g1(c)
    versioned_hash = b"\x01" + hashlib.sha256(commitment).digest()[1:]
    y = c if dice.random() < 0.8 else dice.randrange(5)
    return (
        versioned_hash
        + dice.randrange(2**250).to_bytes(32)
        + y.to_bytes(32)
        + commitment
        + b"\xc0"
        + bytes(47)
    )


def _bn_pairing(dice: Random) -> bytes:
    k, j = dice.randrange(1, 4), dice.randrange(4)
    if dice.random() < 0.5:
        return bn_g1(k) + bn_g2(j) + bn_g1(-k) + bn_g2(j)
    return b"".join(bn_g1(dice.randrange(4)) + bn_g2(dice.randrange(4)) for _ in range(dice.randrange(3)))


def _bls_pairing(dice: Random) -> bytes:
    k, j = dice.randrange(1, 4), dice.randrange(4)
    if dice.random() < 0.5:
        return bls_g1(k) + bls_g2(j) + bls_g1(-k) + bls_g2(j)
    return bls_g1(dice.randrange(4)) + bls_g2(dice.randrange(4))


def _msm(dice: Random, point: Callable[[int], bytes], most: int) -> bytes:
    pairs = dice.randrange(1, most)
    return b"".join(point(dice.randrange(6)) + _scalar(dice, bls.curve_order) for _ in range(pairs))


def _field_element(dice: Random) -> bytes:
    p = bls.field_modulus
    return dice.choice([0, 1, p - 1, p, dice.randrange(p), dice.randrange(p)]).to_bytes(64)


_SAMPLES: dict[int, Callable[[Random], bytes]] = {
    table.ECREC: _ecrecover,
    table.MODEXP: _modexp,
    table.BN254_ADD: lambda dice: bn_g1(dice.randrange(-5, 6)) + bn_g1(dice.randrange(-5, 6)),
    table.BN254_MUL: lambda dice: bn_g1(dice.randrange(6)) + _scalar(dice, bn.curve_order),
    table.BN254_PAIRING: _bn_pairing,
    table.BLAKE2F: _blake2f,
    table.KZG_POINT_EVALUATION: _point_evaluation,
    table.BLS12_G1ADD: lambda dice: bls_g1(dice.randrange(-5, 6)) + bls_g1(dice.randrange(-5, 6)),
    table.BLS12_G1MSM: lambda dice: _msm(dice, bls_g1, 4),
    table.BLS12_G2ADD: lambda dice: bls_g2(dice.randrange(6)) + bls_g2(dice.randrange(6)),
    table.BLS12_G2MSM: lambda dice: _msm(dice, bls_g2, 3),
    table.BLS12_PAIRING_CHECK: _bls_pairing,
    table.BLS12_MAP_FP_TO_G1: _field_element,
    table.BLS12_MAP_FP2_TO_G2: lambda dice: _field_element(dice) + _field_element(dice),
    table.P256VERIFY: lambda dice: p256_signature(dice.randrange(4)),
}


def sample(dice: Random, address: int) -> bytes:
    """An input of the precompiled contract at ``address``; one in four is damaged."""
    make = _SAMPLES.get(address)
    content = (
        make(dice) if make is not None else dice.randbytes(dice.choice([0, 1, 31, 32, 33, 64, 127, 200]))
    )
    if dice.random() >= 0.25:
        return content
    damage = dice.randrange(4)
    if damage == 0:
        return content[: dice.randrange(len(content) + 1)]
    if damage == 1:
        return content + dice.randbytes(dice.randrange(1, 40))
    if damage == 2 and content:
        at = dice.randrange(len(content))
        return content[:at] + bytes([content[at] ^ 1 << dice.randrange(8)]) + content[at + 1 :]
    return dice.randbytes(len(content))
