"""The whole path on a real L1 with real blobs and real clients: deposit, use, batch, TEE proof, `safe`.

With a second proof system, which exists in tests only, also finality and the payment of a withdrawal;
``test_zk_finality.py`` has the real one.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import decode, encode
from eth_account import Account
from eth_utils.crypto import keccak
from web3 import HTTPProvider, Web3
from web3.exceptions import ContractCustomError
from web3.logs import DISCARD

from jovay.bridge import artifacts
from jovay.bridge.development import role_key
from jovay.bridge.errors import AnvilError
from jovay.bridge.l1.anvil import Anvil, Settings
from jovay.bridge.l1.client import L1Client
from jovay.bridge.predeploys import L2_ETH_BRIDGE
from jovay.prover.development import deploy_development
from rigs import process
from rigs.accounts import KEYS
from rigs.node_scripts import run_node
from rigs.paths import SOLIDITY, MissingToolError
from rigs.running_stack import NO_ZK, RunningStack, launch
from rigs.solidity import compile_sources, load

ETHER = 10**18
SETTLE_TIME = 180.0
ZK, TEE = 0, 1
#: So that web3.py does not ask for what is filled in later.
PRICED: Any = {"gas": 1, "maxFeePerGas": 1, "maxPriorityFeePerGas": 1}
PROGRAM = keccak(text="the program that this test's proofs are of")


class Chain:
    """One of the two chains, as an application with web3.py uses it, and an account on it."""

    def __init__(self, url: str, key: str) -> None:
        self.web3 = Web3(HTTPProvider(url))
        self.account = Account.from_key(key)

    def contract(self, name: str, address: bytes | str) -> Any:
        at = Web3.to_checksum_address(address)
        return self.web3.eth.contract(address=at, abi=artifacts.load(name).abi)

    def transact(self, transaction: Any) -> Any:
        """Sign, send, wait; the receipt of what succeeded."""
        filled = {"from": self.account.address, "chainId": self.web3.eth.chain_id} | transaction
        filled["nonce"] = self.web3.eth.get_transaction_count(self.account.address, "pending")
        filled.setdefault("gas", self.web3.eth.estimate_gas(filled) * 6 // 5)
        filled |= {"maxFeePerGas": 10**11, "maxPriorityFeePerGas": 10**7}
        sent = self.web3.eth.send_raw_transaction(self.account.sign_transaction(filled).raw_transaction)
        receipt = self.web3.eth.wait_for_transaction_receipt(sent, timeout=60, poll_latency=0.1)
        assert receipt["status"] == 1
        return receipt

    def call(self, function: Any, value: int = 0) -> Any:
        """A transaction that calls a function."""
        fields = function.build_transaction({"value": value, **PRICED})
        return self.transact({"to": fields["to"], "data": fields["data"], "value": value})


@dataclass(frozen=True)
class Scene:
    """A stack whose L1 has a ZK verifier that takes the proofs of this test."""

    stack: RunningStack
    l1: Chain
    l2: Chain
    settlement: dict[str, Any]

    @property
    def rollup(self) -> Any:
        return self.l1.contract("Rollup", self.settlement["rollup"])

    @property
    def mailbox(self) -> Any:
        return self.l1.contract("L1Mailbox", self.settlement["l1Mailbox"])

    def ask(self, method: str, *params: Any) -> Any:
        """L2's JSON-RPC."""
        answer = self.l2.web3.provider.make_request(method, params)  # type: ignore[arg-type]
        assert "error" not in answer, answer
        return answer["result"]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    base = tmp_path_factory.mktemp("settled")
    l1_port, *ports = process.free_ports(5)
    try:
        verifier = compile_sources(
            [SOLIDITY / "test" / "TestVerifier.sol", SOLIDITY / "src" / "interfaces" / "IProofVerifier.sol"]
        )["TestVerifier"]
        l1_node = Anvil(Settings(l1_port), base / "l1", keep=False)
    except (AnvilError, MissingToolError) as missing:
        pytest.skip(str(missing))
    with l1_node:
        folder = base / "stack"
        folder.mkdir()
        settlement = deployed(l1_node.url, folder / "genesis.json")
        l1 = Chain(l1_node.url, KEYS[5])
        admit(l1, settlement, verifier)
        stack = launch(folder, ports, [NO_ZK, "--l1", l1_node.url])
        try:
            yield Scene(stack, l1, Chain(stack.url, KEYS[5]), settlement)
        finally:
            process.stop(stack.process, 60.0)


