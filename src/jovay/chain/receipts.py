"""Receipts as they are in the receipts root, and their bloom filters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from . import rlp
from .types import Address, Hash32


class Event(Protocol):
    """A log, wherever it stands."""

    @property
    def address(self) -> Address: ...
    @property
    def topics(self) -> Sequence[Hash32]: ...
    @property
    def data(self) -> bytes: ...


def logs_bloom(keccak: Callable[[bytes], bytes], logs: Iterable[Event]) -> bytes:
    """The bloom filter over addresses and topics (Yellow Paper, 4.3.1)."""
    bloom = 0
    for entry in {part for log in logs for part in (log.address, *log.topics)}:
        digest = keccak(entry)
        for k in (0, 2, 4):
            bloom |= 1 << (int.from_bytes(digest[k : k + 2], "big") & 2047)
    return bloom.to_bytes(256, "big")


def encode_receipt(kind: int, status: int, cumulative_gas: int, bloom: bytes, logs: Iterable[Event]) -> bytes:
    """EIP-2718 consensus encoding of a receipt; ``kind`` is its transaction's type."""
    entries: list[rlp.Item] = [[log.address, list(log.topics), log.data] for log in logs]
    return (bytes((kind,)) if kind else b"") + rlp.encode([status, cumulative_gas, bloom, entries])
