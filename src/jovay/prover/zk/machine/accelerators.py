"""The accelerators of batches' proofs: their chips are part of the statement, in this order."""

from __future__ import annotations

from typing import Final

from . import keccak, mulmod, poseidon2, secp256k1
from .calls import Accelerator

#: By the name of what is accelerated (``kernel.accelerated``).
ACCELERATORS: Final[dict[str, Accelerator]] = {
    "poseidon2": poseidon2,
    "keccak": keccak,
    "mulmod": mulmod,
    "secp256k1": secp256k1,
}
