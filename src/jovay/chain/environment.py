"""What a block gives its transactions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from jovay.kernel.machine.environment import Block
from jovay.native.places import Place
from jovay.native.records import View, assign, new_record

from .rules import ChainRules
from .types import Header

_FIELDS = (
    "number timestamp gas_limit base_fee coinbase chain_id fork prevrandao blob_base_fee max_blobs l1_fee_per_byte "
    "hashes hashes_known difficulty fees_to_coinbase"
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
    hashes: Place = 0
    hashes_known: int = 0
    difficulty: int = 0
    parent_beacon_block_root: bytes = bytes(32)
    milliseconds: int = 0
    """The block's time in full, where it is known: ``timestamp`` is its seconds."""

    def record(self) -> View:
        """A kernel ``Block`` record."""
        return self.write(new_record(Block))

    def write(self, block: View) -> View:
        """Fill a kernel ``Block`` record, which is also the answer; it keeps ``hashes``."""
        return assign(block, {name: getattr(self, name) for name in _FIELDS})


def environment_of(header: Header, rules: ChainRules, l1_fee_per_byte: int = 0) -> BlockEnvironment:
    """The environment that a block's transactions found; its ``hashes`` are the caller's to fill in.

    No header tells what a byte of L1 data cost: see ``l1_fee_per_byte``.
    """
    number, timestamp, excess = header.number, header.timestamp, header.excess_blob_gas
    return BlockEnvironment(
        number=number,
        timestamp=timestamp,
        gas_limit=header.gas_limit,
        base_fee=header.base_fee_per_gas or 0,
        coinbase=int.from_bytes(header.coinbase, "big"),
        chain_id=rules.chain_id,
        fork=rules.fork(number, timestamp),
        parent_hash=header.parent_hash,
        prevrandao=int.from_bytes(header.mix_hash, "big"),
        blob_base_fee=0 if excess is None else rules.blob_base_fee(excess, number, timestamp),
        max_blobs=rules.blobs(number, timestamp).maximum,
        l1_fee_per_byte=l1_fee_per_byte,
        fees_to_coinbase=rules.settled is None or rules.settled.fees_to_coinbase,
        difficulty=header.difficulty,
    )


def l1_fee_per_byte(fees: Iterable[tuple[int, int]]) -> int:
    """What a byte of L1 data cost in a block, in wei, from its transactions' (fee, size in bytes).

    All signed transactions of a block pay the same price, and L1 messages none.
    """
    return next((fee // size for fee, size in fees if fee), 0)
