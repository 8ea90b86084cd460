"""Chunks: what their witnesses weigh, how long it takes to put them together, and to execute the blocks from them."""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from jovay.bridge.wire import blobs
from jovay.bridge.wire.batch_header import BatchHeader
from jovay.bridge.wire.block_context import BlockContext
from jovay.bridge.wire.chunk import Chunk
from jovay.bridge.wire.da import DaData
from jovay.bridge.wire.l1_message import NO_MESSAGES
from jovay.bridge.wire.payload import encode_chunks
from jovay.chain.settled import SettledConfig
from jovay.kernel.protocol.forks import NEWEST
from jovay.prover.batch import BatchExecutor, state_batch
from jovay.prover.task import BatchTask
from jovay.state.spv import Spv
from jovay.storage.headers import read_header
from jovay.tracer.chunk import ChunkExecutor, ChunkInput
from jovay.tracer.chunk_witness import ChunkWitness
from jovay.tracer.chunks import ChunkWitnesses
from jovay.tracer.guest import ChunkGuest

from .inprocess import Watcher, throughput
from .loads.chain import genesis
from .loads.workloads import TITLES, load
from .measuring.hardware import describe, load_average
from .measuring.pipeline import Pipeline, pipeline


class Recorded:
    """The chunks of a chain that has recorded its blocks."""

    def __init__(self, target: Pipeline) -> None:
        self.target, self.blocks = target, target.data.blocks
        self.witnesses = ChunkWitnesses(
            target.library, target.data, lambda number, time_limit, again: self.spv(number)
        )
        settings, rules = target.sequencer.settings, target.sequencer.rules
        self.config = SettledConfig(
            rules.chain_id, settings.gas_limit, settings.coinbase, settings.base_fee or 0, ((0, NEWEST),)
        )

    def spv(self, number: int) -> Spv:
        """What was recorded of a block."""
        contents = self.target.data.tracer.read(number, self.blocks.hash_of(number))
        if contents is None:
            raise RuntimeError(f"block {number} is not recorded")
        return Spv.decode(contents)

    def published(self, first: int, last: int) -> bytes:
        """The blocks as a batch has them."""
        parts = []
        for number in range(first, last + 1):
            header, (offsets, raw) = read_header(self.blocks, number), self.blocks.transactions(number)
            ends = offsets.tolist()
            context = BlockContext(
                NEWEST,
                number,
                header.timestamp * 1000,
                header.base_fee_per_gas or 0,
                header.gas_limit,
                len(ends) - 1,
                0,
            )
            parts.append((context, [raw[a:b] for a, b in pairwise(ends)]))
        return Chunk.of(parts).encode(2)

    def given(self, first: int, last: int, witness: ChunkWitness) -> ChunkInput:
        """The program's input."""
        return ChunkInput(self.config.encode(), 2, self.published(first, last), witness)

    def chunks(self, transactions: int) -> list[tuple[int, int]]:
        """First and last blocks of chunks with about so many transactions."""
        found, first, count = [], 1, 0
        for number in range(1, self.blocks.latest + 1):
            count += self.blocks.tx_count(number)
            if count >= transactions or number == self.blocks.latest:
                found.append((first, number))
                first, count = number + 1, 0
        return found


@dataclass
class Totals:
    """Of all chunks: seconds, bytes, transactions."""

    put_together: float = 0.0
    executed: float = 0.0
    transactions: int = 0
    witnesses: int = 0
    proofs: int = 0
    recorded: int = 0


def execute(recorded: Recorded, chunks: list[tuple[int, int]]) -> Totals:
    """Put every chunk's witness together and execute it; each must lead to the chain's own block."""
    executor, totals = ChunkExecutor(recorded.target.library), Totals()
    for first, last in chunks:
        begun = time.perf_counter()
        witness = recorded.witnesses.witness(first, last, 60.0)
        totals.put_together += time.perf_counter() - begun
        encoded = recorded.given(first, last, witness).encode()
        begun = time.perf_counter()
        statement = executor.execute(encoded)
        totals.executed += time.perf_counter() - begun
        if statement.error or statement.last_block_hash != recorded.blocks.hash_of(last):
            raise RuntimeError(f"blocks {first} to {last}: {statement.error or 'another block'}")
        totals.transactions += statement.transaction_count
        totals.witnesses += len(witness.encode())
        totals.proofs += len(witness.multiproof)
        totals.recorded += sum(len(recorded.spv(number).proof) for number in range(first, last + 1))
    return totals


