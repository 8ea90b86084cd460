"""From what a batch publishes to blocks: each has the environment that follows from its parent, as in production."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from jovay.bridge.l1.batches import CommittedBatch
from jovay.bridge.l1.following_errors import BatchDifferenceError
from jovay.bridge.l1.own_blocks import differences
from jovay.bridge.l1.record import L1Record
from jovay.bridge.wire.block_context import BlockContext
from jovay.bridge.wire.chunk import Chunk
from jovay.kernel.transaction.record import L1_MESSAGE
from jovay.sequencer.sequencer import Sequencer

Block = tuple[BlockContext, list[bytes]]


def blocks_of(chunks: Sequence[Chunk]) -> Iterator[Block]:
    """All blocks of a batch with their signed transactions."""
    for chunk in chunks:
        yield from chunk.by_block()


class Derivation:
    """Makes the blocks of batches, on a sequencer that makes none by itself."""

    def __init__(self, sequencer: Sequencer, record: L1Record) -> None:
        self._sequencer, self._record = sequencer, record

    def stored(self, chunks: Sequence[Chunk], first: int) -> int:
        """The last block of those that a batch publishes, beginning with block ``first``, which is stored as it is
        there; ``first - 1`` if none is.
        """
        number = first
        for context, transactions in blocks_of(chunks):
            if any(
                here != there
                for _, here, there in differences(self._sequencer, number, context, transactions)
            ):
                break
            number += 1
        return number - 1

    def make(self, batch: CommittedBatch, chunks: Sequence[Chunk]) -> int:
        """Make the blocks of a batch that are not stored yet; the last one.

        Raises ``BatchDifferenceError`` where no block is as published: the chain may then be in the midst of it, or
        behind a block that the batch does not have.
        """
        for context, transactions in blocks_of(chunks):
            if context.number > self._sequencer.executed.number:
                self._make_block(batch, context, transactions)
        self._check_messages(batch)
        return self._sequencer.executed.number

    def _make_block(self, batch: CommittedBatch, context: BlockContext, transactions: list[bytes]) -> None:
        sequencer = self._sequencer
        environment = sequencer.next_block.environment(context.timestamp)
        for what, here, there in (
            ("number", environment.number, context.number),
            ("time", max(environment.milliseconds, context.timestamp), context.timestamp),
            ("fork", environment.fork, context.spec_version),
            ("base fee", environment.base_fee, context.base_fee),
            ("gas limit", environment.gas_limit, context.gas_limit),
        ):
            self._expect(batch, f"{what} of block {context.number}", here, there)
        ends = np.cumsum([len(raw) for raw in transactions]).tolist()
        decoded = sequencer.portal.decode(b"".join(transactions), ends)
        signed = len(transactions) - int(
            np.count_nonzero((decoded.statuses != 0) | (decoded.records["kind"] == L1_MESSAGE))
        )
        self._expect(batch, f"signed transactions of block {context.number}", signed, len(transactions))
        first = sequencer.inbox.next
        messages = self._record.messages(first, context.l1_messages) if context.l1_messages else []
        self._expect(batch, f"L1 messages of block {context.number}", len(messages), context.l1_messages)
        sequencer.inbox.offer(first, messages)
        made = sequencer.add_block(context.timestamp, len(messages), decoded)
        executed = len(made.produced.order)
        self._expect(batch, f"valid transactions of block {context.number}", executed, context.transactions)

    def _check_messages(self, batch: CommittedBatch) -> None:
        """A batch executes as many messages as L1 counts, up to the rolling hash in its header."""
        standing = self._sequencer.inbox.standing
        self._expect(batch, "number of L1 messages", standing.next_message, batch.l1_messages)
        self._expect(batch, "rolling hash", standing.rolling_hash, batch.header.l1_msg_rolling_hash)

    @staticmethod
    def _expect(batch: CommittedBatch, what: str, here: object, there: object) -> None:
        if here != there:
            raise BatchDifferenceError(batch.index, what, here, there)
