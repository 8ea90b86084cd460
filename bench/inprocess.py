"""Raw bytes → persisted receipts, in one process: throughput, latency at half of it, and where the time goes."""

from __future__ import annotations

import argparse
import statistics
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from jovay.sequencer.portal import DecodedBatch
from jovay.sequencer.production.sealing import SealedBlock
from jovay.sequencer.reexecution import Reexecution

from .loads.accounts import Signed
from .loads.chain import genesis
from .loads.workloads import LOADS, TITLES, load
from .measuring.hardware import describe, load_average
from .measuring.pipeline import Pipeline, pipeline

#: Transactions on their way at once: as many as a few blocks hold.
IN_FLIGHT = 16_384
PATIENCE = 120.0


@dataclass
class Stages:
    """Seconds by stage, and counts, summed over a run."""

    seconds: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    blocks: list[int] = field(default_factory=list)

    def add(self, stage: str, seconds: float) -> None:
        """More time of a stage."""
        self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds

    def count(self, what: str, number: int) -> None:
        """More of something."""
        self.counts[what] = self.counts.get(what, 0) + number


@dataclass
class Run:
    """One measurement: ``seconds`` from the first submission to the last visible block; latencies in ms."""

    transactions: int
    seconds: float
    cpu: float
    stages: Stages
    latencies: npt.NDArray[np.float64]

    @property
    def rate(self) -> float:
        """Transactions per second."""
        return self.transactions / self.seconds

    def latency(self, percent: float) -> float:
        """A percentile of send → visible, ms."""
        return float(np.percentile(self.latencies, percent))


class Watcher:
    """Follows blocks as they become visible; counts, checks and times their transactions."""

    def __init__(self, target: Pipeline) -> None:
        self.stages, self.visible, self.failed = Stages(), 0, 0
        self.arrivals: list[tuple[int, float]] = []
        self._due: dict[int, float] = {}
        self._latencies: list[npt.NDArray[np.float64]] = []
        self._changed = threading.Condition()
        self._persistence = target.sequencer.persistence
        target.sequencer.listen(self._see)

    def reset(self) -> None:
        """Begin a new measurement."""
        self.stages, self.visible, self.failed = Stages(), 0, 0
        self._latencies = []
        self._due.clear()

    def expect(self, batch: DecodedBatch, sent: float) -> None:
        """Remember when a batch was to be sent."""
        self._due[id(batch)] = sent

    def _see(self, blocks: Sequence[SealedBlock]) -> None:
        now = time.perf_counter()
        self.stages.add("persistence", self._persistence.seconds)
        for block in blocks:
            seen = block.produced.statistics
            for stage, seconds in seen.seconds.items():
                self.stages.add(stage, seconds)
            for name in ("groups", "grouped", "deferred", "misses", "rounds"):
                self.stages.count(name, getattr(seen, name))
            self.stages.counts["largest"] = max(self.stages.counts.get("largest", 0), seen.largest_group)
            self.stages.blocks.append(len(block.entries))
            self.failed += int(np.count_nonzero(block.produced.receipts["status"] != 1))
            if self._due:
                batches, owner = block.entries.batches()
                sent = np.array([self._due.get(id(batch), now) for batch in batches])
                self._latencies.append((now - sent[owner]) * 1e3)
        with self._changed:
            self.visible += sum(len(block.entries) for block in blocks)
            self._changed.notify_all()

    def wait(self, count: int) -> None:
        """Until ``count`` transactions are visible; ``TimeoutError`` if nothing more comes."""
        with self._changed:
            while self.visible < count:
                before = self.visible
                if not self._changed.wait(PATIENCE) and self.visible == before:
                    raise TimeoutError(
                        f"{self.visible} of {count} transactions are visible, and no more come"
                    )

    def latencies(self) -> npt.NDArray[np.float64]:
        """Of every transaction, ms."""
        return np.concatenate(self._latencies) if self._latencies else np.zeros(1)


def submit(
    target: Pipeline, watcher: Watcher, data: bytes, ends: npt.NDArray[np.int64], due: float | None = None
) -> None:
    """Portal and pool, timed; every transaction must be taken."""
    begun = time.perf_counter()
    batch = target.sequencer.portal.decode(data, ends)  # type: ignore[arg-type]
    decoded = time.perf_counter()
    watcher.stages.add("portal", decoded - begun)
    if due is not None:
        watcher.expect(batch, due)
    refused = target.sequencer.pool.add(batch)
    watcher.stages.add("pool", time.perf_counter() - decoded)
    if refused:
        raise RuntimeError(f"refused: {list(refused.items())[:3]}")


def throughput(target: Pipeline, watcher: Watcher, load: Signed, start: int, stop: int, batch: int) -> Run:
    """Submit as fast as the pipeline takes it, in batches."""
    watcher.reset()
    cpu, begun = time.process_time(), time.perf_counter()
    for first in range(start, stop, batch):
        end = min(first + batch, stop)
        if end - start - watcher.visible > IN_FLIGHT:
            watcher.wait(end - start - IN_FLIGHT)
        submit(target, watcher, *load.batch(first, end))
    watcher.wait(stop - start)
    seconds = time.perf_counter() - begun
    return finish(watcher, stop - start, seconds, time.process_time() - cpu)


def open_loop(
    target: Pipeline, watcher: Watcher, load: Signed, start: int, stop: int, batch: int, rate: float
) -> Run:
    """Submit ``rate`` transactions a second, whatever happens; latency counts from when a batch was due."""
    watcher.reset()
    cpu, begun = time.process_time(), time.perf_counter()
    for number, first in enumerate(range(start, stop, batch)):
        due = begun + number * batch / rate
        wait = due - time.perf_counter()
        if wait > 0:
            time.sleep(wait)
        submit(target, watcher, *load.batch(first, min(first + batch, stop)), due)
    watcher.wait(stop - start)
    seconds = time.perf_counter() - begun
    return finish(watcher, stop - start, seconds, time.process_time() - cpu)


