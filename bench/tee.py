"""A full six-blob batch attested by the TEE prover: what that takes beyond re-execution, and its speed."""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

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
    """Seconds of one run over the whole batch."""

    executed: float
    attested: float

    @property
    def beyond(self) -> float:
        return self.attested - self.executed


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


def execute(recorded: Recorded, task: BatchTask, size: int, executor: ChunkExecutor) -> float:
    """Seconds that the kernel takes for all chunks, its input ready."""
    ranges = recorded.chunks(size)[: len(task.witnesses)]
    inputs = [
        recorded.given(*one, witness).encode() for one, witness in zip(ranges, task.witnesses, strict=True)
    ]
    begun = time.perf_counter()
    for given in inputs:
        if error := executor.execute(given).error:
            raise RuntimeError(error)
    return time.perf_counter() - begun


def attest(enclave: EnclaveProcess, encoded: bytes) -> float:
    """Seconds from the encoded task to its signature, over the pipes."""
    begun = time.perf_counter()
    enclave.prove(VERIFIER, encoded)
    return time.perf_counter() - begun


def measure(name: str, accounts: int, count: int, size: int, runs: int, folder: Path | None) -> None:
    """One load."""
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
        attest(enclave, encoded)
        times = [
            Times(execute(recorded, task, size, executor), attest(enclave, encoded)) for _ in range(runs)
        ]
    executed, attested, beyond = (
        statistics.median(getattr(one, what) for one in times) for what in ("executed", "attested", "beyond")
    )
    rate = held / executed
    print(
        f"{TITLES[name]}: a batch of {held:,} transactions in {len(task.witnesses)} chunks and "
        f"{len(task.versioned_hashes)} blobs, {len(encoded) / 1e6:.1f} MB of task\n"
        f"   attested in {attested:.2f} s, {executed:.2f} s of them execution: {beyond:.2f} s beyond it\n"
        f"   re-executed at {rate:,.0f} TPS on one thread, the sequencer with one worker makes {made.rate:,.0f}: "
        f"{rate / made.rate:.2f} of its speed\n"
        f"   an enclave starts in {started:.1f} s",
        flush=True,
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="jovay bench tee", description=__doc__)
    parser.add_argument("--loads", default="erc20", help="loads, separated by commas")
    parser.add_argument("--accounts", type=int, default=100_000, help="funded accounts")
    parser.add_argument(
        "--count",
        type=int,
        default=10_000,
        help="transactions of each of two runs; the batch takes what fits",
    )
    parser.add_argument("--size", type=int, default=600, help="transactions of a chunk")
    parser.add_argument("--runs", type=int, default=5, help="of execution and attestation by turns")
    parser.add_argument("--folder", type=Path, help="where the chain's data lie")
    options = parser.parse_args()
    sys.setswitchinterval(0.0005)
    print(describe(), f"load average {load_average():.1f}", sep="\n", flush=True)
    for name in options.loads.split(","):
        measure(name, options.accounts, options.count, options.size, options.runs, options.folder)


if __name__ == "__main__":
    main()
