"""Parts of a stack: started again when they end, given up after too many times, stopped in order, gone with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jovay.cli import supervisor
from jovay.cli.supervisor import Part, PartError, Supervisor
from rigs.paths import ROOT

SLEEPER = """
import signal, sys, time
def stop(number, frame):
    print("stopped", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print("ready", flush=True)
time.sleep(60)
"""


def eventually(true: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.02)
    return true()


def sleeper(name: str, folder: Path) -> Part:
    return Part(name, [sys.executable, "-c", SLEEPER], folder / f"{name}.log")


@pytest.fixture
def parts() -> Iterator[Supervisor]:
    running = Supervisor()
    yield running
    running.close()


def test_parts_stop_in_the_other_order(tmp_path: Path) -> None:
    running, told = Supervisor(), list[str]()
    for name in ("first", "second"):
        running.run(sleeper(name, tmp_path))
    assert [part.runs for part in running.stats()] == [True, True]
    running.close(told.append)
    assert told == ["second", "first"]
    assert all("stopped" in (tmp_path / f"{name}.log").read_text() for name in ("first", "second"))
    assert not any(part.runs for part in running.parts)


def test_a_part_has_its_environment(parts: Supervisor, tmp_path: Path) -> None:
    code = "import os, time; print('ready', os.environ['ROLE'], flush=True); time.sleep(60)"
    part = Part("one", [sys.executable, "-c", code], tmp_path / "log", {"ROLE": "relayer"})
    parts.run(part)
    assert "ready relayer" in part.said()


def test_a_part_that_ends_is_started_again(parts: Supervisor, tmp_path: Path) -> None:
    part = sleeper("one", tmp_path)
    parts.run(part)
    assert part.process is not None
    before = part.process.pid
    os.kill(before, signal.SIGKILL)
    assert eventually(lambda: part.restarts == 1 and part.runs)
    assert part.process.pid != before
    assert parts.failure == ""


def test_a_part_that_ends_too_often_is_given_up(
    parts: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "_FIRST_PAUSE", 0.0)
    parts.run(Part("brief", [sys.executable, "-c", "print('ready')"], tmp_path / "log"))
    assert eventually(lambda: parts.failure != "")
    assert "brief has ended" in parts.failure


def test_a_part_that_does_not_start_shows_its_last_words(parts: Supervisor, tmp_path: Path) -> None:
    part = Part("bad", [sys.executable, "-c", "print('no such port')"], tmp_path / "log", start_time=5)
    with pytest.raises(PartError, match="no such port"):
        parts.run(part)


def test_a_part_ends_with_its_parent_however_that_ends(tmp_path: Path) -> None:
    code = f"""
import sys, time
sys.path[:0] = [{str(ROOT / "tests")!r}]
from pathlib import Path
from cli.test_supervisor import sleeper
from jovay.cli.supervisor import Supervisor
running = Supervisor()
part = sleeper("one", Path({str(tmp_path)!r}))
running.run(part)
print(part.process.pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
    assert eventually(lambda: not Path(f"/proc/{child}").exists() or _is_zombie(child))
    assert eventually(lambda: "stopped" in (tmp_path / "one.log").read_text())


def _is_zombie(process: int) -> bool:
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
