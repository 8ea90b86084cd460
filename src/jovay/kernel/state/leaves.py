"""The state in the zkTrie: which leaves an account and a slot have, their keys and their values.

An account has a leaf with its basic data, one with its code hash unless it has no code, and, if its balance
does not fit 128 bits, one with the upper half; a storage slot has a leaf. Zero values have no leaves, so an
empty account (EIP-161) has none.

The key is one Poseidon2 compression of 16 elements: the 15 limbs of 28 bits of address · 2²⁵⁶ + slot, lowest
first, then the kind of leaf. Values are 32 bytes, numbers big-endian:

=============== ==============================================================================================
basic data      version (1 byte, 0), flags (1; bit 0: there is a leaf for the balance's upper half), 2 zeros,
                code size (4), nonce (8), balance mod 2¹²⁸ (16)
code hash       keccak256 of the code
upper balance   balance div 2¹²⁸
slot            the value
=============== ==============================================================================================
"""

from ..hashes.poseidon2 import compress_batch
from ..lang import (
    U64,
    U128,
    U256,
    U512,
    Ptr,
    bswap,
    kernel,
    store32,
    store64,
    store128,
    store256be,
)
from .world import EMPTY_CODE_HASH

#: Kinds of leaves.
BASIC = 0
CODE_HASH = 1
UPPER_BALANCE = 2
SLOT = 3

#: Bytes of one key's input to ``derive_keys``.
KEY_INPUT = 64

LIMB_MASK = U512((1 << 28) - 1)
UPPER_FLAG = 1 << 8


@kernel
def key_input(out: Ptr, kind: U64, address: U256, slot: U256) -> None:
    """The 64 bytes of which a key is the compression; ``slot`` is 0 except for kind ``SLOT``."""
    number = U512(address) << 256 | U512(slot)
    for i in range(15):
        store32(out + i * 4, U64(number & LIMB_MASK))
        number = number >> 28
    store32(out + 60, kind)


@kernel
def derive_keys(n: U64, inputs: Ptr, keys: Ptr) -> None:
    """``n`` keys of 32 bytes from as many inputs of 64 bytes."""
    compress_batch(n, inputs, keys)


@kernel
def basic_data(out: Ptr, nonce: U64, balance: U256, code_size: U64) -> None:
    """Value of the leaf with the basic data: all zero for an empty account."""
    flags = U64(UPPER_FLAG) if balance >> 128 != 0 else U64(0)
    store64(out, flags | bswap(code_size) & 0xFFFFFFFF00000000)
    store64(out + 8, bswap(nonce))
    store128(out + 16, bswap(U128(balance)))


@kernel
def upper_balance(out: Ptr, balance: U256) -> None:
    """Value of the leaf with the upper half of a balance: almost always zero."""
    store256be(out, balance >> 128)


@kernel
def code_hash(out: Ptr, digest: U256) -> None:
    """Value of the leaf with the code hash: zero for no code."""
    store256be(out, U256(0) if digest == EMPTY_CODE_HASH else digest)


@kernel
def slot_value(out: Ptr, value: U256) -> None:
    """Value of a slot's leaf."""
    store256be(out, value)
