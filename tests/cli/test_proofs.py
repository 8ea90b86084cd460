"""ZK proofs by hand: what the commands take, and what they say of what they do not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from jovay.cli.app import app
from jovay.prover.development import installed_proving
from rigs.paths import ROOT

SMALL = str(ROOT / "tests" / "prover" / "zk" / "vectors" / "snarkjs_4.ptau")


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(words))
    return result.exit_code, result.output


def test_the_key_is_the_one_that_is_deployed() -> None:
    status, said = run("vk", "--json")
    assert status == 0, said
    shown = json.loads(said)
    assert shown["program"] == f"0x{installed_proving().digest.hex()}"
    assert "forge" in shown["setup"]
    assert run("vk")[1].startswith("program")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["prove"], "--task"),
        (["prove", "3"], "--genesis"),
        (["prove", "--task", "nowhere"], "nowhere"),
        (["verify", "nowhere"], "no proof of a batch"),
        (["vk", "--setup", SMALL], "31 powers"),
        (["vk", "--setup", "nowhere"], "nowhere"),
    ],
)
def test_what_is_missing_is_named(words: list[str], why: str) -> None:
    status, said = run(*words)
    assert status == 1
    assert why in said
    assert "Traceback" not in said


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"statement": {}, "proof": "0x"}', '{"proof": 1}', "\0"])
def test_files_that_are_no_proofs(tmp_path: Path, text: str) -> None:
    file = tmp_path / "proof.json"
    file.write_text(text)
    status, said = run("verify", str(file))
    assert (status, "is no proof of a batch" in said) == (1, True)
