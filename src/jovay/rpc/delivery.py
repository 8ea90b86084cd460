"""From event logs to WebSockets: each connection in turn gets a little of what it has not heard yet.

Whoever has many subscriptions, or reads slowly, delays only itself: nothing is put aside for it, those who are not
behind come first, and when it is further behind than the log reaches it is hung up on. The event loop keeps half of
its time for others.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque

from jovay.rpc.event_log import Reader
from jovay.rpc.filters import new_id
from jovay.rpc.news import LogMatcher, News
from jovay.rpc.session import Session

logger = logging.getLogger(__name__)

_TURN = 64 << 10
"""Bytes for one connection in one turn, about."""
_SLICE = 0.002
"""Seconds of the event loop at a time."""


class Subscription:
    """One eth_subscribe: what it reads, and what is picked for it."""

    __slots__ = ("head", "identifier", "matcher", "reader", "session")

    def __init__(self, session: Session, reader: Reader[News], matcher: LogMatcher | None = None) -> None:
        self.identifier = new_id()
        self.session = session
        self.reader = reader
        self.matcher = matcher
        self.head = (
            b'{"jsonrpc":"2.0","method":"eth_subscription","params":{"subscription":"'
            + self.identifier.encode()
            + b'","result":'
        )

    def take(self, room: int, messages: list[bytes]) -> int:
        """Add messages of about ``room`` bytes to ``messages``; returns their cost."""
        spent = 0

        def step(news: News, offset: int) -> int | None:
            nonlocal spent
            results, after, cost = news.take(offset, self.matcher, room - spent)
            messages.extend([self.head + result + b"}}" for result in results])
            spent += cost + len(self.head) * len(results)
            return after

        while spent < room and self.reader.has_news:
            self.reader.read(step)
        return spent


class Delivery:
    """Tells sessions what their subscriptions read.  Lives on the event loop."""

    def __init__(self) -> None:
        self._sessions: dict[Session, deque[Subscription]] = {}
        self._news = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._work())

    async def close(self) -> None:
        """Deliver no more."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def wake(self) -> None:
        """There is something new, or a session can take more."""
        self._news.set()

    def enter(self, subscription: Subscription) -> None:
        """Deliver from now on."""
        session = subscription.session
        self._sessions.setdefault(session, deque()).append(subscription)
        session.tell_when_ready(self.wake)
        self.wake()

    def leave(self, subscription: Subscription) -> None:
        """Deliver no more to a subscription; it need not have been entered."""
        subscriptions = self._sessions.get(subscription.session)
        if subscriptions is None or subscription not in subscriptions:
            return
        subscriptions.remove(subscription)
        if not subscriptions:
            del self._sessions[subscription.session]

    async def _work(self) -> None:
        fresh: deque[Session] = deque()
        """Have heard all there was before the newest event; those come first."""
        behind: deque[Session] = deque()
        waiting: set[Session] = set()
        while True:
            if not waiting:
                await self._news.wait()
            if self._news.is_set():
                self._news.clear()
                fresh.extend(self._sessions.keys() - waiting)
                waiting.update(fresh)
            begun = time.perf_counter()
            while waiting and time.perf_counter() - begun < _SLICE:
                session = (fresh or behind).popleft()
                try:
                    has_more = self._serve(session)
                except Exception:
                    logger.exception("cannot serve subscriptions")
                    has_more = False
                if has_more:
                    behind.append(session)
                else:
                    waiting.discard(session)
            # As long for others; what comes meanwhile goes out together.
            await asyncio.sleep(time.perf_counter() - begun)

    def _serve(self, session: Session) -> bool:
        """Send a session its next messages; whether there are more that it can take."""
        subscriptions = self._sessions.get(session)
        if subscriptions is None:
            return False
        if any(subscription.reader.is_behind for subscription in subscriptions):
            session.drop("too slow")
            return False
        if not session.is_ready:
            return False
        messages: list[bytes] = []
        room = _TURN
        for _ in range(len(subscriptions)):
            room -= subscriptions[0].take(room, messages)
            subscriptions.rotate(-1)
            if room <= 0:
                break
        if messages:
            session.notify(messages)
        return room <= 0