def measure(
    name: str, accounts: int, count: int, size: int, workers: int, cycles: bool, folder: Path | None
) -> None:
    """One load, whose blocks become chunks of ``size`` transactions."""
    transactions, start = load(name, 2 * count, accounts), genesis(accounts)
    with ExitStack() as stack:
        target = stack.enter_context(pipeline(start, workers, folder, record=True))
        watcher = Watcher(target)
        throughput(target, watcher, transactions, 0, count, 500)
        made = throughput(target, watcher, transactions, count, 2 * count, 500)
        assert target.sequencer.recording is not None
        target.sequencer.recording.drain()
        recorded = Recorded(target)
        chunks = recorded.chunks(size)
        totals = execute(recorded, chunks)
        done, micro = totals.transactions, 1e6 / totals.transactions
        print(
            f"{TITLES[name]}: {made.rate:,.0f} TPS made and recorded with {workers} workers, "
            f"{1e6 * made.cpu / count:.1f} µs of processor time each\n"
            f"   {len(chunks)} chunks of {done / len(chunks):,.0f} transactions: {totals.witnesses / done:,.0f} bytes "
            f"of witness each, {totals.proofs / done:,.0f} of them multiproof, which had {totals.recorded / done:,.0f} "
            f"as recorded\n"
            f"   put together in {micro * totals.put_together:.1f} µs each, executed on one thread in "
            f"{micro * totals.executed:.1f} µs each: {done / totals.executed:,.0f} TPS",
            flush=True,
        )
        attest(recorded, chunks, totals.executed)
        if cycles:
            count_cycles(recorded)


def attest(recorded: Recorded, chunks: list[tuple[int, int]], executed: float) -> None:
    """State the chunks as one batch, in blobs if they fit; ``executed`` seconds are its execution's."""
    published = [recorded.published(first, last) for first, last in chunks]
    payload = encode_chunks([Chunk.decode(data, 2) for data in published], 2)
    da = DaData.of(2, payload)
    hashes = [blobs.versioned_hash(blobs.commitment_of(blob)) for blob in blobs.to_blobs(da)]
    parent = BatchHeader(2, 0, NO_MESSAGES, bytes(32), bytes(32))
    header = BatchHeader(2, 1, NO_MESSAGES, blobs.data_hash(hashes), parent.hash)
    witnesses = [recorded.witnesses.witness(first, last, 60.0) for first, last in chunks]
    task = BatchTask(31337, bytes(20), recorded.config, parent, header, da, hashes, witnesses)
    executor = BatchExecutor(recorded.target.library)
    begun = time.perf_counter()
    statement = state_batch(BatchTask.decode(task.encode()), executor)
    took = time.perf_counter() - begun
    if statement.last_block_hash != recorded.blocks.hash_of(chunks[-1][1]):
        raise RuntimeError("the batch is another one")
    count = sum(recorded.blocks.tx_count(n) for n in range(chunks[0][0], chunks[-1][1] + 1))
    print(
        f"   one batch of {count:,} transactions in {len(hashes)} blobs: {len(da.data) / count:.1f} bytes each; "
        f"a statement of it in {took:.2f} s, {took - executed:.2f} s beyond its execution",
        flush=True,
    )


def count_cycles(recorded: Recorded) -> None:
    """Of the RISC-V program, over a small chunk."""
    first, last = recorded.chunks(500)[0]
    given, guest = recorded.given(first, last, recorded.witnesses.witness(first, last, 60.0)), ChunkGuest()
    begun = time.perf_counter()
    found, spent = guest.execute(given.encode(scale=0))
    rate = spent / (time.perf_counter() - begun) / 1e6
    if found.error:
        raise RuntimeError(found.error)
    each = spent / found.transaction_count
    print(f"   RISC-V: {each:,.0f} cycles each, {rate:,.0f} M cycles a second in the emulator", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="jovay bench tracer", description=__doc__)
    parser.add_argument("--loads", default="native,erc20", help="loads, separated by commas")
    parser.add_argument("--accounts", type=int, default=100_000, help="funded accounts")
    parser.add_argument("--count", type=int, default=50_000, help="transactions of a run")
    parser.add_argument("--size", type=int, default=10_000, help="transactions of a chunk")
    parser.add_argument("--workers", type=int, default=2, help="execution threads")
    parser.add_argument("--cycles", action="store_true", help="count those of the RISC-V program")
    parser.add_argument("--folder", type=Path, help="where the chain's data lie")
    options = parser.parse_args()
    sys.setswitchinterval(0.0005)
    print(describe(), f"load average {load_average():.1f}", sep="\n", flush=True)
    for name in options.loads.split(","):
        measure(
            name,
            options.accounts,
            options.count,
            options.size,
            options.workers,
            options.cycles,
            options.folder,
        )


if __name__ == "__main__":
    main()
