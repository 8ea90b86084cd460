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
    """The system's clock shifted by ``offset`` seconds, unless somebody has said what time stamps shall be.

    Where the system's clock jumps ahead, time stamps follow it at ``FASTEST``. A time that was too late by a mistake
    thus stands in blocks no further ahead than the mistake lasted, and so long they wait for the right time at most.
    The first time that is asked for, at a start, is taken as it is.
    """

    def __init__(
        self, system: Callable[[], float] = time.time, elapsed: Callable[[], float] = elapsed
    ) -> None:
        self.offset = 0
        self._planned: int | None = None
        self._interval: int | None = None
        self._system, self._elapsed = system, elapsed
        self._shown, self._asked = system(), elapsed()
        self._has_jumped = False

    def shift(self, seconds: int) -> None:
        """Show so much more than the system's clock."""
        self.offset = seconds

    def plan(self, timestamp: int | None) -> None:
        """Let the next time stamp be this; None: what follows from the rest."""
        self._planned = timestamp

    def space(self, seconds: int | None) -> None:
        """Let time stamps be so far apart, whatever the clock shows; None: they follow it."""
        self._interval = seconds

    @property
    def is_free(self) -> bool:
        """Whether nobody has said what the next time stamp shall be."""
        return self._planned is None and self._interval is None

    def timestamp(self, parent: int) -> int:
        """Seconds for the block after one of ``parent``."""
        if self._planned is not None:
            return max(self._planned, parent)
        if self._interval is not None:
            return min(parent + self._interval, MAX_TIMESTAMP)
        return max(int(self.now()) + self.offset, parent)

    def milliseconds(self, timestamp: int, parent: int) -> int:
        """Of a block whose time stamp came of the last question; not before ``parent`` (milliseconds)."""
        shown = int((self._shown + self.offset) * 1000)
        return max(parent, min(max(shown, timestamp * 1000), timestamp * 1000 + 999))

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
