"""Old blocks lose their bodies, receipts and write sets where the settings say so; headers stay."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from jovay.sequencer.errors import SequencerStoppedError
from jovay.storage.datadir import DataDirectory
from jovay.storage.errors import StorageError
from jovay.storage.prune import Keep, prune

from .persistence import Persistence

log = logging.getLogger("jovay.pruning")
PERIOD = 60.0


class Pruner:
    """Looks every ``period`` seconds for files of the block log of which something can go.

    ``head()`` is the newest visible block, on a settled chain the newest one that L1 has for final: others may be asked
    for by provers and followers. The last ``keep`` up to it stay whole.
    """

    def __init__(
        self,
        data: DataDirectory,
        persistence: Persistence,
        head: Callable[[], int],
        keep: int,
        period: float = PERIOD,
    ) -> None:
        self._data, self._persistence, self._head = data, persistence, head
        self._keep, self._period = keep, period
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pruning", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End it, after the running round."""
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.wait(self._period):
            try:
                self.prune()
            except (StorageError, SequencerStoppedError):
                log.exception("pruning failed")

    def prune(self) -> int:
        """Free what can be freed now; the bytes. The log's writer waits meanwhile."""
        blocks, first = self._data.blocks, self._head() + 1 - self._keep
        if first <= 0 or all(segment.last >= first for segment in blocks.segments[:-1]):
            return 0

        def work() -> int:
            self._persistence.checkpoint(sync=True)
            writes = min(first, self._data.state.height + 1)
            return prune(blocks, Keep(bodies=first, receipts=first, writes=writes))

        freed = self._persistence.call(work)
        if freed:
            log.info("freed %d bytes of blocks before %d", freed, first)
        return freed
