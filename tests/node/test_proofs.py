"""Proofs that the node gives, checked from their bytes with the slow model of the trie."""

from __future__ import annotations

from typing import Any

import pytest

from jovay.kernel.hashes.poseidon2_constants import P
from rigs.rpc import RpcError
from rigs.solidity import load
from rigs.zktrie_model import compress, leaf_digest, pack, path, words

from .conftest import Client, hexed, unhexed

BASIC, CODE_HASH, UPPER_BALANCE, SLOT = range(4)


def state_key(kind: int, address: bytes, slot: int = 0) -> bytes:
    """docs/zktrie.md, "State keys"."""
    number = int.from_bytes(address, "big") << 256 | slot
    limbs = [number >> 28 * i & (1 << 28) - 1 for i in range(15)] + [kind]
    block = pack(limbs)
    return compress(block[:32], block[32:])


def proven(root: bytes, key: bytes, nodes: list[bytes]) -> bytes:
    """Value of a key (zeros: none) after following a proof from the root; AssertionError for a bad proof."""
    by_digest: dict[bytes, bytes] = {}
    for node in nodes:
        assert len(node) == 65
        if node[0] == 1:
            by_digest[leaf_digest(node[1:33], node[33:])] = node
    expected, depth, bits = root, -1, path(key)
    while expected not in by_digest:
        node, decided = branch(expected, nodes)
        assert decided > depth
        depth = decided
        expected = node[33:] if bits[decided] == "1" else node[1:33]
    leaf = by_digest[expected]
    return leaf[33:] if leaf[1:33] == key else bytes(32)


def branch(expected: bytes, nodes: list[bytes]) -> tuple[bytes, int]:
    """The branch with this digest, and the bit that it decides."""
    first, *rest = words(expected)
    for node in nodes:
        if node[0] == 0:
            plain, *others = words(compress(node[1:33], node[33:]))
            number = (first - plain) % P - (1 << 16) - 1
            if others == rest and 0 <= number < 248:
                return node, number
    raise AssertionError("no node has the digest that is wanted")


def check_account(client: Client, address: str, block: str, slots: list[str]) -> dict[str, Any]:
    """A proof whose every value follows from the header's state root."""
    proof: dict[str, Any] = client("eth_getProof", address, slots, block)
    root = unhexed(client("eth_getBlockByNumber", block, False)["stateRoot"])
    nodes = [unhexed(node) for node in proof["accountProof"]]
    raw = unhexed(address)
    basic = proven(root, state_key(BASIC, raw), nodes)
    assert int.from_bytes(basic[8:16], "big") == int(proof["nonce"], 16)
    balance = int.from_bytes(basic[16:], "big")
    if basic[1] & 1:
        balance |= int.from_bytes(proven(root, state_key(UPPER_BALANCE, raw), nodes), "big") << 128
    assert balance == int(proof["balance"], 16)
    code = proven(root, state_key(CODE_HASH, raw), nodes)
    assert (code == bytes(32)) == (client("eth_getCode", address, block) == "0x")
    if any(code):
        assert hexed(code) == proof["codeHash"]
    for item in proof["storageProof"]:
        value = proven(root, state_key(SLOT, raw, int(item["key"], 16)), [unhexed(n) for n in item["proof"]])
        assert int.from_bytes(value, "big") == int(item["value"], 16)
    return proof


@pytest.fixture(scope="module")
def counter(node: Any) -> str:
    address: str = Client(node).send(b"", data=unhexed(load("Counter").bytecode))["contractAddress"]
    return address


def test_proofs_of_the_newest_state(client: Client, counter: str) -> None:
    client.send(unhexed(counter), data=bytes.fromhex("64a3bd57") + (3).to_bytes(32, "big"))
    client("anvil_setStorageAt", counter, "0x0", "0x7")
    client("anvil_setBalance", "0x" + "77" * 20, hex(3 << 200))
    proof = check_account(client, counter, "latest", ["0x0", "0x1"])
    assert [item["value"] for item in proof["storageProof"]] == ["0x7", "0x0"]
    assert check_account(client, "0x" + "77" * 20, "latest", [])["balance"] == hex(3 << 200)
    check_account(client, hexed(client.address), "latest", [])
    absent = check_account(client, "0x" + "88" * 20, "latest", ["0x5"])
    assert (absent["balance"], absent["nonce"]) == ("0x0", "0x0")


def test_proofs_of_older_states_and_the_chain_goes_on(client: Client, counter: str) -> None:
    blocks = []
    for value in (11, 12, 0, 13):
        client("anvil_setStorageAt", counter, "0x9", hex(value))
        client.send(b"\x99" * 20, value=value)
        blocks.append((client("eth_blockNumber"), value))
    total = client.number("eth_getBalance", "0x" + "99" * 20, hex(int(blocks[0][0], 16) - 2))
    for block, value in blocks:
        total += value
        assert check_account(client, counter, block, ["0x9"])["storageProof"][0]["value"] == hex(value)
        assert int(check_account(client, "0x" + "99" * 20, block, [])["balance"], 16) == total
    assert client.send(b"\x99" * 20, value=1)["status"] == "0x1"
    check_account(client, counter, "latest", ["0x9"])


def test_proofs_from_the_two_methods_agree(client: Client, counter: str) -> None:
    one, other = (
        client("eth_getProof", counter, ["0x0"], "latest"),
        client("jovay_getProof", counter, ["0x0"], "latest"),
    )
    assert one["accountProof"] == other["accountProof"]
    assert one["storageProof"][0]["proof"] == other["storageProof"][0]["proof"]
    assert other["stateRoot"] == client("eth_getBlockByNumber", "latest", False)["stateRoot"]
    with pytest.raises(RpcError):
        client("eth_getProof", counter, ["0x0"], "0xffffff")
