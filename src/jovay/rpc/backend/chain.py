"""The chain: blocks, headers, transactions, receipts, logs, and how final they are."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from jovay.chain.types import Address, Block, ChainParameters, Hash32, Header, Inclusion, Log, Receipt


class BlockTag(StrEnum):
    """Named blocks.

    ``pending`` is the newest state there is; ``safe`` is TEE-attested, ``finalized`` proven on L1.
    """

    EARLIEST = "earliest"
    LATEST = "latest"
    PENDING = "pending"
    SAFE = "safe"
    FINALIZED = "finalized"


class LogFilter(msgspec.Struct, frozen=True, kw_only=True):
    """A log query over blocks ``first``…``last`` inclusive.

    ``addresses`` empty matches all; ``topics[i]`` empty matches any topic at position ``i`` (which must
    exist), else one of the given ones must be there. A query that finds more than ``limit`` raises
    :class:`TooManyResultsError`.
    """

    first: int
    last: int
    addresses: tuple[Address, ...] = ()
    topics: tuple[tuple[Hash32, ...], ...] = ()
    limit: int = 10_000


class Finality(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How final a block is: stage 1 executed and persisted, 2 attested on L1, 3 proven on L1.

    Times in seconds.
    """

    stage: int
    block_number: int
    batch_index: int | None = None
    commit_transaction: Hash32 | None = None
    commit_time: int | None = None
    tee_transaction: Hash32 | None = None
    tee_time: int | None = None
    zk_transaction: Hash32 | None = None
    zk_time: int | None = None


class Chain(Protocol):
    """One canonical chain. Blocks are named by number after ``resolve`` or ``number_of``."""

    @property
    def config(self) -> ChainParameters:
        """Chain parameters."""

    def head(self) -> int:
        """Number of the newest visible block."""

    def resolve(self, tag: BlockTag) -> int | None:
        """Block number of a tag; None when no block has reached that stage."""

    def number_of(self, block_hash: Hash32) -> int | None:
        """Number of a canonical block."""

    def header(self, number: int) -> Header | None:
        """Header of a canonical block."""

    def block(self, number: int) -> Block | None:
        """Header and body of a canonical block."""

    def transaction_count(self, number: int) -> int | None:
        """How many transactions a block has."""

    def transaction_hashes(self, number: int) -> bytes | None:
        """Hashes of a block's transactions, back to back."""

    def blob_base_fee(self, number: int) -> int | None:
        """Blob base fee of a block; None before Cancun."""

    def finality(self, number: int) -> Finality:
        """How final a block is."""

    # Transactions, receipts, logs.
    def transaction(self, transaction_hash: Hash32) -> Inclusion | None:
        """A mined or pooled transaction."""

    def transaction_at(self, number: int, index: int) -> Inclusion | None:
        """A transaction by its position."""

    def receipts(self, hashes: Sequence[Hash32]) -> Sequence[Receipt | None]:
        """Receipts of visible transactions, None for unknown ones, in order."""

    def block_receipts(self, number: int) -> Sequence[Receipt] | None:
        """All receipts of a block."""

    def logs(self, query: LogFilter) -> Sequence[Log]:
        """Matching logs in chain order."""

    # Raw encodings (EIP-2718 envelopes and RLP).
    def raw_header(self, number: int) -> bytes | None:
        """RLP of a header."""

    def raw_block(self, number: int) -> bytes | None:
        """RLP of a block."""

    def raw_receipts(self, number: int) -> Sequence[bytes] | None:
        """Consensus encodings of a block's receipts."""

    def raw_transaction(self, transaction_hash: Hash32) -> bytes | None:
        """Envelope of a mined or pooled transaction."""
