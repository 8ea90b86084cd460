"""How far a proof is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock

Tell = Callable[[str, float], None]
"""Told a stage and the share of the whole that is done."""
Done = Callable[[float], None]
"""Told the share of a stage that is done."""


class Progress:
    """Shares of stages become shares of the whole, which only rise. Any thread may tell."""

    def __init__(self, work: Mapping[str, float], tell: Tell) -> None:
        """``work``: how long each stage takes, in order and in any unit."""
        self._work, self._tell, self._lock = work, tell, Lock()
        self._stage, self._before, self._share = "", 0.0, 0.0

    def begin(self, stage: str) -> None:
        """All stages before this one are done."""
        names = list(self._work)
        self._before = sum(self._work[name] for name in names[: names.index(stage)])
        self._stage = stage
        self.done(0.0)

    def done(self, part: float) -> None:
        """So much of the stage."""
        with self._lock:
            share = (self._before + part * self._work[self._stage]) / sum(self._work.values())
            self._share = max(self._share, share)
            self._tell(self._stage, self._share)


def within(tell: Tell, first: float, last: float) -> Tell:
    """For a part of what ``tell`` is told about, from one share to another."""
    return lambda stage, share: tell(stage, first + share * (last - first))


def ignore(share: float) -> None:
    """For those who need not know."""
