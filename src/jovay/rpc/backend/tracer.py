"""What provers and the relayer read of stored blocks, where a node records it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from jovay.chain.types import Hash32


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockTrace:
    """``header``: RLP; ``context``: 40 bytes, as it is published; ``transactions``: each a u32 length and the signed
    bytes, without L1 messages, which come first in a block; ``next_l1_message`` and ``rolling_hash``: after it.

    ``witness_bytes``: the most that it adds to a chunk's witness; ``cycles``: about what it adds to the RISC-V
    program's run. None where nothing was recorded.
    """

    number: int
    hash: Hash32
    header: bytes
    context: bytes
    transactions: bytes
    l1_messages: int
    next_l1_message: int
    rolling_hash: Hash32
    gas_used: int
    witness_bytes: int | None
    cycles: int | None


class Tracer(Protocol):
    """Traces and witnesses of visible blocks."""

    def block_traces(self, first: int, max_bytes: int) -> tuple[Sequence[BlockTrace], int]:
        """Blocks from ``first`` on, as many as fit (but one, if there is one), and the newest one's number."""

    def chunk_witness(self, first: int, last: int, time_limit: float, again: bool) -> bytes:
        """The witness of a chunk of blocks, encoded; ``again``: from executing them once more."""
