"""A block with its header: what is stored, and then seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from jovay.chain.header import header_of, sealed
from jovay.chain.types import Header
from jovay.sequencer.pool.pooled import Taken, Turns
from jovay.state.writes import WriteSet

from .block import ProducedBlock


@dataclass(slots=True)
class SealedBlock:
    """``entries`` are the pool's transactions in block order, which follow ``messages`` from L1.

    ``standing``: as it is stored, on a settled chain.
    """

    header: Header
    header_rlp: bytes
    produced: ProducedBlock
    writes: WriteSet
    entries: Taken
    messages: int = 0
    standing: bytes = b""


def seal(
    produced: ProducedBlock,
    writes: WriteSet,
    root: bytes,
    taken: Taken,
    keccak: Callable[[bytes], bytes],
    messages: int = 0,
) -> SealedBlock:
    """The block of so many L1 ``messages`` and what was ``taken``.

    ``writes`` is all that it changed, ``root`` the state root after it.
    """
    included = _included(produced, messages)
    entries = taken.chosen(produced.order[included:] - np.uint64(messages))
    return SealedBlock(*_header(produced, root, keccak), produced, writes, entries, included)


def seal_published(
    produced: ProducedBlock,
    writes: WriteSet,
    root: bytes,
    pool: Turns,
    keccak: Callable[[bytes], bytes],
    messages: int,
) -> SealedBlock:
    """The same where nothing came from the pool."""
    entries, included = Taken.none(pool), _included(produced, messages)
    return SealedBlock(*_header(produced, root, keccak), produced, writes, entries, included)


def _included(produced: ProducedBlock, messages: int) -> int:
    """How many L1 messages are in a block that was given so many; they come first."""
    return int(np.count_nonzero(produced.order < messages))


def _header(produced: ProducedBlock, root: bytes, keccak: Callable[[bytes], bytes]) -> tuple[Header, bytes]:
    """The header, with its hash, and as RLP."""
    header = header_of(
        produced.environment,
        state_root=root,
        transactions_root=produced.transactions_root,
        receipts_root=produced.receipts_root,
        logs_bloom=produced.bloom,
        gas_used=produced.gas_used,
        blob_gas_used=produced.blob_gas_used,
    )
    offsets = np.frombuffer(produced.body.offsets, np.uint32)
    encoded, header = sealed(header, keccak, offsets, produced.body.transactions)
    return header, encoded
