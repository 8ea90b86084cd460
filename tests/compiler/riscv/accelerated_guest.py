"""Entries for tests of accelerators: the first input word chooses a function, the rest is its operands."""

from jovay.kernel.curves.secp256k1 import recover
from jovay.kernel.hashes.keccak import keccak256
from jovay.kernel.hashes.poseidon2 import compress
from jovay.kernel.lang import U64, Ptr, Switch, kernel, load64, load256, store64, store256
from jovay.kernel.words.arith import addmod, mulmod


@kernel
def hashing(data: Ptr, size: U64, out: Ptr) -> U64:
    keccak256(data, size, out)
    return U64(32)


@kernel
def compressing(data: Ptr, size: U64, out: Ptr) -> U64:
    compress(data, data + 32, out)
    return U64(32)


@kernel
def multiplying(data: Ptr, size: U64, out: Ptr) -> U64:
    store256(out, mulmod(load256(data), load256(data + 32), load256(data + 64)))
    store256(out + 32, addmod(load256(data), load256(data + 32), load256(data + 64)))
    return U64(64)


@kernel
def recovering(data: Ptr, size: U64, out: Ptr) -> U64:
    """The digest, r, s little-endian, and the recovery id as a word."""
    found = recover(data, load256(data + 32), load256(data + 64), load64(data + 96), out)
    return U64(64) if found else U64(0)


CHOSEN = Switch("accelerated_guest", {0: hashing, 1: compressing, 2: multiplying}, recovering)


@kernel
def main(data: Ptr, size: U64, output: Ptr) -> U64:
    store64(output, CHOSEN(load64(data), data + 8, size - 8, output + 8))
    return U64(0)
