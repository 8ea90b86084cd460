"""Calls, estimates, access lists, simulations and traces over a whole node."""

from __future__ import annotations

from typing import Any

import pytest

from jovay.node import Node
from rigs.rpc import RpcError
from rigs.solidity import load
from rigs.transactions import keccak256

from .conftest import Client, hexed, unhexed


@pytest.fixture(scope="module")
def token(node: Node) -> bytes:
    """Address of a deployed Token with 10²⁴ units."""
    words = [(n).to_bytes(32, "big") for n in (96, 160, 10**24, 4)]
    arguments = b"".join(words) + b"Gold".ljust(32, b"\0") + (2).to_bytes(32, "big") + b"AU".ljust(32, b"\0")
    receipt = Client(node).send(b"", data=unhexed(load("Token").bytecode) + arguments, gas=3_000_000)
    assert receipt["status"] == "0x1"
    return unhexed(receipt["contractAddress"])


def method(signature: str, *words: int | bytes) -> bytes:
    parts = [w.to_bytes(32, "big") if isinstance(w, int) else w.rjust(32, b"\0") for w in words]
    return keccak256(signature.encode())[:4] + b"".join(parts)


def transfer(to: bytes, amount: int) -> bytes:
    return method("transfer(address,uint256)", to, amount)


def test_calls_of_older_blocks(client: Client, token: bytes) -> None:
    balance = {"to": hexed(token), "data": hexed(method("balanceOf(address)", client.address))}
    blocks, balances = [], []
    for _ in range(4):
        receipt = client.send(token, data=transfer(b"\x11" * 20, 1_000))
        blocks.append(receipt["blockNumber"])
        balances.append(int(client("eth_call", balance, receipt["blockNumber"]), 16))
    assert balances == [balances[0] - 1_000 * k for k in range(4)]
    assert [int(client("eth_call", balance, number), 16) for number in blocks] == balances
    assert int(client("eth_call", balance, "latest"), 16) == balances[-1]


def test_estimates_are_enough_and_hardly_more(client: Client, token: bytes) -> None:
    data = transfer(b"\x22" * 20, 5)
    call = {"from": hexed(client.address), "to": hexed(token), "data": hexed(data)}
    estimate = client.number("eth_estimateGas", call)
    receipt = client.send(token, data=data, gas=estimate)
    assert receipt["status"] == "0x1"
    assert estimate <= int(receipt["gasUsed"], 16) * 1.05
    with pytest.raises(RpcError, match="execution reverted"):
        client("eth_estimateGas", call | {"data": hexed(transfer(b"\x22" * 20, 10**30))})
    assert client.number("eth_estimateGas", {"to": hexed(b"\x33" * 20), "value": "0x0"}) == 21_000


def test_access_lists_name_the_balances(client: Client, token: bytes) -> None:
    call = {"from": hexed(client.address), "to": hexed(token), "data": hexed(transfer(b"\x44" * 20, 5))}
    answer = client("eth_createAccessList", call)
    ((entry),) = answer["accessList"]
    assert entry["address"] == hexed(token)
    slots = {
        hexed(keccak256(who.rjust(32, b"\0") + (3).to_bytes(32, "big")))
        for who in (client.address, b"\x44" * 20)
    }
    assert set(entry["storageKeys"]) == slots
    assert client.number("eth_estimateGas", call | {"accessList": answer["accessList"]}) > 21_000


def test_a_mined_transaction_is_traced(client: Client, token: bytes) -> None:
    receipt = client.send(token, data=transfer(b"\x55" * 20, 77))
    digest = receipt["transactionHash"]
    steps = client("debug_traceTransaction", digest)
    assert steps["gas"] == int(receipt["gasUsed"], 16)
    assert not steps["failed"]
    assert [s["op"] for s in steps["structLogs"]].count("SSTORE") == 2
    assert steps["structLogs"][0]["gas"] + 21_000 < 1_000_000
    calls = client(
        "debug_traceTransaction", digest, {"tracer": "callTracer", "tracerConfig": {"withLog": True}}
    )
    assert calls["gasUsed"] == receipt["gasUsed"]
    assert [log["topics"] for log in calls["logs"]] == [log["topics"] for log in receipt["logs"]]
    states = client(
        "debug_traceTransaction", digest, {"tracer": "prestateTracer", "tracerConfig": {"diffMode": True}}
    )
    number = int(receipt["blockNumber"], 16)
    for when, block in (("pre", number - 1), ("post", number)):
        account = states[when][hexed(client.address)]
        assert account["balance"] == client("eth_getBalance", hexed(client.address), hex(block))
        for slot, value in states[when][hexed(token)]["storage"].items():
            assert value == client("eth_getStorageAt", hexed(token), slot, hex(block))


