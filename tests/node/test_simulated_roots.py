"""State roots of simulated blocks, against the roots that the chain gets when the same is done for real."""

from __future__ import annotations

from typing import Any

import pytest

from jovay.chain import rlp
from jovay.node import Node
from rigs.load import FEE
from rigs.rpc import RpcError
from rigs.solidity import load
from rigs.transactions import keccak256

from .conftest import Client, hexed, unhexed

LATER = 60


@pytest.fixture(scope="module")
def counter(node: Node) -> bytes:
    return unhexed(Client(node).send(b"", data=unhexed(load("Counter").bytecode))["contractAddress"])


def count_up(times: int) -> bytes:
    return keccak256(b"incrementMany(uint256)")[:4] + times.to_bytes(32, "big")


def next_time(client: Client) -> int:
    """A time for the next block, which it is told to take."""
    when = client.number_of_time("latest") + LATER
    client("evm_setNextBlockTimestamp", when)
    return when


def simulate(client: Client, *blocks: dict[str, Any], at: str = "latest", validation: bool = True) -> Any:
    request = {"blockStateCalls": list(blocks), "validation": validation, "returnFullTransactions": True}
    return client("eth_simulateV1", request, at)


def call(client: Client, to: bytes, value: int = 0, data: bytes = b"", **more: Any) -> dict[str, Any]:
    """The call that ``Client.raw`` would make a transaction of."""
    form = {"from": hexed(client.address), "value": hex(value), "input": hexed(data), "gas": hex(1_000_000)}
    form |= {"to": hexed(to)} if to else {}
    return form | {"maxFeePerGas": hex(FEE), "maxPriorityFeePerGas": "0x1"} | more


def block(client: Client, number: str) -> dict[str, Any]:
    found: dict[str, Any] = client("eth_getBlockByNumber", number, False)
    return found


def environment(client: Client) -> dict[str, Any]:
    """Overrides that make the simulated block's base fee the next block's."""
    return {"time": hex(next_time(client)), "baseFeePerGas": client("eth_baseFee")}


@pytest.mark.parametrize("kind", ["transfer", "new account", "call", "creation", "failing call"])
def test_a_transaction_gives_the_same_root(client: Client, counter: bytes, kind: str) -> None:
    to, value, data = {
        "transfer": (b"\x44" * 20, 5, b""),
        "new account": (keccak256(kind.encode())[:20], 1 << 70, b""),
        "call": (counter, 0, count_up(3)),
        "creation": (b"", 0, unhexed(load("Counter").bytecode)),
        "failing call": (counter, 0, b"\xff\xff\xff\xff"),
    }[kind]
    (simulated,) = simulate(
        client, {"blockOverrides": environment(client), "calls": [call(client, to, value, data)]}
    )
    dearer = call(client, to, value, data, maxPriorityFeePerGas="0x2")
    when = {"time": simulated["timestamp"], "baseFeePerGas": simulated["baseFeePerGas"]}
    (other,) = simulate(client, {"blockOverrides": when, "calls": [dearer]})
    receipt = client.send(to, value, data)
    real = block(client, receipt["blockNumber"])
    assert simulated["calls"][0]["gasUsed"] == receipt["gasUsed"]
    names = ["number", "parentHash", "stateRoot", "receiptsRoot", "logsBloom", "gasUsed", "baseFeePerGas"]
    assert [simulated[name] for name in names] == [real[name] for name in names]
    assert other["stateRoot"] != real["stateRoot"]


def test_many_blocks_from_an_older_one(client: Client, counter: bytes) -> None:
    begin = client("eth_blockNumber")
    times, real = [], []
    for value in range(3):
        times.append(next_time(client))
        receipt = client.send(counter, 0, count_up(1 + value))
        real.append(block(client, receipt["blockNumber"]))
    nonce = client.next_nonce() - 3
    client.send(b"\x55" * 20, 9)  # changed since: must not be in the simulated states
    blocks = [
        {
            "blockOverrides": {"time": hex(when), "baseFeePerGas": made["baseFeePerGas"]},
            "calls": [call(client, counter, 0, count_up(1 + k), nonce=hex(nonce + k))],
        }
        for k, (when, made) in enumerate(zip(times, real, strict=True))
    ]
    simulated = simulate(client, *blocks, at=begin)
    assert simulated[0]["stateRoot"] == real[0]["stateRoot"]
    # From the second on, the parent's hash is another one, which EIP-2935 stores.
    assert len({one["stateRoot"] for one in [*simulated, *real]}) == 5


def test_accounts_that_were_made_since(client: Client) -> None:
    """From the block before them, where the trie did not have their leaves nor the shape that these give it."""
    begin, when, base_fee = client("eth_blockNumber"), next_time(client), client("eth_baseFee")
    nonce = client.next_nonce()
    fresh = [keccak256(b"fresh%d" % k)[:20] for k in range(60)]
    client("evm_setAutomine", False)
    for k, to in enumerate(fresh[:40]):
        client("eth_sendRawTransaction", hexed(client.raw(to, 1 + k, nonce=nonce + k)))
    client("evm_mine")
    real = block(client, "latest")
    assert len(real["transactions"]) == 40
    client("evm_setAutomine", True)
    for to in fresh[40:]:
        client.send(to, 3)
    for chosen, same in ((fresh[:40], True), (fresh[20:60], False), (fresh[:39] + fresh[59:], False)):
        calls = [call(client, to, 1 + k, nonce=hex(nonce + k)) for k, to in enumerate(chosen)]
        overrides = {"time": hex(when), "baseFeePerGas": base_fee}
        (simulated,) = simulate(client, {"blockOverrides": overrides, "calls": calls}, at=begin)
        assert (simulated["stateRoot"] == real["stateRoot"]) is same


