"""Checkpoints: the flat state follows the durable blocks, on a thread of its own and at a pace that leaves others room.

The store's binding keeps the interpreter while it writes, so that a block, or an answer, that comes up meanwhile would
wait for all of it. Written in small pieces with pauses, a checkpoint takes longer and nobody waits for more than one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from jovay.native.library import Library
from jovay.state.flat_state import state_changes
from jovay.state.writes import WriteSet
from jovay.storage.state import ADDRESS, SLOT_KEY, StateStore

#: Keys written at once, about 0.7 ms.
PIECE = 256
#: The pauses of one make up this part of the time between two, but none is longer than ``LONGEST``, in seconds.
SHARE, LONGEST = 0.5, 0.01


class Checkpoints:
    """Of one state store; used by one thread. ``seconds`` and ``blocks`` bound what a start must replay, about."""

    def __init__(self, library: Library, state: StateStore, seconds: float, blocks: int) -> None:
        self._library, self._state, self._seconds, self._blocks = library, state, seconds, blocks
        self._waiting: list[WriteSet] = []
        self._last = time.monotonic()
        self._worker = ThreadPoolExecutor(1, "checkpoint")
        self._running: Future[None] | None = None
        self._hurry = threading.Event()  # somebody waits for the running one

    def add(self, writes: Sequence[WriteSet]) -> None:
        """Write sets of durable blocks, in order."""
        self._waiting.extend(writes)

    def start_if_due(self, height: int) -> None:
        """Begin one up to ``height``, the newest durable block, if it is time and none runs; raises what one met."""
        if self._running is not None:
            if not self._running.done():
                return
            self._finish()
        due = time.monotonic() - self._last >= self._seconds or len(self._waiting) >= self._blocks
        if self._waiting and due:
            sets, self._waiting = self._waiting, []
            self._running = self._worker.submit(self._write, height, sets, False, self._seconds * SHARE)

    def write(self, height: int, sync: bool = False) -> None:
        """Bring the flat state up to ``height`` now."""
        self._finish()
        sets, self._waiting = self._waiting, []
        if height > self._state.height:
            self._write(height, sets, sync, 0.0)
        elif sync:
            self._state.kv.flush()
        self._last = time.monotonic()

    def close(self) -> None:
        """End the thread, after what it does."""
        self._worker.shutdown()

    def _finish(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            self._hurry.set()
            try:
                running.result()
            finally:
                self._hurry.clear()
            self._last = time.monotonic()

    def _write(self, height: int, sets: Sequence[WriteSet], sync: bool, rest: float) -> None:
        """Pieces with pauses that come to ``rest`` seconds in all."""
        changes = state_changes(self._library, sets)
        pieces = (len(changes.accounts) // ADDRESS + len(changes.slots) // SLOT_KEY) // PIECE + 1
        pause = min(rest / pieces, LONGEST)
        self._state.write(height, changes, sync=sync, piece=PIECE, between=lambda: self._hurry.wait(pause))
