"""Old blocks lose their bodies, receipts and write sets where the settings say so; headers stay."""

from __future__ import annotations

import logging
import threading

from jovay.sequencer.errors import SequencerStoppedError
from jovay.sequencer.sequencer import Sequencer
from jovay.storage.errors import StorageError
from jovay.storage.prune import Keep, prune

log = logging.getLogger("jovay.pruning")
PERIOD = 60.0


class Pruner:
    """Looks every ``period`` seconds for files of the block log of which something can go."""

    def __init__(self, sequencer: Sequencer, keep_blocks: int, period: float = PERIOD) -> None:
        self._sequencer, self._keep, self._period = sequencer, keep_blocks, period
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
        sequencer = self._sequencer
        first = sequencer.visible.number + 1 - self._keep
        if first <= 0 or all(segment.last >= first for segment in sequencer.data.blocks.segments[:-1]):
            return 0

        def work() -> int:
            sequencer.persistence.checkpoint(sync=True)
            writes = min(first, sequencer.data.state.height + 1)
            return prune(sequencer.data.blocks, Keep(bodies=first, receipts=first, writes=writes))

        freed = sequencer.persistence.call(work)
        if freed:
            log.info("freed %d bytes of blocks before %d", freed, first)
        return freed
