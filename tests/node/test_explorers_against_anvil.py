"""trace_* and ots_* over a node, against what anvil says of the same transactions in a chain of the same id."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from jovay.config import NodeConfig
from jovay.node import Node
from rigs import anvil as anvil_rig
from rigs.accounts import KEYS
from rigs.paths import MissingToolError
from rigs.rpc import Rpc, RpcError
from rigs.solidity import load
from rigs.transactions import address_of, keccak256, sign

from .conftest import SETTINGS, hexed, unhexed

KEY = bytes.fromhex(KEYS[5][2:])
ME = address_of(KEY)
STRANGER, NOBODY = b"\x77" * 20, hexed(b"\x99" * 20)
#: What two chains with the same transactions differ in.
CHAIN = (
    "blockHash blockTimestamp timestamp gasPrice effectiveGasPrice cumulativeGasUsed blobGasPrice logsBloom"
)
NAMES = ["factory", "make", "retire", "counter", "reason", "nested", "plain", "silent"]


def selector(signature: str) -> bytes:
    return keccak256(signature.encode())[:4]


class Story:
    """The same transactions, each in a block of its own."""

    def __init__(self, rpc: Rpc) -> None:
        self.rpc, self.nonce = rpc, 0
        created = self.send(b"", unhexed(load("Factory").bytecode))
        self.factory = unhexed(created["contractAddress"])
        made = self.send(self.factory, selector("make(uint256)") + (5).to_bytes(32, "big"), 3)
        retired = self.send(self.factory, selector("makeAndRetire(bytes32,uint256)") + bytes(64), 9)
        counter = self.send(b"", unhexed(load("Counter").bytecode))
        self.counter = unhexed(counter["contractAddress"])
        reason = self.send(self.counter, selector("failWithReason()"))
        words = (2).to_bytes(32, "big") + (1).to_bytes(32, "big")
        nested = self.send(self.counter, selector("nested(uint256,bool)") + words)
        plain, silent = self.send(STRANGER, b"", 5), self.send(self.counter, b"\xff\xff\xff\xff")
        self.child = "0x" + made["logs"][0]["topics"][1][-40:]
        receipts = (created, made, retired, counter, reason, nested, plain, silent)
        self.hashes = dict(zip(NAMES, [one["transactionHash"] for one in receipts], strict=True))
        self.numbers = {n: one["blockNumber"] for n, one in zip(NAMES, receipts, strict=True)}

    def send(self, to: bytes, data: bytes, value: int = 0) -> dict[str, Any]:
        fields = [anvil_rig.CHAIN_ID, self.nonce, 1, 10 * 10**9, 2_000_000, to, value, data, []]
        self.nonce += 1
        digest = self.rpc.call("eth_sendRawTransaction", hexed(sign(2, fields, KEY)))
        return self.rpc.wait_receipt(digest)


@pytest.fixture(scope="module")
def theirs() -> Iterator[Story]:
    try:
        with anvil_rig.anvil(extra=["--steps-tracing"]) as started:
            yield Story(started.rpc())
    except MissingToolError as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("explored")
    started = Node(NodeConfig(datadir=folder, chain_id=anvil_rig.CHAIN_ID, **SETTINGS))
    started.start()
    rpc = Rpc(started.http_url)
    yield Story(rpc)
    rpc.close()
    started.stop()


def plain(form: Any) -> Any:
    """Without what differs between the chains."""
    if isinstance(form, list):
        return [plain(item) for item in form]
    if isinstance(form, dict):
        return {name: plain(item) for name, item in form.items() if name not in CHAIN.split()}
    return form


def test_the_stories_are_the_same(ours: Story, theirs: Story) -> None:
    assert ours.hashes == theirs.hashes
    assert ours.numbers == theirs.numbers
    assert (ours.factory, ours.counter, ours.child) == (theirs.factory, theirs.counter, theirs.child)


def both(ours: Story, theirs: Story, method: str, *params: Any) -> tuple[Any, Any]:
    mine, other = (plain(story.rpc.call(method, *params)) for story in (ours, theirs))
    return mine, other


@pytest.mark.parametrize("name", NAMES)
def test_traces_of_transactions(ours: Story, theirs: Story, name: str) -> None:
    mine, other = both(ours, theirs, "trace_transaction", ours.hashes[name])
    assert mine == other
    assert mine
    mine, other = both(ours, theirs, "trace_block", ours.numbers[name])
    assert mine == other
    for form in mine:
        assert plain(ours.rpc.call("trace_get", ours.hashes[name], form["traceAddress"])) == form
    assert ours.rpc.call("trace_get", ours.hashes[name], [9]) is None


@pytest.mark.parametrize(
    "query",
    [
        {"fromAddress": ["FACTORY"]},
        {"toAddress": ["FACTORY"]},
        {"toAddress": ["FACTORY"], "after": 1, "count": 1},
        {"fromAddress": ["ME"], "toAddress": ["CHILD"]},
        {"fromAddress": ["ME"], "toAddress": ["CHILD"], "mode": "intersection"},
        {"fromAddress": ["FACTORY"], "toAddress": ["CHILD"], "mode": "intersection"},
        {"fromAddress": ["ME", "COUNTER"], "after": 2},
        {"toAddress": ["NOBODY"]},
        {},
        {"count": 3},
    ],
)
def test_searches_for_calls(ours: Story, theirs: Story, query: dict[str, Any]) -> None:
    known = {"ME": hexed(ME), "CHILD": ours.child, "NOBODY": NOBODY}
    known |= {"FACTORY": hexed(ours.factory), "COUNTER": hexed(ours.counter)}
    asked = {n: [known[a] for a in v] if isinstance(v, list) else v for n, v in query.items()}
    mine, other = both(ours, theirs, "trace_filter", {"fromBlock": "0x1", "toBlock": "0x8", **asked})
    assert mine == other


def test_the_limits_of_searches(ours: Story) -> None:
    with pytest.raises(RpcError, match="fromBlock is after toBlock"):
        ours.rpc.call("trace_filter", {"fromBlock": "0x7", "toBlock": "0x1"})
    with pytest.raises(RpcError, match="header not found"):
        ours.rpc.call("trace_filter", {"fromBlock": "0x7", "toBlock": "0xffff"})
    with pytest.raises(RpcError, match="mode must be"):
        ours.rpc.call("trace_filter", {"mode": "both"})


@pytest.mark.parametrize("name", NAMES)
def test_replays(ours: Story, theirs: Story, name: str) -> None:
    types = ["trace", "stateDiff"]
    (mine,), (other,) = both(ours, theirs, "trace_replayBlockTransactions", ours.numbers[name], types)
    for form in (mine, other):  # the fee's receiver, and what the sender paid
        for address in [a for a in form["stateDiff"] if re.fullmatch("0x(00|71)0{38}", a)]:
            del form["stateDiff"][address]
        balance = form["stateDiff"][hexed(ME)].pop("balance")
        assert int(balance["*"]["from"], 16) > int(balance["*"]["to"], 16)
    new = mine["stateDiff"].pop(hexed(STRANGER), None)
    if new is not None:  # anvil shows an account without code as changed, Parity as new
        assert new == {"balance": {"+": "0x5"}, "code": {"+": "0x"}, "nonce": {"+": "0x0"}, "storage": {}}
        assert other["stateDiff"].pop(hexed(STRANGER))["balance"]["*"]["to"] == "0x5"
    assert mine == other
    alone = plain(ours.rpc.call("trace_replayTransaction", ours.hashes[name], ["trace"]))
    assert alone == {n: mine[n] for n in ("output", "trace", "vmTrace")} | {"stateDiff": None}


def test_calls_as_if_mined(ours: Story) -> None:
    """A call on the block before a transaction gives the transaction's own trace and changes."""
    before = hex(int(ours.numbers["make"], 16) - 1)
    call = ours.rpc.call("eth_getTransactionByHash", ours.hashes["make"])
    call = {name: call[name] for name in ("from", "to", "input", "value", "gas")}
    types = ["trace", "stateDiff"]
    called = ours.rpc.call("trace_call", call, types, before)
    mined = ours.rpc.call("trace_replayTransaction", ours.hashes["make"], types)
    assert (called["output"], called["trace"]) == (mined["output"], mined["trace"])
    assert called["stateDiff"][ours.child] == mined["stateDiff"][ours.child]
    again = call | {"nonce": "0x2"}
    first, second, third = ours.rpc.call(
        "trace_callMany", [[call, ["trace"]], [again, types], [call, []]], before
    )
    assert first == called | {"stateDiff": None}
    assert second["trace"][1]["result"]["address"] != ours.child
    assert ours.child not in second["stateDiff"]
    assert (third["trace"], third["stateDiff"]) == ([], None)
    with pytest.raises(RpcError, match="vmTrace is not supported") as refused:
        ours.rpc.call("trace_call", call, ["vmTrace"])
    assert refused.value.code == -32602


