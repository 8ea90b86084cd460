"""A settled chain: its batches on L1, its messages to L1, and how far the parts between the two chains are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from jovay.chain.settlement import Settlement as Contracts
from jovay.chain.types import Hash32

INFINITE = float("inf")


class BatchStep(msgspec.Struct, frozen=True, gc=False):
    """What happened to a batch: in which transaction on L1, and when (seconds)."""

    transaction: Hash32 | None
    time: int | None


class BatchInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A committed batch of the blocks ``first_block`` … ``last_block``; None for steps that have not come."""

    index: int
    first_block: int
    last_block: int
    commit: BatchStep
    tee: BatchStep | None = None
    zk: BatchStep | None = None


class Withdrawal(msgspec.Struct, frozen=True, kw_only=True):
    """A message to L1. ``siblings`` and ``claim`` (calldata for the mailbox on L1) once its batch is committed."""

    sender: bytes
    target: bytes
    value: int
    nonce: int
    data: bytes
    hash: Hash32
    block: int
    batch: BatchInfo | None = None
    siblings: tuple[Hash32, ...] = ()
    claim: bytes | None = None


class BacklogStatus(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is executed and not attested on L1: blocks, and the bytes that are published of them.

    Production slows near ``most_*`` (None: there is no limit) and rests there; ``stall`` says why it rests now.
    """

    blocks: int
    bytes: int
    most_blocks: int | None = None
    most_bytes: int | None = None
    stall: str | None = None

    @property
    def share(self) -> float:
        """Of the limit."""
        return max(self.blocks / (self.most_blocks or INFINITE), self.bytes / (self.most_bytes or INFINITE))


class SyncStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How far L1 is known here, and this chain there.

    ``l1_head``: the newest block of L1 that was read, and ``messages_seen`` up to it; None where nobody reads L1.
    ``committed``, ``attested``, ``proven``: newest blocks; ``committed_batch`` …: their batches.
    """

    l1_head: int | None
    messages_seen: int | None
    messages_executed: int
    latest: int
    committed: int
    attested: int
    proven: int
    backlog: BacklogStatus
    committed_batch: int
    attested_batch: int
    proven_batch: int


class Settlement(Protocol):
    """What a settled chain knows of L1. Methods may be called from any thread."""

    @property
    def contracts(self) -> Contracts:
        """Addresses on L1 and the configuration that is proven by."""

    def batch(self, index: int) -> BatchInfo | None:
        """A committed batch."""

    def batch_of(self, number: int) -> BatchInfo | None:
        """The committed batch that has a block."""

    def messages_of(self, transaction_hash: Hash32) -> Sequence[int]:
        """Numbers of the messages to L1 that a visible transaction sent."""

    def withdrawal(self, nonce: int) -> Withdrawal | None:
        """A message to L1."""

    def l1_fee_per_byte(self) -> int:
        """Wei that a byte of a transaction costs in the next block."""

    def sync(self) -> SyncStatus:
        """How far everything is."""

    def provers(self) -> Any:
        """What the prover controller says of itself, in JSON form; None where none is named or it does not answer."""
