"""What the node does, counted: figures of recent blocks for the live view, metrics and benchmarks."""

from __future__ import annotations

import logging
import resource
import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from jovay.chain.reasons import ending
from jovay.rpc.backend.settlement import Settlement
from jovay.sequencer.production.sealing import SealedBlock
from jovay.sequencer.sequencer import Sequencer

from .metrics import Metrics
from .settlement import settlement_stats
from .stats import STAGES, BlockSummary, NodeStats, StageStats

log = logging.getLogger("jovay.statistics")
WINDOW, SHORT_WINDOW = 10.0, 1.0
_PAGE = resource.getpagesize()
#: Stages of the producer's own clock that count as part of one of the seven.
_PART_OF = {"begin": "pre-execution", "receipts": "commitment"}


class Record:
    """One block as the figures remember it. ``made`` on the monotonic clock."""

    __slots__ = ("gas", "made", "seconds", "summary")

    def __init__(self, made: float, gas: int, seconds: dict[str, float], summary: BlockSummary) -> None:
        self.made, self.gas, self.seconds, self.summary = made, gas, seconds, summary


class Statistics:
    """Listens to one sequencer; thread-safe."""

    def __init__(
        self,
        sequencer: Sequencer,
        metrics: Metrics,
        datadir: Path,
        entry: Mapping[str, float],
        settlement: Settlement | None = None,
    ) -> None:
        """``entry``: seconds that the portal and the pool have spent so far. ``settlement``: of a settled chain."""
        self._settlement = settlement
        if settlement is not None:
            metrics.settled(lambda: settlement_stats(settlement, time.time()))
        self._sequencer, self._metrics, self._datadir = sequencer, metrics, datadir
        self._lock = threading.Lock()
        self._records: deque[Record] = deque(maxlen=4_096)
        self._latencies: deque[float] = deque(maxlen=4_096)  # of some transactions of each block
        self._started = time.monotonic()
        self._transactions = self._groups = self._conflicts = self._reexecutions = self._misses = 0
        self._datadir_size = (0.0, 0)
        self._entry, self._entry_counted = entry, dict(entry)
        self._left: dict[str, int] = {}
        sequencer.listen(self._on_blocks)
        sequencer.finality.listen(self._note_finality)

    def _on_blocks(self, blocks: Sequence[SealedBlock]) -> None:
        """Called on the persistence thread, which must not fail for figures."""
        try:
            self._note(blocks)
        except Exception:
            log.exception("figures of blocks are lost")

    def _note(self, blocks: Sequence[SealedBlock]) -> None:
        now = time.monotonic()
        share = self._sequencer.persistence.seconds / len(blocks)
        for block in blocks:
            self._count(block, now, share)
            some = block.entries.arrived[:: max(1, len(block.entries) // 16)]
            self._latencies.extend((now - some).tolist())
        self._metrics.write("blocks", self._sequencer.persistence.seconds)
        pending, queued = self._sequencer.pool.counts()
        self._metrics.pool(pending, queued)
        left = self._sequencer.pool.left()
        for reason, number in left.items():
            self._metrics.left(reason, number - self._left.get(reason, 0))
        self._left = left
        self._metrics.state(self._tables(), self._sequencer.housekeeping.evictions)
        if self._sequencer.recording is not None:
            self._metrics.unrecorded(self._sequencer.recording.lost)
        self._note_finality()

    def _note_finality(self, *_: object) -> None:
        known = self._sequencer.finality
        self._metrics.confirmed(self._sequencer.visible.number, known.safe, known.finalized)

    def _tables(self) -> list[tuple[str, int, int]]:
        trie = self._sequencer.trie.view
        return [*self._sequencer.world.fill(), ("trie leaves", trie.leaf_count, trie.leaf_capacity)]

    def _count(self, block: SealedBlock, now: float, persistence: float) -> None:
        produced, header = block.produced, block.header
        figures = produced.statistics
        seconds = dict.fromkeys(STAGES, 0.0)
        for name, spent in figures.seconds.items():
            stage = _PART_OF.get(name, name)
            seconds[stage] = seconds.get(stage, 0.0) + spent
        seconds["persistence"] = persistence
        for name, so_far in self._entry.items():
            seconds[name] += so_far - self._entry_counted[name]
            self._entry_counted[name] = so_far
        count = len(produced.order)
        summary = BlockSummary(
            number=header.number,
            hash=header.hash,
            transactions=count,
            gas_used=header.gas_used,
            timestamp=float(header.timestamp),
            groups=figures.groups,
            made_ms=1000 * sum(seconds.values()),
        )
        with self._lock:
            self._records.append(Record(now, header.gas_used, seconds, summary))
            self._transactions += count
            self._groups += figures.groups
            self._conflicts += figures.grouped
            self._reexecutions += figures.deferred
            self._misses += figures.misses
        self._observe(block, seconds, count, now)

    def _observe(self, block: SealedBlock, seconds: dict[str, float], count: int, now: float) -> None:
        figures = block.produced.statistics
        for name in STAGES:
            self._metrics.stage(name, seconds[name])
        self._metrics.block(
            transactions=count,
            gas=block.header.gas_used,
            groups=figures.groups,
            conflicts=figures.grouped,
            reexecutions=figures.deferred,
            misses=figures.misses,
        )
        for status, number in block.produced.dropped.counts().items():
            self._metrics.left_out(ending(status), number)
        if block.entries:
            self._metrics.latencies([now - float(block.entries.arrived[0])])
        self._metrics.queue("persistence", self._sequencer.persistence.waiting())
        self._metrics.queue("pool", len(self._sequencer.pool))

    # ---- the snapshot ----

    def snapshot(self) -> NodeStats:
        """The figures now."""
        sequencer, now = self._sequencer, time.monotonic()
        with self._lock:
            records = [record for record in self._records if now - record.made <= WINDOW]
            recent = [record.summary for record in list(self._records)[-64:]]
            totals = self._transactions, self._groups, self._conflicts, self._reexecutions, self._misses
        latest = [record for record in records if now - record.made <= SHORT_WINDOW]
        span = min(WINDOW, max(now - self._started, SHORT_WINDOW))
        pending, queued = sequencer.pool.counts()
        latencies = np.array(self._latencies.copy())
        head, failure = sequencer.visible, sequencer.failure
        transactions, groups, conflicts, reexecutions, misses = totals
        return NodeStats(
            height=head.number,
            block_hash=head.hash,
            block_time=float(head.timestamp),
            pool_pending=pending,
            pool_queued=queued,
            transactions=transactions,
            tps_1s=_sum(record.summary.transactions for record in latest) / SHORT_WINDOW,
            tps_10s=_sum(record.summary.transactions for record in records) / span,
            gas_per_second=_sum(record.gas for record in records) / span,
            latency_p50_ms=float(np.percentile(latencies, 50)) * 1000 if len(latencies) else None,
            latency_p99_ms=float(np.percentile(latencies, 99)) * 1000 if len(latencies) else None,
            stages=self._stages(records),
            recent=tuple(recent),
            groups=groups,
            conflicts=conflicts,
            reexecutions=reexecutions,
            misses=misses,
            latest=head.number,
            safe=sequencer.finality.safe,
            finalized=sequencer.finality.finalized,
            chain_id=sequencer.rules.chain_id,
            genesis_hash=self._genesis_hash(),
            workers=sequencer.settings.workers,
            memory_bytes=resident_bytes(),
            datadir_bytes=self._size_of_datadir(now),
            uptime=now - self._started,
            failure="" if failure is None else f"{type(failure).__name__}: {failure}",
            settlement=None if self._settlement is None else settlement_stats(self._settlement, time.time()),
        )

    def _stages(self, records: Sequence[Record]) -> tuple[StageStats, ...]:
        queues = {"pool": len(self._sequencer.pool), "persistence": self._sequencer.persistence.waiting()}
        stages = []
        for name in STAGES:
            spent = np.array([record.seconds[name] for record in records])
            stages.append(
                StageStats(
                    name=name,
                    busy_mean_ms=float(spent.mean()) * 1000 if len(spent) else 0.0,
                    busy_p99_ms=float(np.percentile(spent, 99)) * 1000 if len(spent) else 0.0,
                    queue=queues.get(name, 0),
                    blocks=len(records),
                )
            )
        return tuple(stages)

    def _genesis_hash(self) -> bytes:
        blocks = self._sequencer.data.blocks
        return blocks.hash_of(0) if blocks.oldest == 0 else bytes(32)

    def _size_of_datadir(self, now: float) -> int:
        """Bytes under the data directory, looked up every few seconds."""
        measured, size = self._datadir_size
        if now - measured > 5 or not size:
            size = _sum(path.stat().st_blocks * 512 for path in _files(self._datadir))
            self._datadir_size = now, size
        return size


def _files(folder: Path) -> Iterable[Path]:
    """Files that are still there by the time they are looked at."""
    return [path for path in folder.rglob("*") if path.is_file()]


def _sum(values: Iterable[int]) -> int:
    return sum(values)


def resident_bytes() -> int:
    """Memory of this process."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * _PAGE
