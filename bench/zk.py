"""ZK proofs of small batches: what an ERC-20 transfer and a block add, how long each stage takes, memory and bytes."""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from jovay.native.kernel import load as library
from jovay.prover.batch import BatchExecutor, batch_input, state_batch
from jovay.prover.task import BatchTask
from jovay.prover.zk import needs, prover, verifier
from jovay.prover.zk.batch import batch_program, output_of, setup_of
from jovay.prover.zk.field import LANES
from jovay.prover.zk.machine.program import Program
from jovay.prover.zk.machine.run import Run
from jovay.prover.zk.proof import Statement
from jovay.prover.zk.tables import Table

from .inprocess import Watcher, throughput
from .loads.chain import genesis
from .loads.workloads import load
from .measuring.hardware import describe, load_average
from .measuring.pipeline import pipeline
from .tee import full_batch
from .tracer import Recorded


def batch(name: str, accounts: int, count: int, blocks: int, folder: Path | None) -> BatchTask:
    """``count`` transactions in at least so many blocks."""
    with pipeline(genesis(accounts), 1, folder, record=True) as target:
        watcher, signed = Watcher(target), load(name, count, accounts)
        size = -(-count // blocks)
        for first in range(0, count, size):
            throughput(target, watcher, signed, first, min(first + size, count), size)
        assert target.sequencer.recording is not None
        target.sequencer.recording.drain()
        task, held = full_batch(Recorded(target), count)
        assert held == count
        return task


#: In order.
STAGES = "run", "tables", "columns", "messages", "rows", "pieces", "opening", "verification"


@dataclass
class Stage:
    """Seconds by the clock, and of a processor."""

    seconds: float = 0.0
    cpu: float = 0.0


@dataclass
class Figures:
    """Of one batch. ``chips``: rows in use (to the next eight), cells and messages of them, of each table."""

    transactions: int
    blocks: int
    cycles: int = 0
    calls: dict[str, int] = field(default_factory=dict)
    chips: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    cells: int = 0
    messages: int = 0
    committed: int = 0
    leaves: int = 0
    stages: dict[str, Stage] = field(default_factory=dict)  # of ``STAGES``
    proof: int = 0
    needed: int = 0
    peak: int = 0

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """What is done meanwhile is this stage's."""
        begun, spent = time.perf_counter(), time.process_time()
        yield
        self._add(name, begun, spent)

    def _add(self, name: str, begun: float, spent: float) -> None:
        stage = self.stages.setdefault(name, Stage())
        stage.seconds += time.perf_counter() - begun
        stage.cpu += time.process_time() - spent

    @property
    def total(self) -> Stage:
        """Of all stages up to the proof."""
        known = [stage for name, stage in self.stages.items() if name != "verification"]
        return Stage(sum(stage.seconds for stage in known), sum(stage.cpu for stage in known))


def used(table: Table) -> int:
    """Rows up to the last that is not of zeros, to the next eight."""
    blocks = [np.flatnonzero(column.words.any(axis=(1, 2))) for column in table.own]
    return LANES * (1 + max((int(found[-1]) for found in blocks if len(found)), default=-1))


def count(program: Program, task: BatchTask, figures: Figures) -> tuple[Statement, list[Table]]:
    """The run and its tables, counted."""
    hash_ = state_batch(task, BatchExecutor(library())).hash
    with figures.stage("run"):
        run = Run.of(program.emulator, batch_input(task, scale=0))
    with figures.stage("tables"):
        tables = program.tables(run, output_of(hash_))
    figures.cycles = len(run)
    figures.calls = {f"{number:#x}": len(calls.clock) for number, calls in sorted(run.calls.items())}
    for table in tables:
        rows = used(table)
        figures.chips[table.chip.name] = (
            rows,
            rows * len(table.own),
            rows * table.chip.shape.messages,
        )
        figures.committed += len(table.own) << table.variables
    figures.cells = sum(cells for _, cells, _ in figures.chips.values())
    figures.messages = sum(messages for _, _, messages in figures.chips.values())
    statement = program.statement(len(run), 0, output_of(hash_))
    layout = statement.layout([table.variables for table in tables])
    figures.leaves, figures.needed = 1 << layout.leaves, needs.needed(layout)
    return statement, tables


def measure(program: Program, task: BatchTask, figures: Figures, prove: bool) -> Figures:
    """One batch."""
    statement, tables = count(program, task, figures)
    if not prove:
        return figures
    begun, spent, now = time.perf_counter(), time.process_time(), ""

    def tell(stage: str, share: float) -> None:
        nonlocal begun, spent, now
        if stage != now:
            if now:
                figures._add(now, begun, spent)
            begun, spent, now = time.perf_counter(), time.process_time(), stage

    proof = prover.prove(statement, tables, program.setup, tell)
    figures._add(now, begun, spent)
    figures.proof = len(proof)
    with figures.stage("verification"):
        verifier.verify(statement, proof, program.setup)
    figures.peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    return figures


def title(transactions: int, blocks: int) -> str:
    """What a batch holds."""
    return f"{transactions} transfer{'s'[: transactions - 1]} in {blocks} block{'s'[: blocks - 1]}"


def show(f: Figures) -> None:
    """A few lines of text."""
    calls = ", ".join(f"{number} {times:,}" for number, times in f.calls.items())
    print(
        f"\n{title(f.transactions, f.blocks)}: {f.cycles:,} instructions, calls: {calls}\n"
        f"   {f.cells:,} cells and {f.messages:,} messages in rows in use; {f.committed:,} cells committed to, "
        f"{f.leaves:,} leaves",
        flush=True,
    )
    widest = sorted(f.chips.items(), key=lambda item: -item[1][1] - 2 * item[1][2])
    for name, (rows, cells, messages) in widest[:12]:
        print(f"   {name:<22} {rows:>11,} rows {cells:>12,} cells {messages:>12,} messages", flush=True)
    for name, stage in f.stages.items():
        each = 1e9 * stage.cpu / f.committed
        print(
            f"   {name:<22} {stage.seconds:7.1f} s, of processors {stage.cpu:6.1f} s, {each:6.0f} ns per cell"
        )
    if f.proof:
        total = f.total
        print(
            f"   together {total.seconds:.1f} s, of processors {total.cpu:.1f} s: {f.cycles / total.cpu:,.0f} "
            f"instructions a second and processor; {f.proof:,} bytes; at most {f.peak / 2**30:.1f} GB, "
            f"{f.needed / 2**30:.1f} foretold",
            flush=True,
        )


def run(loads: list[tuple[int, int, bool]], accounts: int, folder: Path | None) -> list[dict[str, Any]]:
    """Transfers, blocks, and whether to prove them; figures as JSON takes them."""
    program, found = batch_program(setup_of(None)), []
    program.key  # noqa: B018  (is made once, and not part of a proof)
    for transactions, blocks, prove in loads:
        task = batch("erc20", accounts, transactions, blocks, folder)
        figures = measure(program, task, Figures(transactions, blocks), prove)
        show(figures)
        found.append(asdict(figures))
    return found


#: One transfer; ten in one block, and in ten.
LOADS = [(1, 1, True), (10, 1, True), (10, 10, False)]


def marginal(found: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """What one more transfer takes, and one more block, of ``LOADS``."""
    one, ten, apart = found
    names = "cycles", "cells", "messages"
    return {
        "transfer": {
            name: (ten[name] - one[name]) / (ten["transactions"] - one["transactions"]) for name in names
        },
        "block": {name: (apart[name] - ten[name]) / (apart["blocks"] - ten["blocks"]) for name in names},
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="jovay bench zk", description=__doc__)
    parser.add_argument(
        "--accounts", type=int, default=1_000, help="funded accounts, which all hold the token"
    )
    parser.add_argument("--count-only", action="store_true", help="runs and tables, and no proofs")
    parser.add_argument("--transfers", type=int, help="instead one block with so many, proven")
    parser.add_argument("--folder", type=Path, help="where the chain's data lie")
    options = parser.parse_args()
    sys.setswitchinterval(0.0005)
    print(describe(), f"load average {load_average():.1f}", sep="\n", flush=True)
    if options.transfers:
        run([(options.transfers, 1, True)], options.accounts, options.folder)
        return
    loads = [
        (transactions, blocks, prove and not options.count_only) for transactions, blocks, prove in LOADS
    ]
    for what, figures in marginal(run(loads, options.accounts, options.folder)).items():
        said = ", ".join(f"{value:,.0f} {name}" for name, value in figures.items())
        print(f"one more {what}: {said}", flush=True)


if __name__ == "__main__":
    main()
