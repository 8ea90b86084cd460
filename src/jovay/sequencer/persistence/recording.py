"""What blocks touched goes to TracerDB, on a thread of its own: no receipt waits for it, nor any block but where none
may be lost.
"""

from __future__ import annotations

import logging
import queue
import threading

from jovay.chain.types import Header
from jovay.sequencer.production.touched import TouchedKeys
from jovay.state.spv import Spv
from jovay.storage.tracer_db import TracerDB

log = logging.getLogger("jovay.recording")
#: Blocks on their way. One that finds no room waits where all are wanted; else it is not recorded, and executed again
#: if somebody asks for its witness.
DEPTH = 16


class Recording:
    """Records in the order in which blocks are made. ``lost`` counts blocks that are not: their keys are not known,
    they found no room, or could not be written.
    """

    def __init__(self, database: TracerDB, all_blocks: bool = False) -> None:
        """``all_blocks``: rather than lose one, ``put`` waits."""
        self._database, self._all = database, all_blocks
        self._queue: queue.Queue[tuple[Header, TouchedKeys, bytes] | threading.Event | None] = queue.Queue(
            DEPTH
        )
        self.lost = 0
        self._thread = threading.Thread(target=self._run, name="recording", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def put(self, header: Header, touched: TouchedKeys | None, proof: bytes) -> None:
        """Record a block, with the multiproof of what it touched, in the trie before it. None: that is not known."""
        if touched is None:
            self.lost += 1
            return
        try:
            self._queue.put((header, touched, proof), block=self._all)
        except queue.Full:
            self.lost += 1
            log.warning("block %d is not recorded: the disk is behind", header.number)

    def drain(self) -> None:
        """Wait until everything handed over is written."""
        written = threading.Event()
        self._queue.put(written)
        written.wait()

    def stop(self) -> None:
        """Write what is there, end the thread."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()
        self._database.close()

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            if isinstance(item, threading.Event):
                item.set()
                continue
            header, touched, proof = item
            try:
                self._record(header, touched, proof)
            except Exception as error:  # whatever it is, later blocks wait for this thread
                self.lost += 1
                log.warning("block %d is not recorded: %s", header.number, error)
                self._database.close()  # what is half written ends its file

    def _record(self, header: Header, touched: TouchedKeys, proof: bytes) -> None:
        keys = touched.keys
        spv = Spv.of(keys.accounts, keys.slots, touched.founded, touched.ancestors, proof)
        self._database.append(header.number, header.hash, spv.encode())
