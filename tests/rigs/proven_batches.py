"""A batch of a settled chain in memory, as L1 and the controller have it, with its witnesses."""

from __future__ import annotations

from jovay.bridge.wire import blobs
from jovay.bridge.wire.batch_header import BatchHeader
from jovay.bridge.wire.chunk import Chunk
from jovay.bridge.wire.da import DaData
from jovay.bridge.wire.l1_message import NO_MESSAGES
from jovay.bridge.wire.payload import decode_chunks, encode_chunks
from jovay.native.library import Library
from jovay.prover.controller.requests import BatchRequest
from jovay.prover.task import BatchTask
from jovay.tracer.chunk_witness import ChunkWitness
from rigs.settled_chain import CONFIG, COUNTER, SettledChain

GENESIS = BatchHeader(2, 0, NO_MESSAGES, bytes(32), bytes(32))
L1_CHAIN_ID, ROLLUP = 31_337, b"\xaa" * 20
_WORD = (7).to_bytes(32, "big")


def take_chunk(chain: SettledChain) -> tuple[Chunk, ChunkWitness]:
    """The blocks since the last chunk."""
    given = chain.chunk()
    chain.begin_chunk()
    return Chunk.decode(given.data, 2), given.witness


def published(da: DaData, in_blobs: bool) -> tuple[list[bytes], bytes]:
    """Versioned hashes, and the data hash."""
    if not in_blobs:
        return [], da.digest
    hashes = [blobs.versioned_hash(blobs.commitment_of(blob)) for blob in blobs.to_blobs(da)]
    return hashes, blobs.data_hash(hashes)


def batches(library: Library, count: int = 1, in_blobs: bool = True) -> list[BatchTask]:
    """The first batches of a new chain, each of two chunks with transactions and L1 messages."""
    chain, parent, found = SettledChain(library), GENESIS, []
    for _ in range(count):
        chain.block(
            [chain.transaction(0, 0xDEAD, 5), chain.transaction(1, COUNTER, data=_WORD * 2)], messages=1
        )
        chain.block([chain.transaction(1, COUNTER, data=_WORD * 2)])
        first = take_chunk(chain)
        chain.block(messages=2)
        chain.block([chain.transaction(2, COUNTER, data=_WORD * 2)], later=900)
        second = take_chunk(chain)
        da = DaData.of(2, encode_chunks([first[0], second[0]], 2))
        hashes, data_hash = published(da, in_blobs)
        header = BatchHeader(2, parent.index + 1, chain.rolling, data_hash, parent.hash)
        witnesses = [first[1], second[1]]
        found.append(BatchTask(L1_CHAIN_ID, ROLLUP, CONFIG, parent, header, da, hashes, witnesses))
        parent = header
    chain.close()
    return found


def request_of(task: BatchTask) -> BatchRequest:
    """The batch as the relayer hands it in."""
    chunks = decode_chunks(task.da.payload(), task.header.version)
    return BatchRequest(
        task.l1_chain_id, task.rollup, task.config, task.parent, task.header, task.da,
        tuple(task.versioned_hashes), tuple((one.blocks[0].number, one.blocks[-1].number) for one in chunks),
    )  # fmt: skip
