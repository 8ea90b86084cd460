"""Batches as L1 has them: who was given what in which transaction, and the header that the contract made of it.

Nobody but L1 is believed: a header is right because its hash is the one that ``Rollup`` told, and data because they
have the hashes that the header names.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from eth_utils.crypto import keccak

from jovay.bridge.errors import WireError
from jovay.bridge.wire.batch_header import BatchHeader
from jovay.bridge.wire.chunk import Chunk
from jovay.bridge.wire.da import DaData
from jovay.bridge.wire.payload import decode_chunks

from .following_errors import UnknownHeaderError

GENESIS_BATCH = BatchHeader(0, 0, bytes(32), bytes(32), bytes(32))
#: Rollup.MAX_BATCH_VERSION.
MAX_VERSION = 2
#: Functions of Rollup that take DA data, both as their third argument.
_WITH_DATA = tuple(
    keccak(text=signature)[:4]
    for signature in (
        "commitBatchWithDaProof(bytes,uint256,bytes)",
        "commitAndVerify(uint8,uint256,bytes,bytes32,bytes32,bytes,bytes)",
    )
)
_THIRD = 4 + 2 * 32


@dataclass(frozen=True, slots=True)
class Output:
    """What the blocks of a batch lead to; the root of the message tree is None where it is not remembered."""

    state_root: bytes
    l2_msg_root: bytes | None
    last_block_hash: bytes


@dataclass(frozen=True, slots=True)
class CommittedBatch:
    """A batch that stands on L1. ``l1_messages``: how many all batches up to it execute; ``block`` and ``time``
    (seconds) are those of its ``transaction`` on L1. Its data are in blobs, or else in ``calldata``.
    """

    header: BatchHeader
    l1_messages: int
    block: int
    time: int
    transaction: bytes
    versioned_hashes: tuple[bytes, ...]
    calldata: bytes = b""

    @property
    def index(self) -> int:
        return self.header.index

    def chunks(self, da: DaData) -> list[Chunk]:
        """What it publishes. Raises ``WireError`` where its data ``da`` are not of its version's form."""
        if da.batch_version != self.header.version:
            raise WireError("DA data", f"batch version {da.batch_version}, and {self.header.version} on L1")
        return decode_chunks(da.payload(), self.header.version)


def calldata_of(to: bytes | None, data: bytes, rollup: bytes) -> bytes:
    """The DA data that a transaction gave ``Rollup`` as calldata; empty where a batch in it came in blobs.

    The contract takes calldata only from a transaction sent straight to it. Read as Solidity does, which minds
    neither padding nor what follows.
    """
    if to != rollup or data[:4] not in _WITH_DATA:
        return b""
    at = 4 + int.from_bytes(data[_THIRD : _THIRD + 32], "big")
    size = int.from_bytes(data[at : at + 32], "big")
    return data[at + 32 : at + 32 + size]


def compose_header(
    parent: BatchHeader, batch_hash: bytes, data_hash: bytes, rolling_hashes: Iterable[bytes]
) -> tuple[BatchHeader, int]:
    """The header with a hash, and which of ``rolling_hashes`` is in it. Raises ``UnknownHeaderError``.

    Version and number of L1 messages are tried out, since only a transaction sent straight to the contract shows
    them.
    """
    for place, rolling_hash in enumerate(rolling_hashes):
        for version in range(MAX_VERSION, -1, -1):
            header = BatchHeader(version, parent.index + 1, rolling_hash, data_hash, parent.hash)
            if header.hash == batch_hash:
                return header, place
    raise UnknownHeaderError(parent.index + 1, batch_hash)
