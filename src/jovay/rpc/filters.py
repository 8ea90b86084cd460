"""Polling filters: eth_newFilter and its relatives.

A filter holds no results, only places: the next block to look at, and where it stands in the logs of events that
all filters share. So its memory is bounded however long nobody polls; one that is further behind than an event
log reaches ends with an error.
"""

from __future__ import annotations

import secrets
import time

from jovay.chain.types import Log
from jovay.rpc.args import LogArgs
from jovay.rpc.backend.events import Removed
from jovay.rpc.budget import Budget
from jovay.rpc.errors import RpcError, limit_exceeded
from jovay.rpc.event_log import EventLog, Reader
from jovay.rpc.news import Hashes, LogMatcher, News


def new_id() -> str:
    """Identifier of a filter or subscription: 16 random bytes as geth forms them (no leading zeros)."""
    return hex(secrets.randbits(128) | 1 << 124)


def take_terms(terms: Budget, count: int) -> None:
    """Make room for a filter's addresses and topics, or raise :class:`RpcError`."""
    if not terms.move(0, count):
        terms.move(count, 0)
        raise limit_exceeded(
            f"filters and subscriptions have too many addresses and topics (limit {terms.limit})"
        )


class _Polled:
    """A filter and when it was polled last."""

    def __init__(self) -> None:
        self.used()

    def used(self) -> None:
        """It is polled now."""
        self.last_used = time.monotonic()


class BlockFilter(_Polled):
    """eth_newBlockFilter; ``next_block`` is the first block that no answer has covered."""

    def __init__(self, next_block: int, removed: EventLog[Removed]) -> None:
        super().__init__()
        self.next_block = next_block
        self.reader = removed.reader()

    @property
    def terms(self) -> int:
        """Addresses and topics that it looks for."""
        return 0

    def claim(self, last: int) -> None:
        """An answer covers the blocks up to ``last``."""
        self.next_block = max(self.next_block, last + 1)

    def unclaim(self, first: int) -> None:
        """It does not, from ``first`` on."""
        self.next_block = min(self.next_block, first)

    def go_back(self) -> list[Log]:
        """Before a poll: begin again where blocks were removed; logs told before that no longer stand."""
        gone: list[Log] = []

        def step(event: Removed, _: int) -> None:
            if self.next_block > event.head.number + 1:
                gone.extend(self._told(event))
                self.next_block = event.head.number + 1

        while self.reader.has_news:
            self.reader.read(step)
        return gone

    def _told(self, event: Removed) -> list[Log]:
        return []


class LogFilterState(BlockFilter):
    """eth_newFilter with its query."""

    def __init__(self, next_block: int, removed: EventLog[Removed], query: LogArgs) -> None:
        super().__init__(next_block, removed)
        self.query = query
        self.matcher = LogMatcher(query)

    @property
    def terms(self) -> int:
        """Addresses and topics that it looks for."""
        return self.matcher.terms

    def _told(self, event: Removed) -> list[Log]:
        return [log for log in event.logs if log.block_number < self.next_block and self.matcher(log)]


class PendingFilter(_Polled):
    """eth_newPendingTransactionFilter; ``full`` wants whole transactions."""

    terms = 0

    def __init__(self, full: bool, hashes: EventLog[News]) -> None:
        super().__init__()
        self.full = full
        self.reader: Reader[News] = hashes.reader()

    def take(self, most: int) -> bytes:
        """Hashes since the last poll, back to back, or the oldest ``most`` of them."""
        parts: list[bytes] = []
        room = 32 * most

        def step(news: News, offset: int) -> int | None:
            nonlocal room
            assert isinstance(news, Hashes)
            parts.append(news.hashes[offset : offset + room])
            room -= len(parts[-1])
            end = offset + len(parts[-1])
            return end if end < len(news.hashes) else None

        while room and self.reader.has_news:
            self.reader.read(step)
        return b"".join(parts)


Filter = BlockFilter | PendingFilter


class Filters:
    """All installed filters of the node, those polled last at the end.  Lives on the event loop."""

    def __init__(self, limit: int, lifetime: float, terms: Budget) -> None:
        """``terms`` bounds addresses and topics, here and of subscriptions."""
        self._limit = limit
        self._lifetime = lifetime
        self._terms = terms
        self._filters: dict[str, Filter] = {}

    def __len__(self) -> int:
        return len(self._filters)

    def install(self, item: Filter) -> str:
        """Add a filter; returns its id."""
        self._sweep()
        if len(self._filters) >= self._limit:
            item.reader.close()
            raise limit_exceeded(f"too many filters are installed (limit {self._limit})")
        try:
            take_terms(self._terms, item.terms)
        except RpcError:
            item.reader.close()
            raise
        identifier = new_id()
        self._filters[identifier] = item
        return identifier

    def uninstall(self, identifier: str) -> bool:
        """Remove a filter; whether there was one."""
        item = self._filters.pop(identifier, None)
        if item is None:
            return False
        item.reader.close()
        self._terms.move(item.terms, 0)
        return True

    def get(self, identifier: str) -> Filter:
        """An installed filter; counts as use. One that missed something is removed with an error."""
        self._sweep()
        item = self._filters.pop(identifier, None)
        if item is None:
            raise RpcError("filter not found")
        item.used()
        self._filters[identifier] = item
        if item.reader.is_behind:
            self.uninstall(identifier)
            raise limit_exceeded("filter overflowed and was removed: poll more often")
        return item

    def _sweep(self) -> None:
        """Remove those that nobody has polled for long."""
        oldest = time.monotonic() - self._lifetime
        while self._filters:
            identifier, item = next(iter(self._filters.items()))
            if item.last_used > oldest:
                break
            self.uninstall(identifier)
