"""Development operations: edits are part of the chain, going back leaves nothing, unsigned senders are told apart."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jovay.config import NodeConfig
from jovay.node import Node
from rigs.rpc import RpcError
from rigs.solidity import load
from rigs.transactions import keccak256

from .conftest import SETTINGS, Client, hexed, unhexed

ADDRESS = "0x" + "ab" * 20
OTHER = "0x" + "cd" * 20


@pytest.fixture
def client(node: Node) -> Iterator[Client]:
    """A client whose changes to the chain are undone."""
    own = Client(node)
    snapshot = own("evm_snapshot")
    yield own
    own("evm_setAutomine", True)
    own("evm_setIntervalMining", 0)
    assert own("evm_revert", snapshot) is True


def test_edits_are_seen_at_once_and_not_before(client: Client) -> None:
    before = client("eth_blockNumber")
    client("anvil_setBalance", ADDRESS, hex(10**21))
    client("anvil_setNonce", ADDRESS, "0x7")
    client("anvil_setCode", ADDRESS, "0x600160005260206000f3")
    client("anvil_setStorageAt", ADDRESS, "0x3", "0x2a")
    assert client.number("eth_getBalance", ADDRESS, "latest") == 10**21
    assert client("eth_getTransactionCount", ADDRESS, "latest") == "0x7"
    assert client("eth_getCode", ADDRESS, "latest") == "0x600160005260206000f3"
    assert client.number("eth_getStorageAt", ADDRESS, "0x3", "latest") == 42
    assert client.number("eth_call", {"to": ADDRESS}, "latest") == 1
    assert client("eth_getBalance", ADDRESS, before) == "0x0"
    assert client("eth_getCode", ADDRESS, before) == "0x"
    client("anvil_setCode", ADDRESS, "0x")
    client("anvil_setStorageAt", ADDRESS, "0x3", "0x0")
    assert client("eth_getCode", ADDRESS, "latest") == "0x"
    assert client.number("eth_getStorageAt", ADDRESS, "0x3", "latest") == 0


def test_going_back_undoes_everything(client: Client) -> None:
    token = client.send(b"", data=unhexed(load("Counter").bytecode))["contractAddress"]
    height, root = client("eth_blockNumber"), client("eth_getBlockByNumber", "latest", False)["stateRoot"]
    snapshot = client("evm_snapshot")
    receipts = [
        client.send(unhexed(token), data=bytes.fromhex("64a3bd57") + (2).to_bytes(32, "big"))
        for _ in range(3)
    ]
    client("anvil_setBalance", token, "0x99")
    later = client("evm_snapshot")
    assert client("evm_revert", snapshot) is True
    assert client("evm_revert", later) is False
    assert client("eth_blockNumber") == height
    assert client("eth_getBlockByNumber", "latest", False)["stateRoot"] == root
    assert client("eth_getBalance", token, "latest") == "0x0"
    assert client.number("eth_getStorageAt", token, "0x0", "latest") == 0
    assert client("eth_getTransactionReceipt", receipts[0]["transactionHash"]) is None
    assert client("eth_getLogs", {"fromBlock": height, "toBlock": "latest", "address": token}) == []
    again = client.send(unhexed(token), data=bytes.fromhex("64a3bd57") + (2).to_bytes(32, "big"))
    assert again["transactionHash"] == receipts[0]["transactionHash"]


def test_removed_logs_are_told(client: Client) -> None:
    token = client.send(b"", data=unhexed(load("Counter").bytecode))["contractAddress"]
    watch = client("eth_newFilter", {"address": token})
    snapshot = client("evm_snapshot")
    receipt = client.send(unhexed(token), data=bytes.fromhex("64a3bd57") + (1).to_bytes(32, "big"))
    assert client("eth_getFilterChanges", watch) == receipt["logs"]
    client("evm_revert", snapshot)
    assert client("eth_getFilterChanges", watch) == [log | {"removed": True} for log in receipt["logs"]]


def test_blocks_on_demand(client: Client) -> None:
    height = client.number("eth_blockNumber")
    client("evm_setAutomine", False)
    digest = client("eth_sendRawTransaction", hexed(client.raw(b"\1" * 20, value=1)))
    time.sleep(0.05)
    assert client("eth_getTransactionReceipt", digest) is None
    assert client("anvil_getAutomine") is False
    client("anvil_mine", 3, 60)
    assert client.number("eth_blockNumber") == height + 3
    assert client("eth_getTransactionReceipt", digest)["blockNumber"] == hex(height + 1)
    times = [client.number_of_time(height + at) for at in (1, 2, 3)]
    assert [times[1] - times[0], times[2] - times[1]] == [60, 60]
    client("evm_setIntervalMining", 1)
    deadline = time.monotonic() + 10
    while client.number("eth_blockNumber") == height + 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert client.number("eth_blockNumber") > height + 3


def test_the_clock(client: Client) -> None:
    client("evm_mine")
    now = client.number_of_time("latest")
    assert client("evm_increaseTime", 1000) >= 1000
    client("evm_mine")
    assert 1000 <= client.number_of_time("latest") - now <= 1010
    client("evm_setNextBlockTimestamp", now + 5000)
    client("evm_mine")
    assert client.number_of_time("latest") == now + 5000
    with pytest.raises(RpcError, match="lower than previous"):
        client("evm_setNextBlockTimestamp", now)
    client("anvil_setBlockTimestampInterval", 7)
    client("anvil_mine", 2)
    assert client.number_of_time("latest") == now + 5014
    client("anvil_removeBlockTimestampInterval")


def test_the_next_blocks_environment(client: Client) -> None:
    client("anvil_setCoinbase", "0x" + "ce" * 20)
    client("evm_setBlockGasLimit", 30_000_000)
    client("anvil_setNextBlockBaseFeePerGas", 123_456)
    client("hardhat_setPrevRandao", "0x" + "5c" * 32)
    client("evm_mine")
    block = client("eth_getBlockByNumber", "latest", False)
    assert block["miner"] == "0x" + "ce" * 20
    assert block["gasLimit"] == hex(30_000_000)
    assert block["baseFeePerGas"] == hex(123_456)
    assert block["mixHash"] == "0x" + "5c" * 32
    client("evm_setBlockGasLimit", 1_000_000_000)


def test_anyone_may_be_impersonated(client: Client) -> None:
    call = {"to": OTHER, "value": "0x5", "gas": hex(21_000)}
    with pytest.raises(RpcError, match="unknown account"):
        client("eth_sendTransaction", call | {"from": ADDRESS})
    digests = []
    for sender in (ADDRESS, "0x" + "ac" * 20):
        client("anvil_setBalance", sender, hex(10**18))
        client("anvil_impersonateAccount", sender)
        digests.append(client("eth_sendTransaction", call | {"from": sender}))
        assert client.rpc.wait_receipt(digests[-1])["from"] == sender
        client("anvil_stopImpersonatingAccount", sender)
    assert digests[0] != digests[1]
    assert client.number("eth_getBalance", OTHER, "latest") == 10
    assert client("eth_getTransactionByHash", digests[0])["from"] == ADDRESS
    raw = client("eth_getRawTransactionByHash", digests[0])
    with pytest.raises(RpcError, match="invalid transaction v, r, s values"):
        client("eth_sendRawTransaction", raw)
    traced = client("debug_traceTransaction", digests[0], {"tracer": "callTracer"})
    assert traced["from"] == ADDRESS
    with pytest.raises(RpcError, match="unknown account"):
        client("eth_sendTransaction", call | {"from": ADDRESS})


def test_the_node_signs_for_its_accounts(client: Client) -> None:
    first, second = client("eth_accounts")[:2]
    digest = client("eth_sendTransaction", {"from": first, "to": second, "value": "0x1"})
    assert client.rpc.wait_receipt(digest)["from"] == first
    call = {
        "from": second,
        "to": first,
        "gas": "0x5208",
        "gasPrice": hex(10**11),
        "nonce": "0x0",
        "value": "0x1",
    }
    signed = client("eth_signTransaction", call)
    sent = client("eth_sendRawTransaction", signed["raw"])
    assert client.rpc.wait_receipt(sent)["from"] == second


def test_dropping_from_the_pool(client: Client) -> None:
    client("evm_setAutomine", False)
    digests = [
        client("eth_sendRawTransaction", hexed(client.raw(b"\1" * 20, value=value, nonce=nonce)))
        for value, nonce in enumerate(range(client.next_nonce(), client.next_nonce() + 3))
    ]
    assert client("anvil_dropTransaction", digests[1]) == digests[1]
    assert client("anvil_dropTransaction", digests[1]) is None
    client("evm_mine")
    assert client("eth_getTransactionReceipt", digests[0]) is not None
    assert client("eth_getTransactionReceipt", digests[2]) is None
    client("anvil_dropAllTransactions")
    assert client("txpool_status") == {"pending": "0x0", "queued": "0x0"}


def test_a_dumped_state_comes_back(client: Client) -> None:
    token = client.send(b"", data=unhexed(load("Counter").bytecode))["contractAddress"]
    client("anvil_setStorageAt", token, "0x4", "0x44")
    root = client("eth_getBlockByNumber", "latest", False)["stateRoot"]
    dump = client("anvil_dumpState")
    client("anvil_setBalance", ADDRESS, "0x1")
    client("anvil_setStorageAt", token, "0x4", "0x0")
    client("anvil_setStorageAt", token, "0x5", "0x55")
    client("anvil_setCode", token, "0x00")
    code = client("eth_getCode", token, "latest")
    assert client("anvil_loadState", dump) is True
    assert client("eth_getCode", token, "latest") != code
    assert client.number("eth_getStorageAt", token, "0x4", "latest") == 0x44
    assert client.number("eth_getStorageAt", token, "0x5", "latest") == 0
    assert client("eth_getBalance", ADDRESS, "latest") == "0x0"
    assert (
        client("eth_getBlockByNumber", "latest", False)["stateRoot"] != root
    )  # block hashes are in the state
    for nonsense in ("0x", "0x1234", dump[:200]):
        with pytest.raises(RpcError, match="not a state of this node"):
            client("anvil_loadState", nonsense)


def test_edits_and_cuts_survive_a_restart(folder: Path) -> None:
    config = NodeConfig(datadir=folder, **SETTINGS)
    first = Node(config)
    first.start()
    client = Client(first)
    for value in range(1, 6):
        client("anvil_setStorageAt", ADDRESS, hex(value), hex(value))
        client.send(unhexed(OTHER), value=value)
    head = client("eth_getBlockByNumber", "latest", False)
    first.stop()
    second = Node(config)
    second.start()
    try:
        client = Client(second)
        assert client("eth_getBlockByNumber", "latest", False) == head
        assert client.number("eth_getStorageAt", ADDRESS, "0x5", "latest") == 5
        client("anvil_rollback", 4)  # the values before are no longer in memory
        assert client.number("eth_getStorageAt", ADDRESS, "0x3", "latest") == 3
        assert client.number("eth_getStorageAt", ADDRESS, "0x4", "latest") == 0
        assert client.number("eth_getBalance", OTHER, "latest") == 6
        cut = client("eth_getBlockByNumber", "latest", False)
    finally:
        second.stop()
    third = Node(config)
    third.start()
    try:
        client = Client(third)
        assert client("eth_getBlockByNumber", "latest", False) == cut
        client("anvil_reset")
        assert client("eth_blockNumber") == "0x0"
        assert client("eth_getBalance", OTHER, "latest") == "0x0"
        assert client.send(unhexed(OTHER), value=9)["status"] == "0x1"
    finally:
        third.stop()


def test_tokens_are_dealt(client: Client) -> None:
    words = [(n).to_bytes(32, "big") for n in (96, 160, 10**24, 4)]
    arguments = b"".join(words) + b"Gold".ljust(32, b"\0") + (2).to_bytes(32, "big") + b"AU".ljust(32, b"\0")
    made = client.send(b"", data=unhexed(load("Token").bytecode) + arguments, gas=3_000_000)
    token, rich, spender = made["contractAddress"], hexed(b"\x61" * 20), hexed(b"\x62" * 20)

    def ask(signature: str, *addresses: str) -> int:
        data = keccak256(signature.encode())[:4] + b"".join([unhexed(a).rjust(32, b"\0") for a in addresses])
        return client.number("eth_call", {"to": token, "data": hexed(data)}, "latest")

    for amount in (5, 10**30, 0):
        assert client("anvil_dealERC20", rich, token, hex(amount)) is None
        assert ask("balanceOf(address)", rich) == amount
        client("anvil_setERC20Allowance", rich, spender, token, hex(amount + 1))
        assert ask("allowance(address,address)", rich, spender) == amount + 1
    assert ask("balanceOf(address)", hexed(client.address)) == 10**24
    with pytest.raises(RpcError, match="no storage slot holds this value"):
        client("anvil_dealERC20", rich, spender, "0x1")


def test_the_interval_is_told(client: Client) -> None:
    assert client("anvil_getIntervalMining") is None
    client("evm_setIntervalMining", 3600)
    assert client("anvil_getIntervalMining") == 3600
    client("evm_setIntervalMining", 0)
    assert client("anvil_getIntervalMining") is None


def test_a_transaction_of_the_node_and_its_receipt(client: Client) -> None:
    sender = client("eth_requestAccounts")[1]
    receipt = client("eth_sendTransactionSync", {"from": sender, "to": hexed(b"\x63" * 20), "value": "0x7"})
    assert (receipt["from"], receipt["status"]) == (sender, "0x1")
    assert receipt == client("eth_getTransactionReceipt", receipt["transactionHash"])


def test_blocks_are_shown_as_they_are_made(client: Client) -> None:
    client("evm_setAutomine", False)
    digest = client("eth_sendRawTransaction", hexed(client.raw(b"\x64" * 20, 3)))
    when = client.number_of_time("latest") + 50
    first, second = client("evm_mine_detailed", {"blocks": 2, "timestamp": when})
    assert [tx["hash"] for tx in first["transactions"]] == [digest]
    assert (first["timestamp"], second["transactions"]) == (hex(when), [])
    assert second == client("eth_getBlockByNumber", "latest", True)


def test_a_sender_that_nobody_holds_is_unknown_whatever_it_has(client: Client) -> None:
    poor = "0x" + "de" * 20
    with pytest.raises(RpcError, match=r"^-32000: unknown account$"):
        client("eth_sendTransaction", {"from": poor, "to": OTHER, "value": "0x9"})


def test_anyone_may_send_unsigned_once(client: Client) -> None:
    client("anvil_setBalance", ADDRESS, hex(10**18))
    call = {"from": ADDRESS, "to": OTHER, "value": "0x9"}
    with pytest.raises(RpcError, match="unknown account"):
        client("eth_sendTransaction", call)
    receipt = client.rpc.wait_receipt(client("eth_sendUnsignedTransaction", call))
    assert (receipt["from"], receipt["status"]) == (ADDRESS, "0x1")
    with pytest.raises(RpcError, match="unknown account"):
        client("eth_sendTransaction", call)
