"""0x01–0x04 and 0x09: signature recovery, hashes and the identity (Yellow Paper, appendix E; EIP-152)."""

from ..curves.secp256k1 import recover
from ..hashes.blake2b import blake2f
from ..hashes.keccak import keccak256
from ..hashes.ripemd160 import ripemd160
from ..hashes.sha256 import sha256
from ..lang import U64, Ptr, copy, fill, kernel, load8, load64, load256be
from ..machine.machine import Machine
from ..machine.status import ARENA_FULL, PRECOMPILE_FAILED
from .support import Answer, answer, out_of_gas, padded_input

BLAKE2F_INPUT = 213


@kernel
def ecrecover(m: Machine, input: Ptr, size: U64, gas: U64) -> Answer:
    """0x01: the address that signed; no output where the signature is invalid."""
    if gas < 3000:
        return out_of_gas()
    data = padded_input(m, input, size, U64(128))
    v, r, s = load256be(data + 32), load256be(data + 64), load256be(data + 96)
    if (v != 27 and v != 28) or not recover(data, r, s, U64(v) - 27, data + 128):
        return answer(m, U64(0), gas - 3000)
    keccak256(data + 128, U64(64), m.return_arena)
    fill(m.return_arena, U64(0), U64(12))
    return answer(m, U64(32), gas - 3000)


@kernel
def sha256_(m: Machine, input: Ptr, size: U64, gas: U64) -> Answer:
    """0x02"""
    cost = U64(60) + ((size + 31) >> 5) * 12
    if gas < cost:
        return out_of_gas()
    sha256(input, size, m.return_arena)
    return answer(m, U64(32), gas - cost)


@kernel
def ripemd160_(m: Machine, input: Ptr, size: U64, gas: U64) -> Answer:
    """0x03: the digest, right-aligned in 32 bytes"""
    cost = U64(600) + ((size + 31) >> 5) * 120
    if gas < cost:
        return out_of_gas()
    ripemd160(input, size, m.scratch)
    fill(m.return_arena, U64(0), U64(12))
    copy(m.return_arena + 12, m.scratch, U64(20))
    return answer(m, U64(32), gas - cost)


@kernel
def identity(m: Machine, input: Ptr, size: U64, gas: U64) -> Answer:
    """0x04"""
    cost = U64(15) + ((size + 31) >> 5) * 3
    if gas < cost:
        return out_of_gas()
    if size > m.return_capacity:
        return U64(ARENA_FULL), gas
    if size != 0:
        copy(m.return_arena, input, size)
    return answer(m, size, gas - cost)


@kernel
def blake2f_(m: Machine, input: Ptr, size: U64, gas: U64) -> Answer:
    """0x09: BLAKE2b's compression function, one gas per round"""
    if size != BLAKE2F_INPUT or load8(input + 212) > 1:
        return U64(PRECOMPILE_FAILED), U64(0)
    rounds = U64(0)
    for i in range(4):
        rounds = rounds << 8 | load8(input + i)
    if gas < rounds:
        return out_of_gas()
    copy(m.return_arena, input + 4, U64(64))
    copy(m.scratch, input + 68, U64(128))
    blake2f(rounds, m.return_arena, m.scratch, load64(input + 196), load64(input + 204), load8(input + 212))
    return answer(m, U64(64), gas - rounds)
