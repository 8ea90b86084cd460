"""`jovay up` as a child process, started the way a person starts it, and what is left of it afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rigs import process
from rigs.rpc import Rpc

#: Parts, and the word of each one's command line that no other has.
PARTS = {"l1": b"start", "controller": b"controller", "prover": b"tee", "relayer": b"relayer"}
#: For stacks that are not tested for what a machine with two cores proves in minutes.
NO_ZK = "--no-zk"
START_TIMEOUT, STOP_TIMEOUT = 400.0, 60.0


@dataclass(frozen=True)
class RunningStack:
    """A stack that said `ready`. `log` holds all it printed; `folder` is its data directory."""

    url: str
    l1_url: str
    folder: Path
    log: Path
    process: subprocess.Popen[bytes]

    def rpc(self) -> Rpc:
        """A fresh client of L2."""
        return Rpc(self.url)

    def children(self) -> dict[str, int]:
        """Process ids of the parts that run, by their names."""
        found: dict[str, int] = {}
        for path in Path("/proc").glob("[0-9]*"):
            try:
                words = (path / "cmdline").read_bytes().split(b"\0")
                parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError):
                continue
            if parent == self.process.pid:
                found |= {name: int(path.name) for name, word in PARTS.items() if word in words}
        return found

    def stop(self) -> int:
        """Ctrl-C; the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(STOP_TIMEOUT)


def launch(folder: Path, ports: Sequence[int], extra: Sequence[str] = ()) -> RunningStack:
    """Start `jovay up` over `folder` (kept from an earlier run, or new) and wait for `ready`."""
    http, l1, controller, relayer = map(str, ports)
    folder.parent.mkdir(parents=True, exist_ok=True)
    log = folder.with_name(folder.name + ".log")
    words = ["up", "--plain", "--datadir", str(folder), "--http-port", http, "--l1-port", l1]
    words += ["--controller-port", controller, "--relayer-port", relayer, *extra]
    child = process.start([sys.executable, "-c", "from jovay.cli import main; main()", *words], log)
    process.wait_until(lambda: _said_ready(log), child, log, START_TIMEOUT)
    return RunningStack(f"http://127.0.0.1:{http}", f"http://127.0.0.1:{l1}", folder, log, child)


def is_alive(process_id: int) -> bool:
    """Whether a process runs, and is no zombie."""
    try:
        os.kill(process_id, 0)
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return False


def _said_ready(log: Path) -> bool:
    return any(line.split()[:1] == ["ready"] for line in log.read_text(errors="replace").splitlines())
