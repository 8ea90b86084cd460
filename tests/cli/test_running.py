"""Starting and stopping: what is printed, exit statuses, signals. A fake node stands in for the real one."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

import jovay
from jovay.chain.errors import GenesisError
from jovay.cli import running
from jovay.cli.app import app
from jovay.config import ConfigError, NodeConfig
from jovay.sequencer.errors import GenesisMismatchError
from jovay.storage.errors import DatadirLockedError
from rigs import process
from rigs.fake_node import FakeNode
from rigs.paths import ROOT

WITH_FAKE_NODE = """
import sys
from rigs.fake_node import FakeNode
from jovay.cli import main, running

class Slow(FakeNode):
    def start(self):
        super().start()
        print("starting", flush=True)
        if "--datadir=/slow" in sys.argv:
            import time
            time.sleep(60)
    def stop(self):
        super().stop()
        print(f"stopped {self.stops}", flush=True)
        if "--datadir=/stuck" in sys.argv:
            import time
            time.sleep(60)

running.new_node = Slow
main()
"""


@pytest.fixture
def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Starts the command line with the fake node in a process of its own; (process, what it printed)."""
    started: list[subprocess.Popen[bytes]] = []
    monkeypatch.setenv("PYTHONPATH", f"{ROOT / 'src'}:{ROOT / 'tests'}")
    log = tmp_path / "log"

    def start(*words: str, until: str):
        one = process.start([sys.executable, "-c", WITH_FAKE_NODE, *words], log)
        started.append(one)
        process.wait_until(lambda: until in log.read_text(), one, log, 30.0)
        return one, log.read_text

    yield start
    for one in started:
        process.stop(one, 1.0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_in_order(child, number: int) -> None:
    one, text = child("node", "--http-port", "0", until="ready")
    ready = next(line for line in text().splitlines() if line.startswith("ready"))
    assert re.fullmatch(r"ready http=http://127.0.0.1:0 ws=ws://127.0.0.1:0 chain=20257", ready)
    one.send_signal(number)
    assert one.wait(10) == 0
    assert text().splitlines().count("stopped 1") == 1
    assert "Traceback" not in text()


def test_a_signal_while_starting(child) -> None:
    one, text = child("node", "--http-port", "0", "--datadir=/slow", until="starting")
    one.send_signal(signal.SIGTERM)
    assert one.wait(10) == 0
    assert "stopped 1" in text()
    assert "ready" not in text()
    assert "Traceback" not in text()


def test_a_second_signal_ends_at_once(child) -> None:
    one, text = child("node", "--http-port", "0", "--datadir=/stuck", until="ready")
    one.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + 10
    while "stopped" not in text() and time.monotonic() < deadline:
        time.sleep(0.01)
    one.send_signal(signal.SIGINT)
    assert one.wait(10) == 128 + signal.SIGINT


@pytest.mark.parametrize("term", ["dumb", "xterm-256color"])
def test_up_without_a_terminal_prints_lines(child, monkeypatch: pytest.MonkeyPatch, term: str) -> None:
    monkeypatch.setenv("TERM", term)
    words = ("up", "--http-port", "0", "--fresh", "--l2-only", "--no-dev")
    one, text = child(*words, until="block number=")
    one.send_signal(signal.SIGINT)
    assert one.wait(10) == 0
    assert "\x1b" not in text()
    assert "Chain id  20257" in text()
    folder = Path(next(line.split()[1] for line in text().splitlines() if line.startswith("Data")))
    assert not folder.exists()


class Broken(FakeNode):
    """Does not start, for the reason given."""

    why: Exception = RuntimeError()

    def start(self) -> None:
        raise self.why


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (DatadirLockedError("/d", "process 7"), "data directory /d is in use by process 7"),
        (GenesisError("gasLimit", "x", "must be a number"), "genesis gasLimit: must be a number; got 'x'"),
        (GenesisMismatchError(b"\1" * 32, b"\2" * 32), "the data directory begins with block 0101"),
        (OSError(98, "Address already in use"), "a port is taken by another program"),
        (PermissionError(13, "Permission denied", "/d"), "/d: Permission denied"),
    ],
)
def test_what_a_person_can_act_on_is_one_line(
    monkeypatch: pytest.MonkeyPatch, error: Exception, message: str
) -> None:
    monkeypatch.setattr(Broken, "why", error)
    monkeypatch.setattr(running, "new_node", Broken)
    result = CliRunner().invoke(app, ["node", "--http-port", "0"])
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"error: {message}")