@pytest.mark.parametrize(
    ("override", "method", "params"),
    [
        ({"balance": hex(7 << 200)}, "anvil_setBalance", [hex(7 << 200)]),
        ({"nonce": "0x9"}, "anvil_setNonce", ["0x9"]),
        ({"code": "0x5f5ff3"}, "anvil_setCode", ["0x5f5ff3"]),
        (
            {"stateDiff": {hexed(bytes(32)): hexed(b"\3" * 32)}},
            "anvil_setStorageAt",
            ["0x0", hexed(b"\3" * 32)],
        ),
    ],
)
def test_an_override_gives_the_root_of_the_edit(
    client: Client, counter: bytes, override: dict[str, Any], method: str, params: list[Any]
) -> None:
    for address in (counter, keccak256(method.encode())[:20]):
        if "stateDiff" in override and address != counter:
            continue
        when = {"time": hex(next_time(client))}
        (simulated,) = simulate(
            client, {"blockOverrides": when, "stateOverrides": {hexed(address): override}}, validation=False
        )
        (without,) = simulate(client, {"blockOverrides": when}, validation=False)
        client(method, hexed(address), *params)
        real = block(client, "latest")
        assert simulated["stateRoot"] == real["stateRoot"]
        assert without["stateRoot"] != real["stateRoot"]


def test_replaced_storage(client: Client, counter: bytes) -> None:
    for slot in range(1, 6):
        client("anvil_setStorageAt", hexed(counter), hex(slot), hex(slot))
    client("anvil_setStorageAt", hexed(counter), "0x3", "0x0")
    keep = {hexed((2).to_bytes(32, "big")): hexed((9).to_bytes(32, "big"))}
    when = {"time": hex(next_time(client))}
    (replaced,) = simulate(
        client,
        {"blockOverrides": when, "stateOverrides": {hexed(counter): {"state": keep}}},
        validation=False,
    )
    zeros = {hexed(slot.to_bytes(32, "big")): hexed(bytes(32)) for slot in (*range(6), 9)} | keep
    (one_by_one,) = simulate(
        client,
        {"blockOverrides": when, "stateOverrides": {hexed(counter): {"stateDiff": zeros}}},
        validation=False,
    )
    (kept,) = simulate(
        client,
        {"blockOverrides": when, "stateOverrides": {hexed(counter): {"stateDiff": keep}}},
        validation=False,
    )
    assert replaced["stateRoot"] == one_by_one["stateRoot"] != kept["stateRoot"]


def test_the_hash_is_that_of_the_header_shown(client: Client, counter: bytes) -> None:
    shown, following = simulate(
        client,
        {"calls": [call(client, counter, 0, count_up(5)), call(client, b"\x44" * 20, 1)]},
        {"calls": []},
        validation=False,
    )
    names = "parentHash sha3Uncles miner stateRoot transactionsRoot receiptsRoot logsBloom difficulty number "
    names += "gasLimit gasUsed timestamp extraData mixHash nonce baseFeePerGas withdrawalsRoot blobGasUsed "
    names += "excessBlobGas parentBeaconBlockRoot requestsHash"
    numbers = set(
        "difficulty number gasLimit gasUsed timestamp baseFeePerGas blobGasUsed excessBlobGas".split()
    )
    fields: list[Any] = [int(shown[n], 16) if n in numbers else unhexed(shown[n]) for n in names.split()]
    encoded = rlp.encode(fields)
    assert hexed(keccak256(encoded)) == shown["hash"] == following["parentHash"]
    envelopes = []
    for tx in shown["transactions"]:
        head = [int(tx[n], 16) for n in ("chainId", "nonce", "maxPriorityFeePerGas", "maxFeePerGas", "gas")]
        envelope: list[Any] = [
            *head,
            unhexed(tx["to"]),
            int(tx["value"], 16),
            unhexed(tx["input"]),
            [],
            0,
            0,
            0,
        ]
        envelopes.append(b"\x02" + rlp.encode(envelope))
        assert hexed(keccak256(envelopes[-1])) == tx["hash"]
    body: list[Any] = [fields, envelopes, [], []]
    assert int(shown["size"], 16) == len(rlp.encode(body))
    assert following["stateRoot"] != shown["stateRoot"]


def test_many_empty_blocks(client: Client) -> None:
    head = int(client("eth_blockNumber"), 16)
    found = simulate(client, {"blockOverrides": {"number": hex(head + 200)}}, validation=False)
    assert len(found) == 200
    assert len({one["stateRoot"] for one in found}) == 200


def test_unknown_blocks(client: Client) -> None:
    with pytest.raises(RpcError, match="header not found"):
        simulate(client, {"calls": []}, at="0xffffff")
