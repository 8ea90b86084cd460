"""The Solidity rig, and the committed artefacts: recompiling gives the same bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from rigs import solidity
from rigs.paths import CONTRACTS


def test_committed_artifacts_are_what_the_sources_compile_to() -> None:
    compiled = solidity.compile_sources(CONTRACTS.glob("*.sol"))
    committed = {path.stem: path.read_text() for path in solidity.BUILD.glob("*.json")}
    assert committed == {name: artifact.to_json() for name, artifact in compiled.items()}


def test_erc20_has_the_standard_selectors() -> None:
    runtime = solidity.load("Token").runtime
    for selector in ("a9059cbb", "095ea7b3", "23b872dd", "70a08231", "dd62ed3e", "18160ddd"):
        assert selector in runtime


def test_errors_name_the_place(tmp_path: Path) -> None:
    bad = tmp_path / "Bad.sol"
    bad.write_text("pragma solidity ^0.8.0; contract Bad { function f() external { return 1; } }")
    with pytest.raises(solidity.CompileError, match=r"Bad\.sol:1"):
        solidity.compile_sources([bad])
