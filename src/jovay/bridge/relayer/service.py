"""The relayer's loop: small steps that go on from wherever they were left, each with a thread and a pace of its own, so
that what one of them waits for does not hold up another.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from jovay.bridge.errors import BridgeError

log = logging.getLogger("jovay.relayer")

#: Seconds between tries of a step that fails: doubling, up to the last.
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0


@dataclass
class Step:
    """``run`` does a little and returns; what it raises is said once, and it is run again after a pause."""

    name: str
    run: Callable[[], object]
    every: float = 1.0
    standby: Callable[[], object] = lambda: None
    """Instead of ``run`` while another relayer works."""
    problem: str = ""
    """Why it does not get on; empty when it does."""
    failures: int = 0
    """Since it got on last."""
    done: int = 0
    last: float = field(default=0.0)
    """When it got on last, seconds since the epoch."""

    def take(self) -> float:
        """Run it; seconds until it is to be run again."""
        try:
            self.run()
        except Exception as error:
            return self._failed(error)
        if self.problem:
            log.info("a step gets on again", extra={"step": self.name})
        self.problem, self.failures, self.done, self.last = "", 0, self.done + 1, time.time()
        return self.every

    def _failed(self, error: Exception) -> float:
        problem = str(error) or type(error).__name__
        if problem != self.problem:
            expected = isinstance(error, BridgeError | OSError)
            told = {"step": self.name, "problem": problem}
            log.warning("a step does not get on", extra=told, exc_info=None if expected else error)
        self.problem, self.failures = problem, self.failures + 1
        pause = FIRST_PAUSE * (1 << min(self.failures - 1, 16))
        return min(max(self.every, pause), LONGEST_PAUSE)


class Service:
    """Runs ``steps``, in threads, from ``start`` to ``stop``."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.steps = list(steps)
        self._end = threading.Event()
        self._threads = [
            threading.Thread(target=self._go, args=(step,), name=step.name, daemon=True)
            for step in self.steps
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, patience: float = 30.0) -> None:
        """Let each step end what it is at."""
        self._end.set()
        end = time.monotonic() + patience
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _go(self, step: Step) -> None:
        while not self._end.wait(step.take()):
            pass
