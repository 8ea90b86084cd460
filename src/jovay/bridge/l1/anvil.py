"""Anvil, Foundry's development chain, as an L1 of one's own, whose chain outlives it.

Anvil's own periodic dumps are written in place, so a kill in the middle leaves a file that it cannot read. Here its
state is fetched by RPC and replaces the file as a whole: a kill loses the blocks since the last time, nothing more.
What a restart keeps: blocks, transactions, receipts, logs, blobs, the newest state. Not the states of older blocks.
"""

from __future__ import annotations

import contextlib
import gzip
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

from jovay.bridge.errors import AnvilError, L1Error
from jovay.bridge.l1 import records
from jovay.bridge.l1.client import L1Client
from jovay.native.lifeline import tied

log = logging.getLogger("jovay.l1")

CHAIN_ID = 31_337
#: Seconds between two blocks, and between two times that the state is kept. Where keeping takes long, it is done more
#: seldom, so that it takes no more than one part of so many.
BLOCK_TIME, KEEP_EVERY, KEEP_SHARE = 1.0, 2.0, 20
#: Ethereum's gas limit of a block.
GAS_LIMIT = 60_000_000
START_TIMEOUT, STOP_TIMEOUT, PORT_TIMEOUT = 20.0, 10.0, 2.0
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
        """The command line; the shell bounds its memory, and it ends with the program that started it."""
        words = [str(binary()), "--port", str(self.port), "--host", "127.0.0.1", "--quiet"]
        words += ["--hardfork", self.hardfork, "--accounts", str(self.accounts), "--chain-id", str(CHAIN_ID)]
        if self.block_time is not None:
            words += ["--block-time", str(self.block_time)]
        if self.gas_limit is not None:
            words += ["--gas-limit", str(self.gas_limit)]
        if state is not None and state.exists():
            words += ["--load-state", str(state)]
        bound = ["bash", "-c", 'ulimit -v "$0" && exec "$@"', str(self.memory_mb * 1024)]
        return tied([*bound, *words, *self.extra])


class Anvil:
    """A running anvil. HTTP and WebSocket share one port. The thread that starts it must outlive it."""

    def __init__(self, settings: Settings, folder: Path, keep: bool = True) -> None:
        """``folder`` has its log, and with ``keep`` its state. Raises AnvilError when it does not start."""
        self.url = f"http://127.0.0.1:{settings.port}"
        self.ws_url = f"ws://127.0.0.1:{settings.port}"
        self._log, self._state = folder / "anvil.log", folder / "anvil.json" if keep else None
        self._client = L1Client(self.url, timeout=60.0)
        self._saving, self._ended, self._saved = threading.Lock(), threading.Event(), b""
        _require_free(settings.port)
        folder.mkdir(parents=True, exist_ok=True)
        with self._log.open("wb") as out:
            # A session of its own: Ctrl-C is for us, who keep the state before it ends.
            self.process = subprocess.Popen(
                settings.command(self._state), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip
        try:
            self._wait(settings.port)
        except BaseException:
            self._end()
            raise
        if keep:
            threading.Thread(target=self._keep, name="anvil state", daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def save(self) -> None:
        """Write the state down, if there are new blocks. Raises L1Error, OSError."""
        if self._state is None:
            return
        with self._saving:
            head = self._client.head()
            if head.hash == self._saved:
                return
            packed = records.octets(self._client.call("anvil_dumpState"), "anvil's state")
            fresh = self._state.with_suffix(".new")
            with fresh.open("wb") as file:
                file.write(gzip.decompress(packed))
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._state)
            self._saved = head.hash

    def stop(self) -> None:
        """Keep the state and end it; what is not running is left alone."""
        self._ended.set()
        if self.process.poll() is None:
            try:
                self.save()
            except (L1Error, OSError) as error:
                log.warning("the last blocks of L1 are not kept: %s", error)
        self._end()
        self._client.close()

    def _keep(self) -> None:
        pause = KEEP_EVERY
        while not self._ended.wait(pause) and self.process.poll() is None:
            begun = time.monotonic()
            try:
                self.save()
            except (L1Error, OSError) as error:
                if not self._ended.is_set() and self.process.poll() is None:
                    log.warning("the state of L1 is not kept: %s", error)
            pause = max(KEEP_EVERY, (time.monotonic() - begun) * KEEP_SHARE)

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
        self._client.require_chain(CHAIN_ID)

    def _end(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def _said(self) -> str:
        return self._log.read_text(errors="replace")[-_LOG_TAIL:].strip() or "it says nothing"


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
