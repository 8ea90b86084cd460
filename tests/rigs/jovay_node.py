"""A Jovay node as a child process, started through its command line the way a user starts it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rigs import process
from rigs.rpc import Rpc

CHAIN_ID = 31_338
# The first start on a machine compiles the kernel.
START_TIMEOUT = 400.0


@dataclass(frozen=True)
class JovayNode:
    """A node that said `ready`. `log` holds all it printed."""

    url: str
    ws_url: str
    datadir: Path
    log: Path
    process: subprocess.Popen[bytes]

    def rpc(self) -> Rpc:
        """A fresh client of its own connection."""
        return Rpc(self.url)


def launch(datadir: Path, *, extra: Sequence[str] = (), memory_mb: int | None = None) -> JovayNode:
    """Starts `jovay node --dev` over `datadir` (kept from an earlier run or new) and waits for `ready`.

    The caller ends it with `rigs.process.stop`, or kills it. Raises RuntimeError with the log's end when the
    node ends or does not get ready. `extra` words come last, so they win over the defaults.
    """
    http_port, ws_port = process.free_ports(2)
    datadir.mkdir(parents=True, exist_ok=True)
    log = datadir.with_name(datadir.name + ".log")
    run_main = "from jovay.cli import main; main()"
    command = [sys.executable, "-c", run_main, "node", "--datadir", str(datadir), "--dev"]
    command += ["--http-port", str(http_port), "--ws-port", str(ws_port), "--chain-id", str(CHAIN_ID), *extra]
    child = process.start(command, log, memory_mb)
    process.wait_until(lambda: _said_ready(log), child, log, START_TIMEOUT)
    return JovayNode(f"http://127.0.0.1:{http_port}", f"ws://127.0.0.1:{ws_port}", datadir, log, child)


@contextmanager
def jovay_node(
    datadir: Path, *, extra: Sequence[str] = (), memory_mb: int | None = None
) -> Iterator[JovayNode]:
    """`launch` for the length of a `with` block."""
    node = launch(datadir, extra=extra, memory_mb=memory_mb)
    try:
        yield node
    finally:
        process.stop(node.process, timeout=30.0)


def _said_ready(log: Path) -> bool:
    return any(line.split()[:1] == ["ready"] for line in log.read_text(errors="replace").splitlines())