def deployed(url: str, genesis: Path) -> dict[str, Any]:
    """The development deployment; what its genesis says of L1."""
    client = L1Client(url)
    settlement = deploy_development(client, genesis, prove=lambda: None).genesis.settlement
    client.close()
    assert settlement is not None
    return settlement.to_json()


def admit(l1: Chain, settlement: dict[str, Any], verifier: Any) -> None:
    """Let the timelock give batches from the first on a ZK verifier: one that only this test has."""
    created = l1.transact({"data": verifier.bytecode, "value": 0})
    owner = Chain(l1.web3.provider.endpoint_uri, "0x" + role_key("deployer").hex())  # type: ignore[attr-defined]
    rollup = owner.contract("Rollup", settlement["rollup"])
    (rules, _) = rollup.functions.rulesFor(1).call()
    changed = (rules[0], rules[1], created["contractAddress"], PROGRAM)
    call = rollup.encode_abi("scheduleRules", [1, changed])
    timelock = owner.contract("TimelockController", settlement["timelock"])
    action = (rollup.address, 0, call, bytes(32), bytes(32))
    owner.call(timelock.functions.schedule(*action, 0))
    owner.call(timelock.functions.execute(*action))
    assert rollup.functions.zk_verifier().call() == created["contractAddress"]


def until(ask: Callable[[], Any], what: str, seconds: float = SETTLE_TIME) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := ask()):
        assert time.monotonic() < deadline, what
        time.sleep(0.2)
    return found


def prove(scene: Scene, batch: int) -> None:
    """Make the second claim of a batch: the statement of the first, with a proof of this test's system."""
    (event,) = scene.rollup.events.VerifyBatch().get_logs(
        from_block=0, argument_filters={"batchIndex": batch}
    )
    assert event["args"]["proveType"] == TEE
    sent = scene.l1.web3.eth.get_transaction(event["transactionHash"])
    _, given = scene.rollup.decode_function_input(sent["input"])
    (statement, _), _ = scene.rollup.functions.claim(TEE, batch).call()
    kinds = ["bytes32", "uint64", "bytes32", "(uint256,bytes,bytes)[]", "bytes"]
    *fields, _ = decode(kinds, given["proof"])
    seal = keccak(encode(["bytes32", "bytes32"], [statement, PROGRAM]))
    proof = encode(kinds, [*fields, encode(["bytes32", "bytes32"], [PROGRAM, seal])])
    outcome = given["postStateRoot"], given["l2MsgRoot"]
    scene.l1.call(scene.rollup.functions.verifyBatch(ZK, given["batchHeader"], *outcome, proof))


def in_blobs(scene: Scene, block: int) -> int:
    """In how many blobs L1 has the batch of a block."""
    batch = until(lambda: scene.ask("jovay_getBatchByBlock", hex(block)), "committed")
    commit = scene.l1.web3.eth.get_transaction(batch["commit"]["transactionHash"])
    return len(commit.get("blobVersionedHashes", ()))


def test_a_client_in_javascript_follows_its_deposit_and_its_calls_to_safe(scene: Scene) -> None:
    payload = {
        "url": scene.stack.url,
        "l1Url": scene.l1.web3.provider.endpoint_uri,  # type: ignore[attr-defined]
        "chainId": 20257,
        "l1ChainId": 31337,
        "key": KEYS[6],
        "contracts": {"Counter": vars(load("Counter"))},
        "skip": {},
    }
    steps = run_node("settlement.mjs", payload, timeout=300.0)
    assert steps == dict.fromkeys(("addresses", "deposit", "contract", "safe"), "ok")


