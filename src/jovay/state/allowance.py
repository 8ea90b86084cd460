"""How long looks at the state trie may keep the sequencer from making blocks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from .errors import TrieBusyError

SHARE, BURST = 0.1, 2.0
"""Share of the time that they may take, and seconds of it that may be saved up."""


class Allowance:
    """Counts the time that is taken; used while the sequencer is still, so by one thread at a time."""

    def __init__(self) -> None:
        self._left, self._counted_at = BURST, time.monotonic()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Count what happens within; ``TrieBusyError`` where too much was taken already."""
        begun = time.monotonic()
        self._left = min(BURST, self._left + SHARE * (begun - self._counted_at))
        self._counted_at = begun
        if self._left <= 0:
            raise TrieBusyError
        try:
            yield
        finally:
            self._left -= time.monotonic() - begun
