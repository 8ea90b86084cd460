"""Showing how far the start of a stack is: a bar on a terminal, a line for each step anywhere else."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TextIO

from jovay.compiler.progress import is_animated


class Starting:
    """``step`` says what begins now, ``detail`` what happens within it. Use it in a ``with`` block."""

    def __init__(self, stream: TextIO, steps: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        self._stream, self._steps, self._done = stream, steps, -1
        self._begun = time.monotonic()
        self._bar: Progress | None = None
        if is_animated(stream):
            self._bar = Progress(
                TextColumn("starting"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.description} [dim]{task.fields[detail]}"),
                console=Console(file=stream),
                transient=True,
            )
            self._task = self._bar.add_task("", total=steps, detail="")
            self._bar.start()

    def step(self, what: str) -> None:
        """The next step begins."""
        self._done += 1
        if self._bar is not None:
            self._bar.update(self._task, completed=self._done, description=what, detail="")
        else:
            seconds = time.monotonic() - self._begun
            print(
                f"starting {self._done + 1}/{self._steps}: {what} ({seconds:.1f} s)",
                file=self._stream,
                flush=True,
            )

    def detail(self, text: str) -> None:
        """What happens within the step."""
        if self._bar is not None:
            self._bar.update(self._task, detail=text)

    def __enter__(self) -> Starting:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
