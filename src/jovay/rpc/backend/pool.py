"""The pool: what waits for a block, and the way in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from jovay.chain.reasons import Invalid
from jovay.chain.types import Address, Transaction


class SubmitError(msgspec.Struct, frozen=True, gc=False):
    """Why a raw transaction was refused; ``message`` is the whole text, starting with ``reason``."""

    reason: Invalid
    message: str
    expected_nonce: int | None = None


class RawBatch(msgspec.Struct, frozen=True, gc=False):
    """Raw transactions back to back: number ``i`` is ``data[ends[i - 1]:ends[i]]`` (first from 0)."""

    data: bytes
    ends: Sequence[int]


class Submitted(msgspec.Struct, frozen=True, gc=False):
    """Outcome of a :class:`RawBatch`: ``hashes`` is 32 bytes for each (also for refused ones that decode,
    else zeros).

    ``errors`` maps the index of a refused transaction to its reason; all others are in the pool.
    """

    hashes: bytes
    errors: Mapping[int, SubmitError] = {}


class Fees(msgspec.Struct, frozen=True, gc=False):
    """Prices for the next block, in wei."""

    base_fee: int
    priority_fee: int
    blob_base_fee: int


class PoolStatus(msgspec.Struct, frozen=True, gc=False):
    """Numbers of executable and of waiting transactions."""

    pending: int
    queued: int


class PoolContent(msgspec.Struct, frozen=True):
    """Transactions of the pool by sender, each list in nonce order."""

    pending: Mapping[Address, Sequence[Transaction]]
    queued: Mapping[Address, Sequence[Transaction]]


class Pool(Protocol):
    """Transactions that are not in a block yet."""

    def submit(self, batch: RawBatch, ready_only: bool = False) -> Submitted:
        """Decode, check and pool raw transactions.

        ``ready_only`` refuses what could only wait (``NONCE_TOO_HIGH`` with the expected nonce).
        """

    def status(self) -> PoolStatus:
        """Size of the pool."""

    def content(self, sender: Address | None = None) -> PoolContent:
        """Contents of the pool, of one sender if given."""

    def next_nonce(self, address: Address) -> int:
        """Nonce after the sender's executable pooled transactions."""

    def fees(self) -> Fees:
        """Prices for the next block."""