def put_in(scene: Scene, to: str, amount: int) -> None:
    """A deposit on L1, credited on L2."""
    bridge, gas = scene.l1.contract("L1ETHBridge", scene.settlement["l1EthBridge"]), 500_000
    fee = scene.mailbox.functions.estimateMsgFee(gas).call()
    receipt = scene.l1.call(bridge.functions.deposit(to, amount, gas, to), amount + fee)
    (sent,) = scene.mailbox.events.SentMsg().process_receipt(receipt, errors=DISCARD)
    credited = scene.l2.web3.eth.wait_for_transaction_receipt(sent["args"]["hash"], timeout=60)
    assert (credited["status"], scene.l2.web3.eth.get_balance(to)) == (1, amount)


def use(user: Chain) -> Any:
    """Transfers, a token, and data that fill some of a blob; the last receipt."""
    others = [Account.create().address for _ in range(5)]
    for other in others:
        user.transact({"to": other, "value": 1000, "gas": 21_000})
    user.transact({"to": others[0], "data": "0x" + random.Random(1).randbytes(20_000).hex(), "value": 0})
    artifact = load("Token")
    kind = user.web3.eth.contract(abi=artifact.abi, bytecode=artifact.bytecode)
    data = kind.constructor("Token", "T", 1000).build_transaction(PRICED)["data"]
    created = user.transact({"data": data, "value": 0})["contractAddress"]
    token = user.web3.eth.contract(address=created, abi=artifact.abi)
    paid = user.call(token.functions.transfer(others[0], 7))
    assert token.functions.balanceOf(others[0]).call() == 7
    assert int(paid["l1Fee"], 16) > 0
    return paid


def test_value_goes_in_is_used_and_comes_out_once_both_proofs_stand(scene: Scene) -> None:
    user, amount = Chain(scene.stack.url, "0x" + "42" * 32), ETHER // 4
    put_in(scene, user.account.address, ETHER)
    paid = use(user)

    # A withdrawal, whose batch the TEE attests.
    recipient = Account.create().address
    bridge = user.contract("L2ETHBridge", L2_ETH_BRIDGE)
    withdrawn = user.call(bridge.functions.withdraw(recipient, amount), amount)
    transaction, block = Web3.to_hex(withdrawn["transactionHash"]), withdrawn["blockNumber"]
    until(lambda: scene.ask("jovay_getFinality", transaction)["stage"] >= 2, "attested")
    assert user.web3.eth.get_block("safe")["number"] >= block
    assert user.web3.eth.get_block("finalized")["number"] < block
    assert in_blobs(scene, int(paid["blockNumber"])) >= 1
    (message,) = scene.ask("jovay_getWithdrawalProof", transaction)
    assert message["state"] == "attested"
    batch, to = int(message["batch"]["index"], 16), Web3.to_checksum_address(message["claim"]["to"])
    claim = {"to": to, "data": message["claim"]["data"], "value": 0}
    with pytest.raises(ContractCustomError, match=selector("NotFinal(uint256,uint256)")):
        scene.l1.transact(claim)

    # Final: the second claims agree with the first.
    for index in range(scene.rollup.functions.lastFinalizedBatch().call() + 1, batch + 1):
        prove(scene, index)
    assert scene.rollup.functions.lastFinalizedBatch().call() == batch
    until(lambda: scene.ask("jovay_getFinality", transaction)["stage"] == 3, "proven")
    assert user.web3.eth.get_block("finalized")["number"] >= block
    assert scene.ask("jovay_getWithdrawalProof", transaction)[0]["state"] == "claimable"

    # Paid, once.
    scene.l1.transact(claim)
    assert scene.l1.web3.eth.get_balance(recipient) == amount
    with pytest.raises(ContractCustomError, match=selector("AlreadyRelayed(bytes32)")):
        scene.l1.transact(claim)


def selector(error: str) -> str:
    """What a revert with a typed error begins with."""
    return "0x" + keccak(text=error)[:4].hex()
