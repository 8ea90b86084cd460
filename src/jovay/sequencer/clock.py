"""Time stamps of blocks: the system's clock, but for jumps; never going back."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

log = logging.getLogger("jovay.sequencer")

MAX_TIMESTAMP = 1 << 40
"""Seconds: no clock shows more, some 34,800 years after 1970."""
FASTEST = 2.0
"""Seconds that time stamps go on at most in one second."""
JUMP = 10.0
"""Seconds behind the system's clock that are worth a warning."""


def elapsed() -> float:
    """Seconds on a clock that nobody sets, which goes on while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Clock:
    """``offset`` is added to the system's clock; ``next`` is the next block's time, ``interval`` that between blocks.

    Where the system's clock jumps ahead, time stamps follow it at ``FASTEST``. A time that was too late by a mistake
    thus stands in blocks no further ahead than the mistake lasted, and so long they wait for the right time at most.
    The first time that is asked for, at a start, is taken as it is.
    """

    def __init__(
        self, system: Callable[[], float] = time.time, elapsed: Callable[[], float] = elapsed
    ) -> None:
        self.offset = 0
        self.next: int | None = None
        self.interval: int | None = None
        self._system, self._elapsed = system, elapsed
        self._shown, self._asked = system(), elapsed()
        self._has_jumped = False

    @property
    def is_free(self) -> bool:
        """Whether nobody has said what the next time stamp shall be."""
        return self.next is None and self.interval is None

    def timestamp(self, parent: int) -> int:
        """Seconds for the block after one of ``parent``."""
        if self.next is not None:
            return max(self.next, parent)
        if self.interval is not None:
            return min(parent + self.interval, MAX_TIMESTAMP)
        return max(int(self.now()) + self.offset, parent)

    def now(self) -> float:
        """The system's time, or as much of it as has passed."""
        system, asked = self._system(), self._elapsed()
        most = self._shown + FASTEST * max(0.0, asked - self._asked)
        self._shown, self._asked = min(system, most), asked
        ahead = system - self._shown
        if ahead > JUMP and not self._has_jumped:
            text = "the system's clock has jumped %.0f s ahead; time stamps follow it at %g times its speed"
            log.warning(text, ahead, FASTEST)
        self._has_jumped = ahead > JUMP
        return self._shown
