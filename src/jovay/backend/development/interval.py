"""Interval mining: a block every so many seconds."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

log = logging.getLogger("jovay.dev")


class IntervalMiner:
    """Calls ``mine`` every ``seconds`` until stopped."""

    def __init__(self, mine: Callable[[], None], seconds: float) -> None:
        self._mine, self.seconds, self._end = mine, seconds, threading.Event()
        self._thread = threading.Thread(target=self._run, name="interval-mining", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End it."""
        self._end.set()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        while not self._end.wait(self.seconds):
            try:
                self._mine()
            except Exception:
                log.exception("interval mining ends")
                return
