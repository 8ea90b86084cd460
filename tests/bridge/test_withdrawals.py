"""L2 messages and their tree: proofs for every earlier count, kept over restarts, and led back."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode
from web3 import Web3

from jovay.bridge import artifacts
from jovay.bridge.errors import MessageOrderError
from jovay.bridge.wire.message_tree import root_of
from jovay.bridge.withdrawals import L2Message, L2Messages
from jovay.storage.kv import MemoryKV
from rigs.message_tree import MessageTree

SENDER, TARGET = "0x" + "0a" * 20, "0x" + "0b" * 20


def message(nonce: int, block: int) -> L2Message:
    kinds = ("address", "address", "uint256", "uint256", "bytes")
    return L2Message(nonce, block, b"call" + encode(kinds, (SENDER, TARGET, 5, nonce, b"data")))


def opened(kv: MemoryKV) -> L2Messages:
    return L2Messages(kv, lambda batch: kv.write(batch, sync=True))


def filled(kv: MemoryKV, count: int) -> L2Messages:
    """Message n was sent in block n // 3."""
    messages = opened(kv)
    for first in range(0, count, 7):
        part = [message(n, n // 3) for n in range(first, min(first + 7, count))]
        messages.append(part, part[-1].block, b"\1" * 32)
    return messages


def test_proofs_for_every_count_lead_to_the_roots_of_the_whole_tree() -> None:
    messages = filled(MemoryKV(), 37)
    leaves = [message(n, n // 3).leaf for n in range(37)]
    for count in range(38):
        tree = MessageTree(leaves[:count])
        assert messages.root(count) == tree.root()
        for nonce in range(count):
            proof = messages.proof(nonce, count)
            assert proof == tree.proof(nonce)
            assert root_of(leaves[nonce], nonce, proof) == tree.root()


def test_a_proof_beyond_what_is_there_is_refused() -> None:
    messages = filled(MemoryKV(), 5)
    for nonce, count in ((5, 5), (0, 6), (-1, 3)):
        with pytest.raises(IndexError):
            messages.proof(nonce, count)


def test_messages_are_found_after_a_restart() -> None:
    kv = MemoryKV()
    before = filled(kv, 20)
    after = opened(kv)
    assert (after.count, after.read) == (20, (6, b"\1" * 32))
    assert after.root(20) == before.root(20)
    assert after.message(13) == message(13, 4)
    assert after.message(20) is None
    assert [after.count_at(block) for block in (0, 1, 5, 6, 99)] == [3, 6, 18, 20, 20]


def test_blocks_without_messages_are_written_down_seldom() -> None:
    kv = MemoryKV()
    messages, written = filled(kv, 5), list[int]()
    messages = L2Messages(kv, lambda batch: written.append(len(batch)) or kv.write(batch))
    for block in range(2, 10_000, 100):
        messages.append([], block, block.to_bytes(32, "big"))
    assert messages.read == (9_902, (9_902).to_bytes(32, "big"))
    assert len(written) == 2
    assert 4_096 <= opened(kv).read[0] <= 9_902


def test_a_gap_is_refused_and_nothing_is_stored() -> None:
    messages = filled(MemoryKV(), 4)
    with pytest.raises(MessageOrderError, match="L2 message 4 is next, and 5 was found"):
        messages.append([message(5, 3)], 3, bytes(32))
    assert messages.count == 4


def test_after_a_rewind_other_messages_follow() -> None:
    kv = MemoryKV()
    messages = filled(kv, 20)
    messages.rewind(2, b"\2" * 32)
    assert (messages.count, messages.read) == (9, (2, b"\2" * 32))
    others = [message(n, 40) for n in range(9, 30)]
    messages.append(others, 40, b"\3" * 32)
    leaves = [message(n, n // 3).leaf for n in range(9)] + [other.leaf for other in others]
    assert messages.root(30) == MessageTree(leaves).root()
    assert messages.proof(8, 30) == MessageTree(leaves).proof(8)


def test_a_claim_is_the_call_that_the_mailbox_takes() -> None:
    claim = message(3, 1).claim(7, [b"\4" * 32, b"\5" * 32])
    mailbox = Web3().eth.contract(abi=artifacts.load("L1Mailbox").abi)
    function, arguments = mailbox.decode_function_input(claim)
    assert function.fn_name == "relayMsgWithProof"
    assert arguments["proof"] == {"batchIndex": 7, "merkleProof": b"\4" * 32 + b"\5" * 32}
    assert (arguments["value"], arguments["nonce"], arguments["data"]) == (5, 3, b"data")
    assert arguments["target"].lower() == TARGET
