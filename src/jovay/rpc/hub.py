"""The node's events on the event loop: receipt waiters, subscriptions and pending-transaction filters."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor

from jovay.chain.types import Hash32, Receipt
from jovay.rpc.backend.chain import Chain
from jovay.rpc.backend.events import Event, Events, NewBlock

logger = logging.getLogger(__name__)

Listener = Callable[[list[Event]], None]


class Hub:
    """Receives events from any thread and hands them, in order and in batches, to listeners on the loop."""

    def __init__(self, chain: Chain, events: Events, executor: Executor) -> None:
        self._chain = chain
        self._executor = executor
        self._loop = asyncio.get_running_loop()
        self._coming: deque[Event] = deque()
        self._scheduled = False
        self._listeners: set[Listener] = set()
        self._waiters: dict[Hash32, list[asyncio.Future[Receipt | None]]] = {}
        self._stop = events.listen(self._post)

    def close(self) -> None:
        """Stop listening to the node and wake all waiters."""
        self._stop()
        for futures in self._waiters.values():
            for future in futures:
                if not future.done():
                    future.cancel()
        self._waiters.clear()

    def add(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` with each batch of events; returns how to stop that."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    async def wait_receipt(self, transaction_hash: Hash32, timeout: float) -> Receipt | None:
        """Receipt of a transaction as soon as it is visible, or None after ``timeout`` seconds."""
        future: asyncio.Future[Receipt | None] = self._loop.create_future()
        # Register first, then look: an event between the two finds the waiter.
        self._waiters.setdefault(transaction_hash, []).append(future)
        try:
            found = self._chain.receipts([transaction_hash])[0]
            if found is not None:
                return found
            async with asyncio.timeout(timeout):
                return await future
        except TimeoutError:
            return None
        finally:
            self._forget(transaction_hash, future)

    def _forget(self, transaction_hash: Hash32, future: asyncio.Future[Receipt | None]) -> None:
        futures = self._waiters.get(transaction_hash)
        if futures is not None:
            if future in futures:
                futures.remove(future)
            if not futures:
                del self._waiters[transaction_hash]

    def _post(self, event: Event) -> None:
        self._coming.append(event)
        if not self._scheduled:
            self._scheduled = True
            try:
                self._loop.call_soon_threadsafe(self._drain)
            except RuntimeError:
                # The loop is closed: nobody is left to hear it.
                self._coming.clear()

    def _drain(self) -> None:
        # Reset the flag before taking events, so that one posted meanwhile schedules another run.
        self._scheduled = False
        events: list[Event] = []
        while self._coming:
            events.append(self._coming.popleft())
        if not events:
            return
        if self._waiters:
            self._serve_waiters(events)
        for listener in tuple(self._listeners):
            try:
                listener(events)
            except Exception:
                logger.exception("a listener for events failed")

    def _serve_waiters(self, events: list[Event]) -> None:
        hits: list[Hash32] = []
        for event in events:
            if isinstance(event, NewBlock):
                hashes = event.transaction_hashes
                mined = {hashes[start : start + 32] for start in range(0, len(hashes), 32)}
                hits.extend(mined & self._waiters.keys())
        if hits:
            task = self._loop.run_in_executor(self._executor, self._chain.receipts, hits)
            task.add_done_callback(lambda done: self._answer(hits, done))

    def _answer(self, hits: list[Hash32], done: asyncio.Future[Sequence[Receipt | None]]) -> None:
        if done.cancelled() or done.exception() is not None:
            logger.error("cannot read receipts for waiting clients: %s", done)
            return
        for transaction_hash, receipt in zip(hits, done.result(), strict=True):
            if receipt is None:
                continue
            for future in self._waiters.get(transaction_hash, ()):
                if not future.done():
                    future.set_result(receipt)
