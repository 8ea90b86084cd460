"""Foundry's cast against anvil and against our node."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import pytest
from eth_account import Account

from rigs.accounts import KEYS
from rigs.endpoint import Endpoint
from rigs.paths import foundry_binary
from rigs.solidity import load

KEY = KEYS[3]
ADDRESS = Account.from_key(KEY).address


class Cast:
    """Runs cast against one chain; every call must end well unless `fails` says otherwise."""

    def __init__(self, url: str) -> None:
        self._env = {**os.environ, "ETH_RPC_URL": url, "NO_COLOR": "1"}
        self._binary = foundry_binary("cast")

    def __call__(self, *words: str) -> str:
        done = self._run(words)
        assert done.returncode == 0, f"cast {' '.join(words)}:\n{done.stdout}{done.stderr}"
        return done.stdout.strip()

    def json(self, *words: str) -> Any:
        return json.loads(self(*words, "--json"))

    def send(self, *words: str) -> dict[str, Any]:
        """A transaction from the account of this file; its receipt."""
        receipt: dict[str, Any] = self.json("send", "--private-key", KEY, *words)
        assert receipt["status"] == "0x1"
        return receipt

    def fails(self, *words: str) -> str:
        done = self._run(words)
        assert done.returncode != 0, f"cast {' '.join(words)} should have failed:\n{done.stdout}"
        return done.stderr

    def _run(self, words: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self._binary, *words], env=self._env, capture_output=True, text=True, timeout=60, check=False
        )


@pytest.fixture(scope="module")
def cast(endpoint: Endpoint) -> Cast:
    return Cast(endpoint.url)


@pytest.fixture(scope="module")
def counter(cast: Cast) -> str:
    created = cast.json("send", "--private-key", KEY, "--create", load("Counter").bytecode)
    return str(created["contractAddress"])


def test_chain(cast: Cast, endpoint: Endpoint) -> None:
    assert int(cast("chain-id")) == endpoint.chain_id
    assert cast("block-number").isdecimal()
    assert int(cast("gas-price")) > 0
    assert cast("client")


def test_send_value_and_look_it_up(cast: Cast) -> None:
    to = Account.create().address
    nonce = int(cast("nonce", ADDRESS))
    receipt = cast.send(to, "--value", "3gwei")
    assert int(cast("balance", to)) == 3 * 10**9
    assert int(cast("nonce", ADDRESS)) == nonce + 1
    tx_hash = receipt["transactionHash"]
    assert cast.json("receipt", tx_hash)["blockHash"] == receipt["blockHash"]
    assert int(cast("tx", tx_hash, "nonce")) == nonce
    assert cast("tx", tx_hash, "--raw").startswith("0x02")
    block = cast.json("block", str(int(receipt["blockNumber"], 16)))
    assert tx_hash in block["transactions"]


def test_contract(cast: Cast, counter: str) -> None:
    artifact = load("Counter")
    assert len(cast("code", counter)) == len(artifact.runtime)
    assert int(cast("call", counter, "count()(uint256)")) == 0
    estimate = int(cast("estimate", counter, "increment(string)", "hi", "--from", ADDRESS))
    receipt = cast.send(counter, "increment(string)", "hi")
    assert int(receipt["gasUsed"], 16) <= estimate
    assert int(cast("call", counter, "count()(uint256)")) == 1
    assert int(cast("storage", counter, "0"), 16) == 1
    signature = "Counted(address indexed,uint256 indexed,string)"
    (log,) = cast.json("logs", "--from-block", "0", "--address", counter, signature)
    assert log["transactionHash"] == receipt["transactionHash"]


def test_legacy_and_access_list(cast: Cast, counter: str) -> None:
    assert cast.send(counter, "increment(string)", "legacy", "--legacy")["type"] == "0x0"
    call = [counter, "increment(string)", "list"]
    made = cast.json("access-list", *call, "--from", ADDRESS)["accessList"]
    assert counter.lower() in {entry["address"].lower() for entry in made}
    listed = cast.send(*call, "--access-list", json.dumps(made))
    assert int(listed["gasUsed"], 16) > 21_000


def test_set_code(cast: Cast, counter: str) -> None:
    someone = Account.create()
    signed = cast("wallet", "sign-auth", counter, "--private-key", someone.key.to_0x_hex(), "--nonce", "0")
    receipt = cast.send(someone.address, "increment(string)", "mine", "--auth", signed)
    assert receipt["type"] == "0x4"
    assert cast("code", someone.address) == "0xef0100" + counter[2:].lower()


def test_reverts(cast: Cast, counter: str) -> None:
    assert "counter: refused" in cast.fails("call", counter, "failWithReason()")
    refused = cast.fails("call", counter, "failWithCustomError(uint256)", "7")
    assert cast("sig", "Refused(address,uint256)")[2:] in refused
    sent = cast.fails("send", "--private-key", KEY, counter, "failWithReason()")
    assert "counter: refused" in sent


def test_proof(cast: Cast, counter: str) -> None:
    proof = cast.json("proof", counter, "0")
    assert proof["address"].lower() == counter.lower()
    assert len(proof["storageProof"]) == 1
    assert proof["accountProof"]


def test_raw_rpc(cast: Cast, endpoint: Endpoint) -> None:
    assert cast("rpc", "eth_chainId") == f'"{endpoint.chain_id:#x}"'
    assert "-32601" in cast.fails("rpc", "jovay_noSuchMethod")
