"""A sequencer follows L1: messages into its inbox, and what L1 confirms of its blocks into its finality.

Each step compares what L1 says now with what the sequencer has, and mends the difference. So it does not matter where
the step before was cut off, nor what L1 took back meanwhile.
"""

from __future__ import annotations

import logging
from bisect import bisect_left
from collections.abc import Callable, Sequence

from jovay.bridge.errors import BridgeError
from jovay.sequencer.sequencer import Sequencer

from .data import BlobSource, published
from .following_errors import (
    BatchDifferenceError,
    DataUnavailableError,
    ExecutedMessageError,
    ExodusError,
    ForeignChainError,
    UnreadableBatchError,
)
from .own_blocks import match, output_after
from .progress import ConfirmedBlocks
from .reader import L1Reader
from .record import Claim, Kind

log = logging.getLogger("jovay.l1")


class L1Watcher:
    """``rewind(number)`` leads the L2 back to a block, for L1 messages that were taken back: on development chains
    only; elsewhere (None) the sequencer stops then.
    """

    def __init__(
        self,
        sequencer: Sequencer,
        reader: L1Reader,
        sources: Sequence[BlobSource],
        rewind: Callable[[int], None] | None,
    ) -> None:
        self._sequencer, self._reader, self._record = sequencer, reader, reader.record
        self._sources, self._rewind = sources, rewind
        self._confirmed = ConfirmedBlocks(self._record, sequencer.finality, self._check)
        self._retreats = -1
        self._batch = 0
        self._refused: tuple[bytes, BridgeError] | None = None

    # ---- one step --------------------------------------------------------------------------------------------

    def step(self) -> bool:
        """Read on, and bring the sequencer into line; whether there is more to read.

        Raises ``L1Error`` and ``DataUnavailableError``, after which it may go better; ``BatchDifferenceError`` and
        ``UnreadableBatchError`` while a batch on L1 is not of this chain; other errors of ``FollowingError`` where a
        person must decide.
        """
        more = self._reader.step()
        self._messages(caught_up=not more)
        trouble = self._find_blocks()
        self._confirmed.tell(self._sequencer.visible.number, self._reader.finalized)
        if self._record.exodus and not more:
            raise ExodusError(self._record.exodus)
        if trouble is not None:
            raise trouble
        return more

    def _messages(self, caught_up: bool) -> None:
        """Offer messages to the inbox, after taking back what L1 has taken back."""
        inbox = self._sequencer.inbox
        with self._sequencer.still():
            executed = inbox.standing
            if caught_up and not self._has(executed.next_message, executed.rolling_hash):
                self._take_back()
            if self._retreats != self._reader.retreats:
                inbox.rewind(inbox.standing.next_message)
                self._retreats = self._reader.retreats
        while raws := self._record.messages(first := inbox.next):
            if inbox.offer(first, raws) < first + len(raws):
                break

    def _has(self, count: int, rolling_hash: bytes) -> bool:
        """Whether L1 has so many messages, and the first of them have this rolling hash."""
        return count <= self._record.message_count and self._record.rolling_hash(count) == rolling_hash

    def _take_back(self) -> None:
        """Lead the L2 back to before the first message that L1 does not have any more."""
        blocks, inbox = self._sequencer.data.blocks, self._sequencer.inbox
        self._sequencer.drain()
        stored = range(max(blocks.oldest, 0), blocks.latest + 1)
        common = bisect_left(stored, True, key=lambda number: not self._has(*inbox.position(number))) - 1
        if self._rewind is None or common < 0:
            raise ExecutedMessageError(inbox.position(stored[max(common, 0)])[0])
        log.warning("L1 took back messages that were executed", extra={"rewound_to": stored[common]})
        self._record.forget_blocks(stored[common])
        self._rewind(stored[common])

    # ---- batches ---------------------------------------------------------------------------------------------

    def _find_blocks(self) -> BridgeError | None:
        """Find out which blocks the batches have, up to the first that is not of this chain: then why."""
        record = self._record
        while self._batch and ((known := record.batch(self._batch)) is None or not record.blocks_of(known)):
            self._batch -= 1
        while (batch := record.batch(self._batch + 1)) is not None:
            if record.blocks_of(batch) is None:
                if self._refused is None or self._refused[0] != batch.header.hash:
                    self._refused = None
                    parent = record.batch(self._batch)
                    assert parent is not None
                    first = (record.blocks_of(parent) or (0, 0))[1] + 1
                    try:
                        chunks = published(batch, self._sources)
                        record.put_blocks(batch, first, match(self._sequencer, batch, chunks, first))
                    except DataUnavailableError as error:
                        return error
                    except (BatchDifferenceError, UnreadableBatchError) as error:
                        self._refused = batch.header.hash, error
                if self._refused is not None:
                    if record.claim(Kind.TEE, batch.index) is not None:
                        raise ForeignChainError(batch.index, str(self._refused[1]))
                    return self._refused[1]
            self._batch += 1
        return None

    def _check(self, claim: Claim, last: int) -> None:
        self._reader.check_claim(claim, output_after(self._sequencer, last))