def finish(watcher: Watcher, count: int, seconds: float, cpu: float) -> Run:
    """The run's figures; every receipt must say success."""
    if watcher.failed:
        raise RuntimeError(f"{watcher.failed} of {count} transactions failed")
    return Run(count, seconds, cpu, watcher.stages, watcher.latencies())


def median(runs: Sequence[Run]) -> Run:
    """The run with the median rate."""
    middle = statistics.median_low([run.rate for run in runs])
    return next(run for run in runs if run.rate == middle)


STAGES = (
    "portal pool begin pre-execution scheduler execution receipts commitment sealing persistence publishing"
).split()


@dataclass(frozen=True)
class Figures:
    """One load with a number of workers. Rates per second, times per transaction in µs, latencies in ms."""

    load: str
    workers: int
    transactions: int
    first: float
    rate: float
    rates: list[float]
    cpu: float
    block: int
    stages: dict[str, float]
    counts: dict[str, int]
    offered: float
    p50: float
    p99: float
    leaves: int
    verified: int

    @classmethod
    def of(
        cls, name: str, workers: int, runs: Sequence[Run], half: Run, leaves: int, verified: int
    ) -> Figures:
        """Of the first run, which meets a state that nobody has touched, those after it, and one at half load."""
        middle, first = median(runs[1:] or runs), runs[0]
        each = 1e6 / middle.transactions
        return cls(
            load=name,
            workers=workers,
            transactions=middle.transactions,
            first=first.rate,
            rate=middle.rate,
            rates=[run.rate for run in runs],
            cpu=middle.cpu * each,
            block=int(statistics.median(middle.stages.blocks)),
            stages={stage: middle.stages.seconds.get(stage, 0.0) * each for stage in STAGES},
            counts=middle.stages.counts,
            offered=half.transactions / half.seconds,
            p50=half.latency(50),
            p99=half.latency(99),
            leaves=leaves,
            verified=verified,
        )


def measure(
    name: str, accounts: int, count: int, runs: int, workers: int, batch: int, check: bool
) -> Figures:
    """A fresh chain, ``runs`` full runs of ``count`` transactions, then one at half their rate."""
    transactions, start = load(name, count * (runs + 1), accounts), genesis(accounts)
    with pipeline(start, workers) as target:
        watcher = Watcher(target)
        done = [
            throughput(target, watcher, transactions, k * count, (k + 1) * count, batch) for k in range(runs)
        ]
        rate = median(done[1:] or done).rate / 2
        half = open_loop(
            target, watcher, transactions, runs * count, (runs + 1) * count, min(batch, 100), rate
        )
        leaves = target.trie.leaf_count()
        target.sequencer.persistence.drain()
        verified = 0
        if check:
            verified = Reexecution(target.library, target.data.blocks, start, 4_000_000, 4_000_000).run()
    return Figures.of(name, workers, done, half, leaves, verified)


def show(figures: Figures) -> None:
    """A few lines of text."""
    counts = figures.counts
    print(
        f"{TITLES[figures.load]}, {figures.workers} workers: {figures.rate:,.0f} TPS "
        f"(first run {figures.first:,.0f}), {figures.cpu:.1f} µs of processor time each, blocks of {figures.block}; "
        f"at {figures.offered:,.0f} TPS p50 {figures.p50:.1f} ms, p99 {figures.p99:.1f} ms"
    )
    print("   µs each: " + ", ".join(f"{stage} {value:.2f}" for stage, value in figures.stages.items()))
    print(
        f"   {counts['groups']:,} groups of {counts['grouped']:,} transactions (largest {counts['largest']:,}), "
        f"{counts['deferred']:,} ran again, {counts['misses']:,} keys missed, {figures.leaves:,} leaves"
        + (f", {figures.verified} blocks re-executed serially: same roots" if figures.verified else ""),
        flush=True,
    )


def run(
    names: Sequence[str], options: argparse.Namespace, report: Callable[[Figures], None]
) -> list[dict[str, Any]]:
    """Measure loads with the wanted numbers of workers."""
    found = []
    for workers in options.workers:
        for name in (
            names if workers == options.workers[-1] else [n for n in names if n in ("native", "erc20")]
        ):
            check = options.verify and name in ("mixed", "counted", "hot50", "erc20") and workers > 1
            figures = measure(
                name, options.accounts, options.count, options.runs, workers, options.batch, check
            )
            report(figures)
            found.append(asdict(figures))
    return found


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that the benchmarks share."""
    parser.add_argument("--loads", default=",".join(LOADS), help=f"of {', '.join(LOADS)}")
    parser.add_argument("--accounts", type=int, default=100_000, help="funded accounts")
    parser.add_argument("--count", type=int, default=50_000, help="transactions of a run")
    parser.add_argument("--runs", type=int, default=4, help="runs of a load; the first one is told apart")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="jovay bench inprocess", description=__doc__)
    add_options(parser)
    parser.add_argument("--workers", default="1,2", help="numbers of execution threads")
    parser.add_argument("--batch", type=int, default=500, help="transactions handed over at once")
    parser.add_argument("--verify", action=argparse.BooleanOptionalAction, default=True, help="re-execute")
    options = parser.parse_args()
    options.workers = [int(number) for number in options.workers.split(",")]
    sys.setswitchinterval(0.0005)
    print(describe(), f"load average {load_average():.1f}", sep="\n", flush=True)
    run(options.loads.split(","), options, show)


if __name__ == "__main__":
    main()
