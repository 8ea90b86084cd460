"""eth_call, eth_estimateGas, eth_createAccessList, eth_simulateV1 and what they hand to the executor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from jovay.chain.reasons import Halt, Invalid
from jovay.chain.types import AccessEntry, Authorization
from jovay.rpc.limits import Limits
from jovay.simulation.requests import Bundle, BundleResult, Call, CallLog, CallResult, ExecuteOptions
from jovay.turns import READS
from rigs.rpc import Rpc, RpcError
from rpc.memory_backend import MemoryBackend
from rpc.serving import ALICE, BOB, serve

TARGET = b"\xaa" * 20
ERROR = bytes.fromhex("08c379a0") + (32).to_bytes(32) + (4).to_bytes(32) + b"oops".ljust(32, b"\0")
PANIC = bytes.fromhex("4e487b71") + (0x11).to_bytes(32)


def x(value: bytes) -> str:
    return "0x" + value.hex()


def answer_with(backend: MemoryBackend, **fields: Any) -> None:
    """Let the executor answer every call with one result."""
    result = CallResult(**{"gas_used": 21_000} | fields)

    def executor(bundles: Sequence[Bundle], number: int, options: ExecuteOptions) -> list[BundleResult]:
        return [BundleResult([result for _ in bundle.calls]) for bundle in bundles]

    backend.executor = executor


def test_call_hands_everything_over(rpc: Rpc, backend: MemoryBackend) -> None:
    answer_with(backend, output=b"\x12\x34")
    transaction = {
        "from": x(ALICE),
        "to": x(TARGET),
        "gas": "0x5208",
        "maxFeePerGas": "0x10",
        "maxPriorityFeePerGas": "0x1",
        "value": "0x2",
        "nonce": "0x3",
        "input": "0x0102",
        "data": "0xffff",
        "chainId": "0x539",
        "accessList": [{"address": x(BOB), "storageKeys": [x(bytes(32))]}],
        "authorizationList": [
            {"chainId": "0x1", "address": x(BOB), "nonce": "0x2", "v": "0x1c", "r": "0x3", "s": "0x4"}
        ],
        "unknown": "ignored",
    }
    state = {
        x(TARGET): {"code": "0x6001", "stateDiff": {x(bytes(32)): x(b"\1" * 32)}},
        x(BOB): {"balance": "0x5", "nonce": "0x6", "state": {}, "movePrecompileToAddress": x(ALICE)},
    }
    block = {
        "number": "0x7",
        "time": "0x8",
        "feeRecipient": x(BOB),
        "baseFee": "0x9",
        "prevRandao": x(bytes(32)),
    }
    assert rpc.call("eth_call", transaction, "0x0", state, block) == "0x1234"
    bundles, number, options = backend.executed[-1]
    assert number == 0
    assert (options.validation, options.new_block, options.trace) == (False, False, None)
    (bundle,) = bundles
    assert bundle.calls == (
        Call(
            sender=ALICE,
            to=TARGET,
            gas=21_000,
            max_fee_per_gas=16,
            max_priority_fee_per_gas=1,
            value=2,
            nonce=3,
            data=b"\1\2",
            access_list=(AccessEntry(BOB, (bytes(32),)),),
            authorization_list=(Authorization(1, BOB, 2, 1, 3, 4),),
        ),
    )
    assert bundle.state is not None
    assert bundle.state[TARGET].state_diff == {0: int.from_bytes(b"\1" * 32)}
    assert (bundle.state[TARGET].code, bundle.state[TARGET].state) == (b"\x60\x01", None)
    assert (bundle.state[BOB].state, bundle.state[BOB].move_precompile_to) == ({}, ALICE)
    assert bundle.block is not None
    assert (bundle.block.number, bundle.block.timestamp, bundle.block.coinbase) == (7, 8, BOB)
    assert (bundle.block.base_fee_per_gas, bundle.block.prev_randao) == (9, 0)


def test_gas_cap(backend: MemoryBackend) -> None:
    with serve(backend, Limits(call_gas=1_000_000)) as served:
        rpc = served.rpc()
        for given, expected in ((None, 1_000_000), ("0x5208", 21_000), ("0xffffffffffffffff", 1_000_000)):
            rpc.call("eth_call", {"to": x(TARGET)} | ({} if given is None else {"gas": given}))
            assert backend.executed[-1][0][0].calls[0].gas == expected


@pytest.mark.parametrize(
    ("result", "code", "message", "data"),
    [
        ({"halt": Halt.REVERT, "output": ERROR}, 3, "execution reverted: oops", x(ERROR)),
        ({"halt": Halt.REVERT, "output": b""}, 3, "execution reverted", "0x"),
        ({"halt": Halt.REVERT, "output": b"\1\2"}, 3, "execution reverted", "0x0102"),
        ({"halt": Halt.REVERT, "output": ERROR[:60]}, 3, "execution reverted", x(ERROR[:60])),
        (
            {"halt": Halt.REVERT, "output": PANIC},
            3,
            "execution reverted: arithmetic underflow or overflow",
            x(PANIC),
        ),
        ({"halt": Halt.OUT_OF_GAS}, -32000, "out of gas", None),
        (
            {"halt": Halt.INVALID_OPCODE, "detail": "invalid opcode: INVALID"},
            -32000,
            "invalid opcode: INVALID",
            None,
        ),
        ({"halt": Halt.TIMEOUT}, -32000, "execution aborted (timeout = 5s)", None),
        (
            {"invalid": Invalid.INSUFFICIENT_FUNDS, "detail": "insufficient funds: have 0 want 1"},
            -32000,
            "err: insufficient funds: have 0 want 1 (supplied gas 50000000)",
            None,
        ),
    ],
)
def test_failures(
    rpc: Rpc, backend: MemoryBackend, result: dict[str, Any], code: int, message: str, data: str | None
) -> None:
    answer_with(backend, **result)
    with pytest.raises(RpcError) as failed:
        rpc.call("eth_call", {"to": x(TARGET)}, "latest")
    assert (failed.value.code, failed.value.message, failed.value.data) == (code, message, data)


@pytest.mark.parametrize(
    ("transaction", "text"),
    [
        ({"gasPrice": "0x1", "maxFeePerGas": "0x1"}, "both gasPrice and"),
        ({"chainId": "0x1"}, r"chainId does not match node's \(have=1, want=1337\)"),
        ({"to": "0x12"}, "hex string has length 2, want 40 for common.Address"),
        (
            {"to": 7},
            "cannot unmarshal non-string into Go struct field TransactionArgs.to of type common.Address",
        ),
        ({"gas": "0x01"}, "hex number with leading zero digits into Go struct field TransactionArgs.gas"),
        ({"gas": "0x1" + "0" * 16}, "hex number > 64 bits"),
        ({"value": "0x1" + "0" * 64}, "hex number > 256 bits"),
        ({"value": 5}, "cannot unmarshal non-string into Go struct field TransactionArgs.value"),
        ({"data": "0x123"}, "hex string of odd length"),
        ({"data": "123456"}, "hex string without 0x prefix"),
        ({"accessList": {}}, "cannot unmarshal object"),
        ({"authorizationList": [{}]}, "missing required field"),
    ],
)
def test_refused_transactions(rpc: Rpc, transaction: dict[str, Any], text: str) -> None:
    with pytest.raises(RpcError, match=text) as refused:
        rpc.call("eth_call", {"to": x(TARGET)} | transaction)
    assert refused.value.code in (-32602, -32000)


def test_unknown_blocks(rpc: Rpc) -> None:
    with pytest.raises(RpcError, match="header not found"):
        rpc.call("eth_call", {"to": x(TARGET)}, "0x99")
    with pytest.raises(RpcError, match="header for hash not found"):
        rpc.call("eth_getBalance", x(ALICE), {"blockHash": x(b"\1" * 32)})
    with pytest.raises(RpcError, match="finalized block not found"):
        rpc.call("eth_getBalance", x(ALICE), "finalized")
    with pytest.raises(RpcError, match="beaconRoot"):
        rpc.call("eth_call", {"to": x(TARGET)}, "latest", {}, {"beaconRoot": x(bytes(32))})


class NeedsGas:
    """A contract that fails below a gas limit and uses some other amount."""

    def __init__(self, needs: int, uses: int, fails_with: Halt = Halt.OUT_OF_GAS) -> None:
        self.needs, self.uses, self.fails_with = needs, uses, fails_with
        self.runs = 0

    def __call__(self, bundles: Sequence[Bundle], number: int, options: ExecuteOptions) -> list[BundleResult]:
        self.runs += 1
        gas = bundles[0].calls[0].gas or 0
        if gas < 21_000:
            return [BundleResult([CallResult(gas_used=0, invalid=Invalid.INTRINSIC_GAS)])]
        if gas < self.needs:
            return [BundleResult([CallResult(gas_used=gas, halt=self.fails_with)])]
        return [BundleResult([CallResult(gas_used=self.uses, max_used_gas=self.uses)])]


@pytest.mark.parametrize(
    ("needs", "uses"),
    [(30_000, 30_000), (100_000, 50_000), (21_500, 21_000), (9_000_000, 100_000), (50_000, 21_100)],
)
def test_estimate_is_enough_and_close(rpc: Rpc, backend: MemoryBackend, needs: int, uses: int) -> None:
    contract = NeedsGas(needs, uses)
    backend.executor = contract
    estimate = int(rpc.call("eth_estimateGas", {"to": x(TARGET), "data": "0x01"}), 16)
    # Within 1.5 % of the true need, or of what 63/64 forwarding makes likely.
    likely = (uses + 2_300) * 64 // 63
    assert needs <= estimate <= max(needs, likely) * 1.016
    assert contract.runs < 40


def test_estimate_of_a_transfer(rpc: Rpc, backend: MemoryBackend) -> None:
    assert rpc.call("eth_estimateGas", {"from": x(ALICE), "to": x(BOB), "value": "0x1"}) == "0x5208"
    assert len(backend.executed) == 1
    # An account whose code is overridden is no plain recipient.
    backend.executor = NeedsGas(40_000, 40_000)
    state = {x(BOB): {"code": "0x60"}}
    assert int(rpc.call("eth_estimateGas", {"to": x(BOB)}, "latest", state), 16) >= 40_000


def test_estimate_failures(rpc: Rpc, backend: MemoryBackend) -> None:
    call = {"to": x(TARGET), "data": "0x01"}
    backend.executor = NeedsGas(40_000_000, 1)
    with pytest.raises(RpcError, match=r"gas required exceeds allowance \(30000000\)"):
        rpc.call("eth_estimateGas", call)
    answer_with(backend, halt=Halt.REVERT, output=ERROR)
    with pytest.raises(RpcError, match="execution reverted: oops") as reverted:
        rpc.call("eth_estimateGas", call)
    assert (reverted.value.code, reverted.value.data) == (3, x(ERROR))
    answer_with(backend, halt=Halt.BAD_JUMP)
    with pytest.raises(RpcError, match="invalid jump destination"):
        rpc.call("eth_estimateGas", call)
    answer_with(backend, invalid=Invalid.NONCE_MAX, gas_used=0)
    with pytest.raises(RpcError, match="failed with 30000000 gas: nonce has max value"):
        rpc.call("eth_estimateGas", call)


def test_estimate_is_bound_by_funds_and_rules(rpc: Rpc, backend: MemoryBackend) -> None:
    backend.executor = contract = NeedsGas(40_000, 40_000)
    call = {"from": x(ALICE), "to": x(TARGET), "data": "0x01", "gasPrice": hex(10**17)}
    with pytest.raises(RpcError, match=r"gas required exceeds allowance \(10000\)"):
        rpc.call("eth_estimateGas", call)
    with pytest.raises(RpcError, match="insufficient funds for transfer"):
        rpc.call("eth_estimateGas", call | {"value": hex(10**22)})
    rich = {x(ALICE): {"balance": hex(10**30)}}
    assert int(rpc.call("eth_estimateGas", call, "latest", rich), 16) >= 40_000
    contract.needs = contract.uses = 20_000_000
    plain = {"to": x(TARGET), "data": "0x01"}
    assert int(rpc.call("eth_estimateGas", plain), 16) >= 20_000_000
    # From Osaka on a transaction has at most 2²⁴ gas.
    with pytest.raises(RpcError, match=r"gas required exceeds allowance \(16777216\)"):
        rpc.call("eth_estimateGas", plain, "latest", {}, {"time": hex(1 << 41)})


def test_access_list(rpc: Rpc, backend: MemoryBackend) -> None:
    slot, late = b"\1" * 32, b"\2" * 32
    precompile = bytes(19) + b"\1"

    def executor(bundles: Sequence[Bundle], number: int, options: ExecuteOptions) -> list[BundleResult]:
        assert options.access_list
        call = bundles[0].calls[0]
        known = {entry.address: entry.storage_keys for entry in call.access_list or ()}
        # With the list given, the contract reads one slot more.
        keys = (slot, late) if known.get(TARGET) else (slot,)
        touched = (AccessEntry(ALICE), AccessEntry(precompile), AccessEntry(TARGET, keys), AccessEntry(BOB))
        return [BundleResult([CallResult(gas_used=30_000 - len(known), access_list=touched)])]

    backend.executor = executor
    made = rpc.call("eth_createAccessList", {"from": x(ALICE), "to": x(TARGET)})
    assert made == {
        "accessList": [
            {"address": x(TARGET), "storageKeys": [x(slot), x(late)]},
            {"address": x(BOB), "storageKeys": []},
        ],
        "gasUsed": hex(29_998),
    }
    assert backend.executed[-1][0][0].calls[0].access_list == (
        AccessEntry(TARGET, (slot, late)),
        AccessEntry(BOB),
    )
    answer_with(backend, halt=Halt.REVERT)
    assert rpc.call("eth_createAccessList", {"to": x(TARGET)})["error"] == "execution reverted"
    answer_with(backend, invalid=Invalid.INTRINSIC_GAS)
    with pytest.raises(RpcError, match="failed to apply transaction: err: intrinsic gas too low"):
        rpc.call("eth_createAccessList", {"to": x(TARGET)})


def test_simulate(rpc: Rpc, backend: MemoryBackend) -> None:
    def contract(call: Call) -> CallResult:
        if call.data == b"\1":
            return CallResult(gas_used=30_000, halt=Halt.REVERT, output=ERROR)
        if call.data == b"\2":
            return CallResult(gas_used=30_000, halt=Halt.OUT_OF_GAS)
        return CallResult(gas_used=25_000, output=b"\x2a", logs=(CallLog(TARGET, (b"\7" * 32,), b"d", 3),))

    backend.contracts[TARGET] = contract
    calls = [{"to": x(TARGET), "data": data} for data in ("0x00", "0x01", "0x02")]
    simulation = {
        "blockStateCalls": [
            {"calls": calls, "stateOverrides": {x(ALICE): {"balance": "0x1"}}},
            {"blockOverrides": {"number": "0x4", "time": hex(1_700_000_500)}, "calls": calls[:1]},
        ],
        "traceTransfers": True,
        "returnFullTransactions": True,
    }
    blocks = rpc.call("eth_simulateV1", simulation, "latest")
    assert [block["number"] for block in blocks] == ["0x1", "0x2", "0x3", "0x4"]
    times = [int(block["timestamp"], 16) - 1_700_000_000 for block in blocks]
    assert times == [12, 24, 36, 500]
    good, reverted, spent = blocks[0]["calls"]
    assert (good["status"], good["returnData"], good["gasUsed"]) == ("0x1", "0x2a", hex(25_000))
    (log,) = good["logs"]
    assert (log["address"], log["logIndex"], log["blockNumber"]) == (x(TARGET), "0x3", "0x1")
    assert log["transactionHash"] == blocks[0]["transactions"][0]["hash"]
    assert reverted["error"] == {"code": 3, "message": "execution reverted: oops", "data": x(ERROR)}
    assert (reverted["status"], reverted["logs"]) == ("0x0", [])
    assert spent["error"] == {"code": -32015, "message": "out of gas"}
    bundles, _, options = backend.executed[-1]
    assert (options.new_block, options.transfers, options.validation) == (True, True, False)
    assert [bundle.block.base_fee_per_gas for bundle in bundles if bundle.block] == [0, 0, 0, 0]
    rpc.call("eth_simulateV1", {"blockStateCalls": [{}], "validation": True})
    bundles, _, options = backend.executed[-1]
    assert options.validation
    assert bundles[0].block is not None
    assert bundles[0].block.base_fee_per_gas is None


@pytest.mark.parametrize(
    ("simulation", "code", "text"),
    [
        ({}, -32602, "empty input"),
        ({"blockStateCalls": [{}] * 257}, -38026, "too many blocks: 257 > 256"),
        ({"blockStateCalls": [{"blockOverrides": {"number": "0x200"}}]}, -38026, "too many blocks"),
        ({"blockStateCalls": [{"blockOverrides": {"number": "0x0"}}]}, -38020, "must be in order: 0 <= 0"),
        ({"blockStateCalls": [{"blockOverrides": {"time": "0x1"}}]}, -38021, "timestamps must be in order"),
        ({"blockStateCalls": [{"calls": [{"gas": "0x1"}]}]}, -38013, "intrinsic gas too low: have 1"),
        ({"blockStateCalls": [{"calls": 7}]}, -32602, "cannot unmarshal number"),
        ({"blockStateCalls": [{}], "validation": "yes"}, -32602, "cannot unmarshal string"),
        ({"blockStateCalls": [{"calls": [{}] * 5_001}]}, -38026, "too many calls in block: 5001 > 5000"),
        ({"blockStateCalls": [{"calls": [{}] * 4_000}] * 3}, -38026, "too many calls: 12000 > 10000"),
    ],
)
def test_refused_simulations(rpc: Rpc, simulation: dict[str, Any], code: int, text: str) -> None:
    with pytest.raises(RpcError, match=text) as refused:
        rpc.call("eth_simulateV1", simulation)
    assert refused.value.code == code


def test_heavy_calls_queue_and_are_limited(backend: MemoryBackend) -> None:
    import threading
    from concurrent.futures import ThreadPoolExecutor

    gate = threading.Event()
    running: list[int] = []
    most: list[int] = []

    def executor(bundles: Sequence[Bundle], number: int, options: ExecuteOptions) -> list[BundleResult]:
        running.append(1)
        most.append(len(running))
        with READS.away():  # as while the kernel works
            gate.wait(10)
        running.pop()
        return [BundleResult([CallResult(gas_used=21_000)])]

    backend.executor = executor
    with serve(backend, Limits(heavy=2, waiting=3)) as served, ThreadPoolExecutor(8) as threads:

        def one(_: int) -> str:
            rpc = served.rpc()
            try:
                return str(rpc.call("eth_call", {"to": x(TARGET)}))
            except RpcError as error:
                return str(error.code)
            finally:
                rpc.close()

        answers = [threads.submit(one, n) for n in range(8)]
        # While all turns are taken, what memory answers is answered.
        assert served.rpc().call("eth_chainId") == "0x539"
        while sum(answer.done() for answer in answers) < 3:
            assert not gate.wait(0.01)
        gate.set()
        results = [answer.result() for answer in answers]
    assert max(most) == 2
    assert sorted(results) == ["-32005"] * 3 + ["0x"] * 5


def test_request_time_limit(backend: MemoryBackend) -> None:
    import time

    def executor(bundles: Sequence[Bundle], number: int, options: ExecuteOptions) -> list[BundleResult]:
        time.sleep(0.5)
        return [BundleResult([CallResult(gas_used=21_000)])]

    backend.executor = executor
    with serve(backend, Limits(request_time=0.1)) as served:
        rpc = served.rpc()
        with pytest.raises(RpcError, match="request timed out") as late:
            rpc.call("eth_call", {"to": x(TARGET)})
        assert late.value.code == -32002
        answers = rpc.batch([("eth_chainId", []), ("eth_call", [{"to": x(TARGET)}]), ("eth_chainId", [])])
        assert answers[0] == "0x539"
        assert [answer.code for answer in answers[1:]] == [-32002, -32002]


def test_results_are_not_changed() -> None:
    """The result's own error text: detail before the reason's name."""
    result = CallResult(gas_used=0, invalid=Invalid.NONCE_TOO_LOW)
    assert result.error == "nonce too low"
    assert msgspec.structs.replace(result, detail="nonce too low: x").error == "nonce too low: x"
    assert CallResult(gas_used=0).error is None
