"""The same loads through JSON-RPC over HTTP: this node and anvil, one after the other, with the same transactions.

The client is a process of its own on the same machine. Anvil keeps everything in memory; this node makes every block
durable first. Anvil copies its whole state at every block, so it also gets a run in its best mode, with few accounts
(``anvil-small``); mining each transaction at once stalls under a burst.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from . import ROOT
from .inprocess import add_options
from .loads.workloads import TITLES
from .measuring.hardware import cpu_seconds, describe, load_average, memory_megabytes
from .measuring.servers import FEW, SERVERS, Server

BATCH, BINARY_BATCH, CONNECTIONS = 100, 500, 4
PROBES_KEPT = 10_000


@dataclass
class Figures:
    """One server's figures with one load over one channel; seconds of processor time per transaction in µs."""

    server: str
    load: str
    channel: str
    rates: list[float] = field(default_factory=list)
    server_cpu: list[float] = field(default_factory=list)
    client_cpu: list[float] = field(default_factory=list)
    offered: float = 0.0
    latencies: list[float] = field(default_factory=list)
    memory: float = 0.0

    @property
    def rate(self) -> float:
        """Median transactions per second."""
        return statistics.median(self.rates)

    def latency(self, percent: float) -> float:
        """Percentile of send → receipt at half load, ms."""
        return float(np.percentile(self.latencies, percent)) if self.latencies else float("nan")


def client(order: dict[str, Any], server: Server) -> tuple[dict[str, Any], float]:
    """Run a client; its answer, and the server's processor seconds meanwhile."""
    command = [sys.executable, "-m", "bench.measuring.client"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(json.dumps(order | {"url": server.url}) + "\n")
        child.stdin.flush()
        if child.stdout.readline().strip() != "prepared":
            raise RuntimeError("the client could not prepare its load")
        before, used = cpu_seconds(server.process), 0.0
        child.stdin.write("\n")
        child.stdin.flush()
        while (answer := child.stdout.readline()).strip() == "measured":
            used = cpu_seconds(server.process) - before
            child.stdin.write("\n")
            child.stdin.flush()
    if not answer:
        raise RuntimeError("the client failed")
    result: dict[str, Any] = json.loads(answer)
    return result, used


@dataclass(frozen=True)
class Plan:
    """How much is sent: ``runs`` of ``count`` transactions, then ``seconds`` at half the rate."""

    accounts: int
    total: int
    count: int
    runs: int
    seconds: float = 5.0


def measure(
    server: Server, load: str, channel: str, plan: Plan, start: int, probe_group: int
) -> tuple[Figures, int]:
    """Throughput and latency over one channel; where in the load the next measurement can start."""
    figures = Figures(server.name, load, channel)
    order: dict[str, Any] = {
        "load": load,
        "total": plan.total,
        "accounts": plan.accounts,
        "channel": channel,
        "batch": BATCH if channel == "json" else BINARY_BATCH,
        "connections": CONNECTIONS,
    }
    for _ in range(plan.runs):
        told = order | {"kind": "throughput", "start": start, "stop": start + plan.count}
        answer, used = client(told, server)
        start += plan.count
        figures.rates.append(answer["count"] / answer["seconds"])
        figures.server_cpu.append(used / answer["count"] * 1e6)
        figures.client_cpu.append(answer["cpu"] / answer["count"] * 1e6)
    figures.offered = figures.rate / 2
    count = min(int(figures.offered * plan.seconds) // 1000 * 1000, plan.total - start)
    order |= {"kind": "latency", "start": start, "stop": start + count, "rate": figures.offered}
    order |= {"probes": PROBES_KEPT, "probe_group": probe_group}
    answer, _ = client(order, server)
    figures.latencies = answer["latencies"]
    figures.memory = memory_megabytes(server.process)
    return figures, start + count


def run(loads: list[str], plan: Plan, servers: list[str], report: Callable[[Figures], None]) -> list[Figures]:
    """Every load on every server; this node also over its binary channel."""
    found = []
    for load in loads:
        for name in servers:
            own = replace(plan, accounts=min(plan.accounts, FEW)) if name == "anvil-small" else plan
            with SERVERS[name](own.accounts) as server:
                figures, start = measure(server, load, "json", own, 0, 0)
                report(figures)
                found.append(figures)
                if name == "jovay" and load == "erc20":
                    figures, _ = measure(server, load, "binary", plan, start, 1)
                    report(figures)
                    found.append(figures)
    return found


def show(figures: Figures) -> None:
    """A line of text."""
    print(
        f"{figures.server:6} {figures.channel:6} {TITLES[figures.load][:40]:40} {figures.rate:9,.0f} TPS "
        f"({', '.join(f'{rate:,.0f}' for rate in figures.rates)}); server {statistics.median(figures.server_cpu):.1f}, "
        f"client {statistics.median(figures.client_cpu):.1f} µs of processor time each; at {figures.offered:,.0f} TPS "
        f"p50 {figures.latency(50):.1f} ms, p99 {figures.latency(99):.1f} ms; {figures.memory:,.0f} MB",
        flush=True,
    )


def form(figures: Figures) -> dict[str, Any]:
    """The figures as they are kept."""
    return {
        "server": figures.server,
        "load": figures.load,
        "channel": figures.channel,
        "rate": figures.rate,
        "rates": figures.rates,
        "server_cpu": statistics.median(figures.server_cpu),
        "client_cpu": statistics.median(figures.client_cpu),
        "offered": figures.offered,
        "p50": figures.latency(50),
        "p99": figures.latency(99),
        "probes": len(figures.latencies),
        "memory": figures.memory,
    }


def run_options(options: argparse.Namespace) -> list[dict[str, Any]]:
    """As the command line says: three runs, of 20,000 transactions or fewer."""
    count = min(options.count, 20_000)
    plan = Plan(options.accounts, options.count * (options.runs + 5), count, 3)
    loads = [load for load in options.loads.split(",") if load in ("native", "erc20", "mixed", "hot50")]
    servers = options.servers.split(",")
    found = run(loads, plan, servers, show)
    for load in loads:
        rates = {f.server: f.rate for f in found if f.load == load and f.channel == "json"}
        for peer, rate in rates.items():
            if peer != "jovay" and "jovay" in rates:
                print(f"{TITLES[load]}: ×{rates['jovay'] / rate:.1f} {peer}'s rate")
    return [form(figures) for figures in found]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="jovay bench jsonrpc", description=__doc__)
    add_options(parser)
    parser.add_argument("--servers", default="jovay,anvil,anvil-small", help="of jovay, anvil, anvil-small")
    options = parser.parse_args()
    print(describe(), f"load average {load_average():.1f}", sep="\n", flush=True)
    run_options(options)


if __name__ == "__main__":
    main()
