"""Finality: how far L1 has confirmed the chain. Whoever follows L1 reports it; it is kept over restarts.

A batch of blocks is committed on L1, then attested by the TEE prover (its blocks are *safe*), then proven by the ZK
prover (*finalized*). None of the three goes back by itself: where L1 or the chain is led back, ``rewind`` says so.
Genesis is known to all parties, and so final from the start.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import IntEnum

import msgspec

from jovay.storage.kv import KV, META, Batch

from .errors import FinalityError

GENESIS = 0
#: The stage of a block that is stored here, whether or not it is committed on L1.
EXECUTED = 1
_PREFIX = b"finality/"


class Step(IntEnum):
    """What happens to a batch on L1, in this order."""

    COMMITTED = 1
    ATTESTED = 2
    PROVEN = 3


class Confirmation(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A step of the batch that ends with ``block``: in which transaction on L1, and when (seconds)."""

    block: int
    batch: int | None = None
    transaction: bytes | None = None
    time: int | None = None


class L1Finality:
    """The confirmations of one chain, up to the stored block ``head()``; thread-safe.

    ``write`` brings a batch to stable storage.
    """

    def __init__(self, kv: KV, write: Callable[[Batch], None], head: Callable[[], int]) -> None:
        self._kv, self._write, self._head = kv, write, head
        self._lock = threading.Lock()
        self._reached = self._stored()
        self._listeners: list[Callable[[Step | None, Confirmation], None]] = []

    def listen(self, listener: Callable[[Step | None, Confirmation], None]) -> None:
        """Call ``listener`` with every step from now on, and with None for it after a rewind to a block."""
        self._listeners.append(listener)

    def _tell(self, step: Step | None, confirmation: Confirmation) -> None:
        for listener in self._listeners:
            listener(step, confirmation)

    @property
    def committed(self) -> int:
        """The newest block that is committed."""
        return self._reached[Step.COMMITTED]

    def reached(self, step: Step) -> int:
        """The newest block of a batch that has come so far; genesis where none has."""
        return self._reached[step]

    @property
    def safe(self) -> int:
        """The newest block that is attested."""
        return self._reached[Step.ATTESTED]

    @property
    def finalized(self) -> int:
        """The newest block that is proven."""
        return self._reached[Step.PROVEN]

    def stage(self, number: int) -> int:
        """Of a stored block: 1 executed, 2 attested, 3 proven."""
        if number <= self.finalized:
            return Step.PROVEN
        return Step.ATTESTED if number <= self.safe else EXECUTED

    def report(self, step: Step, confirmation: Confirmation) -> None:
        """A batch has come so far. What is known already may be told again.

        Raises ``FinalityError`` where that would go back, leave out a step, or name a block that is not stored.
        """
        with self._lock:
            block, reached = confirmation.block, self._reached[step]
            most = self._head() if step is Step.COMMITTED else self._reached[Step(step - 1)]
            if block == reached and self.confirmation(step, block) == confirmation:
                return
            if not reached < block <= most:
                raise FinalityError(step.name.lower(), block, reached, most)
            batch = Batch()
            batch.put(META, _key(step, block), msgspec.msgpack.encode(confirmation))
            self._write(batch)
            self._reached[step] = block
        self._tell(step, confirmation)

    def rewind(self, block: int) -> None:
        """Forget what is known of blocks after ``block``: they have left the chain, or L1."""
        with self._lock:
            batch = Batch()
            for step in Step:
                batch.delete_range(META, _key(step, block + 1), _key(step, 1 << 64))
            self._write(batch)
            before, self._reached = self._reached, self._stored()
        if before != self._reached:
            self._tell(None, Confirmation(block))

    def confirmation(self, step: Step, number: int) -> Confirmation | None:
        """A step of the batch that contains a block; None if it has not come so far."""
        if number > self._reached[step]:
            return None
        found = self._kv.iterate(META, start=_key(step, number), end=_key(step, 1 << 64))
        return next((msgspec.msgpack.decode(value, type=Confirmation) for _, value in found), None)

    def _stored(self) -> dict[Step, int]:
        """How far each step has come; a later one, that stands, says so of the earlier ones."""
        committed, attested, proven = (self._newest(step) for step in Step)
        attested = max(attested, proven)
        return {Step.COMMITTED: max(committed, attested), Step.ATTESTED: attested, Step.PROVEN: proven}

    def _newest(self, step: Step) -> int:
        found = self._kv.iterate(META, start=_key(step, 0), end=_key(step, 1 << 64), reverse=True)
        return next((int.from_bytes(key[-8:], "big") for key, _ in found), GENESIS)


def _key(step: Step, block: int) -> bytes:
    """Keys of a step in the order of blocks; all of them are before that of block 2⁶⁴."""
    return _PREFIX + bytes((step,)) + block.to_bytes(9, "big")
