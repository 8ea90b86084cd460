"""What is shown while a kernel compiles."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import pytest

from jovay.compiler.progress import CompilationProgress, is_animated
from rigs.paths import ROOT


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def tell(stream: io.StringIO) -> str:
    with CompilationProgress(stream, "compiling") as progress:
        for done in range(1, 31):
            progress(done, 30, f"function_{done}")
        progress(0, 0, "optimising")
    return stream.getvalue()


def test_plain_lines_are_few_and_name_phases() -> None:
    lines = [line.rpartition(" (")[0] for line in tell(io.StringIO()).splitlines()]
    assert lines[0] == "compiling: 1/30"
    assert lines[-2:] == ["compiling: 30/30", "compiling: optimising"]
    assert len(lines) == 12


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_that_cannot_move_gets_lines(monkeypatch: pytest.MonkeyPatch, term: str) -> None:
    monkeypatch.setenv("TERM", term)
    assert not is_animated(Terminal())
    assert "\x1b" not in tell(Terminal())


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    text = tell(Terminal())
    assert "compiling" in text
    assert "\x1b[" in text


def test_silence_when_nothing_is_compiled() -> None:
    stream = io.StringIO()
    with CompilationProgress(stream):
        pass
    assert stream.getvalue() == ""


def test_the_module_says_where_the_kernel_is(library) -> None:
    """With the kernel in the cache it is loaded in silence but for one line."""
    done = subprocess.run(
        [sys.executable, "-m", "jovay.compiler"],
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
    )
    (line,) = done.stdout.splitlines()
    assert line.startswith("kernel ")
    assert line.endswith(" MiB)")
