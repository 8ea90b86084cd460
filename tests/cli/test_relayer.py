"""`jovay relayer`: what it refuses at once, and that it waits for L1."""

from __future__ import annotations

import dataclasses
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from jovay.chain.development import development_genesis
from jovay.chain.genesis import to_json
from jovay.cli.app import app
from rigs.paths import ROOT
from rigs.settled_node import genesis_file, settled_genesis

AWAY = "http://127.0.0.1:9"
MAIN = "from jovay.cli import main; main()"


def words(genesis: Path, folder: Path, *more: str) -> list[str]:
    urls = ["--node", AWAY, "--l1", AWAY]
    return ["relayer", "--genesis", str(genesis), *urls, "--datadir", str(folder / "relayer"), *more]


def refused(*given: str) -> str:
    found = CliRunner().invoke(app, list(given))
    assert found.exit_code == 1
    return found.stderr


def test_l1_may_be_named_where_arguments_are_not_seen(tmp_path: Path) -> None:
    given = words(genesis_file(tmp_path, settled_genesis()), tmp_path)
    at = given.index("--l1")
    found = CliRunner().invoke(app, given[:at] + given[at + 2 :], env={"JOVAY_L1": "ftp://elsewhere"})
    assert "ftp://elsewhere" in found.stderr


def test_what_is_refused_at_once(tmp_path: Path) -> None:
    settled = genesis_file(tmp_path, settled_genesis())
    other = tmp_path / "other.json"
    other.write_text(json.dumps(to_json(development_genesis())))
    assert "does not settle on L1" in refused(*words(other, tmp_path))
    assert "HOST:PORT" in refused(*words(settled, tmp_path, "--listen", "8561"))
    assert "begins with keystore" in refused(*words(settled, tmp_path, "--committer-key", "secret"))


def test_known_keys_are_for_development(tmp_path: Path) -> None:
    genesis = settled_genesis()
    assert genesis.settlement is not None
    real = dataclasses.replace(genesis, settlement=dataclasses.replace(genesis.settlement, l1_chain_id=1))
    assert "must be given" in refused(*words(genesis_file(tmp_path, real), tmp_path))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_waits_for_l1_until_it_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    command = [sys.executable, "-c", MAIN, *words(genesis_file(tmp_path, settled_genesis()), tmp_path)]
    with (tmp_path / "log").open("w") as log:
        child = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        end = time.monotonic() + 60
        while "waiting for L1" not in (tmp_path / "log").read_text():
            assert child.poll() is None
            assert time.monotonic() < end
            time.sleep(0.05)
        child.send_signal(number)
        assert child.wait(30) == 0
    finally:
        child.kill()
        child.wait()
