"""Blocks, receipts and logs as the node serves them, against roots and hashes computed from scratch."""

from __future__ import annotations

from typing import Any

import pytest
import rlp
from eth_account import Account
from trie import HexaryTrie

from jovay.node import Node
from rigs.solidity import load
from rigs.transactions import keccak256

from .conftest import Client, hexed, unhexed


@pytest.fixture(scope="module")
def counter(node: Node) -> bytes:
    """Address of a deployed Counter."""
    receipt = Client(node).send(b"", data=unhexed(load("Counter").bytecode))
    assert receipt["status"] == "0x1"
    return unhexed(receipt["contractAddress"])


def selector(signature: str) -> bytes:
    return keccak256(signature.encode())[:4]


def increment_many(times: int) -> bytes:
    return selector("incrementMany(uint256)") + times.to_bytes(32, "big")


def root_of(values: list[bytes]) -> bytes:
    """The Merkle-Patricia root over values by index."""
    tree = HexaryTrie({})
    for index, value in enumerate(values):
        tree[rlp.encode(index)] = value
    return bytes(tree.root_hash)


@pytest.fixture(scope="module")
def full_block(node: Node, counter: bytes) -> dict[str, Any]:
    """A block with a transaction of every kind that clients send, made at once."""
    client, other = Client(node, 1), Client(node, 2)
    client("evm_setAutomine", False)
    try:
        private = bytes.fromhex(client.key[2:])
        legacy = Account.sign_transaction(
            {
                "nonce": 0,
                "gasPrice": 10**11,
                "gas": 100_000,
                "to": counter,
                "value": 3,
                "data": b"",
                "chainId": 20257,
            },
            private,
        )
        unprotected = Account.sign_transaction(
            {
                "nonce": 1,
                "gasPrice": 10**11,
                "gas": 100_000,
                "to": counter,
                "value": 0,
                "data": increment_many(3),
            },
            private,
        )
        listed = Account.sign_transaction(
            {
                "type": 1,
                "nonce": 2,
                "gasPrice": 10**11,
                "gas": 100_000,
                "to": counter,
                "value": 0,
                "data": selector("failSilently()"),
                "chainId": 20257,
                "accessList": [{"address": hexed(counter), "storageKeys": [hexed(bytes(32))]}],
            },
            private,
        )
        raws = [bytes(item.raw_transaction) for item in (legacy, unprotected, listed)]
        raws.append(other.raw(b"", data=b"\xfe", gas=200_000, nonce=0))
        raws.append(other.raw(b"\x11" * 20, value=7, gas=21_000, nonce=1))
        for raw in raws:
            client("eth_sendRawTransaction", hexed(raw))
        client("evm_mine")
    finally:
        client("evm_setAutomine", True)
    block: dict[str, Any] = client("eth_getBlockByNumber", "latest", True)
    assert {item["hash"] for item in block["transactions"]} == {hexed(keccak256(raw)) for raw in raws}
    return block


def test_hashes_and_roots_follow_from_what_is_served(client: Client, full_block: dict[str, Any]) -> None:
    number = full_block["number"]
    header = unhexed(client("debug_getRawHeader", number))
    assert hexed(keccak256(header)) == full_block["hash"]
    fields = rlp.decode(header)
    assert hexed(fields[3]) == full_block["stateRoot"]
    raws = [
        unhexed(client("eth_getRawTransactionByHash", item["hash"])) for item in full_block["transactions"]
    ]
    assert [hexed(keccak256(raw)) for raw in raws] == [item["hash"] for item in full_block["transactions"]]
    assert hexed(root_of(raws)) == full_block["transactionsRoot"]
    receipts = [unhexed(item) for item in client("debug_getRawReceipts", number)]
    assert hexed(root_of(receipts)) == full_block["receiptsRoot"]


def test_the_raw_block_holds_header_and_transactions(client: Client, full_block: dict[str, Any]) -> None:
    raw = unhexed(client("debug_getRawBlock", full_block["number"]))
    assert len(raw) == int(full_block["size"], 16)
    header, transactions, uncles, withdrawals = rlp.decode(raw)
    assert keccak256(rlp.encode(header)) == unhexed(full_block["hash"])
    assert (uncles, withdrawals) == ([], [])
    shapes = [item if isinstance(item, bytes) else rlp.encode(item) for item in transactions]
    assert [hexed(keccak256(item)) for item in shapes] == [
        item["hash"] for item in full_block["transactions"]
    ]


