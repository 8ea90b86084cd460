"""What it costs to record witnesses: the same load with recording on and off, run by run, and the bytes of it."""

from __future__ import annotations

import argparse
import statistics
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from jovay.kernel.block.changes import AccountChange, SlotChange
from jovay.state.spv import Spv

from .inprocess import Run, Watcher, throughput
from .loads.chain import genesis
from .loads.workloads import TITLES, load
from .measuring.hardware import describe, load_average
from .measuring.pipeline import Pipeline, pipeline


@dataclass(frozen=True)
class Cost:
    """Rates (per second) without and with recording, run by run; bytes of a record for each transaction."""

    load: str
    without: list[float]
    recorded: list[float]
    processor: tuple[float, float]
    size: float
    proof: float

    @property
    def percent(self) -> float:
        """Of the throughput: the median over pairs of runs."""
        pairs = zip(self.without, self.recorded, strict=True)
        return statistics.median(100 * (1 - on / off) for off, on in pairs)


def measure(
    name: str, accounts: int, count: int, runs: int, workers: int, batch: int, folder: Path | None
) -> Cost:
    """Two chains in one process, of which one records; after a first run of each, ``runs`` by turns."""
    transactions, start = load(name, count * (runs + 1), accounts), genesis(accounts)
    with ExitStack() as stack:
        targets = [
            stack.enter_context(pipeline(start, workers, folder, record=record)) for record in (False, True)
        ]
        watchers, done = [Watcher(target) for target in targets], list[list[Run]]([[], []])
        for k in range(runs + 1):
            for which in (0, 1) if k % 2 else (1, 0):
                target, watcher = targets[which], watchers[which]
                run = throughput(target, watcher, transactions, k * count, (k + 1) * count, batch)
                done[which].append(run)
        size, proof = sizes(targets[1])
    without, recorded = ([run.rate for run in part[1:]] for part in done)
    processor = tuple(statistics.median(1e6 * run.cpu / count for run in part[1:]) for part in done)
    each = count * (runs + 1)
    return Cost(name, without, recorded, (processor[0], processor[1]), size / each, proof / each)


def sizes(target: Pipeline) -> tuple[int, int]:
    """Bytes of all records, and of the multiproofs in them; every block must have one."""
    recording = target.sequencer.recording
    assert recording is not None
    recording.drain()
    size, proof, blocks = 0, 0, target.data.blocks
    for number in range(1, blocks.latest + 1):
        contents = target.data.tracer.read(number, blocks.hash_of(number))
        if contents is None:
            raise RuntimeError(f"block {number} is not recorded")
        size, proof = size + len(contents), proof + len(Spv.decode(contents).proof)
    return size, proof


def show(cost: Cost) -> None:
    """A few lines of text."""
    off, on = statistics.median(cost.without), statistics.median(cost.recorded)
    print(
        f"{TITLES[cost.load]}: {off:,.0f} TPS without, {on:,.0f} with recording: {cost.percent:.1f} % less; "
        f"{cost.processor[0]:.1f} and {cost.processor[1]:.1f} µs of processor time each\n"
        f"   {cost.size:.0f} bytes of record for a transaction, {cost.proof:.0f} of them multiproof "
        f"(an account's record has {AccountChange.size}, a slot's {SlotChange.size})",
        flush=True,
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="jovay bench recording", description=__doc__)
    parser.add_argument("--loads", default="native,erc20", help="loads, separated by commas")
    parser.add_argument("--accounts", type=int, default=100_000, help="funded accounts")
    parser.add_argument("--count", type=int, default=50_000, help="transactions of a run")
    parser.add_argument("--runs", type=int, default=7, help="pairs of runs, after a first one")
    parser.add_argument("--workers", type=int, default=2, help="execution threads")
    parser.add_argument("--batch", type=int, default=500, help="transactions handed over at once")
    parser.add_argument("--folder", type=Path, help="where the chains' data lie")
    options = parser.parse_args()
    sys.setswitchinterval(0.0005)
    print(describe(), f"load average {load_average():.1f}", sep="\n", flush=True)
    for name in options.loads.split(","):
        show(
            measure(
                name,
                options.accounts,
                options.count,
                options.runs,
                options.workers,
                options.batch,
                options.folder,
            )
        )


if __name__ == "__main__":
    main()
