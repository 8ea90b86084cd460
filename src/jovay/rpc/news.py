"""What subscriptions tell: events in their JSON form, encoded once for all who hear of them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from functools import cached_property
from itertools import chain
from typing import Protocol

import msgspec

from jovay.chain.types import Header, Log
from jovay.rpc.args import LogArgs
from jovay.rpc.forms import header_form, log_form

_encode = msgspec.json.Encoder().encode
HASH_BYTES = 160
"""What a hash and its form take in memory, about."""
_LOG_BYTES = 1_000
_LOOKED_AT = 16
"""What looking at a result costs, in bytes sent."""
_MOST_LOOKED_AT = 256


class LogMatcher:
    """The addresses and topics of a filter, ready for many logs."""

    __slots__ = ("addresses", "topics")

    def __init__(self, query: LogArgs) -> None:
        self.addresses = frozenset(query.addresses)
        self.topics = tuple(map(frozenset, query.topics))

    @property
    def terms(self) -> int:
        """How many addresses and topics there are."""
        return len(self.addresses) + sum(map(len, self.topics))

    def __call__(self, log: Log) -> bool:
        """Whether a log has one of the addresses and, at each position, one of the topics."""
        if self.addresses and log.address not in self.addresses:
            return False
        if len(self.topics) > len(log.topics):
            return False
        return all(
            not wanted or topic in wanted for wanted, topic in zip(self.topics, log.topics, strict=False)
        )


class News(Protocol):
    """An event with results for subscriptions."""

    def take(self, start: int, matcher: LogMatcher | None, room: int) -> tuple[list[bytes], int | None, int]:
        """Results from ``start`` on that take about ``room``: (results, where to go on or None at the end, cost)."""


class Head:
    """A new block."""

    size = 2_000

    def __init__(self, header: Header) -> None:
        self._header = header

    @cached_property
    def _form(self) -> bytes:
        return _encode(header_form(self._header))

    def take(self, start: int, matcher: LogMatcher | None, room: int) -> tuple[list[bytes], int | None, int]:
        """The header."""
        return [self._form], None, len(self._form)


class Results:
    """Results that are encoded already."""

    def __init__(self, results: Sequence[bytes]) -> None:
        self._results = results
        self.size = sum(map(len, results)) + 64 * len(results)

    def take(self, start: int, matcher: LogMatcher | None, room: int) -> tuple[list[bytes], int | None, int]:
        """As many as fit, at least one."""
        found: list[bytes] = []
        cost = 0
        while start < len(self._results) and (not found or cost < room):
            found.append(self._results[start])
            cost += len(found[-1]) + _LOOKED_AT
            start += 1
        return found, start if start < len(self._results) else None, cost


class Hashes:
    """Pending transactions by their hashes, which lie back to back."""

    def __init__(self, hashes: bytes) -> None:
        self.hashes = hashes
        self.size = HASH_BYTES * (len(hashes) // 32)

    @cached_property
    def _results(self) -> list[bytes]:
        digits = self.hashes.hex().encode()
        return [b'"0x' + digits[start : start + 64] + b'"' for start in range(0, len(digits), 64)]

    def take(self, start: int, matcher: LogMatcher | None, room: int) -> tuple[list[bytes], int | None, int]:
        """As many as fit, at least one."""
        end = min(start + max(room // HASH_BYTES, 1), len(self._results))
        found = self._results[start:end]
        return found, end if end < len(self._results) else None, HASH_BYTES * len(found)


class Logs:
    """Logs of new blocks, or of blocks that left the chain."""

    def __init__(self, logs: Sequence[Log]) -> None:
        self._logs = logs
        self._forms: dict[int, bytes] = {}
        self.size = sum(_LOG_BYTES + 3 * len(log.data) for log in logs)

    @cached_property
    def _by_address(self) -> dict[bytes, list[int]]:
        found: dict[bytes, list[int]] = {}
        for index, log in enumerate(self._logs):
            found.setdefault(log.address, []).append(index)
        return found

    def _candidates(self, matcher: LogMatcher | None) -> Sequence[int]:
        """Logs that can match, in order."""
        if matcher is None or not matcher.addresses:
            return range(len(self._logs))
        hits = [self._by_address[one] for one in self._by_address.keys() & matcher.addresses]
        return hits[0] if len(hits) == 1 else sorted(chain.from_iterable(hits))

    def take(self, start: int, matcher: LogMatcher | None, room: int) -> tuple[list[bytes], int | None, int]:
        """As many of those that match as fit, after a look at some."""
        candidates = self._candidates(matcher)
        at = bisect_left(candidates, start)
        end = min(at + _MOST_LOOKED_AT, len(candidates))
        found: list[bytes] = []
        cost = _LOOKED_AT
        while at < end and cost < room:
            index = candidates[at]
            if matcher is None or matcher(self._logs[index]):
                found.append(self._form(index))
                cost += len(found[-1])
            cost += _LOOKED_AT
            at += 1
        return found, candidates[at] if at < len(candidates) else None, cost

    def _form(self, index: int) -> bytes:
        if index not in self._forms:
            self._forms[index] = _encode(log_form(self._logs[index]))
        return self._forms[index]
