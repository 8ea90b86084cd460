"""Persistence: blocks go to the log in groups; what is durable becomes visible; state follows by checkpoint."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from typing import Any, TypeVar

from jovay.native.library import Library
from jovay.sequencer.errors import SequencerStoppedError
from jovay.sequencer.production.sealing import SealedBlock
from jovay.state.flat_state import state_changes
from jovay.state.writes import WriteSet
from jovay.storage.block_parts import BlockParts
from jovay.storage.datadir import DataDirectory
from jovay.storage.kv import Batch
from jovay.storage.logs_index import LogsIndex

from .checkpoint import Checkpoints

log = logging.getLogger("jovay.persistence")
T = TypeVar("T")
_ALL_AT_ONCE = 1 << 40


class Job:
    """Work for the thread, with its outcome."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work, self.done = work, Future[Any]()

    def run(self) -> None:
        """Do it; an error is the caller's."""
        try:
            self.done.set_result(self._work())
        except Exception as error:
            self.done.set_exception(error)


class Persistence:
    """One thread that appends sealed blocks, as many at once as have come up, and then tells of them."""

    def __init__(
        self,
        library: Library,
        data: DataDirectory,
        logs_index: LogsIndex,
        published: Callable[[Sequence[SealedBlock]], None],
        failed: Callable[[BaseException], None],
        checkpoint_seconds: float = 5.0,
        checkpoint_blocks: int = 4096,
        depth: int = 4,
    ) -> None:
        self._library, self._data, self._logs = library, data, logs_index
        self._published, self._failed = published, failed
        self._checkpoints = Checkpoints(library, data.state, checkpoint_seconds, checkpoint_blocks)
        self._queue: queue.Queue[SealedBlock | Job | None] = queue.Queue(depth)
        self.seconds = 0.0
        self._thread = threading.Thread(target=self._run, name="persistence", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def put(self, item: SealedBlock | Job | None) -> None:
        """Hand a block or a job over (or the end, None); waits while ``depth`` are on their way."""
        while True:
            if not self._thread.is_alive():
                raise SequencerStoppedError("persistence has stopped")
            with contextlib.suppress(queue.Full):
                return self._queue.put(item, timeout=1.0)

    def call(self, work: Callable[[], T]) -> T:
        """Do ``work`` on the thread, after everything handed over before is durable and visible; its result."""
        job: Job = Job(work)
        self.put(job)
        while not wait([job.done], 1.0).done:
            if not self._thread.is_alive() and not job.done.done():
                raise SequencerStoppedError("persistence has stopped")
        result: T = job.done.result()
        return result

    def write(self, batch: Batch) -> None:
        """Bring a batch of the key-value store to stable storage, which has one writer."""
        self.call(lambda: self._data.kv.write(batch, sync=True))

    def drain(self) -> None:
        """Wait until everything handed over is durable and visible."""
        self.call(lambda: None)

    def waiting(self) -> int:
        """Blocks on their way."""
        return self._queue.qsize()

    def stop(self) -> None:
        """Store what is there, write a checkpoint, end the thread."""
        if self._thread.is_alive():
            with contextlib.suppress(SequencerStoppedError):
                self.put(None)
            self._thread.join()

    def _run(self) -> None:
        try:
            while self._step():
                pass
            self.checkpoint(sync=True)
        except BaseException as error:
            log.critical("persistence failed: %s", error, exc_info=True)
            self._failed(error)
        finally:
            self._checkpoints.close()

    def _step(self) -> bool:
        items = [self._queue.get()]
        while not self._queue.empty():
            items.append(self._queue.get_nowait())
        blocks = [item for item in items if isinstance(item, SealedBlock)]
        if blocks:
            self._store(blocks)
        for item in items:
            if isinstance(item, Job):
                item.run()
        self._checkpoints.start_if_due(self._data.blocks.latest)
        return None not in items

    def _store(self, blocks: Sequence[SealedBlock]) -> None:
        begun = time.perf_counter()
        self._data.blocks.append([_parts(block) for block in blocks])
        for block in blocks:
            bloom = block.header.logs_bloom
            self._logs.append(block.header.number, bloom if any(bloom) else None)
        self._checkpoints.add([block.writes for block in blocks])
        self.seconds = time.perf_counter() - begun
        self._published(blocks)

    def checkpoint(self, sync: bool = False) -> None:
        """Bring the flat state up to the newest durable block, now; on the thread, see ``call``."""
        self._checkpoints.write(self._data.blocks.latest, sync)

    def rewind(self, number: int, older: WriteSet) -> None:
        """Let block ``number`` be the newest one that is stored; ``older`` leads the state back to it.

        State first, so that a crash in between leaves blocks to replay, not a gap.
        """

        def work() -> None:
            self.checkpoint(sync=True)
            changes = state_changes(self._library, [older])
            self._data.state.write(number, changes, sync=True, piece=_ALL_AT_ONCE)
            self._data.blocks.truncate(number)
            self._logs.truncate(number)

        self.call(work)

    def recovered(self, writes: Sequence[WriteSet]) -> None:
        """Write sets found beyond the checkpoint at the start."""
        self._checkpoints.add(writes)


def _parts(block: SealedBlock) -> BlockParts:
    produced, body = block.produced, block.produced.body
    return BlockParts(
        number=block.header.number,
        hash=block.header.hash,
        header=block.header_rlp,
        tx_hashes=body.hashes,
        senders=body.senders,
        tx_offsets=body.offsets,
        transactions=body.transactions,
        receipts=produced.receipts.tobytes(),
        logs=produced.logs,
        log_data=produced.log_data,
        writes=block.writes.encode(),
        standing=block.standing,
    )
