"""A settled node with the real predeploys: value comes in by a message, goes out by another, and its proof is right."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from bridge.test_genesis import ROLES, settlement
from jovay.bridge.genesis import settled_genesis
from jovay.bridge.l1.contracts import Contract
from jovay.bridge.predeploys import L2_ETH_BRIDGE, L2_MAILBOX
from jovay.bridge.wire.l1_message import L1Message
from jovay.bridge.wire.message_tree import root_of
from jovay.sequencer.finality import Confirmation, Step
from rigs.rpc import Rpc
from rigs.settled_node import SettledNode
from rigs.transactions import address_of, sign

ETHER = 10**18
KEY = b"\x11" * 32
ME = address_of(KEY)
ALIAS = settlement().l1_eth_bridge


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[SettledNode]:
    node = SettledNode(tmp_path, settled_genesis(settlement(), ROLES, 1_700_000_000))
    data = Contract("L2ETHBridge", L2_ETH_BRIDGE).encode("finalizeDeposit", ALIAS, ME, ETHER)
    message = L1Message(ALIAS, L2_ETH_BRIDGE, ETHER, 0, data, 400_000, ME)
    node.sequencer.inbox.offer(0, [message.transaction()])
    node.wait_for_messages(1)
    yield node
    node.stop()


@pytest.fixture
def rpc(chain: SettledNode) -> Iterator[Rpc]:
    client = Rpc(chain.node.http_url)
    yield client
    client.close()


def withdraw(rpc: Rpc, nonce: int, amount: int = ETHER // 10) -> dict[str, Any]:
    data = Contract("L2ETHBridge", L2_ETH_BRIDGE).encode("withdraw", ME, amount)
    raw = sign(2, [20257, nonce, 0, 10**10, 500_000, L2_ETH_BRIDGE, amount, data, []], KEY)
    receipt = rpc.wait_receipt(rpc.call("eth_sendRawTransaction", "0x" + raw.hex()))
    assert receipt["status"] == "0x1"
    return receipt


def test_a_withdrawal_is_proven_for_the_end_of_its_batch(chain: SettledNode, rpc: Rpc) -> None:
    assert int(rpc.call("eth_getBalance", "0x" + ME.hex(), "latest"), 16) == ETHER
    receipts = [withdraw(rpc, nonce) for nonce in range(3)]
    (found,) = rpc.call("jovay_getWithdrawalProof", receipts[1]["transactionHash"])
    assert (found["state"], found["nonce"], found["value"]) == ("executed", "0x1", hex(ETHER // 10))
    ends = [int(receipts[1]["blockNumber"], 16), chain.sequencer.visible.number]
    roots = [rpc.call("eth_getStorageAt", "0x" + L2_MAILBOX.hex(), "0x0", hex(end)) for end in ends]
    finality = chain.sequencer.finality
    for index, end in enumerate(ends, 1):
        finality.report(Step.COMMITTED, Confirmation(end, index, b"\7" * 32, 5))
    finality.report(Step.ATTESTED, Confirmation(ends[0], 1, b"\x08" * 32, 6))
    for receipt, batch, state in ((receipts[1], 0, "attested"), (receipts[2], 1, "committed")):
        (found,) = rpc.call("jovay_getWithdrawalProof", receipt["transactionHash"])
        assert (found["state"], found["batch"]["index"]) == (state, hex(batch + 1))
        proof = [bytes.fromhex(node[2:]) for node in found["proof"]]
        root = root_of(bytes.fromhex(found["hash"][2:]), int(found["nonce"], 16), proof)
        assert "0x" + root.hex() == roots[batch]
    batch = rpc.call("jovay_getBatch", 2)
    assert (batch["firstBlock"], batch["lastBlock"]) == (hex(ends[0] + 1), hex(ends[1]))
    assert rpc.call("jovay_getBatchByBlock", hex(ends[0]))["index"] == "0x1"
    assert rpc.call("jovay_getBatch", 3) is None


def test_the_data_fee_is_what_the_receipt_says(chain: SettledNode, rpc: Rpc) -> None:
    raw = sign(2, [20257, 0, 0, 10**10, 21_000, ME, 1, b"", []], KEY)
    guess = rpc.call("jovay_estimateL1Fee", "0x" + raw.hex())
    receipt = rpc.wait_receipt(rpc.call("eth_sendRawTransaction", "0x" + raw.hex()))
    assert int(guess["fee"], 16) == int(guess["feePerByte"], 16) * len(raw) > 0
    assert receipt["l1Fee"] == guess["fee"]


def test_progress_counts_messages_and_blocks(chain: SettledNode, rpc: Rpc) -> None:
    status = rpc.call("jovay_syncStatus")
    assert status["messages"] == {"seen": None, "executed": "0x1"}
    assert status["backlog"]["blocks"] == status["blocks"]["latest"]
    assert (int(status["backlog"]["mostBlocks"], 16), status["backlog"]["stall"]) == (1_000_000, None)
    assert rpc.call("jovay_getSettlement") == settlement().to_json()
    assert rpc.call("jovay_proverInfo") is None


def test_finality_is_told_to_who_listens(chain: SettledNode) -> None:
    with connect(chain.node.ws_url) as socket:
        socket.send(
            json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["finality"]})
        )
        identifier = json.loads(socket.recv(10))["result"]
        chain.sequencer.finality.report(Step.COMMITTED, Confirmation(1, 1, b"\7" * 32, 5))
        told = json.loads(socket.recv(10))["params"]
    assert told["subscription"] == identifier
    assert told["result"] == {
        "stage": "committed",
        "blockNumber": "0x1",
        "batchIndex": "0x1",
        "transactionHash": "0x" + "07" * 32,
        "timestamp": "0x5",
    }
