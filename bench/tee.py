"""A full six-blob batch attested by the TEE prover: what that takes beyond re-execution, and its speed."""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jovay.bridge.wire import blobs
from jovay.bridge.wire.batch_header import BatchHeader
from jovay.bridge.wire.chunk import Chunk
from jovay.bridge.wire.da import DaData
from jovay.bridge.wire.l1_message import NO_MESSAGES
from jovay.bridge.wire.payload import encode_chunks
from jovay.prover.task import BatchTask
from jovay.prover.tee.launch import EnclaveProcess
from jovay.tracer.chunk import ChunkExecutor

from .inprocess import Watcher, throughput
from .loads.chain import genesis
from .loads.workloads import TITLES, load
from .measuring.hardware import describe, load_average
from .measuring.pipeline import pipeline
from .tracer import Recorded

BLOBS = 6
VERIFIER = b"\1" * 20


@dataclass(frozen=True)
class Times:
    """Seconds of one run over the whole batch: by the clock, and of a processor."""

    executed: float
    attested: float
    executed_cpu: float
    attested_cpu: float

    @property
    def beyond(self) -> float:
        return self.attested - self.executed

    @property
    def beyond_cpu(self) -> float:
        return self.attested_cpu - self.executed_cpu


def full_batch(recorded: Recorded, size: int) -> tuple[BatchTask, int]:
    """As many chunks of about ``size`` transactions as six blobs hold, and how many transactions that are."""
    ranges = recorded.chunks(size)
    chunks = [Chunk.decode(recorded.published(*one), 2) for one in ranges]
    low, high = 1, len(chunks)
    while low < high:
        middle = (low + high + 1) // 2
        if blobs.blob_count(DaData.of(2, encode_chunks(chunks[:middle], 2))) <= BLOBS:
            low = middle
        else:
            high = middle - 1
    da = DaData.of(2, encode_chunks(chunks[:low], 2))
    hashes = [blobs.versioned_hash(blobs.commitment_of(blob)) for blob in blobs.to_blobs(da)]
    parent = BatchHeader(2, 0, NO_MESSAGES, bytes(32), bytes(32))
    header = BatchHeader(2, 1, NO_MESSAGES, blobs.data_hash(hashes), parent.hash)
    witnesses = [recorded.witnesses.witness(*one, 60.0) for one in ranges[:low]]
    count = sum(block.transactions for chunk in chunks[:low] for block in chunk.blocks)
    return BatchTask(31337, bytes(20), recorded.config, parent, header, da, hashes, witnesses), count


def run(enclave: EnclaveProcess, encoded: bytes, inputs: list[bytes], executor: ChunkExecutor) -> Times:
    """The kernel over all chunks, its input ready; then the enclave, from the encoded task to the signature."""
    begun, spent = time.perf_counter(), time.process_time()
    for given in inputs:
        if error := executor.execute(given).error:
            raise RuntimeError(error)
    executed, executed_cpu = time.perf_counter() - begun, time.process_time() - spent
    begun, spent = time.perf_counter(), cpu_of(enclave.pid)
    enclave.prove(VERIFIER, encoded)
    return Times(executed, time.perf_counter() - begun, executed_cpu, cpu_of(enclave.pid) - spent)


def cpu_of(pid: int) -> float:
    """Seconds that a process has computed."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(
    name: str, accounts: int, count: int, size: int, runs: int, folder: Path | None
) -> dict[str, Any]:
    """One load; times in seconds (medians), rates in transactions per second."""
    transactions, start = load(name, 2 * count, accounts), genesis(accounts)
    with ExitStack() as stack:
        target = stack.enter_context(pipeline(start, 1, folder, record=True))
        watcher = Watcher(target)
        throughput(target, watcher, transactions, 0, count, 500)
        made = throughput(target, watcher, transactions, count, 2 * count, 500)
        assert target.sequencer.recording is not None
        target.sequencer.recording.drain()
        recorded = Recorded(target)
        task, held = full_batch(recorded, size)
        encoded, executor = task.encode(), ChunkExecutor(target.library)
        begun = time.perf_counter()
        enclave = EnclaveProcess("simulated")
        started = time.perf_counter() - begun
        stack.callback(enclave.close)
        ranges = recorded.chunks(size)[: len(task.witnesses)]
        inputs = [recorded.given(*one, w).encode() for one, w in zip(ranges, task.witnesses, strict=True)]
        run(enclave, encoded, inputs, executor)
        times = [run(enclave, encoded, inputs, executor) for _ in range(runs)]
    names = "executed attested beyond executed_cpu attested_cpu beyond_cpu".split()
    return {
        "load": name,
        "transactions": held,
        "chunks": len(task.witnesses),
        "blobs": len(task.versioned_hashes),
        "task": len(encoded),
        "start": started,
        "sequencer": made.rate,
        "sequencer_cpu": 1e6 * made.cpu / count,
    } | {what: statistics.median(getattr(one, what) for one in times) for what in names}


def show(f: dict[str, Any]) -> None:
    """A few lines of text."""
    held = f["transactions"]
    print(
        f"{TITLES[f['load']]}: a batch of {held:,} transactions in {f['chunks']} chunks and {f['blobs']} blobs, "
        f"{f['task'] / 1e6:.1f} MB of task; an enclave starts in {f['start']:.1f} s\n"
        f"   attested in {f['attested']:.2f} s, {f['executed']:.2f} s of them execution, {f['beyond']:.2f} s beyond it;"
        f" of a processor {f['attested_cpu']:.2f}, {f['executed_cpu']:.2f} and {f['beyond_cpu']:.2f} s\n"
        f"   re-executed at {held / f['executed']:,.0f} TPS on one thread ({1e6 * f['executed_cpu'] / held:.1f} µs of "
        f"a processor each); the sequencer with one worker makes {f['sequencer']:,.0f} ({f['sequencer_cpu']:.1f} µs)",
        flush=True,
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="jovay bench tee", description=__doc__)
    parser.add_argument("--loads", default="erc20", help="loads, separated by commas")
    parser.add_argument("--accounts", type=int, default=100_000, help="funded accounts")
    parser.add_argument("--count", type=int, default=10_000, help="transactions of each of two runs")
    parser.add_argument("--size", type=int, default=600, help="transactions of a chunk, at least")
    parser.add_argument("--runs", type=int, default=5, help="of execution and attestation by turns")
    parser.add_argument("--folder", type=Path, help="where the chain's data lie")
    options = parser.parse_args()
    sys.setswitchinterval(0.0005)
    print(describe(), f"load average {load_average():.1f}", sep="\n", flush=True)
    for name in options.loads.split(","):
        show(measure(name, options.accounts, options.count, options.size, options.runs, options.folder))


if __name__ == "__main__":
    main()
