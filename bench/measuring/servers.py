"""Nodes as child processes, started over the genesis of the benchmarks: this one, and anvil."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rigs import process
from rigs.anvil import anvil as anvil_node

from ..loads.accounts import CHAIN_ID
from ..loads.chain import genesis_file

#: Accounts of a small chain.
FEW = 1_000


@dataclass(frozen=True)
class Server:
    """A running node."""

    name: str
    url: str
    process: int


@contextmanager
def jovay(accounts: int, kept: Path | None = None, options: Sequence[str] = ()) -> Iterator[Server]:
    """This node, started through its command line; its data lies in the folder ``kept``, or goes with it."""
    (port,) = process.free_ports(1)
    with tempfile.TemporaryDirectory(prefix="jovay-bench-") as temporary:
        folder = kept or Path(temporary)
        words = ["node", "--datadir", f"{folder}/chain", "--genesis", str(genesis_file(accounts))]
        words += ["--http-port", str(port), "--chain-id", str(CHAIN_ID), "--base-fee", str(10**9)]
        words += ["--log-level", "warning", *options]
        run = "import sys; from jovay.cli import main; main()"
        log = folder / "log"
        child = process.start([sys.executable, "-c", run, *words], log)
        try:
            process.wait_until(lambda: "ready" in log.read_text(), child, log, 400.0)
            yield Server("jovay", f"http://127.0.0.1:{port}", child.pid)
        finally:
            process.stop(child, 30.0)


@contextmanager
def anvil(accounts: int) -> Iterator[Server]:
    """Anvil from the same genesis file, without the states of older blocks, which soon take all memory.

    Blocks of 0.1 s get it stuck with many accounts, and are best with few.
    """
    small = accounts <= FEW
    extra = ["--init", str(genesis_file(accounts)), "--no-request-size-limit", "--prune-history"]
    with anvil_node(block_time=0.1 if small else 1.0, gas_limit=10**9, memory_mb=12_288, extra=extra) as node:
        yield Server("anvil-small" if small else "anvil", node.url, node.process.pid)


SERVERS: dict[str, Callable[[int], Any]] = {"jovay": jovay, "anvil": anvil, "anvil-small": anvil}
