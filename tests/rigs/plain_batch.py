"""Batches stated in Python, chunk by chunk: what the kernel's batch program is compared with."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import ckzg
from eth_utils.crypto import keccak

from jovay.bridge.wire import blobs
from jovay.bridge.wire.payload import decode_chunks
from jovay.bridge.wire.statement import Statement
from jovay.prover.errors import BatchMismatchError, ChunkRefusedError
from jovay.prover.task import BatchTask
from jovay.tracer.chunk import ChunkExecutor, ChunkInput, ChunkStatement


def state_plainly(task: BatchTask, executor: ChunkExecutor) -> Statement:
    """Execute the batch and state what holds of it.

    1. The data are those that the header names.
    2. Every chunk of them executes.
    3. Each chunk begins where the one before ended.
    4. The messages that they execute are those between the parent's rolling hash and the header's.
    5. The blobs have these values at these points.
    """
    check_data(task)
    chunks = execute_chunks(task, executor)
    check_links(chunks)
    first, last, digest = chunks[0], chunks[-1], task.da.digest
    expect("rolling hash before", task.parent.l1_msg_rolling_hash, first.rolling_hash_before)
    expect("L1 message rolling hash", task.header.l1_msg_rolling_hash, last.rolling_hash_after)
    return Statement(
        l1_chain_id=task.l1_chain_id,
        rollup=task.rollup,
        l2_chain_id=task.config.chain_id,
        chain_config_hash=task.config.hash,
        parent_batch_hash=task.header.parent_batch_hash,
        batch_hash=task.header.hash,
        pre_state_root=first.pre_state_root,
        post_state_root=last.post_state_root,
        parent_block_hash=first.parent_block_hash,
        last_block_hash=last.last_block_hash,
        last_timestamp=last.last_timestamp,
        l2_msg_root=last.l2_msg_root,
        data_digest=digest,
        openings=list(openings(task, digest)),
    )


def check_data(task: BatchTask) -> None:
    """The header follows its parent; its data hash is that of the data, or of as many blobs as the data fill."""
    expect("parent batch hash", task.header.parent_batch_hash, task.parent.hash)
    expect("batch index", task.header.index, task.parent.index + 1)
    expect("batch version", task.header.version, task.da.batch_version)
    if not task.versioned_hashes:
        expect("data hash", task.header.data_hash, task.da.digest)
        return
    expect("data hash", task.header.data_hash, blobs.data_hash(task.versioned_hashes))
    expect("number of blobs", len(task.versioned_hashes), blobs.blob_count(task.da))


def execute_chunks(task: BatchTask, executor: ChunkExecutor) -> list[ChunkStatement]:
    """What holds of each chunk, which is taken from the published data."""
    version, config = task.header.version, task.config.encode()
    published = [chunk.encode(version) for chunk in decode_chunks(task.da.payload(), version)]
    expect("number of chunks", len(task.witnesses), len(published))
    inputs = (
        ChunkInput(config, version, data, witness).encode()
        for data, witness in zip(published, task.witnesses, strict=True)
    )
    found = list(map(executor.execute, inputs))
    for index, (data, statement) in enumerate(zip(published, found, strict=True)):
        if statement.error:
            raise ChunkRefusedError(index, statement.error)
        expect("chunk hash", keccak(data), statement.chunk_hash)
        expect("chain configuration", task.config.hash, statement.config_hash)
    return found


def check_links(chunks: Iterable[ChunkStatement]) -> None:
    """State, blocks, messages and time go on from chunk to chunk."""
    for before, after in pairwise(chunks):
        expect("pre-state root", after.pre_state_root, before.post_state_root)
        expect("parent block", after.parent_block_hash, before.last_block_hash)
        if after.first_timestamp < before.last_timestamp:
            expect("time of a chunk's first block", after.first_timestamp, before.last_timestamp)
        expect("first L1 message", after.first_l1_message, before.next_l1_message)
        expect("rolling hash before", after.rolling_hash_before, before.rolling_hash_after)


def openings(task: BatchTask, digest: bytes) -> Iterable[tuple[bytes, bytes]]:
    """(z, y) of every blob that the data fill, by ckzg."""
    if not task.versioned_hashes:
        return
    for versioned_hash, blob in zip(task.versioned_hashes, blobs.to_blobs(task.da), strict=True):
        z = blobs.evaluation_point(versioned_hash, digest)
        yield z, value_at(blob, z)


def expect(what: str, claimed: object, found: object) -> None:
    """``BatchMismatchError`` where the two differ."""
    if claimed != found:
        raise BatchMismatchError(what, claimed, found)


def value_at(blob: bytes, z: bytes) -> bytes:
    """The value of a blob's polynomial, 32 bytes, by ckzg."""
    _, y = ckzg.compute_kzg_proof(blob, z, blobs._setup())
    return bytes(y)
