"""Attacks on a node, one after the other: what ordinary senders wait for their receipts meanwhile.

Each attack gets a node of its own, whose command line is that of an operator's (no development methods), with the
methods that trace. Beside the attack, some senders send one transfer after the other with eth_sendRawTransactionSync,
and a subscriber notes when heads come.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from . import ROOT
from .attacks import Attacker, Target
from .attacks.table import ATTACKS
from .measuring.hardware import describe, load_average, memory_megabytes
from .measuring.servers import Server, jovay

ACCOUNTS, SENDERS, PAUSE, SETTLING = 1_000, 4, 0.02, 1.0
FIRST_SENDER = 500
"""Account of the first ordinary sender; attackers have the first hundred accounts."""


@dataclass
class Seen:
    """What the ordinary senders and the subscriber saw; times in ms."""

    attack: str
    receipts: list[float] = field(default_factory=list)
    intervals: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    memory: float = 0.0
    alive: bool = True

    def form(self) -> dict[str, Any]:
        """The figures as they are kept."""
        return {
            "attack": self.attack,
            "receipts": len(self.receipts),
            "failures": len(self.failures),
            **{f"p{p}": percentile(self.receipts, p) for p in (50, 99, 100)},
            **{f"interval{p}": percentile(self.intervals, p) for p in (50, 99, 100)},
            "memory": self.memory,
            "alive": self.alive,
        }


def percentile(values: list[float], percent: float) -> float:
    return float(np.percentile(values, percent)) if values else float("nan")


class OrdinarySender(threading.Thread):
    """Sends one transfer after the other and notes how long its receipt takes."""

    def __init__(self, target: Target, index: int, seen: Seen, ending: threading.Event) -> None:
        super().__init__(daemon=True)
        self._who, self._seen, self._ending = Attacker(target, FIRST_SENDER + index), seen, ending
        self._to = bytes(18) + b"\x77" + bytes((index,))
        self._begun = 0.0

    def run(self) -> None:
        while not self._ending.wait(PAUSE):
            self._begun = time.perf_counter()
            try:
                self._who.send(self._to, value=1)
            except (OSError, RuntimeError, ValueError) as error:
                self._seen.failures.append(str(error))
                self._recover()
            self.note()

    def note(self) -> None:
        """Note how long the transfer that is under way has taken; called again at the end, for what never came."""
        begun, self._begun = self._begun, 0.0
        if begun and not self._ending.is_set():
            self._seen.receipts.append((time.perf_counter() - begun) * 1e3)

    def _recover(self) -> None:
        """After a refusal: a new connection, and the nonce as the node has it."""
        while not self._ending.wait(0.1):
            try:
                self._who = Attacker(self._who.target, self._who.index)
                return
            except (OSError, RuntimeError, ValueError):
                continue


class HeadWatcher(threading.Thread):
    """Notes the time between two heads."""

    def __init__(self, url: str, seen: Seen) -> None:
        super().__init__(daemon=True)
        self._url, self._seen = url.replace("http", "ws"), seen

    def run(self) -> None:
        with suppress(OSError, ConnectionClosed), connect(self._url, compression=None) as socket:
            socket.send('{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}')
            socket.recv()
            last = 0.0
            while socket.recv():
                now = time.perf_counter()
                if last:
                    self._seen.intervals.append((now - last) * 1e3)
                last = now


@contextmanager
def attacking(name: str, server: Server) -> Iterator[None]:
    """The attack's process, prepared; it attacks from the first statement of the block on."""
    command = [sys.executable, "-m", "bench.attacks", name, server.url, "--accounts", str(ACCOUNTS)]
    child = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT, text=True
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        if child.stdout.readline().strip() != "prepared":
            raise RuntimeError(f"the attack {name!r} could not be prepared")
        child.stdin.write("\n")
        child.stdin.flush()
        yield
    finally:
        child.kill()
        child.wait()


def measure(name: str, seconds: float) -> Seen:
    """One attack on a node of its own."""
    seen, ending = Seen(name), threading.Event()
    with jovay(ACCOUNTS, options=["--debug-api"]) as server:
        target = Target(server.url, ACCOUNTS)
        senders = [OrdinarySender(target, index, seen, ending) for index in range(SENDERS)]
        watcher = HeadWatcher(server.url, seen)
        with attacking(name, server):
            for thread in (watcher, *senders):
                thread.start()
            time.sleep(SETTLING)
            seen.receipts.clear()
            seen.intervals.clear()
            until = time.monotonic() + seconds
            while time.monotonic() < until and seen.alive:
                time.sleep(0.2)
                try:
                    seen.memory = max(seen.memory, memory_megabytes(server.process))
                except OSError:
                    seen.alive = False
            for sender in senders:
                sender.note()
            ending.set()
    return seen


def show(seen: Seen) -> None:
    """A line of text."""
    f = seen.form()
    print(
        f"{seen.attack:20} send → receipt p50 {f['p50']:7.1f}  p99 {f['p99']:7.1f}  max {f['p100']:7.1f} ms; "
        f"between heads p50 {f['interval50']:6.1f}  max {f['interval100']:7.1f} ms; {f['receipts']} receipts, "
        f"{f['failures']} refusals; {f['memory']:,.0f} MB{'' if seen.alive else '; THE NODE HAS ENDED'}",
        flush=True,
    )


def run(names: list[str], seconds: float) -> list[dict[str, Any]]:
    """All attacks named, each after the other."""
    found = []
    for name in names:
        seen = measure(name, seconds)
        show(seen)
        found.append(seen.form())
    return found


def main() -> None:
    """Measure and print."""
    sys.setswitchinterval(0.0005)
    parser = argparse.ArgumentParser(prog="jovay bench hostile", description=__doc__)
    parser.add_argument("--attacks", default=",".join(ATTACKS), help=f"of {', '.join(ATTACKS)}")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each attack is measured")
    options = parser.parse_args()
    print(describe(), f"load average {load_average():.1f}", sep="\n", flush=True)
    figures = run(options.attacks.split(","), options.seconds)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
