"""Anvil, Foundry's development chain, as an L1 of one's own, whose chain outlives it.

Anvil writes its state every few seconds and when it ends, in place: killed while it writes, it leaves a file that it
cannot read. So each file that is whole is put aside at once, and a start takes the newest whole one: a kill loses
the blocks since then. What a restart keeps: blocks, transactions, receipts, logs, blobs, the newest state. Not the
states of older blocks.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from jovay.bridge.errors import AnvilError
from jovay.bridge.l1.client import L1Client
from jovay.chain.settlement import DEVELOPMENT_L1
from jovay.native.lifeline import tied

log = logging.getLogger("jovay.l1")

#: Seconds between two blocks, and, whole ones, between two times that the state is written.
BLOCK_TIME, KEEP_EVERY = 1.0, 3
#: Ethereum's gas limit of a block.
GAS_LIMIT = 60_000_000
START_TIMEOUT, STOP_TIMEOUT, PORT_TIMEOUT = 20.0, 30.0, 2.0
#: What a whole state ends with: the last member of the object.
_LAST = b'"historical_states":null}'
_LOG_TAIL = 2_000


def binary() -> Path:
    """The program that `make setup` brings, or else the one on PATH. Raises AnvilError."""
    for candidate in sorted(Path(sys.prefix).glob("anvil/node_modules/@foundry-rs/anvil-*/bin/anvil")):
        return candidate
    if found := shutil.which("anvil"):
        return Path(found)
    raise AnvilError("anvil is not installed: `make setup` brings it, Foundry's on PATH does too")


@dataclass(frozen=True, slots=True)
class Settings:
    """How anvil runs. Without ``block_time`` (seconds, fractions allowed) each transaction is mined at once, which
    stalls under a burst. ``accounts`` of the well-known test mnemonic are rich. ``extra``: further words for it.
    """

    port: int
    block_time: float | None = BLOCK_TIME
    gas_limit: int | None = GAS_LIMIT
    hardfork: str = "osaka"
    accounts: int = 20
    memory_mb: int = 6_144
    extra: Sequence[str] = ("--slots-in-an-epoch", "1")

    def command(self, state: Path | None) -> list[str]:
        """The command line; the shell bounds its memory, and it ends with the program that started it, in order."""
        words = [str(binary()), "--port", str(self.port), "--host", "127.0.0.1", "--quiet"]
        words += [
            "--hardfork",
            self.hardfork,
            "--accounts",
            str(self.accounts),
            "--chain-id",
            str(DEVELOPMENT_L1),
        ]
        if self.block_time is not None:
            words += ["--block-time", str(self.block_time)]
        if self.gas_limit is not None:
            words += ["--gas-limit", str(self.gas_limit)]
        if state is not None:
            words += ["--state", str(state), "--state-interval", str(KEEP_EVERY)]
        bound = ["bash", "-c", 'ulimit -v "$0" && exec "$@"', str(self.memory_mb * 1024)]
        return tied([*bound, *words, *self.extra])


class Anvil:
    """A running anvil. HTTP and WebSocket share one port. The thread that starts it must outlive it."""

    def __init__(self, settings: Settings, folder: Path, keep: bool = True) -> None:
        """``folder`` has its log, and with ``keep`` its state. Raises AnvilError when it does not start."""
        self.url = f"http://127.0.0.1:{settings.port}"
        self.ws_url = f"ws://127.0.0.1:{settings.port}"
        self._log, self._state = folder / "anvil.log", StateFile(folder / "anvil.json") if keep else None
        self._ended = threading.Event()
        _require_free(settings.port)
        folder.mkdir(parents=True, exist_ok=True)
        if self._state is not None:
            self._state.choose()
        with self._log.open("wb") as out:
            # A session of its own: Ctrl-C is for us, who end it in order.
            self.process = subprocess.Popen(
                settings.command(self._state.path if self._state else None), stdin=subprocess.DEVNULL,
                stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        try:
            self._wait(settings.port)
        except BaseException:
            self.stop()
            raise
        if self._state is not None:
            threading.Thread(target=self._keep, args=(self._state,), name="anvil state", daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End it; it writes its state then. What is not running is left alone."""
        self._ended.set()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def _keep(self, state: StateFile) -> None:
        while not self._ended.wait(KEEP_EVERY / 8):
            try:
                state.put_aside()
            except OSError as error:
                log.warning("the state of L1 is not kept: %s", error)

    def _wait(self, port: int) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            if self.process.poll() is not None:
                raise AnvilError(f"anvil ended with {self.process.returncode}: {self._said()}")
            # A port that does not listen yet refuses at once, so the client's own pauses are not waited for.
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.1):
                break
            if time.monotonic() > deadline:
                raise AnvilError(f"anvil does not answer after {START_TIMEOUT} s: {self._said()}")
            time.sleep(0.01)
        client = L1Client(self.url)
        client.require_chain(DEVELOPMENT_L1)
        client.close()

    def _said(self) -> str:
        return self._log.read_text(errors="replace")[-_LOG_TAIL:].strip() or "it says nothing"


class StateFile:
    """What anvil writes, and the whole one before it."""

    def __init__(self, path: Path) -> None:
        self.path, self._aside = path, path.with_suffix(".kept.json")

    def choose(self) -> None:
        """Give anvil the newest state that is whole; none if there is none."""
        if self.path.exists() and not _is_whole(self.path):
            log.warning("%s is not whole, since anvil was killed; L1 goes back to the one before", self.path)
            self.path.unlink()
        if not self.path.exists() and self._aside.exists():
            self._aside.replace(self.path)

    def put_aside(self) -> None:
        """Save a whole file from being written over. Only a fresh one: another is about to be written over."""
        try:
            if time.time() - self.path.stat().st_mtime < KEEP_EVERY / 2 and _is_whole(self.path):
                self.path.replace(self._aside)
        except FileNotFoundError:
            pass


def _is_whole(path: Path) -> bool:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - len(_LAST)))
        return file.read() == _LAST


def _require_free(port: int) -> None:
    """Another server there would be taken for anvil; one that was killed just now gets the time to end."""
    deadline = time.monotonic() + PORT_TIMEOUT
    while True:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return
            except OSError as error:
                if time.monotonic() > deadline:
                    raise AnvilError(f"port {port} is taken by another program ({error.strerror})") from error
        time.sleep(0.05)
