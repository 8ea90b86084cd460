"""What has become of a block: its write set at once; receipts, roots and body on another thread."""

from __future__ import annotations

import time
from concurrent.futures import Future, wait

import numpy as np

from jovay.kernel.block import execute
from jovay.kernel.block.receipts import Receipt, StoredLog
from jovay.state.writes import WriteSet

from .aside import MACHINES
from .block import Draft, ExecutedBlock, ProducedBlock
from .machines import Machines
from .results import Results
from .runs import Runs
from .touched import TouchedKeys, TouchedRecorder
from .write_set import Changed


class Collection:
    """The last stage. ``touched`` has recorded what the block touched."""

    def __init__(self, machines: Machines, runs: Runs, touched: TouchedRecorder | None) -> None:
        self._machines, self._runs, self._touched = machines, runs, touched
        self._changed = Changed(machines.library, machines.world)
        self._order = np.zeros(runs.capacity, np.uint64)
        self._running: Future[ProducedBlock] | None = None
        self.renew()

    def renew(self) -> None:
        """Have room for all that the machines have room for: a block that could be executed can be stored."""
        one, parts = self._machines.serial.view, self._machines.workers + 1 + MACHINES
        logs, log_bytes = parts * one.logs.capacity, parts * one.logs.data_capacity
        if (messages := self._machines.messages) is not None:
            logs += messages.view.logs.capacity
            log_bytes += messages.view.logs.data_capacity
        self._results = Results(self._machines.library, self._runs.capacity, logs, log_bytes)

    def wait(self) -> None:
        """Until the last block's runs are not needed any more."""
        if self._running is not None:
            wait([self._running])

    def begin(self) -> None:
        """A block begins."""
        self._changed.begin()

    def run(self, draft: Draft) -> ExecutedBlock:
        """The block as far as it is known now."""
        runs, order = self._runs, self._order
        collect = self._machines.library[execute.order_block]
        included = collect(runs, runs.count, order)
        draft.statistics.deferred = int(self._machines.serial.view.tx.index)
        touched = self._collect_touched(draft)
        writes = self._changed.take(draft.stamp)
        self._running = self._machines.submit(lambda: self._gather(draft, included, writes, touched))
        return ExecutedBlock(writes, touched, draft.statistics, self._running)

    def _collect_touched(self, draft: Draft) -> TouchedKeys | None:
        if self._touched is None:
            return None
        self._touched.list(self._machines.serial)
        environment = draft.environment
        return self._touched.collect(
            self._runs, self._runs.count, draft.stamp, environment.number - 1, environment.coinbase
        )

    def _gather(
        self, draft: Draft, included: int, writes: WriteSet, touched: TouchedKeys | None
    ) -> ProducedBlock:
        begun = time.perf_counter()
        runs, order, results = self._runs, self._order, self._results
        out = results.write_receipts(runs, order, included)
        block = ProducedBlock(
            draft.environment,
            order[:included].copy(),
            runs.dropped(),
            results.receipts.array(Receipt, included).copy(),
            results.logs.read(out.log_count * StoredLog.size),
            results.log_data.read(out.log_data_size),
            out.gas_used,
            out.blob_gas_used,
            out.bloom,
            out.receipts_root,
            out.transactions_root,
            results.body(runs, order, included),
            writes,
            touched,
            draft.statistics,
        )
        draft.statistics.time("receipts", begun)
        return block
