"""Events of the node for subscriptions and filters: one log of each kind, filled from the hub.

Blocks and pending hashes are entered as they come.  Logs and whole transactions need a look into the chain,
so tasks of their own read and enter them, in order, several blocks at a time when they lag.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from jovay.chain.types import Log
from jovay.rpc.backend.chain import Chain, LogFilter
from jovay.rpc.backend.errors import TooManyResultsError
from jovay.rpc.backend.events import Event, NewBlock, NewFinality, NewPending, Removed
from jovay.rpc.budget import Budget
from jovay.rpc.delivery import Delivery, Subscription
from jovay.rpc.errors import limit_exceeded
from jovay.rpc.event_log import EventLog, Reader
from jovay.rpc.filters import take_terms
from jovay.rpc.forms import finality_event_form, transaction_form
from jovay.rpc.hub import Hub
from jovay.rpc.limits import Limits
from jovay.rpc.news import Hashes, Head, LogMatcher, Logs, News, Results
from jovay.rpc.session import Session
from jovay.rpc.workers import Workers

logger = logging.getLogger(__name__)

_encode = msgspec.json.Encoder().encode
_MOST_BLOCKS = 64
_MOST_LOGS = 10_000
"""Blocks and logs of one query; a block with more logs is read alone."""
_MOST_ADDRESSES = 256
"""Up to so many addresses of all subscriptions together, the chain is asked for theirs alone."""
ALWAYS = 4
"""Subscriptions that a connection may have even where others hold all that the node has."""
_MOST_HASHES = 256
"""Pending transactions that are looked up together."""


class Feed:
    """All subscriptions of the node.  Lives on the event loop."""

    def __init__(self, chain: Chain, hub: Hub, workers: Workers, limits: Limits, terms: Budget) -> None:
        """``terms`` bounds addresses and topics, here and of filters."""
        self._chain = chain
        self._workers = workers
        self._limit = limits.all_subscriptions
        self._terms = terms
        self.heads: EventLog[News] = EventLog(limits.queue)
        self.hashes: EventLog[News] = EventLog(limits.queue)
        self.transactions: EventLog[News] = EventLog(limits.queue)
        self.logs: EventLog[News] = EventLog(limits.queue)
        self.finality: EventLog[News] = EventLog(limits.queue)
        self.removed: EventLog[Removed] = EventLog(limits.queue)
        self._delivery = Delivery()
        self._subscriptions: set[Subscription] = set()
        self._unread: deque[range | Removed] = deque()
        self._pending: Reader[News] | None = None
        """What whole transactions are made from, while there are subscriptions to them."""
        self._arrived, self._pooled = asyncio.Event(), asyncio.Event()
        self._remove = hub.add(self._on_events)
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(_repeat(self._arrived, self._read_blocks)),
            loop.create_task(_repeat(self._pooled, self._read_transactions)),
        ]

    async def close(self) -> None:
        """End the feed."""
        self._remove()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._delivery.close()

    def __len__(self) -> int:
        return len(self._subscriptions)

    def subscribe(
        self, session: Session, log: EventLog[News], matcher: LogMatcher | None = None
    ) -> Subscription:
        """A subscription to one of the logs, silent until it is activated.

        Raises :class:`RpcError` where there are too many, or they have too many addresses and topics.
        """
        if len(self._subscriptions) >= self._limit and len(session.subscriptions) >= ALWAYS:
            raise limit_exceeded(f"too many subscriptions on this node (limit {self._limit})")
        if matcher is not None:
            take_terms(self._terms, matcher.terms)
        subscription = Subscription(session, log.reader(), matcher)
        self._subscriptions.add(subscription)
        if log is self.transactions and self._pending is None:
            self._pending = self.hashes.reader()
        return subscription

    def activate(self, subscription: Subscription) -> None:
        """Send what came up since it was made, and everything from now on."""
        if subscription in self._subscriptions:
            self._delivery.enter(subscription)

    def end(self, subscription: Subscription) -> None:
        """Send no more."""
        self._subscriptions.remove(subscription)
        self._delivery.leave(subscription)
        subscription.reader.close()
        if subscription.matcher is not None:
            self._terms.move(subscription.matcher.terms, 0)
        if self._pending is not None and not self.transactions.is_read:
            self._pending.close()
            self._pending = None

    def _on_events(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, NewBlock):
                if self.heads.is_read:
                    self._enter(self.heads, Head(event.header))
                if self.logs.is_read:
                    self._note(event.header.number)
            elif isinstance(event, NewPending):
                if self.hashes.is_read:
                    self._enter(self.hashes, Hashes(event.hashes))
                    self._pooled.set()
            elif isinstance(event, NewFinality):
                self._enter(self.finality, Results([_encode(finality_event_form(event))]))
            else:
                self.removed.append(event, Logs(event.logs).size)
                if self.logs.is_read:
                    self._unread.append(event)
                    self._arrived.set()

    def _enter(self, log: EventLog[News], news: Head | Hashes | Logs | Results) -> None:
        log.append(news, news.size)
        self._delivery.wake()

    # Logs.
    def _note(self, number: int) -> None:
        """A block whose logs are to be read; blocks that follow one another are one range."""
        last = self._unread[-1] if self._unread else None
        if isinstance(last, range) and last.stop == number:
            self._unread[-1] = range(last.start, number + 1)
        else:
            self._unread.append(range(number, number + 1))
        self._arrived.set()

    async def _read_blocks(self) -> bool:
        """Enter the logs of the next blocks; whether there were any to read."""
        if not self._unread or not self.logs.is_read:
            self._unread.clear()
            return False
        unread = self._unread.popleft()
        if isinstance(unread, Removed):
            self._enter(self.logs, Logs(unread.logs))
            return True
        blocks = unread[:_MOST_BLOCKS]
        found, last = await self._workers.run(self._logs_of, blocks, self._addresses())
        if last + 1 < unread.stop:
            self._unread.appendleft(range(last + 1, unread.stop))
        if found:
            self._enter(self.logs, Logs(found))
        return True

    def _addresses(self) -> tuple[bytes, ...]:
        """The only addresses whose logs anybody wants; none where that would be all or many."""
        wanted: set[bytes] = set()
        for subscription in self._subscriptions:
            if subscription.reader.log is self.logs:
                addresses = subscription.matcher.addresses if subscription.matcher else ()
                wanted.update(addresses)
                if not addresses or len(wanted) > _MOST_ADDRESSES:
                    return ()
        return tuple(wanted)

    def _logs_of(self, blocks: range, addresses: tuple[bytes, ...]) -> tuple[Sequence[Log], int]:
        """Logs of as many of the blocks as have not too many, and the last one of these."""
        first, last = blocks[0], blocks[-1]
        while True:
            limit = _MOST_LOGS if last > first else 0
            try:
                return self._chain.logs(
                    LogFilter(first=first, last=last, addresses=addresses, limit=limit)
                ), last
            except TooManyResultsError as error:
                last = min(max(error.last_block, first), last - 1)

    # Whole transactions.
    async def _read_transactions(self) -> bool:
        """Enter the next pending transactions as a whole; whether there were any."""
        if self._pending is None or not self._pending.has_news:
            return False
        if self._pending.is_behind:
            self._pending.skip()  # there are more than can be told: the oldest are left out
        hashes = b""

        def step(news: News, offset: int) -> int | None:
            nonlocal hashes
            assert isinstance(news, Hashes)
            hashes = news.hashes[offset : offset + 32 * _MOST_HASHES]
            end = offset + len(hashes)
            return end if end < len(news.hashes) else None

        self._pending.read(step)
        forms = await self._workers.run(self._forms_of, hashes)
        self._enter(self.transactions, Results(forms))
        return True

    def _forms_of(self, hashes: bytes) -> list[bytes]:
        forms = []
        for start in range(0, len(hashes), 32):
            found = self._chain.transaction(hashes[start : start + 32])
            if found is not None:
                forms.append(_encode(transaction_form(found.transaction)))
        return forms


async def _repeat(arrived: asyncio.Event, work: Callable[[], Awaitable[bool]]) -> Any:
    """Work whenever something arrived, until there is nothing to do."""
    while True:
        await arrived.wait()
        arrived.clear()
        try:
            while await work():
                pass
        except Exception:
            logger.exception("cannot serve subscriptions")
            arrived.set()
