"""A development chain's contracts: deployed, funded, their collateral posted, and kept up later."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from jovay.bridge.l1 import series
from jovay.bridge.l1.client import L1Client
from jovay.bridge.l1.contracts import Contract
from jovay.bridge.l1.deployment import DAY, Proving
from jovay.chain.development import DEVELOPMENT_KEYS
from jovay.chain.settlement import Settlement
from jovay.cli.app import app
from jovay.native.library import Library
from jovay.prover.development import deploy_development, installed_proving, simulated_documents
from jovay.prover.tee.simulated.authority import SimulatedAuthority
from jovay.prover.tee.simulated.platform import SimulatedPlatform
from rigs.anvil import anvil
from rigs.paths import MissingToolError

PLATFORM = SimulatedPlatform(SimulatedAuthority.development(), b"an image")
DIGEST = bytes([7]) * 32
OTHER = SimulatedPlatform(SimulatedAuthority.development(), b"another image")


@pytest.fixture(scope="module")
def l1() -> Iterator[L1Client]:
    try:
        with anvil(block_time=0.1, accounts=20, gas_limit=60_000_000) as node:
            yield L1Client(node.url)
    except MissingToolError as missing:
        pytest.skip(str(missing))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series, "PAUSE", 0.02)


def allowed(l1: L1Client, settlement: Settlement, measurement: bytes) -> bool:
    verifier = Contract("TEEVerifier", settlement.tee_verifier)
    return bool(verifier.read(l1, "measurements", measurement)[2])


def rules(l1: L1Client, settlement: Settlement) -> tuple[bytes, bytes, bytes, bytes]:
    """Of batch 1: configuration, verifiers, program."""
    found: tuple[bytes, bytes, bytes, bytes] = Contract("Rollup", settlement.rollup).read(l1, "rulesFor", 1)[
        0
    ]
    return found


def another_program() -> Proving:
    """As after an update: the same machine, other code."""
    installed = installed_proving()

    def key(formulas: Sequence[bytes]) -> tuple[object, ...]:
        return DIGEST, *installed.key(formulas)[1:]

    return replace(installed, digest=DIGEST, key=key)


def test_a_chain_is_deployed_and_kept_up(
    l1: L1Client, library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "genesis.json"
    deployed = deploy_development(l1, path, PLATFORM.measure)
    settlement = deployed.genesis.settlement
    assert settlement is not None
    assert allowed(l1, settlement, PLATFORM.measure())
    assert not allowed(l1, settlement, OTHER.measure())
    assert sum(receipt.gas_used for _, receipt in deployed.receipts) < 52_000_000
    assert rules(l1, settlement)[3] == installed_proving().digest
    collateral, head = Contract("TEECollateral", settlement.tee_collateral), l1.block()
    assert head is not None
    documents = simulated_documents(0)
    assert 30 * DAY - 60 < documents.expiry(l1, collateral) - head.timestamp <= 30 * DAY

    sent = l1.nonce(bytes.fromhex("bcd4042de499d14e55001ccbb24a551f3b954096"))
    assert sent > len(deployed.receipts)
    assert deploy_development(l1, path, PLATFORM.measure).genesis == deployed.genesis
    assert l1.nonce(bytes.fromhex("bcd4042de499d14e55001ccbb24a551f3b954096")) == sent

    first = rules(l1, settlement)
    deploy_development(l1, path, OTHER.measure, another_program)
    assert allowed(l1, settlement, OTHER.measure())
    assert allowed(l1, settlement, PLATFORM.measure())
    second = rules(l1, settlement)
    assert (second[:2], second[3]) == (first[:2], DIGEST)
    verifier = Contract("ZkVerifier", second[2])
    assert verifier.read(l1, "programDigest") == DIGEST
    assert verifier.read(l1, "owner") == settlement.timelock
    assert second[2] != first[2]

    file, words = (
        tmp_path / "collateral.json",
        ["--genesis", str(path), "--l1", l1.name, "--key", "env:JOVAY_KEY_7"],
    )
    monkeypatch.setenv("JOVAY_KEY_7", DEVELOPMENT_KEYS[7])

    def posted() -> str:
        head = l1.block()
        assert head is not None
        file.write_text(simulated_documents(head.timestamp).found.to_json())
        result = CliRunner().invoke(app, ["l1", "collateral", str(file), *words])
        assert result.exit_code == 0, result.output
        return result.output.splitlines()[-1]

    assert posted().startswith("unchanged: it holds until ")
    l1.call("evm_increaseTime", 25 * DAY)
    l1.call("evm_mine")
    assert posted().startswith("renewed: it holds until ")
    assert posted().startswith("unchanged")
    l1.call("evm_increaseTime", 25 * DAY)
    l1.call("evm_mine")
    deploy_development(l1, path, OTHER.measure, another_program)
    head = l1.block()
    assert head is not None
    assert documents.expiry(l1, collateral) - head.timestamp > 29 * DAY
