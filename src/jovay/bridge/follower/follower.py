"""Following L1: the chain is what the batches that stand on L1 make of genesis, and nothing else.

Each step compares the chain with what stands on L1 now. So it does not matter where the step before was cut off, and
batches that were reverted, or that L1 itself took back, leave the chain again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from jovay.bridge.errors import BridgeError
from jovay.bridge.l1.batches import CommittedBatch
from jovay.bridge.l1.data import BlobSource, published
from jovay.bridge.l1.following_errors import (
    BatchDifferenceError,
    UnreadableBatchError,
)
from jovay.bridge.l1.own_blocks import output_after
from jovay.bridge.l1.progress import ConfirmedBlocks
from jovay.bridge.l1.reader import L1Reader
from jovay.bridge.l1.record import Claim
from jovay.sequencer.sequencer import Sequencer

from .derivation import Derivation
from .rules import rules_of

log = logging.getLogger("jovay.follower")


class Follower:
    """Leads a sequencer that makes no blocks by itself. ``rewind(number)`` lets a block be its newest one."""

    def __init__(
        self,
        sequencer: Sequencer,
        reader: L1Reader,
        sources: Sequence[BlobSource],
        rewind: Callable[[int], None],
    ) -> None:
        self._sequencer, self._reader, self._record = sequencer, reader, reader.record
        self._sources, self._rewind = sources, rewind
        self._derivation = Derivation(sequencer, reader.record)
        self._confirmed = ConfirmedBlocks(reader.record, sequencer.finality, self._check)
        self._batch = 0
        self._refused: tuple[bytes, BridgeError] | None = None

    def step(self) -> bool:
        """Read on, and make the blocks of one more batch; whether there is more to do.

        Raises ``L1Error`` and ``DataUnavailableError``, after which it may go better; ``UnreadableBatchError`` and
        ``BatchDifferenceError`` while a batch stands on L1 that is no batch of this chain; ``FollowingError`` where
        what L1 was told of a batch is wrong.
        """
        if self._reader.step():
            return True  # what was reverted shows only when everything is read
        self._last_agreed()
        more = self._next_batch()
        self._sequencer.drain()
        self._confirmed.tell(self._sequencer.visible.number, self._reader.finalized)
        return more

    def _last_agreed(self) -> None:
        """Go back to the newest batch that the chain has and that stands."""
        record = self._record
        while self._batch and ((known := record.batch(self._batch)) is None or not record.blocks_of(known)):
            self._batch -= 1
        while (batch := record.batch(self._batch + 1)) is not None and self._has(batch):
            self._batch += 1

    def _has(self, batch: CommittedBatch) -> bool:
        blocks = self._record.blocks_of(batch)
        return blocks is not None and blocks[1] <= self._sequencer.executed.number

    def _last_block(self) -> int:
        """Of the newest batch that the chain has."""
        batch = self._record.batch(self._batch)
        blocks = self._record.blocks_of(batch) if batch else None
        assert blocks is not None
        return blocks[1]

    def _next_batch(self) -> bool:
        """Make the chain end with the next batch, if there is one; whether there is."""
        batch, last = self._record.batch(self._batch + 1), self._last_block()
        if batch is None:
            self._go_back(last)
            return False
        if self._refused is not None and self._refused[0] == batch.header.hash:
            raise self._refused[1]
        self._refused = None
        rules_of(self._record.config_hash(batch.index), self._reader.settlement.config, batch.index)
        try:
            chunks = published(batch, self._sources)
            self._sequencer.drain()
            self._go_back(self._derivation.stored(chunks, last + 1))
            made = self._derivation.make(batch, chunks)
        except (BatchDifferenceError, UnreadableBatchError) as error:
            self._refused = batch.header.hash, error
            self._go_back(last)
            raise
        self._record.put_blocks(batch, last + 1, made)
        self._batch += 1
        log.info("batch %d: blocks %d to %d", batch.index, last + 1, made)
        return True

    def _go_back(self, last: int) -> None:
        """Let a block be the newest one."""
        if last < self._sequencer.executed.number:
            log.warning("blocks leave the chain that are not on L1", extra={"from_block": last + 1})
            self._record.forget_blocks(last)
            self._rewind(last)

    def _check(self, claim: Claim, last: int) -> None:
        self._reader.check_claim(claim, output_after(self._sequencer, last))