def test_a_setting_that_will_not_do_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some show only when the genesis is read, or the system is asked."""
    monkeypatch.setattr(Broken, "why", ConfigError("--accounts", "3 accounts are too few"))
    monkeypatch.setattr(running, "new_node", Broken)
    result = CliRunner().invoke(app, ["node", "--http-port", "0"])
    assert (result.exit_code, result.stderr) == (2, "error: --accounts: 3 accounts are too few\n")


def test_a_mistake_of_the_program_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Broken, "why", KeyError("oops"))
    monkeypatch.setattr(running, "new_node", Broken)
    result = CliRunner().invoke(app, ["node", "--http-port", "0"])
    assert isinstance(result.exception, KeyError)


@pytest.mark.parametrize("flag", ["http", "ws", "metrics"])
def test_a_taken_port_is_named(monkeypatch: pytest.MonkeyPatch, flag: str) -> None:
    monkeypatch.setattr(running, "new_node", lambda config, metrics: pytest.fail("looked too late"))
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        words = ["node", "--http-port", "0", f"--{flag}-port", str(port)]
        result = CliRunner().invoke(app, words)
    assert result.exit_code == 1
    assert f"error: port {port} of 127.0.0.1 is taken by another program; " in result.stderr
    assert f"--{flag}-port" in result.stderr


@pytest.mark.parametrize("flag", ["l1", "controller", "relayer"])
def test_a_stack_with_a_taken_port_does_not_begin(flag: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        words = ["up", "--plain", "--fresh", "--http-port", "0", "--l1-port", "0", "--controller-port", "0"]
        result = CliRunner().invoke(app, [*words, "--relayer-port", "0", f"--{flag}-port", str(port)])
    assert result.exit_code == 1
    assert (
        f"port {port} of 127.0.0.1 is taken by another program; choose another with --{flag}-port"
        in result.stderr
    )


def test_a_node_that_fails_ends_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(FakeNode):
        def start(self) -> None:
            self.failure = "the disk is full"

    monkeypatch.setattr(running, "new_node", Failing)
    monkeypatch.setattr(running, "_POLL", 0.01)
    result = CliRunner().invoke(app, ["node", "--http-port", "0"])
    assert result.exit_code == 1
    assert "error: the disk is full" in result.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--http-port", "x"], "error: --http-port: 'x' will not do"),
        (["--rpc", "body"], "error: --rpc body: must be NAME=VALUE"),
        (["--rpc", "bodies=1"], "error: --rpc bodies=1: must be NAME=VALUE"),
        (["--rpc", "body=x"], "error: --rpc body: 'x' will not do"),
        (["--config", "/nowhere.toml"], "error: /nowhere.toml: cannot be read"),
    ],
)
def test_bad_settings_end_with_status_2(words: list[str], message: str) -> None:
    result = CliRunner().invoke(app, ["node", *words])
    assert result.exit_code == 2
    assert result.stderr.startswith(message)


def test_fresh_and_a_datadir_exclude_each_other() -> None:
    result = CliRunner().invoke(app, ["up", "--fresh", "--datadir", "/x"])
    assert result.exit_code == 2
    assert "--fresh does not go with --datadir" in result.stderr


@pytest.mark.parametrize("words", [["--l2-only"], ["--dev"], []])
def test_a_development_chain_is_run_by_itself(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: list[str]
) -> None:
    seen: list[NodeConfig] = []

    class Watched(FakeNode):
        def start(self) -> None:
            seen.append(self.config)
            raise running.StartError("enough")

    monkeypatch.setattr(running, "new_node", Watched)
    if not words:
        monkeypatch.setenv("JOVAY_DEV", "true")
    CliRunner().invoke(app, ["up", "--http-port", "0", "--datadir", str(tmp_path), *words])
    assert [(config.dev, config.l1, config.datadir) for config in seen] == [(True, None, tmp_path)]


def test_a_stack_makes_its_own_genesis() -> None:
    result = CliRunner().invoke(app, ["up", "--genesis", "/x.json"])
    assert result.exit_code == 2
    assert "--genesis: a stack makes its own genesis; --l2-only" in result.stderr


def test_flags_reach_the_node(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: list[NodeConfig] = []

    class Watched(FakeNode):
        def start(self) -> None:
            seen.append(self.config)
            self.failure = "enough"

    monkeypatch.setattr(running, "new_node", Watched)
    monkeypatch.setattr(running, "_POLL", 0.01)
    monkeypatch.setenv("JOVAY_WORKERS", "3")
    words = "--dev --no-sync --http-port 0 --chain-id 31338 --rpc body=1000 --rpc call-gas=7 --heartbeat 0.5"
    CliRunner().invoke(app, ["node", "--datadir", str(tmp_path), *words.split()])
    (config,) = seen
    assert (config.dev, config.sync, config.chain_id, config.workers) == (True, False, 31338, 3)
    assert (config.rpc.body, config.rpc.call_gas, config.heartbeat, config.datadir) == (
        1000,
        7,
        0.5,
        tmp_path,
    )


def test_the_version_comes_at_once() -> None:
    code = "import sys; sys.argv = ['jovay', '--version']\nfrom jovay.cli import main\nmain()\n"
    code += "print(sorted({'typer', 'rich', 'numba', 'msgspec', 'numpy'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT / "src", timeout=60
    )
    assert done.stdout.splitlines() == [f"jovay {jovay.__version__}", "[]"]
    assert CliRunner().invoke(app, ["--version"]).output == f"jovay {jovay.__version__}\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--metrics-port", "7001", "--http-port", "7001"], "--metrics-port 7001 is the port of JSON-RPC"),
        (["--metrics-port", "7001", "--ws-port", "7001"], "--metrics-port 7001 is the port of JSON-RPC"),
        (["--http-host", "nowhere.invalid"], "--http-host nowhere.invalid is no address of this machine"),
        (["--http-host", "192.0.2.1"], "--http-host 192.0.2.1 is no address of this machine"),
    ],
)
def test_a_place_that_cannot_be_listened_at_is_named(
    monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    monkeypatch.setattr(running, "new_node", lambda config, metrics: pytest.fail("looked too late"))
    result = CliRunner().invoke(app, ["node", "--http-port", "0", *words])
    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: {message}")
