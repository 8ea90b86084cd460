"""Events that clients have not been told yet: kept once for all of them, each reader with its place.

A reader costs a few numbers, however far it is behind. What it may be behind is bounded for all together: a log
drops its oldest events when the newer ones take too much, and a reader whose place was dropped has missed some.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")
MOST_EVENTS = 65_536
"""Bound of a log's events, beside that of their bytes, for what an event itself takes."""


class EventLog(Generic[Item]):
    """The newest events of one kind, at consecutive positions ``first`` to ``end`` - 1.  Lives on the event loop."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._items: dict[int, tuple[Item, int]] = {}
        self._readers = 0
        self.first = self.end = 0
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._items)

    @property
    def is_read(self) -> bool:
        """Whether anybody reads; without readers nothing is kept."""
        return self._readers > 0

    def append(self, item: Item, size: int) -> None:
        """An event that takes about ``size`` bytes. The newest one stays whatever it takes."""
        if not self._readers:
            return
        self._items[self.end] = item, size
        self.end += 1
        self.bytes += size
        while len(self._items) > 1 and (self.bytes > self._most_bytes or len(self._items) > MOST_EVENTS):
            self._drop()

    def _drop(self) -> None:
        _, size = self._items.pop(self.first)
        self.first += 1
        self.bytes -= size

    def __getitem__(self, position: int) -> Item:
        return self._items[position][0]

    def reader(self) -> Reader[Item]:
        """A place after the newest event. To be closed."""
        self._readers += 1
        return Reader(self)

    def leave(self) -> None:
        """One reader less."""
        self._readers -= 1
        while self._items and not self._readers:
            self._drop()


class Reader(Generic[Item]):
    """A place in a log: an event, and how much of it was read."""

    __slots__ = ("_is_open", "log", "offset", "position")

    def __init__(self, log: EventLog[Item]) -> None:
        self.log = log
        self.position = log.end
        self.offset = 0
        self._is_open = True

    @property
    def is_behind(self) -> bool:
        """Whether events were dropped before they were read."""
        return self.position < self.log.first

    @property
    def has_news(self) -> bool:
        """Whether there is something to read."""
        return self.position < self.log.end

    def skip(self) -> None:
        """Go on with the oldest event that there still is."""
        self.position, self.offset = max(self.position, self.log.first), 0

    def read(self, take: Callable[[Item, int], int | None]) -> None:
        """Move on by one event, or as far into it as ``take`` says, which gets it and what was read of it."""
        after = take(self.log[self.position], self.offset)
        if after is None:
            self.position, self.offset = self.position + 1, 0
        else:
            self.offset = after

    def close(self) -> None:
        """The reader reads no more. Twice is fine."""
        if self._is_open:
            self._is_open = False
            self.log.leave()
