"""What the relayer wants to stand on L1, brought there by a transaction manager, again when L1 has lost it for good."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from jovay.bridge.l1.record import Kind
from jovay.bridge.l1.transaction_store import Request
from jovay.bridge.l1.transactions import Failed, Mined, Pending, TxManager
from jovay.bridge.relayer.errors import SendingError, WaitingError
from jovay.bridge.relayer.rollup import RollupReader, RollupState
from jovay.bridge.relayer.store import BatchStore


def commit_of(index: int, batch_hash: bytes | None = None) -> str:
    """The wish for a batch to be committed; without its hash what all of that number begin with."""
    return f"commit batch {index} " + (f"0x{batch_hash.hex()}" if batch_hash else "")


def claim_of(kind: Kind, index: int, batch_hash: bytes | None = None) -> str:
    """The wish for a claim on a batch, likewise."""
    return f"claim {kind:d} of batch {index} " + (f"0x{batch_hash.hex()}" if batch_hash else "")


class Outbox:
    """One account's wishes, each named by what it brings about (``what``)."""

    def __init__(self, manager: TxManager, rollup: RollupReader, store: BatchStore) -> None:
        self._manager, self._rollup, self._store = manager, rollup, store
        self.address = manager.address

    def is_sent(self, what: str) -> bool:
        """Whether it was handed over."""
        return self._manager.status(self._key(what)) is not None

    def send(self, what: str, to: bytes, data: bytes, blobs: Sequence[bytes] = ()) -> None:
        """See to it that ``what`` gets to L1. Durable when this returns."""
        self._manager.send(Request(to=to, data=data, key=self._key(what), blobs=blobs))

    def mined(self, what: str) -> Mined | None:
        """The transaction that has brought it about, as far as the manager knows."""
        status = self._manager.status(self._key(what))
        return status if isinstance(status, Mined) else None

    def settle(self, what: str, stands: Callable[[RollupState], bool]) -> None:
        """Something was sent, and L1 did not show it: return if it may still come, or does stand by now.

        What failed, or was mined and does not stand although its block does (it was reverted), is begun anew with the
        next ``send``, and ``SendingError`` says why. ``WaitingError`` says what it waits for, where that is known.
        """
        status = self._manager.status(self._key(what))
        match status:
            case Mined(block_number=number, block_hash=block_hash):
                state = self._rollup.state()
                if not self._holds(number, block_hash, state) or stands(state):
                    return
                reason = "it was taken back on L1"
            case Failed(reason=reason, receipt=receipt):
                if receipt is not None:
                    state = self._rollup.state()
                    if not self._holds(receipt.block_number, receipt.block_hash, state):
                        return
            case Pending(reason=str(reason)):
                raise WaitingError(f"{what}: {reason}")
            case _:
                return
        self._store.begin_anew(what)
        raise SendingError(what, reason)

    def _holds(self, number: int, block_hash: bytes, state: RollupState) -> bool:
        """Whether a block is of the chain that ``state`` was read of."""
        block = self._rollup.client.block(number) if number <= state.block.number else None
        return block is not None and block.hash == block_hash

    def _key(self, what: str) -> str:
        return f"{what} #{self._store.attempt(what)}"
