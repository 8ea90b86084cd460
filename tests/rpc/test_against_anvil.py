"""Our forms against anvil's own, and real clients against our layer with anvil behind it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from rigs import anvil as anvil_rig
from rigs.accounts import KEYS
from rigs.endpoint import Endpoint
from rigs.paths import MissingToolError
from rigs.rpc import Rpc, RpcError
from rigs.solidity import load
from rigs.transactions import address_of, authorize, sign
from rpc.anvil_backend import AnvilBackend
from rpc.serving import Served, serve

KEY = bytes.fromhex(KEYS[5][2:])
ME = address_of(KEY)
CHAIN = anvil_rig.CHAIN_ID


@pytest.fixture(scope="module")
def anvil() -> Iterator[anvil_rig.Anvil]:
    try:
        with anvil_rig.anvil(extra=["--steps-tracing"]) as started:
            yield started
    except MissingToolError as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def served(anvil: anvil_rig.Anvil) -> Iterator[Served]:
    with serve(AnvilBackend(anvil.rpc)) as running:
        yield running


@pytest.fixture(scope="module")
def theirs(anvil: anvil_rig.Anvil) -> Rpc:
    return anvil.rpc()


@pytest.fixture(scope="module")
def ours(served: Served) -> Rpc:
    return served.rpc()


class Story:
    """A few transactions of every kind, sent through our layer."""

    def __init__(self, rpc: Rpc) -> None:
        self.rpc = rpc
        self.nonce = int(rpc.call("eth_getTransactionCount", "0x" + ME.hex(), "pending"), 16)
        created = self.send(2, b"", data=bytes.fromhex(load("Counter").bytecode[2:]))
        self.counter = bytes.fromhex(self.receipt(created)["contractAddress"][2:])
        selector = rpc.call("web3_sha3", "0x" + b"increment(string)".hex())[2:10]
        argument = (32).to_bytes(32) + (2).to_bytes(32) + b"hi".ljust(32, b"\0")
        increment = bytes.fromhex(selector) + argument
        nested = bytes.fromhex(rpc.call("web3_sha3", "0x" + b"nested(uint256,bool)".hex())[2:10])
        self.increment = increment
        access = [[self.counter, [bytes(32)]]]
        self.hashes = {
            "create": created,
            "legacy": self.send(0, self.counter, data=increment),
            "access list": self.send(1, self.counter, data=increment, access=access),
            "dynamic fee": self.send(2, self.counter, data=increment, value=0),
            "set code": self.set_code(),
            "nested": self.send(2, self.counter, data=nested + (2).to_bytes(32) + (1).to_bytes(32)),
            "plain": self.send(2, b"\x77" * 20, value=5),
            "failed": self.send(2, self.counter, data=b"\xff\xff\xff\xff"),
        }

    def send(
        self, kind: int, to: bytes, value: int = 0, data: bytes = b"", access: list[Any] | None = None
    ) -> str:
        nonce, self.nonce = self.nonce, self.nonce + 1
        price, gas = 3 * 10**9, 1_500_000
        if kind == 0:
            raw = sign(0, [nonce, price, gas, to, value, data], KEY, CHAIN)
        elif kind == 1:
            raw = sign(1, [CHAIN, nonce, price, gas, to, value, data, access], KEY)
        else:
            raw = sign(2, [CHAIN, nonce, 10**9, price, gas, to, value, data, []], KEY)
        result: str = self.rpc.call("eth_sendRawTransaction", "0x" + raw.hex())
        return result

    def set_code(self) -> str:
        other = bytes.fromhex(KEYS[6][2:])
        signed = authorize(CHAIN, self.counter, 0, other)
        nonce, self.nonce = self.nonce, self.nonce + 1
        fields = [CHAIN, nonce, 10**9, 3 * 10**9, 200_000, ME, 0, b"", [], [signed]]
        result: str = self.rpc.call("eth_sendRawTransaction", "0x" + sign(4, fields, KEY).hex())
        return result

    def receipt(self, transaction_hash: str) -> dict[str, Any]:
        return self.rpc.wait_receipt(transaction_hash)


@pytest.fixture(scope="module")
def story(ours: Rpc) -> Story:
    made = Story(ours)
    for transaction_hash in made.hashes.values():
        made.receipt(transaction_hash)
    return made


KINDS = ["create", "legacy", "access list", "dynamic fee", "set code", "nested", "plain", "failed"]


def without(form: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in form.items() if name not in names}


@pytest.mark.parametrize("kind", KINDS)
def test_transactions(story: Story, ours: Rpc, theirs: Rpc, kind: str) -> None:
    digest = story.hashes[kind]
    mine, other = (rpc.call("eth_getTransactionByHash", digest) for rpc in (ours, theirs))
    assert mine == other


@pytest.mark.parametrize("kind", KINDS)
def test_receipts(story: Story, ours: Rpc, theirs: Rpc, kind: str) -> None:
    digest = story.hashes[kind]
    mine, other = (rpc.call("eth_getTransactionReceipt", digest) for rpc in (ours, theirs))
    # anvil adds the blob price, and to transactions with blobs only we add what geth does.
    extra = set(other) - set(mine)
    assert extra <= {"blobGasPrice", "blobGasUsed", "blockTimestamp", "authorizationList"}
    assert mine == without(other, *extra)
    assert ours.call("eth_getBlockReceipts", mine["blockHash"]) == [mine]


def test_blocks(story: Story, ours: Rpc, theirs: Rpc) -> None:
    head = int(ours.call("eth_blockNumber"), 16)
    for height in range(head + 1):
        for full in (False, True):
            mine, other = (rpc.call("eth_getBlockByNumber", hex(height), full) for rpc in (ours, theirs))
            extra = set(other) - set(mine)
            assert extra <= {"totalDifficulty"}
            assert mine == without(other, *extra)


def test_state(story: Story, ours: Rpc, theirs: Rpc) -> None:
    me, counter = "0x" + ME.hex(), "0x" + story.counter.hex()
    for method, *params in (
        ("eth_getBalance", me, "latest"),
        ("eth_getTransactionCount", me, "latest"),
        ("eth_getTransactionCount", me, "pending"),
        ("eth_getCode", counter, "latest"),
        ("eth_getStorageAt", counter, "0x0", "latest"),
        ("eth_getLogs", {"fromBlock": "0x0", "address": counter}),
        ("eth_getAccountInfo", counter, "latest"),
        ("eth_chainId",),
        ("net_version",),
        ("txpool_status",),
        ("eth_maxPriorityFeePerGas",),
        ("eth_call", {"to": counter, "data": "0x" + story.increment.hex()}, "latest"),
    ):
        assert ours.call(method, *params) == theirs.call(method, *params), method
    # Calls run in the newest block, so a suggested price must do there too; anvil's is for the next block only.
    price, tip = (int(theirs.call(name), 16) for name in ("eth_gasPrice", "eth_maxPriorityFeePerGas"))
    newest = int(theirs.call("eth_getBlockByNumber", "latest", False)["baseFeePerGas"], 16)
    assert int(ours.call("eth_gasPrice"), 16) == max(price, newest + tip)
    proofs = [rpc.call("eth_getProof", counter, ["0x" + "00" * 32], "latest") for rpc in (ours, theirs)]
    assert without(proofs[0], "scheme") == proofs[1]


def test_estimates(story: Story, ours: Rpc, theirs: Rpc) -> None:
    me, counter = "0x" + ME.hex(), "0x" + story.counter.hex()
    for call in (
        {"from": me, "to": "0x" + "77" * 20, "value": "0x1"},
        {"from": me, "to": counter, "data": "0x" + story.increment.hex()},
        {"from": me, "data": load("Counter").bytecode},
    ):
        mine, other = (int(rpc.call("eth_estimateGas", call), 16) for rpc in (ours, theirs))
        assert abs(mine - other) <= 0.03 * other


def test_reverts(story: Story, ours: Rpc, theirs: Rpc) -> None:
    selector = ours.call("web3_sha3", "0x" + b"failWithReason()".hex())[:10]
    call = {"to": "0x" + story.counter.hex(), "data": selector}
    for method in ("eth_call", "eth_estimateGas"):
        errors = []
        for rpc in (ours, theirs):
            with pytest.raises(RpcError) as refused:
                rpc.call(method, call)
            errors.append((refused.value.code, refused.value.message, refused.value.data))
        assert errors[0] == errors[1]


def test_fee_history(story: Story, ours: Rpc, theirs: Rpc) -> None:
    mine, other = (rpc.call("eth_feeHistory", "0x4", "latest", [10, 90]) for rpc in (ours, theirs))
    for name in ("oldestBlock", "gasUsedRatio", "reward"):
        assert mine[name] == other[name]
    assert mine["baseFeePerGas"][:-1] == other["baseFeePerGas"][:-1]


@pytest.mark.parametrize("kind", KINDS)
def test_call_traces(story: Story, ours: Rpc, theirs: Rpc, kind: str) -> None:
    config = {"tracer": "callTracer", "tracerConfig": {"withLog": True}}
    mine, other = (rpc.call("debug_traceTransaction", story.hashes[kind], config) for rpc in (ours, theirs))
    # Geth gives the gas limit of the transaction, anvil what is left of it after the intrinsic gas.
    assert without(normal_frame(mine), "gas") == without(normal_frame(other), "gas")
    assert mine["gas"] == ours.call("eth_getTransactionByHash", story.hashes[kind])["gas"]
    block = ours.call("eth_getTransactionByHash", story.hashes[kind])["blockNumber"]
    traced = ours.call("debug_traceBlockByNumber", block, config)
    assert traced == [{"txHash": story.hashes[kind], "result": mine}]


def normal_frame(frame: dict[str, Any]) -> dict[str, Any]:
    """Without what the two are free to differ in: empty outputs and how numbers of logs are written."""
    form = without(frame, "revertReason")
    if form.get("output") == "0x":
        del form["output"]
    if "logs" in form:
        form["logs"] = [without(log, "index") | {"position": str(log["position"])} for log in form["logs"]]
    if "calls" in form:
        form["calls"] = [normal_frame(child) for child in form["calls"]]
    return form


@pytest.mark.parametrize("kind", ["legacy", "nested", "failed", "plain"])
def test_step_traces(story: Story, ours: Rpc, theirs: Rpc, kind: str) -> None:
    mine, other = (rpc.call("debug_traceTransaction", story.hashes[kind], {}) for rpc in (ours, theirs))
    assert (mine["gas"], mine["failed"]) == (other["gas"], other["failed"])
    assert mine["returnValue"].removeprefix("0x") == other["returnValue"].removeprefix("0x")
    names = ("pc", "op", "gas", "gasCost", "depth")
    steps = [[tuple(step[name] for name in names) for step in one["structLogs"]] for one in (mine, other)]
    assert steps[0] == steps[1]
    stacks = [
        [[int(item, 16) for item in step["stack"]] for step in one["structLogs"]] for one in (mine, other)
    ]
    assert stacks[0] == stacks[1]
    writes = [
        [step.get("storage") for step in one["structLogs"] if step["op"] == "SSTORE"] for one in (mine, other)
    ]
    assert [known and len(known) for known in writes[0]] == [known and len(known) for known in writes[1]]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("diff", [False, True])
def test_state_traces(story: Story, ours: Rpc, theirs: Rpc, kind: str, diff: bool) -> None:
    config = {"tracer": "prestateTracer", "tracerConfig": {"diffMode": diff}}
    mine, other = (rpc.call("debug_traceTransaction", story.hashes[kind], config) for rpc in (ours, theirs))
    for name in ("pre", "post") if diff else ("",):
        left, right = (one[name] if name else one for one in (mine, other))
        assert normal_state(left) == normal_state(right)


def normal_state(accounts: dict[str, Any]) -> dict[str, Any]:
    """Without code hashes, which anvil lacks, and accounts of which nothing is said."""
    forms = {address: without(account, "codeHash") for address, account in accounts.items()}
    return {
        address: {name: value for name, value in form.items() if value not in ({}, 0)}
        for address, form in forms.items()
        if any(value not in ({}, 0, "0x0", "0x") for value in form.values())
    }


@pytest.mark.parametrize("kind", KINDS)
def test_selector_traces(story: Story, ours: Rpc, theirs: Rpc, kind: str) -> None:
    mine, other = (
        rpc.call("debug_traceTransaction", story.hashes[kind], {"tracer": "4byteTracer"})
        for rpc in (ours, theirs)
    )
    assert mine == other


@pytest.mark.parametrize("program", ["ethers.mjs", "viem.mjs"])
def test_javascript_clients(served: Served, program: str) -> None:
    simulates = {"simulateBlocks": "anvil behind the layer simulates no blocks"}
    endpoint = Endpoint("layer", served.url, served.ws_url, CHAIN, simulates)
    endpoint.run(program, 3 if program == "viem.mjs" else 4)
