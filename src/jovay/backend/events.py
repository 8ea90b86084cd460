"""Events of the node for whoever listens: new blocks, new pending transactions, removed blocks."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from jovay.chain.types import Header, Log
from jovay.rpc.backend.events import Event, NewBlock, NewFinality, NewPending, Removed
from jovay.sequencer.finality import Confirmation, Step
from jovay.sequencer.production.sealing import SealedBlock
from jovay.sequencer.sequencer import Sequencer

log = logging.getLogger("jovay.backend")
Listener = Callable[[Event], None]


class NodeEvents:
    """Implements ``Events`` of ``jovay.rpc.backend``: hands events to listeners, in order; thread-safe."""

    def __init__(self, sequencer: Sequencer) -> None:
        self._listeners: tuple[Listener, ...] = ()
        self._lock = threading.Lock()
        sequencer.listen(self._blocks)
        sequencer.finality.listen(self._finality)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` for every event from now on; returns how to stop that."""
        with self._lock:
            self._listeners = (*self._listeners, listener)

        def stop() -> None:
            with self._lock:
                self._listeners = tuple(one for one in self._listeners if one is not listener)

        return stop

    def _blocks(self, blocks: Sequence[SealedBlock]) -> None:
        """Blocks became visible."""
        for block in blocks if self._listeners else ():
            self._emit(NewBlock(block.header, block.produced.body.hashes))

    def _finality(self, step: Step | None, confirmation: Confirmation) -> None:
        """L1 confirmed blocks, or does no more."""
        stage = "reverted" if step is None else step.name.lower()
        known = confirmation
        self._emit(
            NewFinality(
                stage=stage,
                block=known.block,
                batch=known.batch,
                transaction=known.transaction,
                time=known.time,
            )
        )

    def pending(self, hashes: bytes) -> None:
        """Transactions entered the pool; hashes back to back."""
        if hashes and self._listeners:
            self._emit(NewPending(hashes))

    def removed(self, head: Header, logs: Sequence[Log]) -> None:
        """Blocks above ``head`` left the chain."""
        self._emit(Removed(head, logs))

    def _emit(self, event: Event) -> None:
        for listener in self._listeners:
            try:
                listener(event)
            except Exception:
                log.exception("a listener failed")
