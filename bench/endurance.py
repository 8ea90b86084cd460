"""Millions of transactions on one node: memory against the state's growth, and how long a restart takes.

Native transfers among the benchmark's accounts come in over the binary channel as fast as the node takes them; some go
to addresses that do not exist yet, so that the state grows. Resident memory is noted all along: what the growth of
the state does not explain is a leak.
"""

from __future__ import annotations

import argparse
import json
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from . import ROOT
from .attacks import ask
from .loads.accounts import Call, accounts, sign
from .measuring.client import Connection, binary_body
from .measuring.hardware import describe, load_average, memory_megabytes
from .measuring.servers import Server, jovay

BATCH, CONNECTIONS, SIGNERS, IN_FLIGHT = 500, 4, 2, 60_000
MEBIBYTE = 1 << 20


@dataclass(frozen=True)
class Sample:
    """The node after ``count`` transactions."""

    count: int
    seconds: float
    fresh: int
    memory: float
    disk: float


def transfers(count: int, first: int, step: int, fresh: int) -> Iterator[Call]:
    """Every ``step``-th transfer from ``first`` on: all accounts in turn, ``fresh`` in a hundred to nobody yet."""
    owners = accounts(count)
    number = first
    while True:
        turn = number * 2_654_435_761 % 100
        new = turn < fresh
        to = number.to_bytes(20, "big") if new else owners.address(number * 7_919 % count)
        yield Call(number % count, number // count, to, 1, b"", 21_000)
        number += step


def sign_in_turn() -> None:
    """A signer's process: batch after batch on standard output, each behind its length."""
    first, count, fresh, total = map(int, sys.argv[2:])
    owners, out = accounts(count), sys.stdout.buffer
    calls = transfers(count, 0, 1, fresh)
    for start in range(0, total, BATCH):
        batch = [next(calls) for _ in range(BATCH)]
        if start // BATCH % SIGNERS != first:
            continue
        body = binary_body(sign(owners, batch))
        out.write(len(body).to_bytes(4, "big") + body)
    out.flush()


class Bodies:
    """Bodies of requests in the order of the transfers, signed by some processes in turn."""

    def __init__(self, count: int, fresh: int, total: int) -> None:
        command = [sys.executable, "-m", "bench.endurance", "sign"]
        self._signers = [
            subprocess.Popen(
                [*command, *map(str, (first, count, fresh, total))], stdout=subprocess.PIPE, cwd=ROOT
            )
            for first in range(SIGNERS)
        ]
        self._turn = 0

    def next(self) -> bytes:
        signer = self._signers[self._turn % SIGNERS]
        self._turn += 1
        assert signer.stdout is not None
        return signer.stdout.read(int.from_bytes(signer.stdout.read(4), "big"))

    def close(self) -> None:
        for signer in self._signers:
            signer.kill()
            signer.wait()


def disk_megabytes(folder: Path) -> float:
    """Bytes on disk under a folder."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file()) / MEBIBYTE


def waiting(connection: Connection) -> int:
    """Transactions that wait in the pool."""
    status = ask(connection, "txpool_status")
    return int(status["pending"], 16) + int(status["queued"], 16)


class Senders:
    """Some connections that take bodies as they come."""

    def __init__(self, url: str) -> None:
        self.bodies: queue.Queue[bytes] = queue.Queue(2 * CONNECTIONS)
        self.failure: BaseException | None = None
        for _ in range(CONNECTIONS):
            threading.Thread(target=self._send, args=(Connection(url),), daemon=True).start()

    def _send(self, connection: Connection) -> None:
        while True:
            body = self.bodies.get()
            try:
                answer = connection.send(connection.request("/batch", "application/octet-stream", body))
                if any(answer[at] != 1 for at in range(0, len(answer), 33)):
                    raise RuntimeError(f"a transaction was refused: {answer[:100]!r}")
            except BaseException as error:
                self.failure = error
            self.bodies.task_done()

    def put(self, body: bytes) -> None:
        """Send a body as soon as a connection is free."""
        if self.failure is not None:
            raise self.failure
        self.bodies.put(body)


def send(server: Server, folder: Path, options: argparse.Namespace) -> Iterator[Sample]:
    """Send everything; a sample now and then, when the pool is empty."""
    connection, senders = Connection(server.url), Senders(server.url)
    bodies = Bodies(options.accounts, options.fresh, options.transactions)
    begun, every = time.perf_counter(), max(BATCH, options.transactions // 20 // BATCH * BATCH)
    try:
        for sent in range(BATCH, options.transactions + BATCH, BATCH):
            senders.put(bodies.next())
            if sent % (20 * BATCH) == 0:
                while waiting(connection) > IN_FLIGHT:
                    time.sleep(0.02)
            if sent % every == 0:
                senders.bodies.join()
                while waiting(connection):
                    time.sleep(0.02)
                fresh = sent * options.fresh // 100  # the multiplier is odd: every hundred has its share
                memory, disk = memory_megabytes(server.process), disk_megabytes(folder)
                yield Sample(sent, time.perf_counter() - begun, fresh, memory, disk)
    finally:
        bodies.close()


def growth(samples: list[Sample]) -> tuple[float, float]:
    """Bytes of memory for each new account, and the greatest distance from that line in MB, after a warm-up."""
    steady = samples[len(samples) // 4 :]
    x, y = np.array([s.fresh for s in steady]), np.array([s.memory for s in steady])
    slope, constant = np.polyfit(x, y, 1)
    return float(slope) * MEBIBYTE, float(np.abs(y - slope * x - constant).max())


def check(server: Server, options: argparse.Namespace) -> None:
    """Every account has sent what it was to send."""
    connection, owners = Connection(server.url), accounts(options.accounts)
    total = 0
    for start in range(0, options.accounts, 500):
        addresses = range(start, min(start + 500, options.accounts))
        calls = [("eth_getTransactionCount", ["0x" + owners.address(k).hex(), "latest"]) for k in addresses]
        total += sum(int(nonce, 16) for nonce in connection.call(calls))
    if total != options.transactions:
        raise RuntimeError(f"{options.transactions:,} transactions were accepted, {total:,} are in the state")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Fill a chain, stop, start again."""
    samples: list[Sample] = []
    folder = Path(tempfile.mkdtemp(prefix="jovay-endurance-"))
    size = ["--accounts", str(options.room), "--slots", str(options.room)]
    try:
        with jovay(options.accounts, folder, size) as server:
            for sample in send(server, folder, options):
                samples.append(sample)
                show(sample)
            stopping = time.perf_counter()
        stopping = time.perf_counter() - stopping
        starting = time.perf_counter()
        with jovay(options.accounts, folder, size) as server:
            starting = time.perf_counter() - starting
            memory = memory_megabytes(server.process)
            check(server, options)
        each, off = growth(samples)
        disk = samples[-1].disk * MEBIBYTE / samples[-1].count
        print(f"{each:,.0f} bytes of memory for each new account, at most {off:,.1f} MB off that line")
        print(f"{disk:,.0f} bytes of disk for each transaction")
        print(f"stopped in {stopping:.1f} s, started in {starting:.1f} s with {memory:,.0f} MB")
        print("every account's nonce is what it must be", flush=True)
        return {
            "samples": [vars(s) for s in samples],
            "bytes_each": each,
            "off_line": off,
            "stop": stopping,
            "start": starting,
            "memory_after_start": memory,
        }
    finally:
        shutil.rmtree(folder)


def show(sample: Sample) -> None:
    """A line of text."""
    print(
        f"{sample.count:12,} transactions  {sample.count / sample.seconds:9,.0f} a second  "
        f"{sample.fresh:10,} new accounts  {sample.memory:8,.0f} MB of memory  {sample.disk:9,.0f} MB of disk",
        flush=True,
    )


def main() -> None:
    """Measure and print."""
    if sys.argv[1:2] == ["sign"]:
        sign_in_turn()
        return
    parser = argparse.ArgumentParser(prog="jovay bench endurance", description=__doc__)
    parser.add_argument("--transactions", type=int, default=20_000_000)
    parser.add_argument("--accounts", type=int, default=100_000, help="accounts that send")
    parser.add_argument(
        "--fresh", type=int, default=5, help="transfers in a hundred that go to a new account"
    )
    parser.add_argument(
        "--room", type=int, default=4_000_000, help="accounts and slots that the node's tables hold"
    )
    options = parser.parse_args()
    print(describe(), f"load average {load_average():.1f}", sep="\n", flush=True)
    print(json.dumps(run(options)))


if __name__ == "__main__":
    main()
