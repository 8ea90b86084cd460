"""eth_getLogs and polling filters."""

from __future__ import annotations

import time
from typing import Any

import pytest

from jovay.rpc.backend.events import NewPending, Removed
from jovay.rpc.limits import Limits
from rigs.rpc import Rpc, RpcError
from rigs.transactions import keccak256
from rpc.emitters import EMITTER, OTHER, TOPIC, emit_at, x
from rpc.memory_backend import MemoryBackend
from rpc.serving import Served, serve, transfer


@pytest.fixture
def chain(backend: MemoryBackend) -> MemoryBackend:
    """Emitters at two addresses."""
    backend.install(EMITTER, emit_at(EMITTER))
    backend.install(OTHER, emit_at(OTHER))
    return backend


def send(rpc: Rpc, nonce: int, to: bytes, data: bytes) -> str:
    """A transaction in a block of its own; returns its hash."""
    result: str = rpc.call("eth_sendRawTransaction", "0x" + transfer(nonce, to, 0, data).hex())
    return result


def test_get_logs(rpc: Rpc, chain: MemoryBackend) -> None:
    send(rpc, 0, EMITTER, TOPIC + b"a")
    send(rpc, 1, OTHER, TOPIC + TOPIC + b"b")
    send(rpc, 2, EMITTER, b"c")
    everything = {"fromBlock": "earliest", "toBlock": "latest"}

    def found(**query: Any) -> list[str]:
        return [
            bytes.fromhex(log["data"][2:]).decode() for log in rpc.call("eth_getLogs", everything | query)
        ]

    assert found() == ["a", "b", "c"]
    assert found(address=x(EMITTER)) == ["a", "c"]
    assert found(address=[x(EMITTER), x(OTHER)]) == ["a", "b", "c"]
    assert found(topics=[x(TOPIC)]) == ["a", "b"]
    assert found(topics=[None, x(TOPIC)]) == ["b"]
    assert found(topics=[[x(bytes(32)), x(TOPIC)], []]) == ["b"]
    assert found(topics=[]) == ["a", "b", "c"]
    assert found(address=[], topics=None) == ["a", "b", "c"]
    assert found(fromBlock="0x2", toBlock="0x2") == ["b"]
    assert found(fromBlock="pending", toBlock="pending") == ["c"]
    assert rpc.call("eth_getLogs", {"blockHash": x(chain.blocks[1].header.hash)})[0]["blockNumber"] == "0x1"
    assert rpc.call("eth_getLogs", {}) == rpc.call("eth_getLogs", {"fromBlock": "latest"})


def test_bad_log_queries(rpc: Rpc, chain: MemoryBackend) -> None:
    for query, code, text in (
        ({"blockHash": x(bytes(32))}, -32000, "unknown block"),
        ({"blockHash": x(bytes(32)), "fromBlock": "0x1"}, -32602, "cannot specify both BlockHash and"),
        ({"fromBlock": "0x2", "toBlock": "0x1"}, -32602, "invalid block range params"),
        ({"fromBlock": "0x0", "toBlock": "0x9"}, -32602, "block range extends beyond current head block"),
        ({"address": "0x12"}, -32602, "hex has invalid length 1 after decoding; expected 20 for address"),
        ({"address": 7}, -32602, "invalid addresses in query"),
        ({"topics": ["0x12"]}, -32602, "hex has invalid length 1 after decoding; expected 32 for topic"),
        ({"topics": [None] * 5}, -32602, "exceed max topics"),
        ({"topics": [[7]]}, -32602, "invalid topic"),
        ({"address": [x(EMITTER)] * 1_001}, -32000, "exceed max addresses or topics"),
        ({"fromBlock": "0x01"}, -32602, "hex number with leading zero digits"),
    ):
        with pytest.raises(RpcError, match=text) as refused:
            rpc.call("eth_getLogs", query)
        assert refused.value.code == code
    # A client that polls from the next block on is early, not wrong.
    assert rpc.call("eth_getLogs", {"fromBlock": "0x1", "toBlock": "latest"}) == []


def test_log_limits(chain: MemoryBackend) -> None:
    with serve(chain, Limits(log_results=2, log_blocks=3)) as served:
        rpc = served.rpc()
        for nonce in range(3):
            send(rpc, nonce, EMITTER, b"x")
        with pytest.raises(
            RpcError, match="query returned more than 2 results, retry with the range 0x1-0x2"
        ):
            rpc.call("eth_getLogs", {"fromBlock": "0x1"})
        with pytest.raises(RpcError, match="exceed maximum block range 3"):
            rpc.call("eth_getLogs", {"fromBlock": "0x0"})
        assert len(rpc.call("eth_getLogs", {"fromBlock": "0x1", "toBlock": "0x2"})) == 2