@pytest.mark.parametrize("name", NAMES)
def test_otterscan_transactions(ours: Story, theirs: Story, name: str) -> None:
    digest = ours.hashes[name]
    mine, other = both(ours, theirs, "ots_getTransactionError", digest)
    assert mine == other
    mine, other = both(ours, theirs, "ots_getInternalOperations", digest)
    assert mine == other
    mine, other = both(ours, theirs, "ots_traceTransaction", digest)
    # anvil leaves out creations, and Erigon, from which the method comes, does not.
    assert [one for one in mine if "CALL" in one["type"]] == other
    assert len(mine) == len(ours.rpc.call("trace_transaction", digest))


def test_otterscan_blocks(ours: Story, theirs: Story) -> None:
    for name in NAMES:
        number = int(ours.numbers[name], 16)
        mine, other = both(ours, theirs, "ots_getBlockDetails", number)
        assert set(mine) == set(other)
        assert set(mine["block"]) == set(other["block"])
        assert (mine["block"]["transactionCount"], mine["issuance"]) == (1, other["issuance"])
        receipt = ours.rpc.call("eth_getTransactionReceipt", ours.hashes[name])
        fees = int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
        assert int(mine["totalFees"], 16) == fees
        by_hash = ours.rpc.call("ots_getBlockDetailsByHash", receipt["blockHash"])
        assert plain(by_hash) == mine
        for page in (0, 1):
            mine, other = both(ours, theirs, "ots_getBlockTransactions", number, page, 10)
            assert mine["fullblock"]["transactions"] == other["fullblock"]["transactions"]
            assert set(mine["fullblock"]) == set(other["fullblock"])
            assert mine["receipts"] == other["receipts"]
        header = ours.rpc.call("erigon_getHeaderByNumber", number)
        assert header == ours.rpc.call("eth_getHeaderByNumber", hex(number))
        assert set(theirs.rpc.call("erigon_getHeaderByNumber", number)) >= set(header)
    assert ours.rpc.call("ots_getBlockDetails", 0xFFFF) is None
    assert ours.rpc.call("erigon_getHeaderByNumber", "0xffff") is None


