"""``jovay prover``: what is wrong with what it was given is told in a line."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from jovay.chain.development import CHAIN_ID, development_genesis
from jovay.chain.genesis import to_json
from jovay.cli.app import app
from rigs.paths import ROOT
from rigs.settled_node import genesis_file, settled_genesis


def told(*words: str | Path) -> str:
    """The line of an error."""
    result = CliRunner().invoke(app, ["prover", *map(str, words)])
    assert result.exit_code == 1
    return result.stderr


def tee(genesis: Path, folder: Path, platform: str = "simulated") -> str:
    return told(
        "tee", "--genesis", genesis, "--datadir", folder, "--l1", "http://127.0.0.1:1", "--registrar-key",
        "env:NONE", "--platform", platform,
    )  # fmt: skip


def test_a_chain_that_does_not_settle(tmp_path: Path) -> None:
    genesis = tmp_path / "genesis.json"
    genesis.write_text(json.dumps(to_json(development_genesis(CHAIN_ID))))
    assert "does not settle on L1" in tee(genesis, tmp_path)
    assert "error: " in tee(tmp_path / "none.json", tmp_path)


def test_a_platform_that_there_is_not(tmp_path: Path) -> None:
    assert "must be simulated or tsm" in tee(tmp_path / "none.json", tmp_path, "sgx")


@pytest.mark.parametrize("listen", ["8560", "127.0.0.1:port", "127.0.0.1:99999"])
def test_a_place_that_cannot_be_listened_on(tmp_path: Path, listen: str) -> None:
    assert listen in told(
        "controller", "--node", "http://127.0.0.1:1", "--datadir", tmp_path, "--listen", listen
    )


def test_it_waits_for_l1_until_it_is_stopped(tmp_path: Path) -> None:
    genesis, log = genesis_file(tmp_path, settled_genesis()), tmp_path / "log"
    words = [
        "prover",
        "tee",
        "--genesis",
        str(genesis),
        "--datadir",
        str(tmp_path),
        "--platform",
        "simulated",
    ]
    command = [sys.executable, "-c", "from jovay.cli import main; main()", *words]
    environment = os.environ | {"JOVAY_L1": "http://127.0.0.1:1", "PYTHONPATH": str(ROOT / "src")}
    with log.open("w") as output:
        child = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
    try:
        end = time.monotonic() + 60
        while "waiting for L1" not in log.read_text():
            assert child.poll() is None, log.read_text()
            assert time.monotonic() < end
            time.sleep(0.05)
        child.send_signal(signal.SIGTERM)
        assert child.wait(30) == 0
    finally:
        child.kill()
        child.wait()


def test_the_measurement_is_printed() -> None:
    result = CliRunner().invoke(app, ["prover", "measure", "--platform", "simulated"])
    assert re.fullmatch(r"0x[0-9a-f]{64}\n", result.stdout)
    if not Path("/sys/kernel/config/tsm").exists():
        assert "error: " in told("measure")