def test_log_filter(rpc: Rpc, chain: MemoryBackend) -> None:
    send(rpc, 0, EMITTER, b"before")
    identifier = rpc.call("eth_newFilter", {"address": x(EMITTER)})
    assert rpc.call("eth_getFilterChanges", identifier) == []
    sent = [send(rpc, 1, EMITTER, b"1"), send(rpc, 2, OTHER, b"2"), send(rpc, 3, EMITTER, b"3")]
    changes = rpc.call("eth_getFilterChanges", identifier)
    assert [log["transactionHash"] for log in changes] == [sent[0], sent[2]]
    assert rpc.call("eth_getFilterChanges", identifier) == []
    assert rpc.call("eth_getFilterLogs", identifier) == changes[1:]
    assert rpc.call("eth_uninstallFilter", identifier) is True
    assert rpc.call("eth_uninstallFilter", identifier) is False
    for name in ("eth_getFilterChanges", "eth_getFilterLogs"):
        with pytest.raises(RpcError, match="filter not found") as missing:
            rpc.call(name, identifier)
        assert missing.value.code == -32000


def test_log_filter_in_portions(chain: MemoryBackend) -> None:
    with serve(chain, Limits(log_results=2, log_blocks=4)) as served:
        rpc = served.rpc()
        identifier = rpc.call("eth_newFilter", {})
        sent = [send(rpc, nonce, EMITTER, b"x") for nonce in range(7)]
        seen: list[str] = []
        for _ in range(10):
            portion = rpc.call("eth_getFilterChanges", identifier)
            assert len(portion) <= 2
            seen += [log["transactionHash"] for log in portion]
        assert seen == sent


def test_filter_sees_removed_logs(rpc: Rpc, chain: MemoryBackend) -> None:
    identifier = rpc.call("eth_newFilter", {})
    send(rpc, 0, EMITTER, b"1")
    send(rpc, 1, EMITTER, b"2")
    rpc.call("eth_getFilterChanges", identifier)
    chain.emit(Removed(chain.blocks[1].header, chain.block_logs[2]))
    changes = rpc.call("eth_getFilterChanges", identifier)
    assert [(log["data"], log["removed"]) for log in changes] == [("0x32", True), ("0x32", False)]


def test_block_filter(rpc: Rpc, chain: MemoryBackend) -> None:
    identifier = rpc.call("eth_newBlockFilter")
    headers = [chain.seal() for _ in range(3)]
    assert rpc.call("eth_getFilterChanges", identifier) == [x(header.hash) for header in headers]
    assert rpc.call("eth_getFilterChanges", identifier) == []
    with pytest.raises(RpcError, match="filter not found"):
        rpc.call("eth_getFilterLogs", identifier)


def test_pending_filter(rpc: Rpc, chain: MemoryBackend) -> None:
    chain.automine = False
    identifier = rpc.call("eth_newPendingTransactionFilter")
    full = rpc.call("eth_newPendingTransactionFilter", True)
    raws = [transfer(nonce) for nonce in range(3)]
    for raw in raws:
        rpc.call("eth_sendRawTransaction", x(raw))
    assert rpc.call("eth_getFilterChanges", identifier) == [x(keccak256(raw)) for raw in raws]
    assert rpc.call("eth_getFilterChanges", identifier) == []
    assert [one["nonce"] for one in rpc.call("eth_getFilterChanges", full)] == ["0x0", "0x1", "0x2"]


def test_a_pending_filter_in_portions(chain: MemoryBackend) -> None:
    chain.automine = False
    with serve(chain, Limits(filter_hashes=2, log_results=3)) as served:
        rpc = served.rpc()
        hashes, full = (rpc.call("eth_newPendingTransactionFilter", full) for full in (False, True))
        raws = [transfer(nonce) for nonce in range(7)]
        rpc.batch([("eth_sendRawTransaction", [x(raw)]) for raw in raws])
        expected = [x(keccak256(raw)) for raw in raws]
        polled = [rpc.call("eth_getFilterChanges", hashes) for _ in range(5)]
        assert polled == [expected[:2], expected[2:4], expected[4:6], expected[6:], []]
        polled = [[one["hash"] for one in rpc.call("eth_getFilterChanges", full)] for _ in range(4)]
        assert polled == [expected[:3], expected[3:6], expected[6:], []]