def test_otterscan_pages(ours: Story, theirs: Story) -> None:
    for address in (hexed(ME), hexed(ours.factory), hexed(ours.counter), ours.child, NOBODY):
        for method in ("ots_searchTransactionsBefore", "ots_searchTransactionsAfter"):
            # Before block 1 there is nothing: we say that it is the last page.
            for block in (0, 2, 3, 5, 8) if method.endswith("Before") else (0, 1, 3, 5, 8):
                for size in (1, 2, 10):
                    mine, other = both(ours, theirs, method, address, block, size)
                    assert mine == other, (method, address, block, size)


def test_otterscan_accounts(ours: Story, theirs: Story) -> None:
    for method, *params in (
        ("ots_getApiLevel",),
        ("ots_hasCode", ours.child, "latest"),
        ("ots_hasCode", ours.child, "0x1"),
        ("ots_hasCode", hexed(STRANGER), "latest"),
        ("ots_getTransactionBySenderAndNonce", hexed(ME), "0x0"),
        ("ots_getTransactionBySenderAndNonce", hexed(ME), 3),
        ("ots_getTransactionBySenderAndNonce", hexed(ME), 7),
        ("ots_getTransactionBySenderAndNonce", hexed(ME), 8),
        ("ots_getTransactionBySenderAndNonce", NOBODY, 0),
        ("eth_getTransactionBySenderAndNonce", hexed(ME), "0x4"),
        ("ots_getContractCreator", ours.child),
        ("ots_getContractCreator", hexed(ours.factory)),
        ("ots_getContractCreator", hexed(ours.counter)),
        ("ots_getContractCreator", hexed(ME)),
    ):
        mine, other = both(ours, theirs, method, *params)
        assert mine == other, (method, params)
