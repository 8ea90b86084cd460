"""A whole stack in a temporary folder, for as long as a command needs it."""

from __future__ import annotations

import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jovay.cli.stack import StackError
from jovay.cli.supervisor import Part, PartError, Supervisor

#: The first start on a machine compiles the kernel.
START_TIME = 600.0


@contextmanager
def own_stack() -> Iterator[tuple[str, str]]:
    """Where its L2 and its L1 are reached. Raises ``StackError`` if it does not start."""
    with tempfile.TemporaryDirectory(prefix="jovay-") as folder:
        node, l1, controller, relayer = free_ports(4)
        words = ["up", "--plain", "--datadir", str(Path(folder) / "stack"), "--http-port", str(node)]
        words += ["--l1-port", str(l1), "--controller-port", str(controller), "--relayer-port", str(relayer)]
        log = Path(folder) / "log"
        part = Part("stack", jovay(*words), log, start_time=START_TIME)
        running = Supervisor()
        try:
            running.run(part)
            yield f"http://127.0.0.1:{node}", f"http://127.0.0.1:{l1}"
        except PartError as error:
            raise StackError(str(error)) from error
        finally:
            running.close()


def jovay(*words: str) -> list[str]:
    """This program with other words."""
    return [sys.executable, "-c", "from jovay.cli import main; main()", *words]


def free_ports(count: int) -> list[int]:
    """TCP ports on the loopback address that nobody listened on just now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
