"""eth_subscribe: events of the hub, formed and sent to WebSocket sessions.

Headers and pending transactions go out at once.  Logs need a look into the backend, so one task reads them
block after block (several blocks at a time when it lags) and keeps their order.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence

import msgspec

from jovay.rpc.args import LogArgs
from jovay.rpc.backend import Backend, Event, LogFilter, NewBlock, NewPending, Removed
from jovay.rpc.filters import matches, new_id
from jovay.rpc.forms import hash_forms, header_form, log_form, transaction_form
from jovay.rpc.hub import Hub
from jovay.rpc.session import Session
from jovay.rpc.workers import Pool
from jovay.types import Log

logger = logging.getLogger(__name__)

_encode = msgspec.json.Encoder().encode
_MOST_BLOCKS = 64
"""Blocks of one log query of the feed."""


class Subscription:
    """One eth_subscribe; silent until the answer with its id is on its way."""

    __slots__ = ("active", "head", "identifier", "query", "session", "waiting")

    def __init__(self, session: Session, query: LogArgs | None = None) -> None:
        self.identifier = new_id()
        self.session = session
        self.query = query
        self.active = False
        self.waiting: list[bytes] = []
        self.head = (
            b'{"jsonrpc":"2.0","method":"eth_subscription","params":{"subscription":"'
            + self.identifier.encode()
            + b'","result":'
        )

    def send(self, results: Sequence[bytes]) -> None:
        """Notify of encoded results."""
        messages = [self.head + result + b"}}" for result in results]
        if self.active:
            self.session.notify(messages)
        else:
            self.waiting.extend(messages)

    def activate(self) -> None:
        """Send what came up meanwhile and everything from now on."""
        self.active = True
        if self.waiting:
            messages, self.waiting = self.waiting, []
            self.session.notify(messages)


class Feed:
    """All subscriptions of the node.  Lives on the event loop."""

    def __init__(self, backend: Backend, hub: Hub, pool: Pool) -> None:
        self._backend = backend
        self._pool = pool
        self._heads: set[Subscription] = set()
        self._hashes: set[Subscription] = set()
        self._transactions: set[Subscription] = set()
        self._logs: set[Subscription] = set()
        self._queue: deque[Event] = deque()
        self._arrived = asyncio.Event()
        self._remove = hub.add(self._on_events)
        self._task = asyncio.get_running_loop().create_task(self._work())

    async def close(self) -> None:
        """End the feed."""
        self._remove()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def heads(self, subscription: Subscription) -> Callable[[], None]:
        """Send new headers; returns how to stop."""
        return _enter(self._heads, subscription)

    def hashes(self, subscription: Subscription) -> Callable[[], None]:
        """Send hashes of pending transactions; returns how to stop."""
        return _enter(self._hashes, subscription)

    def transactions(self, subscription: Subscription) -> Callable[[], None]:
        """Send whole pending transactions; returns how to stop."""
        return _enter(self._transactions, subscription)

    def logs(self, subscription: Subscription) -> Callable[[], None]:
        """Send matching logs; returns how to stop."""
        return _enter(self._logs, subscription)

    def _on_events(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, NewBlock):
                if self._heads:
                    form = _encode(header_form(event.header))
                    for subscription in tuple(self._heads):
                        subscription.send([form])
                if self._logs:
                    self._put(event)
            elif isinstance(event, NewPending):
                if self._hashes:
                    forms = [_encode(item) for item in hash_forms(event.hashes)]
                    for subscription in tuple(self._hashes):
                        subscription.send(forms)
                if self._transactions:
                    self._put(event)
            elif self._logs:
                self._put(event)

    def _put(self, event: Event) -> None:
        self._queue.append(event)
        self._arrived.set()

    async def _work(self) -> None:
        while True:
            if not self._queue:
                self._arrived.clear()
                await self._arrived.wait()
            event = self._queue.popleft()
            try:
                if isinstance(event, Removed):
                    self._send_logs(event.logs)
                elif isinstance(event, NewPending):
                    await self._send_transactions(event)
                else:
                    await self._send_blocks(event.header.number)
            except Exception:
                logger.exception("cannot serve subscriptions")

    async def _send_blocks(self, first: int) -> None:
        last = first
        # Blocks follow one another, so those that wait already can be read together.
        while self._queue and last - first < _MOST_BLOCKS:
            following = self._queue[0]
            if not isinstance(following, NewBlock) or following.header.number != last + 1:
                break
            self._queue.popleft()
            last += 1
        subscriptions = tuple(self._logs)
        if not subscriptions:
            return
        queries = [subscription.query for subscription in subscriptions if subscription.query]
        addresses: set[bytes] = set()
        for query in queries:
            if not query.addresses:
                addresses.clear()
                break
            addresses.update(query.addresses)
        wanted = LogFilter(first=first, last=last, addresses=tuple(addresses), limit=0)
        self._send_logs(await self._pool.run(self._backend.logs, wanted))

    def _send_logs(self, logs: Sequence[Log]) -> None:
        forms: dict[int, bytes] = {}
        for subscription in tuple(self._logs):
            query = subscription.query
            hits = []
            for position, log in enumerate(logs):
                if query is None or matches(log, query):
                    if position not in forms:
                        forms[position] = _encode(log_form(log))
                    hits.append(forms[position])
            if hits:
                subscription.send(hits)

    async def _send_transactions(self, event: NewPending) -> None:
        forms = await self._pool.run(self._pending_forms, event.hashes)
        for subscription in tuple(self._transactions):
            subscription.send(forms)

    def _pending_forms(self, hashes: bytes) -> list[bytes]:
        forms = []
        for start in range(0, len(hashes), 32):
            found = self._backend.transaction(hashes[start : start + 32])
            if found is not None:
                forms.append(_encode(transaction_form(found.transaction)))
        return forms


def _enter(group: set[Subscription], subscription: Subscription) -> Callable[[], None]:
    group.add(subscription)
    return lambda: group.discard(subscription)
