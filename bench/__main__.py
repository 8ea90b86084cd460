"""All benchmarks in a row: in process, JSON-RPC beside anvil, the interpreter beside revm, attacks, TEE, ZK proofs."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from . import ROOT, evm_opcodes, hostile, inprocess, jsonrpc, tee, zk
from .measuring import report
from .measuring.hardware import describe, load_average

PARTS = ("inprocess", "jsonrpc", "evm", "hostile", "tee", "zk")


def revision() -> str:
    """The commit that is measured."""
    found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return found.stdout.strip() or "unknown"


def options_of(words: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="jovay bench", description=__doc__)
    inprocess.add_options(parser)
    parser.add_argument("--parts", default=",".join(PARTS), help=f"of {', '.join(PARTS)}")
    parser.add_argument(
        "--quick", action="store_true", help="10,000 accounts, short runs: a look, not a measurement"
    )
    parser.add_argument("--write", action="store_true", help="put the figures into docs/benchmarks.md")
    options = parser.parse_args(words)
    options.batch, options.verify, options.workers, options.servers = (
        500,
        True,
        [1, 2],
        "jovay,anvil,anvil-small",
    )
    options.folder = None
    if options.quick:
        options.accounts, options.count, options.runs, options.loads = 10_000, 10_000, 3, "native,erc20,mixed"
    return options


def run_inprocess(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Raw bytes to persisted receipts."""
    return inprocess.run(options.loads.split(","), options, inprocess.show)


def run_jsonrpc(options: argparse.Namespace) -> list[dict[str, Any]]:
    """This node and anvil."""
    return jsonrpc.run_options(options)


def run_evm(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Loops."""
    found = []
    for row in evm_opcodes.run():
        evm_opcodes.show(row)
        found.append(row.form())
    return found


def run_hostile(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Ordinary senders while the node is attacked."""
    return hostile.run(list(hostile.ATTACKS), 3.0 if options.quick else 10.0)


def run_tee(options: argparse.Namespace) -> list[dict[str, Any]]:
    """A full batch attested."""
    found = []
    for name in ("native", "erc20"):
        found.append(tee.measure(name, options.accounts, 10_000, 600, min(options.runs, 5), options.folder))
        tee.show(found[-1])
    return found


def run_zk(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Small batches proven."""
    return zk.run(zk.LOADS, 1_000, options.folder)


WORK: dict[str, Callable[[argparse.Namespace], list[dict[str, Any]]]] = {
    "inprocess": run_inprocess,
    "jsonrpc": run_jsonrpc,
    "evm": run_evm,
    "hostile": run_hostile,
    "tee": run_tee,
    "zk": run_zk,
}


def main() -> None:
    """Measure and print; with --write also to the page."""
    options = options_of(sys.argv[1:])
    sys.setswitchinterval(0.0005)
    hardware = describe()
    print(hardware, flush=True)
    for part in options.parts.split(","):
        before = load_average()
        print(f"\n{part}, load average {before:.1f}", flush=True)
        figures = WORK[part](options)
        machine = {
            "hardware": hardware,
            "date": time.strftime("%Y-%m-%d"),
            "revision": revision(),
            "load_before": before,
            "load_after": load_average(),
        }
        if options.write:
            report.merge(part, figures, machine)
            for path in report.write():
                print(f"wrote {path.relative_to(ROOT)}", flush=True)


if __name__ == "__main__":
    main()
