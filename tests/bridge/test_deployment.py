"""The contracts on anvil: deployed from what ships, and of one mind with the Python side of the wire formats."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_account.typed_transactions import base as signing
from eth_utils.crypto import keccak
from web3 import HTTPProvider, Web3
from web3.contract import Contract
from web3.logs import DISCARD

from jovay.bridge import artifacts
from jovay.bridge.wire.batch_header import BatchHeader
from jovay.bridge.wire.blobs import commitment_of, data_hash, to_blobs, versioned_hash
from jovay.bridge.wire.da import DaData
from jovay.bridge.wire.l1_message import L1Message, rolling_hash
from jovay.chain.development import DEVELOPMENT_KEYS
from rigs.anvil import anvil
from rigs.paths import MissingToolError

HOUR, DAY = 3_600, 86_400
ETHER = 10**18
GAS = 500_000
BASE_FEE = 10**6
CLOCKS = (HOUR, DAY, 3 * DAY, 7 * DAY, DAY, 60, 3 * DAY)


class L1:
    """Rollup and mailbox, deployed by the first of anvil's accounts, which is owner, council and relayer too."""

    def __init__(self, url: str) -> None:
        self.web3 = Web3(HTTPProvider(url))
        self.me: LocalAccount = Account.from_key(DEVELOPMENT_KEYS[0])
        predicted = "0x" + keccak(bytes.fromhex(f"d694{self.me.address[2:]}01")).hex()[-40:]
        none = "0x" + "00" * 20
        self.rollup = self.deploy(
            "Rollup",
            (
                20257,
                Web3.to_checksum_address(predicted),
                self.me.address,
                self.me.address,
                [self.me.address],
                CLOCKS,
                16,
                3_000_000,
                (bytes(32), none, none, bytes(32)),
                (b"\1" * 32, bytes(32), b"\2" * 32, 1),
            ),
        )
        self.mailbox = self.deploy(
            "L1Mailbox", (self.rollup.address, self.me.address, none, [], BASE_FEE, 3_000_000, 300_000)
        )

    def deploy(self, name: str, *arguments: Any) -> Contract:
        artifact = artifacts.load(name)
        kind = self.web3.eth.contract(abi=artifact.abi, bytecode=artifact.bytecode)
        receipt = self.send(kind.constructor(*arguments).build_transaction(self.fields()))
        address = receipt["contractAddress"]
        return self.web3.eth.contract(address=address, abi=artifact.abi)

    def fields(self, **more: Any) -> Any:
        return {"from": self.me.address, "gas": 6_000_000, "maxFeePerGas": 10**10, **more}

    def send(self, transaction: Any, blobs: list[bytes] | None = None) -> Any:
        transaction = {"maxPriorityFeePerGas": 1, "chainId": 31_337, **transaction}
        transaction["nonce"] = self.web3.eth.get_transaction_count(self.me.address)
        signed = self.me.sign_transaction(transaction, blobs=blobs)
        receipt = self.web3.eth.wait_for_transaction_receipt(
            self.web3.eth.send_raw_transaction(signed.raw_transaction)
        )
        assert receipt["status"] == 1
        return receipt


@pytest.fixture(scope="module")
def l1() -> Iterator[L1]:
    try:
        with anvil() as node:
            yield L1(node.url)
    except MissingToolError as missing:
        pytest.skip(str(missing))


def test_messages_and_batches_have_the_hashes_that_python_finds(
    l1: L1, monkeypatch: pytest.MonkeyPatch
) -> None:
    # eth-account reads the trusted set-up anew for everything that it asks of a blob, seconds each time.
    monkeypatch.setattr(signing, "load_trusted_setup", cache(signing.load_trusted_setup))
    me, target = bytes.fromhex(l1.me.address[2:]), b"\x0d" * 20
    message = L1Message(me, target, ETHER, 0, b"call", GAS, me)
    call = l1.mailbox.functions.sendMsg(Web3.to_checksum_address(target), ETHER, b"call", GAS, l1.me.address)
    receipt = l1.send(call.build_transaction(l1.fields(value=ETHER + GAS * BASE_FEE)))
    (sent,) = l1.mailbox.events.SentMsg().process_receipt(receipt, errors=DISCARD)
    assert sent["args"]["hash"] == message.hash
    assert message.transaction().endswith(sent["args"]["msg"])
    rolled = rolling_hash([message.hash])
    assert l1.mailbox.functions.getMsg(1).call() == rolled

    blobs = to_blobs(DaData(0, b"payload" * 10_000))
    hashes = [versioned_hash(commitment_of(blob)) for blob in blobs]
    genesis = BatchHeader(0, 0, bytes(32), bytes(32), bytes(32))
    first = BatchHeader(2, 1, rolled, data_hash(hashes), genesis.hash)
    commit = l1.rollup.functions.commitBatch(2, 1, 1)
    receipt = l1.send(commit.build_transaction(l1.fields(maxFeePerBlobGas=10**10, type=3)), blobs)
    assert l1.rollup.functions.committedBatches(1).call() == first.hash
    assert l1.rollup.functions.batch(1).call()[4] == len(blobs) == 1
    assert receipt["gasUsed"] < 130_000

    da = DaData(1, b"\x02" + (3).to_bytes(3, "big") + b"abc")
    second = BatchHeader(2, 2, rolled, da.digest, first.hash)
    commit = l1.rollup.functions.commitBatchWithDaProof(second.encode(), 1, da.calldata)
    l1.send(commit.build_transaction(l1.fields()))
    assert l1.rollup.functions.committedBatches(2).call() == second.hash


def test_a_timelock_is_deployed(l1: L1) -> None:
    timelock = l1.deploy("TimelockController", 8 * DAY, [l1.me.address], [l1.me.address], "0x" + "00" * 20)
    assert timelock.functions.getMinDelay().call() == 8 * DAY
