"""Whether blocks come that are due: what ``/health`` tells."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

#: A block that is due may take so many seconds; so long blocks may be without any of the transactions that are ready.
LIMIT, BARREN_LIMIT = 5.0, 30.0


@dataclass(frozen=True)
class Stall:
    """Why no block comes, and since when (seconds since 1970)."""

    reason: str
    since: float


class Progress:
    """Times of what is under way. A chain on which nothing is due is well."""

    def __init__(self, limit: float = LIMIT, barren_limit: float = BARREN_LIMIT) -> None:
        self.limit, self.barren_limit = limit, barren_limit
        self._making: dict[int, float] = {}
        self._storing: dict[int, float] = {}
        self._barren: float | None = None

    @contextmanager
    def making(self) -> Iterator[None]:
        """A block is due, and is made within."""
        thread = threading.get_ident()
        self._making[thread] = time.monotonic()
        try:
            yield
        finally:
            self._making.pop(thread, None)

    def made(self, number: int, took: int, included: int) -> None:
        """A block is made of so many transactions, and is to be stored."""
        self._storing[number] = time.monotonic()
        if included or not took:
            self._barren = None
        elif self._barren is None:
            self._barren = time.monotonic()

    def seen(self, number: int) -> None:
        """A block is stored and visible."""
        self._storing.pop(number, None)

    def stall(self) -> Stall | None:
        """What takes too long, the longest first; None if all goes well."""
        now = time.monotonic()
        waits = [(since, self.limit, "a block that is due is not made") for since in [*self._making.values()]]
        waits += [(since, self.limit, f"block {n} is not stored") for n, since in [*self._storing.items()]]
        if (barren := self._barren) is not None:
            waits.append((barren, self.barren_limit, "transactions find no place in blocks"))
        late = [(since, reason) for since, limit, reason in waits if now - since > limit]
        if not late:
            return None
        since, reason = min(late)
        return Stall(reason, time.time() - (now - since))
