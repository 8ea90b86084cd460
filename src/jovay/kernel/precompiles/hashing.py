"""Signature recovery, hashes and the identity (Yellow Paper, appendix E; EIP-152)."""

from ..curves.secp256k1 import recover
from ..hashes.blake2b import blake2f
from ..hashes.keccak import keccak256
from ..hashes.ripemd160 import ripemd160
from ..hashes.sha256 import sha256
from ..lang import U64, Ptr, copy, fill, kernel, load8, load64, load64be, load256be
from ..machine.machine import Machine
from ..machine.status import ARENA_FULL
from .prices import BLAKE2F_INPUT
from .support import Answer, answer, failed, padded_input


@kernel
def ecrecover(m: Machine, input: Ptr, size: U64) -> Answer:
    """The address that signed; no output where the signature is invalid."""
    data = padded_input(m, input, size, U64(128))
    v, r, s = load256be(data + 32), load256be(data + 64), load256be(data + 96)
    if (v != 27 and v != 28) or not recover(data, r, s, U64(v) - 27, data + 128):
        return answer(U64(0))
    keccak256(data + 128, U64(64), m.returned.data)
    fill(m.returned.data, U64(0), U64(12))
    return answer(U64(32))


@kernel
def sha256_(m: Machine, input: Ptr, size: U64) -> Answer:
    sha256(input, size, m.returned.data)
    return answer(U64(32))


@kernel
def ripemd160_(m: Machine, input: Ptr, size: U64) -> Answer:
    """The digest, right-aligned in 32 bytes."""
    ripemd160(input, size, m.scratch.start)
    fill(m.returned.data, U64(0), U64(12))
    copy(m.returned.data + 12, m.scratch.start, U64(20))
    return answer(U64(32))


@kernel
def identity(m: Machine, input: Ptr, size: U64) -> Answer:
    if size > m.returned.capacity:
        return U64(ARENA_FULL), U64(0)
    if size != 0:
        copy(m.returned.data, input, size)
    return answer(size)


@kernel
def blake2f_(m: Machine, input: Ptr, size: U64) -> Answer:
    """BLAKE2b's compression function."""
    if size != BLAKE2F_INPUT or load8(input + 212) > 1:
        return failed()
    rounds = load64be(input) >> 32
    copy(m.returned.data, input + 4, U64(64))
    copy(m.scratch.start, input + 68, U64(128))
    blake2f(
        rounds, m.returned.data, m.scratch.start, load64(input + 196), load64(input + 204), load8(input + 212)
    )
    return answer(U64(64))
