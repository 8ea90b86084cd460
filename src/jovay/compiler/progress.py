"""Showing how far a compilation is: a bar on a terminal, plain lines anywhere else."""

from __future__ import annotations

import os
import time
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID


def is_animated(stream: TextIO) -> bool:
    """Whether the stream is a terminal that can move its cursor."""
    return stream.isatty() and os.environ.get("TERM", "") not in ("", "dumb", "unknown")


class CompilationProgress:
    """A ``Progress`` callback that shows what it is told: steps of ``total``, or phases with ``total`` 0.

    Nothing is shown before the first call, so that a cached kernel loads in silence. Use it in a ``with``
    block.
    """

    def __init__(self, stream: TextIO, title: str = "compiling the kernel") -> None:
        self._stream, self._title = stream, title
        self._animated = is_animated(stream)
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        self._tenths = -1
        self._started = time.monotonic()
        self.called = False

    def __call__(self, done: int, total: int, what: str) -> None:
        if not self.called:
            self.called = True
            self._started = time.monotonic()
        if self._animated:
            self._move(done, total, what)
        else:
            self._say(done, total, what)

    def _say(self, done: int, total: int, what: str) -> None:
        """One line for each tenth of the steps, and one for each phase."""
        if total:
            tenths = 10 * done // total
            if tenths == self._tenths:
                return
            self._tenths = tenths
            text = f"{done}/{total}"
        else:
            text = what
        seconds = time.monotonic() - self._started
        print(f"{self._title}: {text} ({seconds:.0f} s)", file=self._stream, flush=True)

    def _move(self, done: int, total: int, what: str) -> None:
        if self._bar is None:
            self._bar, self._task = self._open()
        assert self._task is not None
        if total:
            self._bar.update(self._task, completed=done, total=total, what=_short(what))
        else:
            # A phase has no steps: the bar pulses.
            self._bar.update(self._task, total=None, what=what)

    def _open(self) -> tuple[Bar, TaskID]:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[what]}", markup=True),
            console=Console(file=self._stream),
            transient=True,
        )
        bar.start()
        return bar, bar.add_task(self._title, total=None, what="")

    def __enter__(self) -> CompilationProgress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def _short(symbol: str, width: int = 40) -> str:
    return symbol if len(symbol) <= width else "…" + symbol[1 - width :]
