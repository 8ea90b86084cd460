"""The pool as JSON-RPC sees it."""

from __future__ import annotations

from collections.abc import Callable

from jovay.chain.types import Address
from jovay.rpc.backend.pool import Fees, PoolContent, PoolStatus, RawBatch, Submitted
from jovay.sequencer.portal import DecodedBatch
from jovay.sequencer.sequencer import Sequencer
from jovay.state.reader import StateReader

from .errors import executing
from .events import NodeEvents
from .pooled import PooledTransactions
from .submission import Reasons, Submission


class NodePool:
    """Implements ``Pool`` of ``jovay.rpc.backend``; every method may be called from any thread.

    ``min_price``: least priority fee that it takes, in wei per gas. ``refused`` is told how many transactions were
    refused for a reason.
    """

    def __init__(
        self,
        sequencer: Sequencer,
        state: StateReader,
        events: NodeEvents,
        min_price: int,
        refused: Callable[[str, int], None],
    ) -> None:
        self._sequencer, self._state, self._events = sequencer, state, events
        self._min_price, self._refused = min_price, refused
        self._pooled = PooledTransactions(sequencer.pool)
        self._submission = Submission(sequencer, min_price)
        self.seconds = self._submission.seconds

    def submit(self, batch: RawBatch, ready_only: bool = False) -> Submitted:
        """Decode, check and pool raw transactions."""
        with executing():
            return self._told(*self._submission.submit(batch, ready_only))

    def add(self, batch: DecodedBatch) -> Submitted:
        """Pool transactions that are decoded already."""
        with executing():
            return self._told(*self._submission.add(batch))

    def _told(self, result: Submitted, taken: bytes, reasons: Reasons) -> Submitted:
        """Tell listeners and metrics of the outcome of a submission."""
        self._events.pending(taken)
        for reason, count in reasons.items():
            self._refused(reason.value, count)
        return result

    def status(self) -> PoolStatus:
        """Size of the pool."""
        return PoolStatus(*self._sequencer.pool.counts())

    def content(self, sender: Address | None = None) -> PoolContent:
        """Contents of the pool, of one sender if given."""
        return self._pooled.content(sender)

    def next_nonce(self, address: Address) -> int:
        """Nonce after the sender's executable pooled transactions."""
        found = self._sequencer.pool.next_nonce(address)
        return self._state.account(address, self._sequencer.executed.number).nonce if found is None else found

    def fees(self) -> Fees:
        """Prices for the next block."""
        expected = self._sequencer.next_block.expected
        return Fees(expected.base_fee, self._min_price, expected.blob_base_fee)
