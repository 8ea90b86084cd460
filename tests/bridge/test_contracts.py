"""The contracts: forge's tests, and that what ships is what their sources compile to."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from jovay.bridge import artifacts
from jovay.chain.genesis import MAX_CODE
from rigs.paths import SOLIDITY, SOLIDITY_MODULES, MissingToolError, foundry_binary, node_binary


@pytest.fixture(scope="module")
def tools() -> None:
    """Skips the test where Node or its packages are missing."""
    try:
        node_binary()
        if not SOLIDITY_MODULES.is_dir():
            raise MissingToolError(
                "node packages are not installed: run `npm ci --ignore-scripts` in contracts"
            )
    except MissingToolError as missing:
        pytest.skip(str(missing))


def _script(name: str) -> Callable[[], Any]:
    """The function of contracts/script/NAME.py that is called as the script is."""
    function: Callable[[], Any] = runpy.run_path(str(SOLIDITY / "script" / f"{name}.py"))[name]
    return function


def test_forge(tools: None) -> None:
    path = os.pathsep.join((str(node_binary().parent), os.environ["PATH"]))
    done = subprocess.run(
        [foundry_binary("forge"), "test", "--offline", "--color", "never"],
        cwd=SOLIDITY,
        env={**os.environ, "PATH": path, "FORGE_SNAPSHOT_CHECK": "true"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8_000:] + done.stderr[-4_000:]
    assert " 0 failed, 0 skipped" in done.stdout.splitlines()[-1]


def test_what_ships_is_what_the_sources_compile_to(tools: None) -> None:
    compiled = _script("artifacts")()
    assert sorted(compiled) == [f"{name}.json" for name in artifacts.names()]
    for name, text in compiled.items():
        shipped = (SOLIDITY.parent / "src/jovay/bridge/artifacts" / name).read_text()
        assert shipped == text, f"{name} is stale: run `make contracts`"


def test_the_readme_has_the_gas_of_the_snapshot() -> None:
    assert (SOLIDITY / "README.md").read_text() == _script("gas")(), "run `python contracts/script/gas.py`"


@pytest.mark.parametrize(("file", "script"), [("wire.json", "vectors"), ("tee.json", "tee_vectors")])
def test_the_vectors_of_forges_tests_are_what_python_finds(file: str, script: str) -> None:
    kept = json.loads((SOLIDITY / "test" / "vectors" / file).read_text())
    assert kept == _script(script)()


@pytest.mark.parametrize("name", artifacts.names())
def test_every_artefact_loads_and_can_be_deployed(name: str) -> None:
    artifact = artifacts.load(name)
    assert 0 < len(artifact.runtime) <= MAX_CODE
    assert len(artifact.bytecode) <= 2 * MAX_CODE
    assert artifact.abi


@pytest.mark.parametrize(
    ("contract", "variable", "slot"),
    [
        ("L2Mailbox", "msgRoot", 0),
        ("L2Mailbox", "l1MailBox", 43),
        ("L2Mailbox", "owner", 44),
        ("L2ETHBridge", "toBridge", 0),
        ("L2ERC20Bridge", "toBridge", 0),
        ("L2CoinBase", "isWithdrawer", 0),
        ("L2CoinBase", "whiteListOnL1", 1),
        ("L1GasOracle", "l1FeePerByte", 0),
        ("L1GasOracle", "baseFeeScala", 4),
        ("L1GasOracle", "maxL1BlobGasUsedLimit", 9),
        ("L1GasOracle", "isRelayer", 10),
        ("BridgedERC20", "_balances", 0),
    ],
)
def test_slots_that_genesis_and_proofs_rely_on(contract: str, variable: str, slot: int) -> None:
    assert artifacts.load(contract).slot(variable) == slot


def test_a_variable_that_is_not_there() -> None:
    with pytest.raises(KeyError):
        artifacts.load("L2Mailbox").slot("nothing")
