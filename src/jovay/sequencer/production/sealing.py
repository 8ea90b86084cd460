"""A block with its header: what is stored, and then seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from jovay.chain.header import header_of, sealed
from jovay.chain.types import Header
from jovay.sequencer.pool.pooled import Taken
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
    order = produced.order
    included = int(np.count_nonzero(order < messages))  # they come first
    entries = taken.chosen(order[included:] - np.uint64(messages))
    return SealedBlock(header, encoded, produced, writes, entries, included)