def test_a_filter_too_far_behind_ends(chain: MemoryBackend) -> None:
    """Pending hashes and removed logs are kept once for all filters, within one bound."""
    chain.automine = False
    with serve(chain, Limits(queue=2_000)) as served:
        rpc = served.rpc()
        pending, logs, blocks = (
            rpc.call("eth_newPendingTransactionFilter"), rpc.call("eth_newFilter", {}), rpc.call("eth_newBlockFilter")
        )  # fmt: skip
        steady = rpc.call("eth_newPendingTransactionFilter")
        for _ in range(4):
            chain.emit(NewPending(bytes(32) * 5))
            assert len(rpc.call("eth_getFilterChanges", steady)) == 5
        send(rpc, 0, EMITTER, b"1")
        chain.seal()
        assert rpc.call("eth_getFilterChanges", blocks) != []
        for _ in range(3):
            chain.emit(Removed(chain.blocks[0].header, chain.block_logs[1]))
        for identifier in (pending, logs, blocks):
            with pytest.raises(
                RpcError, match="filter overflowed and was removed: poll more often"
            ) as refused:
                rpc.call("eth_getFilterChanges", identifier)
            assert refused.value.code == -32005
            with pytest.raises(RpcError, match="filter not found"):
                rpc.call("eth_getFilterChanges", identifier)
        assert len(rpc.call("eth_getFilterChanges", steady)) == 1


def test_filters_hold_places_not_events(chain: MemoryBackend) -> None:
    """What is kept does not depend on how many filters there are, and goes with the last one."""
    kept = []
    for count in (1, 500):
        with serve(chain) as served:
            rpc, feed = served.rpc(), served.server._services.feed
            made = [
                rpc.batch([(name, params)] * count)
                for name, params in (("eth_newPendingTransactionFilter", []), ("eth_newFilter", [{}]))
            ]
            for _ in range(20):
                chain.emit(NewPending(bytes(32) * 1_000))
                chain.emit(Removed(chain.blocks[0].header, []))
            assert rpc.call("eth_chainId") == "0x539"
            kept.append((feed.hashes.bytes, len(feed.hashes), len(feed.removed)))
            for identifier in made[0] + made[1]:
                assert rpc.call("eth_uninstallFilter", identifier) is True
            assert (feed.hashes.bytes, len(feed.hashes), len(feed.removed)) == (0, 0, 0)
    assert kept[0] == kept[1]
    assert kept[0][1:] == (20, 20)


def test_filter_limits(chain: MemoryBackend) -> None:
    with serve(chain, Limits(filters=2, filter_time=0.05)) as served:
        rpc = served.rpc()
        first = rpc.call("eth_newBlockFilter")
        # Unused filters make room for new ones.
        for _ in range(9):
            rpc.call("eth_newPendingTransactionFilter")
            time.sleep(0.06)
        assert len(served.server._services.filters) <= 2
        with pytest.raises(RpcError, match="filter not found"):
            rpc.call("eth_getFilterChanges", first)
    with serve(chain, Limits(filters=2)) as served:
        rpc = served.rpc()
        kept = [rpc.call("eth_newBlockFilter"), rpc.call("eth_newFilter", {})]
        for name, params in (("eth_newBlockFilter", []), ("eth_newFilter", [{}]),
                             ("eth_newPendingTransactionFilter", [])):  # fmt: skip
            with pytest.raises(RpcError, match="too many filters") as refused:
                rpc.call(name, *params)
            assert refused.value.code == -32005
        assert [rpc.call("eth_uninstallFilter", identifier) for identifier in kept] == [True, True]
        feed = served.server._services.feed
        assert (feed.removed.is_read, feed.hashes.is_read) == (False, False)


def test_terms_of_all_filters_are_bounded(chain: MemoryBackend) -> None:
    query = {
        "address": [x(bytes([n]) * 20) for n in range(4)],
        "topics": [[x(TOPIC)], [], [x(TOPIC), x(bytes(32))]],
    }
    with serve(chain, Limits(filter_terms=20)) as served:
        rpc = served.rpc()
        kept = [rpc.call("eth_newFilter", query) for _ in range(2)]
        with pytest.raises(RpcError, match=r"too many addresses and topics \(limit 20\)") as refused:
            rpc.call("eth_newFilter", query)
        assert refused.value.code == -32005
        rpc.call("eth_newFilter", {"address": x(EMITTER)})
        assert rpc.call("eth_uninstallFilter", kept[0]) is True
        rpc.call("eth_newFilter", query)


def test_ids_are_quantities(served: Served) -> None:
    rpc = served.rpc()
    ids = {rpc.call("eth_newBlockFilter") for _ in range(20)}
    assert len(ids) == 20
    assert all(len(one) == 34 and int(one, 16) for one in ids)
