"""Polling filters: eth_newFilter and its relatives.

A log or block filter holds no results, only the next block to look at; polling it is a query from there to
the head. So its memory is bounded however long nobody polls. Only pending-transaction filters collect, up
to a limit, after which they end.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence

from jovay.rpc.args import LogArgs
from jovay.rpc.backend import Event, NewPending, Removed
from jovay.rpc.errors import RpcError, limit_exceeded
from jovay.types import Log

_SWEEP_INTERVAL = 10.0


def new_id() -> str:
    """Identifier of a filter or subscription: 16 random bytes as geth forms them (no leading zeros)."""
    return hex(secrets.randbits(128) | 1 << 124)


class Filter:
    """State of an installed filter; ``next_block`` is the first block that no answer has covered."""

    __slots__ = ("last_used", "next_block", "removed")

    def __init__(self, next_block: int) -> None:
        self.next_block = next_block
        self.last_used = time.monotonic()
        self.removed: list[Log] = []


class BlockFilter(Filter):
    """eth_newBlockFilter."""

    __slots__ = ()


class LogFilterState(Filter):
    """eth_newFilter with its query."""

    __slots__ = ("query",)

    def __init__(self, next_block: int, query: LogArgs) -> None:
        super().__init__(next_block)
        self.query = query


class PendingFilter(Filter):
    """eth_newPendingTransactionFilter; ``hashes`` lie back to back."""

    __slots__ = ("full", "hashes", "overflowed")

    def __init__(self, full: bool) -> None:
        super().__init__(0)
        self.full = full
        self.hashes = bytearray()
        self.overflowed = False


class Filters:
    """All installed filters of the node.  Lives on the event loop."""

    def __init__(self, limit: int, lifetime: float, most_hashes: int) -> None:
        self._limit = limit
        self._lifetime = lifetime
        self._most_bytes = 32 * most_hashes
        self._filters: dict[str, Filter] = {}
        self._pending: dict[str, PendingFilter] = {}
        self._last_sweep = time.monotonic()

    def __len__(self) -> int:
        return len(self._filters)

    def install(self, item: Filter) -> str:
        """Add a filter; returns its id."""
        self._sweep(force=len(self._filters) >= self._limit)
        if len(self._filters) >= self._limit:
            raise limit_exceeded(f"too many filters are installed (limit {self._limit})")
        identifier = new_id()
        self._filters[identifier] = item
        if isinstance(item, PendingFilter):
            self._pending[identifier] = item
        return identifier

    def uninstall(self, identifier: str) -> bool:
        """Remove a filter; whether there was one."""
        self._pending.pop(identifier, None)
        return self._filters.pop(identifier, None) is not None

    def get(self, identifier: str) -> Filter:
        """An installed filter; counts as use."""
        self._sweep(force=False)
        item = self._filters.get(identifier)
        if item is None:
            raise RpcError("filter not found")
        item.last_used = time.monotonic()
        return item

    def take_hashes(self, identifier: str, item: PendingFilter) -> bytes:
        """New pending hashes since the last poll."""
        if item.overflowed:
            self.uninstall(identifier)
            raise limit_exceeded("filter overflowed and was removed: poll more often")
        hashes = bytes(item.hashes)
        item.hashes.clear()
        return hashes

    def on_events(self, events: Sequence[Event]) -> None:
        """Hub listener: collect pending transactions, go back when blocks are removed."""
        for event in events:
            if isinstance(event, NewPending):
                self._collect(event.hashes)
            elif isinstance(event, Removed):
                self._go_back(event)

    def _collect(self, hashes: bytes) -> None:
        for item in self._pending.values():
            if len(item.hashes) + len(hashes) > self._most_bytes:
                item.overflowed = True
                item.hashes.clear()
            elif not item.overflowed:
                item.hashes += hashes

    def _go_back(self, event: Removed) -> None:
        for item in self._filters.values():
            if item.next_block > event.head.number + 1:
                if isinstance(item, LogFilterState):
                    seen = [log for log in event.logs if log.block_number < item.next_block]
                    item.removed.extend(log for log in seen if matches(log, item.query))
                item.next_block = event.head.number + 1

    def _sweep(self, force: bool) -> None:
        now = time.monotonic()
        if not force and now - self._last_sweep < _SWEEP_INTERVAL:
            return
        self._last_sweep = now
        for identifier, item in list(self._filters.items()):
            if now - item.last_used > self._lifetime:
                self.uninstall(identifier)


def matches(log: Log, query: LogArgs) -> bool:
    """Whether a log has one of the addresses and, at each position, one of the topics of a filter."""
    if query.addresses and log.address not in query.addresses:
        return False
    if len(query.topics) > len(log.topics):
        return False
    return all(not wanted or topic in wanted for wanted, topic in zip(query.topics, log.topics, strict=False))