def test_transactions_are_served_as_they_were_signed(client: Client, full_block: dict[str, Any]) -> None:
    by_type = {item["type"]: item for item in full_block["transactions"]}
    assert set(by_type) == {"0x0", "0x1", "0x2"}
    for item in full_block["transactions"]:
        raw = client("eth_getRawTransactionByHash", item["hash"])
        assert Account.recover_transaction(raw).lower() == item["from"]
        assert client("eth_getTransactionByHash", item["hash"]) == item
    assert by_type["0x1"]["accessList"][0]["storageKeys"] == [hexed(bytes(32))]


def test_receipts_add_up(client: Client, full_block: dict[str, Any], counter: bytes) -> None:
    receipts = client("eth_getBlockReceipts", full_block["number"])
    one_by_one = [client("eth_getTransactionReceipt", item["hash"]) for item in full_block["transactions"]]
    assert receipts == one_by_one
    gas, logs, bloom = 0, 0, 0
    for receipt, item in zip(receipts, full_block["transactions"], strict=True):
        gas += int(receipt["gasUsed"], 16)
        assert int(receipt["cumulativeGasUsed"], 16) == gas
        assert receipt["from"] == item["from"]
        assert receipt["to"] == item["to"]
        assert receipt["effectiveGasPrice"] == item["gasPrice"]
        for log in receipt["logs"]:
            assert int(log["logIndex"], 16) == logs
            assert log["address"] == hexed(counter)
            logs += 1
        bloom |= int(receipt["logsBloom"], 16)
        if item["to"] is None:
            expected = keccak256(rlp.encode([unhexed(item["from"]), int(item["nonce"], 16)]))[12:]
            assert receipt["contractAddress"] == hexed(expected)
            assert receipt["status"] == "0x0"
    assert gas == int(full_block["gasUsed"], 16)
    assert bloom == int(full_block["logsBloom"], 16)
    assert logs == 4


def test_logs_are_found_by_address_topic_and_range(client: Client, counter: bytes) -> None:
    receipt = client.send(counter, data=increment_many(5))
    block, event = receipt["blockNumber"], hexed(keccak256(b"Counted(address,uint256,string)"))
    query = {"fromBlock": "0x0", "toBlock": "latest"}
    everything = client("eth_getLogs", query | {"address": hexed(counter)})
    assert [log for log in everything if log["transactionHash"] == receipt["transactionHash"]] == receipt[
        "logs"
    ]
    assert client("eth_getLogs", {"fromBlock": block, "toBlock": block, "topics": [event]}) == receipt["logs"]
    second = receipt["logs"][1]
    found = client("eth_getLogs", query | {"topics": [None, None, second["topics"][2]]})
    assert found == [second]
    assert client("eth_getLogs", query | {"topics": [[event, hexed(b"\1" * 32)], hexed(b"\2" * 32)]}) == []
    assert client("eth_getLogs", query | {"address": "0x" + "77" * 20}) == []
    assert client("eth_getLogs", query | {"topics": [None] * 4}) == []


def test_state_is_read_at_older_heights(client: Client, counter: bytes) -> None:
    to = "0x" + "5a" * 20
    heights = [client.send(unhexed(to), value=value)["blockNumber"] for value in (1, 2, 4)]
    assert [client.number("eth_getBalance", to, height) for height in heights] == [1, 3, 7]
    before = hex(int(heights[0], 16) - 1)
    assert client("eth_getBalance", to, before) == "0x0"
    counts = []
    for _ in range(3):
        block = client.send(counter, data=increment_many(1))["blockNumber"]
        counts.append((client.number("eth_getStorageAt", hexed(counter), "0x0", block), block))
    first = counts[0][0]
    assert [count for count, _ in counts] == [first, first + 1, first + 2]
    for count, block in counts:
        assert client.number("eth_getStorageAt", hexed(counter), "0x0", block) == count
    assert client("eth_getCode", hexed(counter), "0x0") == "0x"
    assert len(client("eth_getCode", hexed(counter), "latest")) > 1000


def test_nothing_above_the_head_exists(client: Client) -> None:
    beyond = hex(client.number("eth_blockNumber") + 1)
    assert client("eth_getBlockByNumber", beyond, False) is None
    assert client("eth_getBlockReceipts", beyond) is None
    assert client("eth_getTransactionReceipt", hexed(bytes(32))) is None


def test_tags_name_blocks(client: Client) -> None:
    assert client("eth_getBlockByNumber", "finalized", False)["number"] == "0x0"
    assert client("eth_getBlockByNumber", "safe", False)["number"] == "0x0"
    assert client("eth_getBlockByNumber", "pending", False)["number"] == client("eth_blockNumber")
    digest = client.send(b"\x01" * 20)["transactionHash"]
    assert client("jovay_getFinality", digest)["stage"] == 1
