"""Searches over blocks, which have limits: trace_filter, ots_* and what is found by halving over states."""

from __future__ import annotations

import pytest

from jovay.kernel.protocol.opcodes import CALL
from jovay.rpc.backend.errors import HistoryUnavailableError
from jovay.rpc.history import first_state
from jovay.rpc.limits import Limits
from jovay.simulation.requests import CallResult, Frame, Trace
from rigs.rpc import Rpc, RpcError
from rigs.transactions import keccak256
from rpc.memory_backend import MemoryBackend
from rpc.serving import ALICE, BOB, serve, transfer

CARL = b"\xca" * 20


def x(value: bytes) -> str:
    return "0x" + value.hex()


def paid(to: bytes) -> CallResult:
    frame = Frame(op=CALL, depth=0, sender=ALICE, to=to, value=1, gas=100, gas_used=0, input=b"")
    return CallResult(gas_used=21_000, trace=Trace(frames=(frame,)))


def chain(backend: MemoryBackend, rpc: Rpc, transactions: int) -> list[str]:
    """Blocks 1, 2, … of a transfer each; to Carl from the third on, as their traces say."""
    hashes = []
    for nonce in range(transactions):
        raw = transfer(nonce)
        backend.traces[keccak256(raw)] = paid(BOB if nonce < 2 else CARL)
        hashes.append(rpc.call("eth_sendRawTransaction", x(raw)))
    return hashes


def test_pages_and_limits(backend: MemoryBackend) -> None:
    with serve(backend, Limits(trace_blocks=3, log_results=4)) as served:
        rpc = served.rpc()
        hashes = chain(backend, rpc, 6)
        page = rpc.call("ots_searchTransactionsBefore", x(CARL), 0, 2)
        assert [tx["hash"] for tx in page["txs"]] == [hashes[5], hashes[4]]
        assert [one["transactionHash"] for one in page["receipts"]] == [hashes[5], hashes[4]]
        assert (page["firstPage"], page["lastPage"]) == (True, False)
        # Three blocks are looked through, and the page ends early.
        page = rpc.call("ots_searchTransactionsBefore", x(CARL), 5, 9)
        assert [tx["hash"] for tx in page["txs"]] == [hashes[3], hashes[2]]
        assert (page["firstPage"], page["lastPage"]) == (False, False)
        with pytest.raises(RpcError, match="nothing found in blocks 6 to 4: go on from there") as refused:
            rpc.call("ots_searchTransactionsBefore", x(BOB), 0, 9)
        assert refused.value.code == -32005
        assert rpc.call("ots_searchTransactionsBefore", x(BOB), 4, 9)["lastPage"] is True
        with pytest.raises(RpcError, match="nothing found in blocks 1 to 3"):
            rpc.call("ots_searchTransactionsAfter", x(b"\1" * 20), 0, 9)
        page = rpc.call("ots_searchTransactionsAfter", x(CARL), 3, 9)
        assert [tx["hash"] for tx in page["txs"]] == [hashes[5], hashes[4], hashes[3]]
        assert (page["firstPage"], page["lastPage"]) == (True, False)
        for size in (0, 1_001):
            with pytest.raises(RpcError, match="page must be of 1 to 1000"):
                rpc.call("ots_searchTransactionsAfter", x(CARL), 0, size)
        with pytest.raises(RpcError, match=r"block range is too wide \(limit 3\)"):
            rpc.call("trace_filter", {"fromBlock": "0x1", "toBlock": "0x4"})
        assert len(rpc.call("trace_filter", {"fromBlock": "0x4", "toBlock": "0x6"})) == 3
    with serve(backend, Limits(log_results=4)) as served:
        rpc = served.rpc()
        with pytest.raises(RpcError, match="more than 4 results"):
            rpc.call("trace_filter", {})
        with pytest.raises(RpcError, match="more than 4 results"):
            rpc.call("trace_filter", {"count": 5})
        assert len(rpc.call("trace_filter", {"after": 1, "count": 4})) == 4
        assert len(rpc.call("trace_filter", {"after": 2})) == 4
    with serve(backend, Limits(trace_time=0.0)) as served:
        rpc = served.rpc()
        with pytest.raises(RpcError, match="takes too long: blocks 0 to 0 were searched"):
            rpc.call("trace_filter", {})


def test_halving_over_states_some_of_which_are_gone(backend: MemoryBackend, rpc: Rpc) -> None:
    chain(backend, rpc, 40)
    asked: list[int] = []

    def since(number: int, kept: int) -> int | None:
        def holds(height: int) -> bool:
            asked.append(height)
            if height < kept:
                raise HistoryUnavailableError("gone")
            return height >= number

        return first_state(backend.head(), holds)

    for number in range(41):
        asked.clear()
        assert since(number, 0) == number
        assert len(asked) <= 8
    assert since(41, 0) is None
    assert [since(number, 10) for number in (11, 12, 40)] == [11, 12, 40]
    for number in (0, 5, 9, 10):
        with pytest.raises(HistoryUnavailableError, match="older than block 10"):
            since(number, 10)


def test_senders_and_nonces(backend: MemoryBackend, rpc: Rpc) -> None:
    hashes = chain(backend, rpc, 7)
    for nonce, digest in enumerate(hashes):
        assert rpc.call("ots_getTransactionBySenderAndNonce", x(ALICE), nonce) == digest
        whole = rpc.call("eth_getTransactionBySenderAndNonce", x(ALICE), hex(nonce))
        assert whole == rpc.call("eth_getTransactionByHash", digest)
    backend.automine = False
    pooled = rpc.call("eth_sendRawTransaction", x(transfer(7)))
    assert rpc.call("eth_getTransactionBySenderAndNonce", x(ALICE), "0x7")["hash"] == pooled
    assert rpc.call("ots_getTransactionBySenderAndNonce", x(ALICE), 7) is None
