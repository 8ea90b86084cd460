"""Poseidon2's compression by the machine. Two elements of 32 bits lie in a word, and are added in it at once."""

from ..hashes.poseidon2_constants import P
from ..lang import U64, Ptr, kernel, load64, store64
from ..riscv.calls import POSEIDON2
from .calls import POSEIDON2_AT, blocks, system_call

#: In both halves of a word: what lifts the prime to 2**31; the lowest bit.
LIFT = ((1 << 31) - P) * ((1 << 32) + 1)
LOW = (1 << 32) + 1
MODULUS = U64(P)


@kernel(inline=True)
def add_pairs(a: U64, b: U64) -> U64:
    """The sums of two pairs of reduced elements: at most one modulus is too much in each."""
    total = a + b
    return total - (((total + LIFT) >> 31) & LOW) * MODULUS


@kernel(inline=False)
def compress(left: Ptr, right: Ptr, out: Ptr):
    """``hashes.poseidon2.compress`` of reduced elements."""
    block = blocks() + POSEIDON2_AT
    a, b, c, d = load64(left), load64(left + 8), load64(left + 16), load64(left + 24)
    store64(block, a)
    store64(block + 8, b)
    store64(block + 16, c)
    store64(block + 24, d)
    store64(block + 32, load64(right))
    store64(block + 40, load64(right + 8))
    store64(block + 48, load64(right + 16))
    store64(block + 56, load64(right + 24))
    system_call(POSEIDON2, block)
    store64(out, add_pairs(load64(block), a))
    store64(out + 8, add_pairs(load64(block + 8), b))
    store64(out + 16, add_pairs(load64(block + 16), c))
    store64(out + 24, add_pairs(load64(block + 24), d))
