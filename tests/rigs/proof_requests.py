"""Batches as the controller is handed them, which nobody could prove: for its queue and its interface."""

from __future__ import annotations

from jovay.bridge.wire.batch_header import BatchHeader
from jovay.bridge.wire.block_context import BlockContext
from jovay.bridge.wire.chunk import Chunk
from jovay.bridge.wire.da import DaData
from jovay.bridge.wire.payload import encode_chunks
from jovay.bridge.wire.statement import Statement
from jovay.prover.controller.requests import BatchRequest
from rigs.settled_chain import CONFIG


def request(index: int, data: bytes = b"") -> BatchRequest:
    """Batch ``index``, of one empty block; ``data`` make it another one."""
    block = BlockContext(1, index, 1_000 + len(data), 7, 10**8, 0, 0)
    da = DaData.of(2, encode_chunks([Chunk.of([(block, [])])], 2))
    parent = BatchHeader(2, index - 1, bytes(32), bytes(32), bytes(32))
    header = BatchHeader(2, index, bytes(32), da.digest, parent.hash)
    return BatchRequest(31_337, b"\xaa" * 20, CONFIG, parent, header, da, (), ((index, index),))


def statement_of(asked: BatchRequest) -> Statement:
    """A statement about it; roots are made up."""
    a, b, c, d, e = (bytes((n,)) * 32 for n in range(5))
    return Statement(
        asked.l1_chain_id, asked.rollup, asked.config.chain_id, asked.config.hash, asked.parent.hash,
        asked.header.hash, a, b, c, d, 1_000, e, asked.da.digest,
    )  # fmt: skip
