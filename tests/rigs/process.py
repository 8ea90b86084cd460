"""Servers under test as child processes: free ports, waiting for a sign of life, orderly ends."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path


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


def start(command: Sequence[str | Path], log: Path, memory_mb: int | None = None) -> subprocess.Popen[bytes]:
    """Starts `command` with both outputs in the file `log`, its address space bounded to `memory_mb` MiB.

    The bound is set by a shell that then becomes the command, so the process id is the command's.
    """
    words = [str(word) for word in command]
    if memory_mb is not None:
        words = ["bash", "-c", 'ulimit -v "$0" && exec "$@"', str(memory_mb * 1024), *words]
    with log.open("wb") as out:
        return subprocess.Popen(words, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)


def wait_until(
    ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path, timeout: float
) -> None:
    """Returns once `ready()`; raises RuntimeError with the end of the log when it ends or time runs out."""
    deadline = time.monotonic() + timeout
    while not ready():
        if process.poll() is not None:
            raise RuntimeError(f"ended with {process.returncode} before it was ready:\n{tail(log)}")
        if time.monotonic() > deadline:
            stop(process)
            raise RuntimeError(f"not ready after {timeout} s:\n{tail(log)}")
        time.sleep(0.01)


def stop(process: subprocess.Popen[bytes], timeout: float = 10.0) -> int:
    """Asks with SIGTERM, insists with SIGKILL after `timeout` seconds; returns the exit status."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return process.returncode


def tail(log: Path, size: int = 2_000) -> str:
    """The last characters of a log file."""
    return log.read_text(errors="replace")[-size:]
