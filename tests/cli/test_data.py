"""jovay snapshot, genesis, config and bench."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from jovay.chain.development import CHAIN_ID, development_genesis
from jovay.chain.errors import GenesisError
from jovay.chain.genesis import from_json, read
from jovay.cli import bench
from jovay.cli.app import app
from jovay.sequencer.opening import check_supported
from jovay.storage.datadir import DataDirectory


def invoke(*words: str | Path):
    return CliRunner().invoke(app, list(map(str, words)))


@pytest.fixture
def datadir(tmp_path: Path) -> Path:
    """A data directory with something in it."""
    from jovay.storage.kv import META, Batch

    path = tmp_path / "chain"
    with DataDirectory(path) as directory:
        batch = Batch()
        batch.put(META, b"mark", b"content")
        directory.kv.write(batch, sync=True)
    return path


def test_a_snapshot_is_of_the_directory_that_the_environment_names(
    datadir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOVAY_DATADIR", str(datadir))
    file, copy = tmp_path / "chain.snapshot", tmp_path / "copy"
    assert invoke("snapshot", "save", file).exit_code == 0
    assert invoke("snapshot", "load", file).exit_code == 1  # it is not empty
    assert invoke("snapshot", "load", file, "--datadir", copy).exit_code == 0


def test_a_snapshot_goes_round(datadir: Path, tmp_path: Path) -> None:
    file, copy = tmp_path / "chain.snapshot", tmp_path / "copy"
    saved = invoke("snapshot", "save", file, "--datadir", datadir)
    assert saved.exit_code == 0, saved.stderr
    assert f"{file.stat().st_size} bytes" in saved.stdout
    assert "tables" in json.loads(invoke("snapshot", "check", file).stdout)
    assert invoke("snapshot", "load", file, "--datadir", copy).exit_code == 0
    from jovay.storage.kv import META

    with DataDirectory(copy) as directory:
        assert directory.kv.get(META, b"mark") == b"content"


def test_snapshots_that_cannot_be(datadir: Path, tmp_path: Path) -> None:
    file = tmp_path / "chain.snapshot"
    missing = invoke("snapshot", "save", file, "--datadir", tmp_path / "none")
    assert (missing.exit_code, missing.stderr) == (1, f"error: {tmp_path / 'none'} is no data directory\n")
    assert not (tmp_path / "none").exists()
    with DataDirectory(datadir):
        locked = invoke("snapshot", "save", file, "--datadir", datadir)
    assert locked.exit_code == 1
    assert "is in use by" in locked.stderr
    invoke("snapshot", "save", file, "--datadir", datadir)
    full = invoke("snapshot", "load", file, "--datadir", datadir)
    assert full.exit_code == 1
    assert "is not empty" in full.stderr
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    for words in (["check", file], ["load", file, "--datadir", tmp_path / "copy"]):
        damaged = invoke("snapshot", *words)
        assert damaged.exit_code == 1
        assert damaged.stderr.startswith(f"error: snapshot {file}: ")
    assert not (tmp_path / "copy").exists()


def test_genesis_show_and_check(tmp_path: Path) -> None:
    shown = invoke("genesis", "show")
    assert from_json(json.loads(shown.stdout)) == development_genesis()
    path = tmp_path / "genesis.json"
    path.write_text(invoke("genesis", "show", "--chain-id", "99").stdout)
    again = invoke("genesis", "show", path)
    assert json.loads(again.stdout)["config"]["chainId"] == 99
    checked = invoke("genesis", "check", path)
    assert checked.exit_code == 0
    assert checked.stdout == "valid: chain id 99, 14 accounts, gas limit 1000000000, begins with Osaka\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "error: genesis (top level): is no JSON"),
        ('{"config": {"chainId": 1}}', "error: genesis gasLimit: is required"),
        (None, "error: genesis (top level): cannot be read"),
    ],
)
def test_bad_genesis_files(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "genesis.json"
    if text is not None:
        path.write_text(text)
    for command in ("check", "show"):
        result = invoke("genesis", command, path)
        assert result.exit_code == 1
        assert result.stderr.startswith(message)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"config": {"chainId": 1, "shanghaiTime": 0}},
            "error: genesis config: the rules of the first block must be Cancun's or newer ones; got 'Shanghai'",
        ),
        (
            {"alloc": {"ab" * 20: {"balance": "0x1", "storage": {"0x01": "0x02"}}}},
            f"error: genesis alloc.0x{'ab' * 20}: an account with storage needs code or a nonce; got '1 slots'",
        ),
        ({"excessBlobGas": hex(2**64 - 1)}, "error: genesis excessBlobGas: must be at most "),
    ],
)
def test_a_genesis_that_a_node_refuses_is_not_valid(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    path, shown = tmp_path / "genesis.json", json.loads(invoke("genesis", "show").stdout)
    if "config" in changes:
        changes = {"config": {**shown["config"], "terminalTotalDifficulty": 0} | changes["config"]}
        for fork in ("cancunTime", "pragueTime", "osakaTime"):
            changes["config"].pop(fork)
    path.write_text(json.dumps(shown | changes))
    result = invoke("genesis", "check", path)
    assert result.exit_code == 1
    assert result.stderr.startswith(message)
    with pytest.raises(GenesisError) as refused:
        check_supported(read(path))
    assert str(refused.value) in result.stderr


def test_config_prints_what_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "jovay.toml"
    path.write_text("workers = 5\n")
    monkeypatch.setenv("JOVAY_CONFIG", str(path))
    monkeypatch.setenv("JOVAY_HTTP_PORT", "7")
    result = invoke("config", "--chain-id", str(CHAIN_ID))
    values = tomllib.loads(result.stdout)
    assert (values["workers"], values["http_port"], values["chain_id"]) == (5, 7, CHAIN_ID)
    assert f"# {path}: workers" in result.stdout
    monkeypatch.setenv("JOVAY_HTTP_PORT", "many")
    failed = invoke("config")
    assert (failed.exit_code, failed.stdout) == (2, "")
    assert failed.stderr.startswith("error: JOVAY_HTTP_PORT: 'many' will not do")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose benchmarks print their arguments."""
    folder = tmp_path / "bench"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "helper.py").write_text("def other() -> None: ...\n")
    text = '"""What it measures.\n\nMore."""\nimport sys\ndef main():\n    print(__name__, sys.argv[1:])\n'
    (folder / "one_load.py").write_text(text + "    sys.exit(3)\nif __name__ == '__main__':\n    main()\n")
    monkeypatch.setattr(bench, "FOLDER", folder)
    return folder


def test_benchmarks_by_name(programs: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert invoke("bench", "list").stdout == "one_load             What it measures.\n"
    result = invoke("bench", "one-load", "--seconds", "2", "-v")
    assert result.exit_code == 3
    assert capfd.readouterr().out == "__main__ ['--seconds', '2', '-v']\n"
    assert invoke("bench", "one-load", "--help").exit_code == 3
    assert capfd.readouterr().out == "__main__ ['--help']\n"
    assert "one_load             What it measures." in invoke("bench", "--help").stdout
    unknown = invoke("bench", "other")
    assert (unknown.exit_code, unknown.stderr) == (2, "error: no benchmark other; there are one_load\n")
    unnamed = invoke("bench")
    assert (unnamed.exit_code, unnamed.stderr) == (2, "which one? one_load\n")


def test_the_main_benchmark(programs: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (programs / "__main__.py").write_text("import sys\nprint('all', sys.argv[1:])\n")
    assert invoke("bench", "--quick").exit_code == 0
    assert capfd.readouterr().out == "all ['--quick']\n"


def test_without_a_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "FOLDER", tmp_path / "none")
    result = invoke("bench")
    assert result.exit_code == 2
    assert "run this in a checkout" in result.stderr
