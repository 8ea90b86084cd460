"""The parts of a stack as child processes: started one by one, again when they end, and stopped in order."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jovay.monitoring.stats import PartStats
from jovay.native.lifeline import tied

log = logging.getLogger("jovay.up")
#: A part that ends more often than so many times in so many seconds is given up, and the stack with it.
MOST_STARTS, WITHIN = 5, 60.0
_POLL = 0.1
_LAST_WORDS = 1_500
#: Seconds before a part is started again, doubling.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 8.0
#: Seconds that a part may take to stop before it is killed.
STOP_TIME = 15.0


class PartError(Exception):
    """A part of the stack that cannot run; the message is for the person who started it."""


@dataclass
class Part:
    """A program: its command, where its output goes, and what its environment has besides.

    It serves when it prints a line that begins with "ready", for which it has ``start_time`` seconds.
    """

    name: str
    command: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    start_time: float = 60.0
    process: subprocess.Popen[bytes] | None = None
    started: deque[float] = field(default_factory=deque)
    restarts: int = 0
    _said_before: int = 0

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Start it; its output is added to its log."""
        self.started.append(time.monotonic())
        with self.log.open("ab") as out:
            self._said_before = out.tell()
            # A session of its own: Ctrl-C on the terminal is for us, who stop the parts in order.
            self.process = subprocess.Popen(
                tied(self.command), stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                env=os.environ | dict(self.environment), start_new_session=True,
            )  # fmt: skip

    @property
    def is_ready(self) -> bool:
        """Whether it has said so since it was started."""
        return any(line.startswith("ready") for line in self.said().splitlines())

    def said(self) -> str:
        """What it has printed since it was started."""
        with self.log.open("rb") as file:
            file.seek(self._said_before)
            return file.read().decode(errors="replace")


class Supervisor:
    """Runs parts until it is closed; ``failure`` says which could not be kept running."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.failure = ""
        self._stopping = threading.Event()
        self._tell: Callable[[str], None] = lambda name: None
        # One thread starts and stops all parts, since the lifeline ends them with the thread that started them.
        self._thread = threading.Thread(target=self._keep, name="supervisor", daemon=True)
        self._wanted: deque[tuple[Part, threading.Event]] = deque()
        self._thread.start()

    def run(self, part: Part, while_waiting: Callable[[], None] = lambda: None) -> None:
        """Start a part and return when it serves. Raises ``PartError`` with the end of its log."""
        self.begin(part)
        self.await_ready(part, while_waiting)

    def begin(self, part: Part) -> None:
        """Start a part."""
        begun = threading.Event()
        self._wanted.append((part, begun))
        begun.wait()

    def await_ready(self, part: Part, while_waiting: Callable[[], None] = lambda: None) -> None:
        """Return when a part serves. Raises ``PartError`` with the end of its log."""
        deadline = time.monotonic() + part.start_time
        while not part.is_ready:
            if part.process is None or part.process.poll() is not None or self.failure:
                raise PartError(f"{part.name} does not start:\n{part.said()[-_LAST_WORDS:]}")
            if time.monotonic() > deadline:
                words = part.said()[-_LAST_WORDS:]
                raise PartError(f"{part.name} is not ready after {part.start_time:.0f} s:\n{words}")
            while_waiting()
            time.sleep(_POLL)

    def stats(self) -> tuple[PartStats, ...]:
        """How the parts are, in the order in which they were started."""
        return tuple(PartStats(name=part.name, runs=part.runs, restarts=part.restarts) for part in self.parts)

    def _keep(self) -> None:
        while not self._stopping.wait(_POLL / 4):
            while self._wanted:
                part, begun = self._wanted.popleft()
                self.parts.append(part)
                self._start(part)
                begun.set()
            for part in self.parts:
                if not part.runs and not self.failure:
                    self._again(part)
        for part in reversed(self.parts):
            if part.runs:
                self._tell(part.name)
                _stop(part)

    def _start(self, part: Part) -> None:
        try:
            part.start()
        except OSError as error:
            self.failure = f"{part.name} cannot be started: {error}"

    def _again(self, part: Part) -> None:
        """Start a part that has ended, after a pause."""
        now = time.monotonic()
        while part.started and now - part.started[0] > WITHIN:
            part.started.popleft()
        if len(part.started) > MOST_STARTS:
            self.failure = (
                f"{part.name} has ended {len(part.started)} times within {WITHIN:.0f} s; see {part.log}"
            )
            return
        pause = min(_FIRST_PAUSE * 2 ** max(len(part.started) - 1, 0), _LONGEST_PAUSE)
        if not part.started or now - part.started[-1] >= pause:
            status = part.process.returncode if part.process else None
            log.warning("a part has ended and is started again", extra={"part": part.name, "status": status})
            part.restarts += 1
            self._start(part)

    def close(self, tell: Callable[[str], None] = lambda name: None) -> None:
        """Stop all parts, the newest first; ``tell`` is given the name of each before it stops."""
        self._tell = tell
        self._stopping.set()
        self._thread.join()


def _stop(part: Part) -> None:
    assert part.process is not None
    part.process.send_signal(signal.SIGTERM)
    try:
        part.process.wait(STOP_TIME)
    except subprocess.TimeoutExpired:
        log.warning("a part does not stop and is killed", extra={"part": part.name})
        part.process.kill()
        part.process.wait()
