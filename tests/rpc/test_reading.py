"""Blocks, transactions, receipts and state over HTTP."""

from __future__ import annotations

import pytest

from rigs.rpc import Rpc, RpcError
from rigs.transactions import keccak256
from rpc.conftest import ALICE, BOB, transfer
from rpc.memory_backend import CHAIN_ID, MemoryBackend


def test_send(rpc: Rpc, backend: MemoryBackend) -> None:
    raw = transfer(0, value=5)
    assert rpc.call("eth_sendRawTransaction", "0x" + raw.hex()) == "0x" + keccak256(raw).hex()
    assert rpc.call("eth_chainId") == hex(CHAIN_ID)
    assert rpc.call("eth_blockNumber") == "0x1"
    receipt = rpc.call("eth_getTransactionReceipt", "0x" + keccak256(raw).hex())
    assert receipt["status"] == "0x1"
    assert receipt["from"] == "0x" + ALICE.hex()
    assert rpc.call("eth_getBalance", "0x" + BOB.hex(), "latest") == hex(10**21 + 5)
    assert rpc.call("eth_getBalance", "0x" + BOB.hex(), "0x0") == hex(10**21)
    with pytest.raises(RpcError, match="nonce too low"):
        rpc.call("eth_sendRawTransaction", "0x" + raw.hex())
