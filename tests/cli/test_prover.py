"""``jovay prover``: what is wrong with what it was given is told in a line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from jovay.chain.development import CHAIN_ID, development_genesis
from jovay.chain.genesis import to_json
from jovay.cli.app import app


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


def test_the_measurement_is_printed() -> None:
    result = CliRunner().invoke(app, ["prover", "measure", "--platform", "simulated"])
    assert re.fullmatch(r"0x[0-9a-f]{64}\n", result.stdout)
    if not Path("/sys/kernel/config/tsm").exists():
        assert "error: " in told("measure")
