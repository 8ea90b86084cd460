"""Functions of the kernel once more, for programs whose machine has chips for the heavy part of them.

A program is built with any set of ``ACCELERATORS``. Native code has none of this.
"""

from ..curves import secp256k1 as curve
from ..hashes import keccak as keccak_functions
from ..hashes import poseidon2 as poseidon2_functions
from ..lang import KernelFunction
from ..riscv.calls import (
    INVERSE_MODULO,
    KECCAK_F,
    MULMOD,
    POSEIDON2,
    ROOT_MODULO,
    SECP256K1_ADD,
    SECP256K1_DOUBLE,
    SECP256K1_SUBTRACT,
)
from ..trie import hashing
from ..words import arith
from . import keccak, mulmod, poseidon2, secp256k1, trie

#: By accelerator, the system calls that it needs, and the functions with what takes their place.
ACCELERATORS: dict[str, tuple[set[int], dict[KernelFunction, KernelFunction]]] = {
    "poseidon2": (
        {POSEIDON2},
        {poseidon2_functions.compress: poseidon2.compress, hashing.hash_pending: trie.hash_pending},
    ),
    "keccak": ({KECCAK_F}, {keccak_functions.sponge: keccak.sponge}),
    "secp256k1": (
        {MULMOD, INVERSE_MODULO, ROOT_MODULO, SECP256K1_ADD, SECP256K1_SUBTRACT, SECP256K1_DOUBLE},
        {curve.recover: secp256k1.recover},
    ),
    "mulmod": ({MULMOD}, {arith.mulmod: mulmod.mulmod, arith.addmod: mulmod.addmod}),
}
