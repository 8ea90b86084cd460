"""Batches that L1 has and the store has not: somebody else's, or our own after the store was lost. Read from L1, and
compared with the blocks of the node.
"""

from __future__ import annotations

from collections.abc import Sequence

from jovay.bridge.errors import WireError
from jovay.bridge.l1.batches import CommittedBatch, calldata_of, compose_header
from jovay.bridge.l1.data import BlobSource, SourceError, fetch
from jovay.bridge.l1.following_errors import UnknownHeaderError
from jovay.bridge.l1.records import L1Log
from jovay.bridge.relayer.blocks import Block, BlockSource, chunk_of, follow
from jovay.bridge.relayer.errors import ForeignBatchError, WaitingError
from jovay.bridge.relayer.rollup import RollupReader, RollupState
from jovay.bridge.relayer.store import Batch, BatchStore, RawData, Tip
from jovay.bridge.wire import blobs
from jovay.bridge.wire.chunk import Chunk


class StoredData:
    """The relayer's own store as a source of blobs: it may have made a batch that it has dropped since."""

    name = "own store"

    def __init__(self, store: BatchStore) -> None:
        self._store = store

    def blobs(self, batch: CommittedBatch) -> list[bytes]:
        raw = self._store.with_blob(batch.versioned_hashes[0])
        if raw is None:
            raise SourceError("not there")
        return blobs.to_blobs(raw.da)


class Adoption:
    """Reads batches; ``sources`` are asked for blobs in turn."""

    def __init__(self, rollup: RollupReader, blocks: BlockSource, sources: Sequence[BlobSource]) -> None:
        self._rollup, self._blocks, self._sources = rollup, blocks, sources

    def read(self, index: int, tip: Tip, state: RollupState) -> Batch:
        """The batch with an index, which begins behind ``tip``.

        Raises ``ForeignBatchError`` where it is not made of the node's blocks, ``WaitingError`` where they are not
        there yet or L1 changes, and what L1's client and ``fetch`` raise.
        """
        try:
            committed = self._committed(index, tip, state)
            da = fetch(committed, self._sources)
            chunks = committed.chunks(da)
        except (WireError, UnknownHeaderError) as error:
            raise ForeignBatchError(index, str(error)) from error
        last = self._compare(index, chunks, tip)
        if last.next_l1_message != committed.l1_messages:
            raise ForeignBatchError(
                index, f"it counts {committed.l1_messages} L1 messages, its blocks {last.next_l1_message}"
            )
        return Batch(
            RawData(committed.header, da, committed.versioned_hashes, committed.transaction),
            tuple((chunk.blocks[0].number, chunk.blocks[-1].number) for chunk in chunks),
            committed.l1_messages,
            last.hash,
            last.context.timestamp,
        )

    def _committed(self, index: int, tip: Tip, state: RollupState) -> CommittedBatch:
        """What L1 itself says of it."""
        log, data_hash = self._commit_log(index, state)
        client, count = self._rollup.client, self._rollup.message_count(index, state)
        rolled = self._rollup.rolling_hash(count, state)
        transaction, block = client.transaction(log.transaction_hash), client.block(log.block_hash)
        if rolled is None or transaction is None or block is None:
            raise WaitingError(f"L1 changes while batch {index} is read")
        header, _ = compose_header(tip.header, self._rollup.batch_hash(index, state), data_hash, [rolled])
        calldata = calldata_of(transaction.to, transaction.input, self._rollup.rollup.address)
        hashes = () if calldata else transaction.versioned_hashes
        return CommittedBatch(
            header, count, block.number, block.timestamp, transaction.hash, hashes, calldata
        )

    def _commit_log(self, index: int, state: RollupState) -> tuple[L1Log, bytes]:
        """Where the batch that stands was committed, and its data hash, which is logged just before."""
        rollup, client = self._rollup.rollup, self._rollup.client
        wanted = [
            [rollup.topic("CommitBatch")],
            [index.to_bytes(32, "big")],
            [self._rollup.batch_hash(index, state)],
        ]
        first = self._rollup.settlement.deployed_at
        found = list(client.logs([rollup.address], wanted, first, state.block.number))
        if not found:
            raise WaitingError(f"L1 has no log of batch {index}")
        log = found[-1]
        data = client.logs(
            [rollup.address], [[rollup.topic("BlobDataHash")]], log.block_number, log.block_number
        )
        before = [one for one in data if one.block_hash == log.block_hash and one.index < log.index]
        if not before:
            raise WaitingError(f"L1 has no log of the data of batch {index}")
        return log, before[-1].topics[1]

    def _compare(self, index: int, chunks: Sequence[Chunk], tip: Tip) -> Block:
        """The node's last block of a batch that is made of its blocks."""
        before: Block | None = None
        held: list[Block] = []
        for chunk in chunks:
            first, last = chunk.blocks[0].number, chunk.blocks[-1].number
            if first != (before.number if before else tip.block) + 1:
                raise ForeignBatchError(index, f"it goes on with block {first}")
            while not held or held[-1].number < last:
                found, head = self._blocks.since(held[-1].number + 1 if held else first)
                if not found:
                    raise WaitingError(f"batch {index} on L1 has block {last}, and the node only {head}")
                held += found
            own, held = held[: last - first + 1], held[last - first + 1 :]
            if chunk_of(own) != chunk:
                raise ForeignBatchError(index, f"the node's blocks {first} to {last} are others")
            if before is None and own[0].parent_hash != tip.block_hash:
                raise ForeignBatchError(index, f"block {first} of the node does not follow the batch before")
            if before is not None:
                follow(before, own[0])
            before = own[-1]
        assert before is not None  # no payload is without a chunk
        return before
