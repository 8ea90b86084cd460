"""Where batches and chunks end. Pure: the same blocks, limits and marks give the same batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jovay.bridge.relayer.blocks import Block, chunk_of
from jovay.bridge.relayer.errors import SealingError
from jovay.bridge.wire import blobs
from jovay.bridge.wire.chunk import COUNT_SIZES
from jovay.bridge.wire.da import META, DaData
from jovay.bridge.wire.payload import LENGTH, encode_chunks

VERSION = 2
#: EIP-7594: blobs of one transaction.
MOST_BLOBS = 6
#: EIP-4844, EIP-2028, EIP-7623.
GAS_PER_BLOB, GAS_PER_TOKEN, FLOOR_PER_TOKEN, TOKENS_PER_BYTE, GAS_OF_A_TRANSACTION = (
    1 << 17,
    4,
    10,
    4,
    21_000,
)
#: What `commitBatch` and `commitBatchWithDaProof` take beside blobs and data (contracts/README.md).
COMMIT_GAS, KECCAK_PER_WORD = 90_000, 6
#: Nodes do not hand on larger transactions (128 KiB), and EIP-7825 caps their gas at 2²⁴.
MOST_CALLDATA = 100_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What chunks and batches hold at most; ``*_bytes`` of what is published of blocks. ``chunk_witness`` bytes and
    ``*_cycles`` are what provers are given and take: a ZK proof has to fit in its prover's memory. Limits of batches
    give way where L1 asks for more (``least`` of ``seal``).
    """

    chunk_blocks: int = 1_000
    chunk_gas: int = 500_000_000
    chunk_bytes: int = 4 << 20
    chunk_witness: int = 8 << 20
    chunk_cycles: int = 4_000_000_000
    batch_chunks: int = 64
    batch_gas: int = 4_000_000_000
    batch_bytes: int = 12 << 20
    batch_cycles: int = 4_000_000_000
    blobs: int = 4

    def __post_init__(self) -> None:
        if not 1 <= self.blobs <= MOST_BLOBS:
            raise SealingError(f"{self.blobs} blobs, and a transaction carries 1 to {MOST_BLOBS}")
        of_chunks = self.chunk_blocks, self.chunk_gas, self.chunk_bytes, self.chunk_witness, self.chunk_cycles
        if min(*of_chunks, self.batch_chunks, self.batch_gas, self.batch_bytes, self.batch_cycles) < 1:
            raise SealingError("a limit that no block is within")


@dataclass(frozen=True, slots=True)
class Sealed:
    """A batch of the first ``count`` blocks. ``chunks``: first and last block of each. ``full``: no more fits."""

    count: int
    chunks: tuple[tuple[int, int], ...]
    da: DaData
    full: bool


def seal(blocks: Sequence[Block], limits: Limits, least: int = 0) -> Sealed:
    """As many of ``blocks`` as one batch holds.

    ``least`` of them, and one at any rate, must be in it, or else L1 refuses it. For them the usual number of blobs and
    amount of gas are exceeded, up to what L1 takes; ``SealingError`` where that is not enough.
    """
    ends = _chunk_ends(blocks, limits)
    least = max(least, 1)
    most = min(_within(blocks, limits), ends[: limits.batch_chunks][-1])
    most = max(most, min(least, len(blocks)))
    most = _fitting(blocks, ends, most, least, limits)
    kept = [end for end in ends if end < most] + [most]
    starts = [0, *kept[:-1]]
    chunks = tuple((blocks[a].number, blocks[b - 1].number) for a, b in zip(starts, kept, strict=True))
    published = [chunk_of(blocks[a:b]) for a, b in zip(starts, kept, strict=True)]
    da = DaData.of(VERSION, encode_chunks(published, VERSION))
    return Sealed(most, chunks, da, most < len(blocks))


def may_be_full(blocks: Sequence[Block], limits: Limits) -> bool:
    """Whether a batch may end before the last of ``blocks``; found without putting it together."""
    if _within(blocks, limits) < len(blocks) or len(_chunk_ends(blocks, limits)) > limits.batch_chunks:
        return True
    heads = 64 * (len(blocks) // limits.chunk_blocks + 1)
    return sum(block.size for block in blocks) + heads > limits.blobs * blobs.CAPACITY


def _chunk_ends(blocks: Sequence[Block], limits: Limits) -> list[int]:
    """Where each chunk ends: before the block with which it would be over a limit. A block that is over one by itself
    is a chunk.
    """
    most = (
        limits.chunk_blocks,
        limits.chunk_gas,
        limits.chunk_bytes,
        limits.chunk_witness,
        limits.chunk_cycles,
    )
    ends, held = [], (0,) * len(most)
    for at, block in enumerate(blocks):
        taken = 1, block.gas_used, block.size, block.witness_bytes, block.cycles
        more = tuple(map(sum, zip(held, taken, strict=True)))
        if held[0] and any(one > limit for one, limit in zip(more, most, strict=True)):
            ends.append(at)
            more = taken
        held = more
    return [*ends, len(blocks)]


def _within(blocks: Sequence[Block], limits: Limits) -> int:
    """How many blocks are within a batch's gas, bytes and cycles; one at least.

    A first block that is over the cycles by itself sets no bound: its batch would not become provable by being small.
    """
    gas, size, cycles = 0, 0, 0
    most_cycles = limits.batch_cycles if blocks and blocks[0].cycles <= limits.batch_cycles else None
    for at, block in enumerate(blocks):
        gas, size, cycles = gas + block.gas_used, size + block.size, cycles + block.cycles
        over = gas > limits.batch_gas or size > limits.batch_bytes
        if at and (over or (most_cycles is not None and cycles > most_cycles)):
            return at
    return len(blocks)


def _fitting(blocks: Sequence[Block], ends: Sequence[int], most: int, least: int, limits: Limits) -> int:
    """How many blocks, up to ``most``, the blobs hold."""
    size, starts = META, {0, *ends}
    for at, block in enumerate(blocks[:most]):
        size += block.size + (LENGTH + COUNT_SIZES[VERSION] if at in starts else 0)
        if size > (MOST_BLOBS if at < least else limits.blobs) * blobs.CAPACITY:
            most = at
            break
    if most < least:
        needed = blocks[least - 1].number
        raise SealingError(
            f"{MOST_BLOBS} blobs do not hold the blocks {blocks[0].number} to {needed} that are due"
        )
    return most


def cheaper_in_calldata(da: DaData, base_fee: int, blob_base_fee: int) -> bool:
    """Whether the data cost less as calldata than in blobs, at L1's fees in wei."""
    if len(da.calldata) > MOST_CALLDATA:
        return False
    gas_in_blobs = GAS_OF_A_TRANSACTION + COMMIT_GAS
    in_blobs = gas_in_blobs * base_fee + blobs.blob_count(da) * GAS_PER_BLOB * blob_base_fee
    return calldata_gas(da) * base_fee < in_blobs


def calldata_gas(da: DaData) -> int:
    """Gas of a commit that carries the data itself."""
    zeros = da.calldata.count(0)
    tokens = zeros + TOKENS_PER_BYTE * (len(da.calldata) - zeros)
    execution = COMMIT_GAS + KECCAK_PER_WORD * (len(da.calldata) // 32 + 1)
    return GAS_OF_A_TRANSACTION + max(GAS_PER_TOKEN * tokens + execution, FLOOR_PER_TOKEN * tokens)
