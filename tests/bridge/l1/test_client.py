"""The typed RPC and the contracts' ABI against anvil."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from eth_account import Account
from eth_utils.crypto import keccak

from jovay.bridge.errors import L1AnswerError, L1RpcError, WrongChainError
from jovay.bridge.l1.client import L1Client
from jovay.bridge.l1.contracts import Contract, creation_code, reason
from jovay.bridge.l1.records import L1Log, L1Receipt
from jovay.chain.development import DEVELOPMENT_ADDRESSES, DEVELOPMENT_KEYS
from rigs.anvil import CHAIN_ID, anvil
from rigs.paths import MissingToolError

ME = bytes.fromhex(DEVELOPMENT_ADDRESSES[0])
ETHER = 10**18


def mined(client: L1Client, sent: bytes) -> L1Receipt:
    deadline = time.monotonic() + 10
    while (receipt := client.receipt(sent)) is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return receipt


def deployed(client: L1Client, name: str, *arguments: Any) -> tuple[Contract, L1Receipt]:
    receipt = mined(client, send(client, None, creation_code(name, *arguments)))
    assert receipt.succeeded
    assert receipt.contract_address is not None
    return Contract(name, receipt.contract_address), receipt


@pytest.fixture(scope="module")
def client() -> Iterator[L1Client]:
    try:
        with anvil() as node:
            client = L1Client(node.url)
            yield client
            client.close()
    except MissingToolError as missing:
        pytest.skip(str(missing))


def send(client: L1Client, to: bytes | None, data: bytes, value: int = 0) -> bytes:
    fields = {
        "type": 2,
        "chainId": CHAIN_ID,
        "nonce": client.nonce(ME, "pending"),
        "gas": 5_000_000,
        "maxFeePerGas": 10**11,
        "maxPriorityFeePerGas": 1,
        "value": value,
        "data": data,
    }
    signed = Account.sign_transaction(fields if to is None else fields | {"to": to}, DEVELOPMENT_KEYS[0])
    return client.send_raw(bytes(signed.raw_transaction))


def test_a_chain_is_read(client: L1Client) -> None:
    client.require_chain(CHAIN_ID)
    with pytest.raises(WrongChainError, match=f"serves chain {CHAIN_ID}, and not 1"):
        client.require_chain(1)
    before = client.balance(ME)
    sent = send(client, b"\7" * 20, b"", ETHER)
    receipt, transaction, head = mined(client, sent), client.transaction(sent), client.block()
    assert transaction is not None
    assert head is not None
    assert receipt.succeeded
    assert (receipt.block_hash, receipt.block_number) == (head.hash, client.block_number())
    assert (transaction.sender, transaction.to, transaction.value) == (ME, b"\7" * 20, ETHER)
    assert (transaction.block_hash, transaction.max_fee) == (head.hash, 10**11)
    assert client.balance(ME) == before - ETHER - receipt.cost
    assert client.balance(b"\7" * 20, head.hash) == ETHER
    assert client.balance(b"\7" * 20, head.number - 1) == 0
    assert client.block(head.hash) == head == client.block(head.number)
    parent = client.block(head.parent_hash)
    assert parent is not None
    assert parent.number == head.number - 1


def test_what_is_not_there_is_none(client: L1Client) -> None:
    assert client.block(10**6) is None
    assert client.block(bytes(32)) is None
    assert client.receipt(bytes(32)) is None
    assert client.transaction(bytes(32)) is None
    assert client.code(bytes(20)) == b""


def test_a_waiting_transaction_has_no_block(client: L1Client) -> None:
    client.call("evm_setAutomine", False)
    try:
        sent = send(client, ME, b"")
        waiting = client.transaction(sent)
        assert waiting is not None
        assert (waiting.block_number, waiting.block_hash, client.receipt(sent)) == (None, None, None)
        assert client.nonce(ME, "pending") == client.nonce(ME) + 1
    finally:
        client.call("evm_mine")
        client.call("evm_setAutomine", True)


def test_fees(client: L1Client) -> None:
    history = client.fee_history(2, "latest", [10, 50])
    assert len(history.base_fees) == len(history.blob_base_fees) == 3
    assert [len(rewards) for rewards in history.rewards] == [2, 2]
    assert client.blob_base_fee() == history.blob_base_fees[-1]
    assert client.priority_fee() >= 0


def test_a_contract_is_created_called_and_its_logs_read(client: L1Client) -> None:
    delay, council = 100, b"\x0c" * 20
    timelock, created = deployed(client, "TimelockController", delay, [ME], [council], ME)
    assert timelock.read(client, "getMinDelay") == delay
    role = keccak(text="PROPOSER_ROLE")
    assert timelock.read(client, "hasRole", role, ME) is True
    assert timelock.read(client, "hasRole", role, council) is False
    granted = timelock.topic("RoleGranted")
    logs = list(client.logs([timelock.address], [[granted], [role]], 0, client.block_number()))
    assert logs == [log for log in created.logs if log.topics[:2] == (granted, role)]
    (event,) = (timelock.event(log) for log in logs)
    assert event is not None
    assert (event.name, event.args) == ("RoleGranted", {"role": role, "account": ME, "sender": ME})


def test_a_revert_is_told_in_words(client: L1Client) -> None:
    timelock, _ = deployed(client, "TimelockController", 1, [], [], ME)
    with pytest.raises(L1RpcError) as caught:
        client.eth_call(timelock.address, timelock.encode("updateDelay", 5), sender=ME)
    assert reason(caught.value.revert_data or b"") == f"TimelockUnauthorizedCaller(0x{ME.hex()})"
    with pytest.raises(L1RpcError):
        client.estimate(timelock.address, timelock.encode("updateDelay", 5), ME)
    assert client.estimate(b"\7" * 20, b"", ME) == 21_000


def test_reasons() -> None:
    assert reason(b"") == "no reason given"
    assert reason(bytes.fromhex("4e487b71") + (0x11).to_bytes(32)) == "Panic(17)"
    index = keccak(text="WrongBatchIndex(uint256,uint256)")[:4]
    assert reason(index + (1).to_bytes(32) + (2).to_bytes(32)) == "WrongBatchIndex(1, 2)"
    assert reason(index + b"\1") == f"WrongBatchIndex, and not as it should be: 0x{index.hex()}01"
    assert reason(b"\1\2\3\4") == "0x01020304"


def test_logs_that_are_not_the_contracts() -> None:
    rollup = Contract("Rollup", b"\1" * 20)
    topics = (rollup.topic("CommitBatch"), (5).to_bytes(32), b"\2" * 32)
    log = L1Log(rollup.address, topics, b"", 1, bytes(32), bytes(32), 0)
    event = rollup.event(log)
    assert event is not None
    assert event.args == {"batchIndex": 5, "batchHash": b"\2" * 32}
    assert Contract("Rollup", b"\3" * 20).event(log) is None
    assert Contract("L1Mailbox", rollup.address).event(log) is None
    with pytest.raises(L1AnswerError, match=r"topics of a log Rollup\.CommitBatch is 2"):
        rollup.event(L1Log(rollup.address, topics[:2], b"", 1, bytes(32), bytes(32), 0))
    exodus = (rollup.topic("ExodusOpened"),)
    with pytest.raises(L1AnswerError, match=r"a log Rollup\.ExodusOpened is '0x01'"):
        rollup.event(L1Log(rollup.address, exodus, b"\1", 1, bytes(32), bytes(32), 0))


def test_overloaded_functions_are_named_by_signature() -> None:
    arguments = "(address,address,uint256,uint256,bytes,address)"
    mailbox = Contract("L2Mailbox", bytes(20))
    assert (
        mailbox.encode(f"relayMsg{arguments}", ME, ME, 1, 2, b"", ME)[:4]
        == keccak(text=f"relayMsg{arguments}")[:4]
    )
    with pytest.raises(KeyError):
        mailbox.encode("relayMsg", ME, ME, 1, 2, b"", ME)
