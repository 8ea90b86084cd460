"""Whether a batch on L1 is right, check by check: from its transaction to the claims that were made of it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

from jovay.bridge.follower.rules import rules_of
from jovay.bridge.l1.client import L1Client
from jovay.bridge.l1.data import BlobSource, fetch
from jovay.bridge.l1.reader import L1Reader
from jovay.bridge.l1.record import Kind
from jovay.bridge.wire.chunk import Chunk
from jovay.bridge.wire.statement import Statement
from jovay.chain.hexadecimal import shown
from jovay.tracer.chunk_witness import ChunkWitness

from .batch import BatchExecutor, state_batch
from .errors import UnknownBatchError
from .task import BatchTask
from .witnesses import fetch_witness

Witnesses = Callable[[int, int], ChunkWitness]
"""What provers need of the blocks from one to another."""


def witnesses_of(node: L1Client) -> Witnesses:
    """A node's. Nothing that it gives is believed."""

    return partial(fetch_witness, node)


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, and how it is; ``right`` None where there was nothing to compare."""

    what: str
    right: bool | None
    detail: str = ""


class BatchVerification:
    """Of one L1, which ``reader`` has read to its end."""

    def __init__(
        self, reader: L1Reader, sources: Sequence[BlobSource], witnesses: Witnesses, executor: BatchExecutor
    ) -> None:
        self._reader, self._sources, self._witnesses, self._executor = reader, sources, witnesses, executor

    def findings(self, index: int) -> Iterator[Finding]:
        """Each check of a batch when it is done; none follows one that the later ones need.

        Raises what keeps a check from being made: ``L1Error``, ``DataUnavailableError``; and ``BridgeError`` or
        ``ProverError`` for the check that failed last.
        """
        task = yield from self._prepared(index)
        if task is None:
            return
        statement = state_batch(task, self._executor)
        yield Finding(
            "blocks execute, from the parent's state", True, f"state {shown(statement.post_state_root)}"
        )
        yield from self._against_claims(index, statement)

    def task(self, index: int) -> BatchTask:
        """What provers are handed of a batch. Raises as ``findings``, and ``UnknownBatchError``."""
        preparing = self._prepared(index)
        while True:
            try:
                next(preparing)
            except StopIteration as end:
                if end.value is None:
                    raise UnknownBatchError(index, self._reader.record.last_batch) from None
                return cast(BatchTask, end.value)

    def _prepared(self, index: int) -> Generator[Finding, None, BatchTask | None]:
        batch, parent = self._reader.record.batch(index), self._reader.record.batch(index - 1)
        if batch is None or parent is None or index < 1:
            yield Finding("committed on L1", False, f"the newest batch is {self._reader.record.last_batch}")
            return None
        where = f"block {batch.block}, transaction {shown(batch.transaction)}"
        yield Finding("header is the one that Rollup composed", True, f"{shown(batch.header.hash)}, {where}")
        config = rules_of(self._reader.record.config_hash(index), self._reader.settlement.config, index)
        yield Finding("configuration is the one of its rules", True, shown(config.hash))
        da = fetch(batch, self._sources)
        how = f"{len(batch.versioned_hashes)} blobs" if batch.versioned_hashes else "calldata"
        yield Finding("data are those on L1", True, f"{len(da.calldata)} bytes in {how}")
        chunks = batch.chunks(da)
        first, last = chunks[0].blocks[0].number, chunks[-1].blocks[-1].number
        yield Finding("data are chunks of blocks", True, f"blocks {first} to {last} in {len(chunks)} chunks")
        return BatchTask(
            self._reader.settlement.l1_chain_id,
            self._reader.settlement.rollup,
            config,
            parent.header,
            batch.header,
            da,
            batch.versioned_hashes,
            [self._witnesses(*_blocks(chunk)) for chunk in chunks],
        )

    def _against_claims(self, index: int, statement: Statement) -> Iterator[Finding]:
        """The statement, and those that L1 was given; what it begins with, and where the batch before ended."""
        rollup, client = self._reader.rollup, self._reader.client
        for kind in (Kind.TEE, Kind.ZK):
            before = rollup.read(client, "claim", int(kind), index - 1)[1]
            claim, _ = rollup.read(client, "claim", int(kind), index)
            yield _compared(
                f"begins where the {kind.name} claim of the batch before ends",
                before[0],
                statement.pre_state_root,
            )
            yield _compared(
                f"follows the last block of that {kind.name} claim", before[2], statement.parent_block_hash
            )
            yield _compared(f"is what the {kind.name} claim states", claim[0], statement.hash)


def _compared(what: str, on_l1: bytes, here: bytes) -> Finding:
    if not any(on_l1):
        return Finding(what, None, "there is none")
    return Finding(
        what, on_l1 == here, shown(here) if on_l1 == here else f"{shown(on_l1)} on L1, {shown(here)} here"
    )


def _blocks(chunk: Chunk) -> tuple[int, int]:
    return chunk.blocks[0].number, chunk.blocks[-1].number
