"""What a block gives its transactions."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

from jovay.kernel.evm.machine import Block
from jovay.native.records import View, pack

_FIELDS = (
    "number timestamp gas_limit base_fee coinbase chain_id fork prevrandao blob_base_fee max_blobs l1_fee_per_byte "
    "hashes hashes_known difficulty"
).split()


@dataclass(frozen=True, slots=True)
class BlockEnvironment:
    """The environment of one block; wei, seconds. ``hashes`` holds the hash of block n at 32·(n mod 256)."""

    number: int
    timestamp: int
    gas_limit: int
    base_fee: int
    coinbase: int
    chain_id: int
    fork: int
    parent_hash: bytes
    prevrandao: int = 0
    blob_base_fee: int = 1
    max_blobs: int = 0
    l1_fee_per_byte: int = 0
    fees_to_coinbase: bool = True
    hashes: int = 0
    hashes_known: int = 0
    difficulty: int = 0
    parent_beacon_block_root: bytes = bytes(32)

    def packed(self) -> bytes:
        """The bytes of a kernel ``Block`` record."""
        values = {name: getattr(self, name) for name in _FIELDS}
        return pack(Block, values | {"fees_to_coinbase": int(self.fees_to_coinbase)})

    def write(self, block: View) -> None:
        """Fill a kernel ``Block`` record."""
        ctypes.memmove(block.pointer, self.packed(), Block.size)
