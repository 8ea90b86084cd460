"""jovay key: made, opened, and refused where they cannot be handed over."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from jovay.bridge.l1.keys import open_signer
from jovay.cli.app import app


def test_a_key_is_made_and_opens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, words = tmp_path / "committer.json", tmp_path / "committer.json.password"
    words.write_text("some words\n")
    made = CliRunner().invoke(app, ["key", "new", str(file), "--password-file", str(words)])
    assert made.exit_code == 0, made.output
    shown = CliRunner().invoke(app, ["key", "address", f"keystore:{file}"])
    assert shown.output == made.output
    assert made.output == f"0x{open_signer(f'keystore:{file}').address.hex()}\n"
    again = CliRunner().invoke(app, ["key", "new", str(file), "--password-file", str(words)])
    assert (again.exit_code, file.exists()) == (1, True)


def test_what_is_no_key_is_told() -> None:
    told = CliRunner().invoke(app, ["key", "address", "env:NOT_THERE"])
    assert told.exit_code == 1
    assert "holds no private key" in told.output
