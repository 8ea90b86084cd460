"""jovay l1: anvil as a child process, the contracts on it, and what a person is told."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from jovay.bridge import development
from jovay.bridge.errors import AnvilError
from jovay.bridge.l1 import anvil
from jovay.bridge.l1.anvil import Anvil, Settings
from jovay.bridge.l1.client import L1Client
from jovay.bridge.l1.keys import write_keystore
from jovay.chain.genesis import read
from jovay.cli.app import app
from jovay.cli.own_stack import jovay
from jovay.native.library import Library
from jovay.prover import development as provers
from rigs.paths import ROOT
from rigs.process import free_ports

GENUINE = ROOT / "tests" / "prover" / "tee" / "genuine" / "tdx_quote_collateral.json"
GENUINE_THEN = 1_750_500_000


@contextmanager
def l1(folder: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    words = jovay("l1", "start", "--datadir", str(folder), "--port", str(port), "--block-time", "0.1")
    child = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == f"ready l1=http://127.0.0.1:{port}\n"
        yield child
    finally:
        child.send_signal(signal.SIGTERM)
        assert child.wait(20) == 0


@pytest.fixture
def port() -> int:
    try:
        anvil.binary()
    except AnvilError as missing:
        pytest.skip(str(missing))
    return free_ports(1)[0]


def test_contracts_are_deployed_and_outlive_their_chain(
    tmp_path: Path, port: int, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provers, "measurement_of", lambda _: b"\x3e" * 32)
    url, out = f"http://127.0.0.1:{port}", tmp_path / "genesis.json"
    words = ["l1", "deploy", "--dev", "--l1", url, "--out", str(out)]
    with l1(tmp_path, port):
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 0, result.output
        assert "gas  block" in result.output
    genesis = read(out)
    assert genesis.settlement is not None
    assert f"rollup 0x{genesis.settlement.rollup.hex()}" in result.output
    with l1(tmp_path, port):
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 0, result.output
        assert f"{out}: was deployed before" in result.output
        client = L1Client(url)
        assert client.code(genesis.settlement.rollup) != b""
        assert client.balance(development.role_address("deployer")) > 0
        client.close()


def test_anvil_ends_with_the_command_and_goes_on(tmp_path: Path, port: int) -> None:
    words = jovay("l1", "start", "--datadir", str(tmp_path), "--port", str(port), "--block-time", "0.1")
    child = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline().startswith("ready")
    client = L1Client(f"http://127.0.0.1:{port}", timeout=5.0)
    client.call("evm_mine")
    first = client.block(1)
    child.kill()
    child.wait()
    with l1(tmp_path, port):  # the port is free again
        assert client.block(1) == first
    client.close()


def deployed_by_file(folder: Path, port: int, collateral: str) -> Any:
    """With the settings of the documents' example and a keystore, on an L1 at the time of the genuine collateral."""
    page = (ROOT / "docs" / "deployment.md").read_text()
    file = folder / "deployment.toml"
    file.write_text(page.split("```toml\n")[1].split("[zk]")[0].replace("11155111", "31337"))
    (folder / "collateral.json").write_text(collateral)
    write_keystore(folder / "key.json", development.role_key("deployer"), "word")
    settings = Settings(port, block_time=0.1, extra=("--timestamp", str(GENUINE_THEN)))
    with Anvil(settings, folder, keep=False) as node:
        words = ["l1", "deploy", "--l1", node.url, "--out", str(folder / "genesis.json")]
        words += ["--settings", str(file), "--key", f"keystore:{folder / 'key.json'}"]
        return CliRunner().invoke(app, words, env={"JOVAY_KEYSTORE_PASSWORD": "word"})


def test_contracts_under_intels_root_are_deployed_by_a_file(
    tmp_path: Path, port: int, library: Library
) -> None:
    result = deployed_by_file(tmp_path, port, GENUINE.read_text())
    assert result.exit_code == 0, result.output
    (info,) = (line for line in result.output.splitlines() if "collateral: TCB info" in line)
    assert int(info.split()[0].replace(",", "")) < 4_000_000
    settlement = read(tmp_path / "genesis.json").settlement
    assert settlement is not None
    assert (settlement.l1_chain_id, settlement.config.chain_id) == (31_337, 20_258)


def test_a_root_that_is_not_intels_is_refused_before_anything_is_sent(
    tmp_path: Path, port: int, library: Library
) -> None:
    result = deployed_by_file(tmp_path, port, provers.simulated_documents(GENUINE_THEN).found.to_json())
    assert result.exit_code == 1
    assert "error: the collateral's root is not Intel's" in result.stderr
    assert not (tmp_path / "genesis.deployment.json").exists()


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["deploy"], 2, "give either --dev, or --settings with --key"),
        (["deploy", "--dev", "--settings", "x"], 2, "give either"),
        (["deploy", "--settings", "x"], 2, "give either"),
        (
            ["deploy", "--dev", "--l1", "http://127.0.0.1:1"],
            1,
            "http://127.0.0.1:1 gives no answer to eth_chainId",
        ),
    ],
)
def test_what_a_person_can_act_on_is_one_line(
    words: list[str],
    status: int,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    library: Library,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(provers, "measurement_of", lambda _: b"\x3e" * 32)
    result = CliRunner().invoke(app, ["l1", *words])
    assert result.exit_code == status
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ")
    assert message in line
