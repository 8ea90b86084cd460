"""Which of several relayers works: the holder of a lease, a row in a file that all of them see.

It saves gas and nothing more. Relayers with the same keys that work at the same time (a lease that ran out under a
process that was held up, two files, none at all) do each other no harm: ``Rollup`` takes a batch and a claim once, in
their order, and a transaction manager adopts what another one has sent (``l1/transactions.py``). So the file may lie
where locks are not quite reliable, and clocks may differ by a little.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

from jovay.bridge.relayer.errors import StoreError

log = logging.getLogger("jovay.lease")

SECONDS = 30.0
_SCHEMA = "create table if not exists lease (id integer primary key, holder text, token integer, until real)"


class Lease:
    """One relayer's part in it. ``holder`` names it, the same after a restart; ``seconds``: how long it lasts.

    Raises ``StoreError`` if ``path`` cannot be opened.
    """

    def __init__(
        self,
        path: Path,
        holder: str,
        seconds: float = SECONDS,
        clock: Callable[[], float] = time.time,
        stopwatch: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path, self._holder, self.seconds = path, holder, seconds
        self._clock, self._stopwatch = clock, stopwatch
        self._turn = threading.Lock()
        try:
            self._db = sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False)
            self._db.execute(_SCHEMA)
        except sqlite3.Error as error:
            raise StoreError(f"{path}: {error}") from error
        #: Until when this process may act, by its own stopwatch.
        self._good_until = 0.0
        #: Counts holders: whoever finds another one than its own has been succeeded.
        self.token = 0

    @property
    def held(self) -> bool:
        """Whether to act. Turns false by itself in a process that was held up for too long to renew it."""
        return self._stopwatch() < self._good_until

    def renew(self) -> bool:
        """Take the lease, or keep it; false while another one has it. To be called several times within ``seconds``."""
        begun = self._stopwatch()
        with self._turn:
            self._db.execute("begin immediate")
            try:
                holder, token, until = self._row()
                now = self._clock()
                # One that ends later than any that begins now is of a clock that has gone back since.
                if holder != self._holder and now < until <= now + 2 * self.seconds:
                    self._good_until = 0.0
                    return False
                if holder != self._holder:
                    token += 1
                row = (self._holder, token, now + self.seconds)
                self._db.execute("insert or replace into lease values (1, ?, ?, ?)", row)
                self._db.execute("commit")
            finally:
                if self._db.in_transaction:
                    self._db.execute("rollback")
        if token != self.token:
            log.info("this relayer works now", extra={"lease": str(self._path), "token": token})
        self.token, self._good_until = token, begun + self.seconds
        return True

    def release(self) -> None:
        """Let another one work at once."""
        self._good_until = 0.0
        with self._turn:
            query = "update lease set until = 0 where holder = ? and token = ?"
            self._db.execute(query, (self._holder, self.token))

    def close(self) -> None:
        """Release it, and close the file."""
        self.release()
        self._db.close()

    def guard(self, run: Callable[[], object], otherwise: Callable[[], object]) -> Callable[[], None]:
        """``run`` for the holder, ``otherwise`` for the others."""

        def guarded() -> None:
            if self.held:
                run()
            else:
                otherwise()

        return guarded

    def _row(self) -> tuple[str, int, float]:
        found = self._db.execute("select holder, token, until from lease").fetchone()
        return found or ("", 0, 0.0)
