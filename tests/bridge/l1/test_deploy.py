"""Deploying on a real anvil: all of it is read back, and what was killed anywhere goes on with the same addresses."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jovay.bridge import development
from jovay.bridge.errors import DeploymentError, L1UnreachableError, SeriesError
from jovay.bridge.l1 import series
from jovay.bridge.l1.client import L1Client
from jovay.bridge.l1.contracts import Contract
from jovay.bridge.l1.deploy import INTEL_ROOT, Deployed, check, deploy, verify
from jovay.bridge.l1.deployment import (
    CONTRACTS,
    DAY,
    Attestation,
    Clocks,
    Deployment,
    Settings,
    creation_address,
)
from jovay.bridge.l1.keys import RawKey
from jovay.bridge.l1.series import Series, Step
from jovay.bridge.predeploys import L2_ETH_BRIDGE
from jovay.bridge.wire.l1_message import L1Message
from jovay.chain.development import DEVELOPMENT_ADDRESSES, DEVELOPMENT_KEYS
from jovay.chain.genesis import read
from jovay.native.library import Library
from jovay.sequencer.genesis_block import genesis_block
from rigs.anvil import CHAIN_ID, anvil
from rigs.paths import MissingToolError

MEASUREMENT = b"\x3e" * 32
ROOT = (b"\1" * 32, b"\2" * 32)
SETTINGS = development.development_settings(Attestation(ROOT, (MEASUREMENT,), simulated=True))
#: Nobody but the timelock's own people stays.
OTHERS = replace(SETTINGS, proposers=(b"\x0a" * 20,), executors=(b"\x0b" * 20,), timelock_delay=8 * DAY)


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
    monkeypatch.setattr(series, "RECEIPT_TIMEOUT", 1.0)


def account(index: int) -> RawKey:
    return RawKey(bytes.fromhex(DEVELOPMENT_KEYS[index]))


@pytest.fixture(scope="module")
def deployed(
    l1: L1Client, library: Library, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Deployed]:
    path = tmp_path_factory.mktemp("deployed") / "genesis.json"
    key = RawKey(development.role_key("deployer"))
    return path, deploy(l1, key, SETTINGS, path, development.funding)


def contract(done: Deployed, name: str) -> Contract:
    return Contract(name, getattr(done.genesis.settlement, CONTRACTS[name]))


def test_the_genesis_file_is_of_the_chain_that_l1_knows(
    l1: L1Client, library: Library, deployed: tuple[Path, Deployed]
) -> None:
    path, done = deployed
    genesis = read(path)
    assert genesis == done.genesis
    assert genesis.settlement is not None
    block = genesis_block(library, genesis)
    rollup = Contract("Rollup", genesis.settlement.rollup)
    assert rollup.read(l1, "finalizedStateRoots", 0) == block.state_root
    created = l1.block(genesis.settlement.deployed_at)
    assert created is not None
    assert l1.code(rollup.address, created.number) != b""
    assert l1.code(rollup.address, created.number - 1) == b""


def test_deposits_have_the_hashes_that_python_finds(l1: L1Client, deployed: tuple[Path, Deployed]) -> None:
    settlement = deployed[1].genesis.settlement
    assert settlement is not None
    mailbox, bridge = Contract("L1Mailbox", settlement.l1_mailbox), Contract("L2ETHBridge", L2_ETH_BRIDGE)
    logs = l1.logs([mailbox.address], [[mailbox.topic("SentMsg")]], settlement.deployed_at, l1.block_number())
    events = [event for event in map(mailbox.event, logs) if event]
    accounts = [*map(bytes.fromhex, DEVELOPMENT_ADDRESSES), development.role_address("feeder")]
    deployer = development.role_address("deployer")
    for n, (event, to) in enumerate(zip(events, accounts, strict=True)):
        call = bridge.encode("finalizeDeposit", deployer, to, development.FUNDS)
        message = L1Message(
            settlement.l1_eth_bridge, L2_ETH_BRIDGE, development.FUNDS, n, call, event.args["gasLimit"], to
        )
        assert event.args["hash"] == message.hash
        assert event.args["value"] == development.FUNDS
    fees = mailbox.read(l1, "feeBalance")
    assert l1.balance(mailbox.address) == development.FUNDS * len(accounts) + fees


def test_again_nothing_is_sent(
    l1: L1Client, deployed: tuple[Path, Deployed], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, done = deployed
    monkeypatch.setattr(l1, "send_raw", lambda _: pytest.fail("something was sent"))
    key = RawKey(development.role_key("deployer"))
    assert deploy(l1, key, OTHERS, path).genesis == done.genesis
    path.unlink()
    assert deploy(l1, key, SETTINGS, path, development.funding) == done
    assert read(path) == done.genesis


class _KilledError(Exception):
    pass


def killed_at(monkeypatch: pytest.MonkeyPatch, l1: L1Client, sends: int) -> None:
    """The process ends at the send after so many, which L1 has got nevertheless when the number is odd."""
    left, send = sends, l1.send_raw

    def dying(raw: bytes) -> bytes:
        nonlocal left
        if left == 0:
            if sends % 2:
                send(raw)
            raise _KilledError
        left -= 1
        return send(raw)

    monkeypatch.setattr(l1, "send_raw", dying)


@pytest.mark.parametrize(("index", "sends"), [(1, 0), (2, 1), (3, 3), (4, 4), (5, 8), (6, 9)])
def test_what_was_killed_goes_on(
    l1: L1Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, index: int, sends: int
) -> None:
    path = tmp_path / "genesis.json"
    with monkeypatch.context() as patched:
        killed_at(patched, l1, sends)
        with pytest.raises(_KilledError):
            deploy(l1, account(index), OTHERS, path)
    assert not path.exists()
    first = l1.nonce(account(index).address, "pending") - sends - sends % 2
    done = deploy(l1, account(index), OTHERS, path)
    assert done.genesis.settlement is not None
    assert done.genesis.settlement.timelock == creation_address(account(index).address, first)
    assert l1.nonce(account(index).address) == first + len(done.receipts)
    assert read(path) == done.genesis


def test_a_kill_while_the_record_is_written_leaves_the_one_before(
    l1: L1Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "genesis.json"
    with monkeypatch.context() as patched:

        def dying(*_: Any) -> None:
            raise _KilledError

        patched.setattr(series.os, "fsync", dying)
        with pytest.raises(_KilledError):
            deploy(l1, account(7), OTHERS, path)
    deploy(l1, account(7), OTHERS, path)


def test_other_settings_are_refused(l1: L1Client, deployed: tuple[Path, Deployed]) -> None:
    other = replace(SETTINGS, council=b"\7" * 20)
    key = RawKey(development.role_key("deployer"))
    genesis = deployed[0].read_bytes()
    deployed[0].unlink()
    with pytest.raises(SeriesError, match="begun for other transactions"):
        deploy(l1, key, other, deployed[0], development.funding)
    deployed[0].write_bytes(genesis)
    with pytest.raises(SeriesError, match=f"is of account .* on chain {CHAIN_ID}"):
        deploy(l1, account(0), SETTINGS, deployed[0], development.funding)


def test_what_is_not_as_it_was_deployed_is_named(
    l1: L1Client, deployed: tuple[Path, Deployed], library: Library
) -> None:
    genesis = deployed[1].genesis
    root = genesis_block(library, genesis).state_root
    made = Deployment(SETTINGS, CHAIN_ID, development.role_address("deployer"), 0, genesis.timestamp)
    verify(l1, made, root)
    with pytest.raises(DeploymentError, match=r"Rollup\.finalizedStateRoots\(0,\) is "):
        verify(l1, made, bytes(32))
    with pytest.raises(DeploymentError, match=r"Rollup\.council"):
        verify(l1, replace(made, settings=replace(SETTINGS, council=bytes(20))), root)
    with pytest.raises(DeploymentError, match="does not have the code of TimelockController"):
        verify(l1, replace(made, first=1), root)


def test_a_measurement_is_allowed_at_once(l1: L1Client, deployed: tuple[Path, Deployed]) -> None:
    verifier = contract(deployed[1], "TEEVerifier")
    assert verifier.read(l1, "measurements", MEASUREMENT) == (0, 2**64 - 1, True, False)
    assert verifier.read(l1, "measurements", bytes(32)) == (0, 0, False, False)
    assert verifier.read(l1, "INTEL_ROOT") == INTEL_ROOT


@pytest.mark.parametrize(
    ("chain", "settings", "words"),
    [
        (1, SETTINGS, "simulated TEE is for chain 31337 only, and this is chain 1"),
        (20257, replace(SETTINGS, attestation=Attestation(ROOT)), "chain id of its L1"),
        (31337, replace(SETTINGS, clocks=Clocks(inclusion=2 * DAY)), "inclusion < unproven"),
        (31337, replace(SETTINGS, clocks=Clocks(pause=4 * DAY)), "opening"),
        (31337, replace(SETTINGS, clocks=Clocks(behind=DAY)), "behind"),
        (1, replace(SETTINGS, attestation=Attestation(ROOT)), "must exceed the time to exodus"),
        (31337, replace(SETTINGS, relayers=()), "at least one relayer"),
        (31337, replace(SETTINGS, proposers=()), "one proposer"),
        (31337, replace(SETTINGS, attestation=Attestation(ROOT)), "root is not Intel's"),
    ],
)
def test_what_nobody_wants_is_refused_before(chain: int, settings: Settings, words: str) -> None:
    check(SETTINGS, 31337)
    with pytest.raises(DeploymentError, match=words):
        check(settings, chain)


# ---- the series itself


def transfer(name: str, value: int = 1, to: bytes = b"\x77" * 20, data: bytes = b"") -> Step:
    return Step(name, to, data, 100_000, value)


def test_a_step_that_fails_is_named_with_its_reason(
    l1: L1Client, tmp_path: Path, deployed: tuple[Path, Deployed]
) -> None:
    rollup = contract(deployed[1], "Rollup")
    steps = [transfer("good"), Step("bad", rollup.address, rollup.encode("setPause", True), 100_000)]
    sent = Series(l1, account(8), tmp_path / "s.json", CHAIN_ID)
    with pytest.raises(
        SeriesError, match=f"bad failed in block .* NotOwnerOrCouncil.0x{account(8).address.hex()}"
    ):
        sent.run(steps)


def test_a_nonce_that_another_transaction_took_is_told(
    l1: L1Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Series(l1, account(8), tmp_path / "first.json", CHAIN_ID)
    Series(l1, account(8), tmp_path / "other.json", CHAIN_ID).run([transfer("other", 7)])
    with pytest.raises(SeriesError, match="meant for mine, was taken by another transaction"):
        first.run([transfer("mine")])


def test_an_account_without_ether_is_told(l1: L1Client, tmp_path: Path) -> None:
    poor = Series(l1, RawKey(b"\5" * 32), tmp_path / "s.json", CHAIN_ID)
    with pytest.raises(SeriesError, match=r"has 0\.0 ether, and what is to be sent may take 0\.000"):
        poor.run([transfer("mine")])


@pytest.mark.parametrize("arrives", [True, False])
def test_what_a_server_does_not_answer_to_is_sent_again(
    l1: L1Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arrives: bool
) -> None:
    send, lost = l1.send_raw, 0

    def losing(raw: bytes) -> bytes:
        nonlocal lost
        if lost < 3:
            lost += 1
            if arrives:
                send(raw)
            raise L1UnreachableError(l1.name, "eth_sendRawTransaction", "lost")
        return send(raw)

    monkeypatch.setattr(l1, "send_raw", losing)
    steps = [transfer("one"), transfer("two", 2)]
    assert len(Series(l1, account(9), tmp_path / "s.json", CHAIN_ID).run(steps)) == 2


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"chainId": 31337, "account": "0x"}'])
def test_a_spoilt_record_is_told(l1: L1Client, tmp_path: Path, text: str) -> None:
    path = tmp_path / "s.json"
    path.write_text(text)
    with pytest.raises(SeriesError, match="no record"):
        Series(l1, account(8), path, CHAIN_ID)


def test_fees_are_raised_when_nothing_is_mined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, pauses = tmp_path / "s.json", 0
    with anvil(extra=["--no-mining"]) as node:
        client = L1Client(node.url)

        def pause(_: float) -> None:
            """The base fee rises before the first transactions are mined, so that only dearer ones can be."""
            nonlocal pauses
            pauses += 1
            if pauses == 1:
                client.call("anvil_setNextBlockBaseFeePerGas", hex(10**11))
            client.call("evm_mine")

        monkeypatch.setattr(series, "time", SimpleNamespace(sleep=pause, monotonic=time.monotonic))
        monkeypatch.setattr(series, "PATIENCE", 0.0)
        receipts = Series(client, account(0), path, CHAIN_ID).run([transfer("one"), transfer("two")])
    assert all(receipt.succeeded and receipt.gas_price > 2 * 10**9 for receipt in receipts)
    assert path.read_text().count('"raw"') > 2


def test_what_a_reorg_takes_out_is_sent_again(tmp_path: Path) -> None:
    with anvil(block_time=0.05) as node:
        client = L1Client(node.url)
        path, steps = tmp_path / "s.json", [transfer("one"), transfer("two", 2)]
        then = client.call("evm_snapshot")
        before = Series(client, account(0), path, CHAIN_ID).run(steps)
        client.call("evm_revert", then)
        assert client.nonce(account(0).address) == 0
        again = Series(client, account(0), path, CHAIN_ID).run(steps, confirmations=2)
        assert [one.transaction_hash for one in again] == [one.transaction_hash for one in before]
        assert client.block_number() >= again[0].block_number + 2


def test_another_chain_is_told(l1: L1Client, tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    Series(l1, RawKey(development.role_key("deployer")), path, CHAIN_ID)
    with anvil() as node, pytest.raises(SeriesError, match="another chain, or it has gone back"):
        Series(L1Client(node.url), RawKey(development.role_key("deployer")), path, CHAIN_ID).run(
            [transfer("one")]
        )