def test_a_block_of_transactions_is_traced(client: Client, token: bytes) -> None:
    nonce = client.next_nonce()
    raws = [
        hexed(client.raw(token, data=transfer(b"\x66" * 20, k), nonce=nonce + k, gas=100_000))
        for k in range(6)
    ]
    client("evm_setAutomine", False)
    digests = [client("eth_sendRawTransaction", raw) for raw in raws]
    client("evm_setAutomine", True)
    client("evm_mine")
    receipts = [receipt_of(client, digest) for digest in digests]
    for number in {r["blockNumber"] for r in receipts}:
        traced = client("debug_traceBlockByNumber", number, {"tracer": "callTracer"})
        expected = {r["transactionHash"]: r["gasUsed"] for r in receipts if r["blockNumber"] == number}
        found = {one["txHash"]: one["result"]["gasUsed"] for one in traced}
        assert expected.items() <= found.items()


def receipt_of(client: Client, digest: str) -> dict[str, Any]:
    for _ in range(200):
        receipt: dict[str, Any] | None = client("eth_getTransactionReceipt", digest)
        if receipt:
            return receipt
        client("evm_mine")
    raise AssertionError(f"{digest} was not mined")


def test_simulated_blocks_continue_the_chain(client: Client, token: bytes) -> None:
    head = client("eth_getBlockByNumber", "latest", False)
    send = {"from": hexed(client.address), "to": hexed(token), "data": hexed(transfer(b"\x77" * 20, 9))}
    ask = {"to": hexed(token), "data": hexed(method("balanceOf(address)", b"\x77" * 20))}
    request = {"blockStateCalls": [{"calls": [send, ask]}, {"calls": [send, ask]}], "traceTransfers": True}
    first, second = client("eth_simulateV1", request, "latest")
    assert first["parentHash"] == head["hash"]
    assert second["parentHash"] == first["hash"]
    assert [int(block["calls"][1]["returnData"], 16) for block in (first, second)] == [9, 18]
    assert first["calls"][0]["logs"][0]["address"] == hexed(token)
    assert client("eth_call", ask, "latest") == hexed(bytes(32))


def test_errors_in_geths_words(client: Client, token: bytes) -> None:
    poor = {"from": hexed(b"\x01" * 20), "to": hexed(token), "value": "0x1"}
    with pytest.raises(RpcError) as refused:
        client("eth_call", poor)
    assert refused.value.message == (
        "err: insufficient funds for gas * price + value: address 0x0101010101010101010101010101010101010101 "
        "have 0 want 1 (supplied gas 50000000)"
    )
    with pytest.raises(RpcError) as reverted:
        client("eth_call", {"to": hexed(token), "data": hexed(transfer(b"\x11" * 20, 1))})
    assert reverted.value.code == 3
    assert reverted.value.data.startswith(hexed(method("ERC20InsufficientBalance(address,uint256,uint256)")))
    bomb = hexed(bytes.fromhex("5b5f56"))
    state = {hexed(b"\x99" * 20): {"code": bomb}}
    with pytest.raises(RpcError, match="out of gas"):
        client("eth_call", {"to": hexed(b"\x99" * 20)}, "latest", state)
    with pytest.raises(RpcError):
        client("eth_call", {"to": hexed(token)}, "0xffffff")


def test_overrides_through_the_wire(client: Client, token: bytes) -> None:
    code = hexed(bytes.fromhex("5f54435f5260205260405ff3"))
    state = {hexed(token): {"code": code, "stateDiff": {hexed(bytes(32)): hexed((5).to_bytes(32, "big"))}}}
    answer = client("eth_call", {"to": hexed(token)}, "latest", state, {"number": "0x539"})
    assert answer == hexed((0x539).to_bytes(32, "big") + (5).to_bytes(32, "big"))
