"""The thread in which somebody follows L1, whatever state L1 is in."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable

from jovay.bridge.errors import L1Error
from jovay.sequencer.errors import SequencerStoppedError

from .following_errors import BatchDifferenceError, DataUnavailableError, UnreadableBatchError

log = logging.getLogger("jovay.l1")
#: The longest pause while something is wrong, in seconds.
LONGEST_PAUSE = 30.0
#: What may be better the next time.
_PASSING = (
    L1Error,
    DataUnavailableError,
    BatchDifferenceError,
    UnreadableBatchError,
    sqlite3.OperationalError,  # a full disk
)


class Following:
    """Calls ``step``, which says whether there is more to do at once, until the end, with a ``pause`` in between
    (seconds), longer ones while L1 does not answer well. ``fail`` is told of an error that no waiting mends.
    """

    def __init__(
        self,
        step: Callable[[], bool],
        fail: Callable[[BaseException], None],
        pause: float,
    ) -> None:
        self._step, self._fail, self._pause = step, fail, pause
        self.trouble = ""
        """What is wrong with L1 or with what it says, in words; empty while all is well."""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="l1", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Return when the running step is done."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        pause = self._pause
        while not self._stopping.is_set():
            try:
                pause = 0.0 if self._step() else self._pause
                self._tell_of("")
            except _PASSING as error:
                self._tell_of(str(error))
                pause = min(max(2 * pause, self._pause), LONGEST_PAUSE)
            except SequencerStoppedError:
                return
            except Exception as error:
                log.critical("L1 is not followed any more: %s", error, exc_info=True)
                self.trouble = str(error)
                self._fail(error)
                return
            self._stopping.wait(pause)

    def _tell_of(self, trouble: str) -> None:
        if trouble and trouble != self.trouble:
            log.error("L1 cannot be followed: %s", trouble)
        elif self.trouble and not trouble:
            log.warning("L1 is followed again")
        self.trouble = trouble
