"""debug_executionWitness: blocks of a node executed again from what it hands out, natively and as the guest."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from jovay.chain import rlp
from jovay.kernel.programs import verdict
from jovay.kernel.programs.stateless import Witness
from jovay.native.library import Library
from jovay.node import Node
from jovay.tracer.guest import GuestExecutor
from jovay.tracer.witness import StatelessExecutor, StatelessResult
from rigs.rpc import RpcError
from rigs.solidity import load
from rigs.transactions import keccak256

from .conftest import Client, hexed, unhexed


@pytest.fixture(scope="module")
def executor(library: Library) -> StatelessExecutor:
    return StatelessExecutor(library, 8 << 30)


@pytest.fixture(scope="module")
def counter(node: Node) -> bytes:
    return unhexed(Client(node).send(b"", data=unhexed(load("Counter").bytecode))["contractAddress"])


def count_up(times: int) -> bytes:
    return keccak256(b"incrementMany(uint256)")[:4] + times.to_bytes(32, "big")


@pytest.fixture(scope="module")
def block(node: Node, counter: bytes) -> dict[str, Any]:
    """A block of a creation, calls, a failing call and transfers; more blocks come after it."""
    client = Client(node)
    factory = unhexed(
        client.send(b"", data=unhexed(load("Factory").bytecode), gas=2_000_000)["contractAddress"]
    )
    nonce = client.next_nonce()
    work = [
        (b"", 0, unhexed(load("Counter").bytecode)),
        (counter, 0, count_up(5)),
        (counter, 0, count_up(0)),
        (counter, 0, b"\xff\xff\xff\xff"),
        (b"\x71" * 20, 7, b""),
        (factory, 0, keccak256(b"makeAndRetire(bytes32,uint256)")[:4] + bytes(31) + b"\1" + bytes(32)),
    ]
    client("evm_setAutomine", False)
    for k, (to, value, data) in enumerate(work):
        client("eth_sendRawTransaction", hexed(client.raw(to, value, data, nonce=nonce + k)))
    client("evm_mine")
    client("evm_setAutomine", True)
    found: dict[str, Any] = client("eth_getBlockByNumber", "latest", False)
    assert len(found["transactions"]) == len(work)
    client.send(counter, 0, count_up(9))
    client.send(b"\x71" * 20, 1)
    return found


def is_of(result: StatelessResult, block: dict[str, Any]) -> bool:
    return (
        result.status == verdict.OK
        and hexed(result.state_root) == block["stateRoot"]
        and hexed(result.receipts_root) == block["receiptsRoot"]
        and hexed(result.transactions_root) == block["transactionsRoot"]
        and hexed(result.bloom) == block["logsBloom"]
        and result.gas_used == int(block["gasUsed"], 16)
    )


def test_the_block_follows_from_its_witness(
    client: Client, executor: StatelessExecutor, block: dict[str, Any], counter: bytes
) -> None:
    for name in (block["number"], block["hash"]):
        found = client("debug_executionWitness", name)
        assert is_of(executor.execute(unhexed(found["witness"])), block)
    assert found["scheme"] == "zktrie-poseidon2-v1"
    (parent,) = map(unhexed, found["headers"])
    assert hexed(keccak256(parent)) == block["parentHash"]
    assert client("eth_getCode", hexed(counter), "latest") in found["codes"]
    assert {hexed(client.address), hexed(counter), hexed(counter + bytes(32))} <= set(found["keys"])
    for part in found["state"] + found["codes"]:
        assert part[2:] in found["witness"]


def test_the_guest_gives_the_same(client: Client, block: dict[str, Any]) -> None:
    witness = unhexed(client("debug_executionWitness", block["number"])["witness"])
    guest = GuestExecutor()
    assert is_of(guest.execute(witness)[0], block)
    witness = bytearray(witness)
    witness[-40] ^= 1
    assert not is_of(guest.execute(bytes(witness))[0], block)


def test_flipped_and_missing_bytes_are_noticed(
    client: Client, executor: StatelessExecutor, block: dict[str, Any]
) -> None:
    found = client("debug_executionWitness", block["number"])
    witness = unhexed(found["witness"])
    (proof,) = map(unhexed, found["state"])
    first = witness.index(proof)
    dice = np.random.default_rng(5)
    refused = 0
    for at in [*dice.choice(np.arange(Witness.size, first + len(proof)), 300, replace=False).tolist()]:
        forged = bytearray(witness)
        forged[at] ^= 1 << int(dice.integers(8))
        result = executor.execute(bytes(forged))
        assert result.status != verdict.OK or is_of(result, block)  # padding may be anything
        refused += result.status != verdict.OK
    assert refused > 200
    for at in (Witness.size, first + 5, len(witness) - 1):
        assert executor.execute(witness[:at] + witness[at + 1 :]).status == verdict.MALFORMED


def test_blocks_around_it(client: Client, executor: StatelessExecutor, block: dict[str, Any]) -> None:
    number = int(block["number"], 16)
    for height in (number - 1, number + 1, number + 2):
        witness = unhexed(client("debug_executionWitness", hex(height))["witness"])
        assert is_of(executor.execute(witness), client("eth_getBlockByNumber", hex(height), False))
        assert not is_of(executor.execute(witness), block)


def test_blocks_that_no_witness_can_give(client: Client, counter: bytes) -> None:
    client("anvil_setBalance", "0x" + "72" * 20, "0x5")
    with pytest.raises(RpcError, match="development methods have changed the state"):
        client("debug_executionWitness", "latest")
    with pytest.raises(RpcError, match="genesis is not executed"):
        client("debug_executionWitness", "0x0")
    with pytest.raises(RpcError, match="block #16777215 not found"):
        client("debug_executionWitness", "0xffffff")
    stranger = "0x" + "72" * 20
    client("anvil_setBalance", stranger, hex(10**18))
    client("anvil_impersonateAccount", stranger)
    digest = client("eth_sendTransaction", {"from": stranger, "to": stranger, "gas": "0x10000"})
    mined = client.rpc.wait_receipt(digest)["blockNumber"]
    client("anvil_stopImpersonatingAccount", stranger)
    with pytest.raises(RpcError, match="its signature is void"):
        client("debug_executionWitness", mined)


def test_a_collision_with_storage_follows_from_its_witness(
    client: Client, executor: StatelessExecutor
) -> None:
    """EIP-7610: where storage lies no contract comes about, and a slot in the witness shows that it does."""
    target = keccak256(rlp.encode([client.address, client.next_nonce()]))[12:]
    client("anvil_setBalance", hexed(target), "0x5")
    client("anvil_setStorageAt", hexed(target), "0x7", "0x2a")
    receipt = client.send(b"", data=bytes.fromhex("5f5ff3"))
    assert (receipt["status"], receipt["contractAddress"]) == ("0x0", hexed(target))
    assert client("eth_getTransactionCount", hexed(target), "latest") == "0x0"
    found = client("debug_executionWitness", receipt["blockNumber"])
    block = client("eth_getBlockByNumber", receipt["blockNumber"], False)
    assert hexed(target + bytes(31) + b"\7") in found["keys"]
    assert is_of(executor.execute(unhexed(found["witness"])), block)
