"""Messages, their tree, and the statement."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from jovay.bridge.errors import WireError
from jovay.bridge.wire.l1_message import L1Message, rolling_hash
from jovay.bridge.wire.message_tree import MAX_HEIGHT, root_of
from jovay.bridge.wire.statement import Statement
from rigs.message_tree import MessageTree

MESSAGE = L1Message(b"\x11" * 20, b"\x22" * 20, 10**18, 5, b"hello", 200_000, b"\x33" * 20)
STATEMENT = Statement(
    31337, b"\x01" * 20, 20257, *(bytes((n,)) * 32 for n in range(2, 9)), 1_700_000_000_123,
    b"\x0a" * 32, b"\x0b" * 32, [(b"\x0c" * 32, b"\x0d" * 32)],
)  # fmt: skip


def changed(value: Any) -> Any:
    if isinstance(value, int):
        return value + 1
    if isinstance(value, bytes):
        return value[:-1] + bytes((value[-1] ^ 1,))
    (z, y), *rest = value
    return [(z, changed(y)), *rest]


@pytest.mark.parametrize("original", [MESSAGE, STATEMENT], ids=["message", "statement"])
def test_every_field_is_bound(original: Any) -> None:
    hashes = {original.hash}
    for field in fields(original):
        hashes.add(replace(original, **{field.name: changed(getattr(original, field.name))}).hash)
    assert len(hashes) == len(fields(original)) + 1


def test_it_comes_back_from_json() -> None:
    shown = json.loads(json.dumps(STATEMENT.to_json()))
    assert Statement.from_json(shown) == STATEMENT
    assert shown["l2MsgRoot"] == "0x" + STATEMENT.l2_msg_root.hex()


@pytest.mark.parametrize(
    "change",
    [
        {"rollup": "0x12"},
        {"batchHash": "0x" + "zz" * 32},
        {"batchHash": None},
        {"lastTimestamp": -1},
        {"lastTimestamp": True},
        {"l1ChainId": "5"},
        {"openings": [["0x12", "0x12"]]},
        {"openings": 5},
    ],
)
def test_what_is_no_statement_in_json_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(WireError):
        Statement.from_json({**STATEMENT.to_json(), **change})
    for whole in (None, [], "", {}):
        with pytest.raises(WireError):
            Statement.from_json(whole)


def test_openings_are_bound_one_by_one() -> None:
    two = replace(STATEMENT, openings=[(b"\1" * 32, b"\2" * 32), (b"\3" * 32, b"\4" * 32)])
    turned = replace(STATEMENT, openings=two.openings[::-1])
    assert len({STATEMENT.hash, two.hash, turned.hash, replace(STATEMENT, openings=()).hash}) == 4


def test_a_message_is_its_transaction() -> None:
    raw = MESSAGE.transaction()
    assert raw[0] == 0x7F
    assert MESSAGE.hash == keccak(raw)
    types = ["address", "address", "uint256", "uint256", "bytes", "address"]
    call = encode(types, [b"\x11" * 20, b"\x22" * 20, 10**18, 5, b"hello", b"\x33" * 20])
    assert raw.endswith(keccak(text="relayMsg(address,address,uint256,uint256,bytes,address)")[:4] + call)


def test_rolling_hash() -> None:
    one, two = keccak(bytes(32) + b"a" * 32), keccak(keccak(bytes(32) + b"a" * 32) + b"b" * 32)
    assert rolling_hash([]) == bytes(32)
    assert rolling_hash([b"a" * 32]) == one
    assert rolling_hash([b"a" * 32, b"b" * 32]) == two == rolling_hash([b"b" * 32], one)


def padded_root(leaves: list[bytes]) -> bytes:
    """The root, from a full tree."""
    nodes = list(leaves)
    while len(nodes) & (len(nodes) - 1):
        nodes.append(bytes(32))
    while len(nodes) > 1:
        nodes = [keccak(a + b) for a, b in zip(nodes[::2], nodes[1::2], strict=True)]
    return nodes[0]


@given(st.integers(1, 40), st.data())
def test_message_tree(count: int, data: st.DataObject) -> None:
    leaves = [keccak(bytes((n,))) for n in range(count)]
    tree = MessageTree(leaves)
    assert tree.root() == padded_root(leaves)
    index = data.draw(st.integers(0, count - 1))
    proof = tree.proof(index)
    assert root_of(leaves[index], index, proof) == tree.root()
    assert root_of(changed(leaves[index]), index, proof) != tree.root()
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        wrong = [changed(node) if n == at else node for n, node in enumerate(proof)]
        assert root_of(leaves[index], index, wrong) != tree.root()
    with pytest.raises(WireError):
        root_of(leaves[index], 1 << len(proof), proof)


def test_no_proof_above_the_tree() -> None:
    assert MessageTree().root() == bytes(32)
    with pytest.raises(IndexError):
        MessageTree([b"\1" * 32]).proof(1)
    with pytest.raises(WireError):
        root_of(b"\1" * 32, 0, [bytes(32)] * (MAX_HEIGHT + 1))
