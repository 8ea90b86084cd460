"""Forms of traces from raw events."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from jovay.chain.reasons import Halt
from jovay.kernel.protocol.opcodes import (
    CALL,
    CREATE2,
    DELEGATECALL,
    INVALID,
    PUSH1,
    SELFDESTRUCT,
    SLOAD,
    SSTORE,
    STATICCALL,
)
from jovay.rpc.dispatch import encode
from jovay.rpc.limits import Limits
from jovay.rpc.tracers import Place, parse_config
from jovay.rpc.tracers.registry import parse_duration
from jovay.simulation.requests import CallLog, CallResult, Frame, Step, TouchedAccount, Trace, TraceParts
from rigs.rpc import Rpc, RpcError
from rigs.transactions import keccak256
from rpc.memory_backend import MemoryBackend
from rpc.serving import ALICE, BOB, serve, transfer

TOKEN = b"\xaa" * 20
NEW = b"\xcc" * 20
PRECOMPILE = bytes(19) + b"\2"
ERROR = bytes.fromhex("08c379a0") + (32).to_bytes(32) + (4).to_bytes(32) + b"oops".ljust(32, b"\0")
LOG = CallLog(TOKEN, (b"\1" * 32,), b"d", 4, 1)


def x(value: bytes) -> str:
    return "0x" + value.hex()


def frame(op: int, depth: int, sender: bytes, to: bytes | None, **more: Any) -> Frame:
    fields: dict[str, Any] = {"value": 0, "gas": 1_000, "gas_used": 100, "input": b"\1\2\3\4\5"} | more
    return Frame(op=op, depth=depth, sender=sender, to=to, **fields)


FRAMES = (
    frame(CALL, 0, ALICE, TOKEN, value=9, logs=(LOG,)),
    frame(STATICCALL, 1, TOKEN, BOB, output=b"\x2a"),
    frame(DELEGATECALL, 1, TOKEN, NEW, error="execution reverted", output=ERROR, logs=(LOG,)),
    frame(CALL, 2, NEW, BOB, logs=(LOG,)),
    frame(CALL, 1, TOKEN, PRECOMPILE, input=b"\1\2\3\4"),
    frame(CREATE2, 1, TOKEN, NEW, error="out of gas", input=b"\x60\x60"),
    frame(SELFDESTRUCT, 1, TOKEN, ALICE, value=3, input=b""),
)
RESULT = CallResult(gas_used=50_000, output=b"\7", trace=Trace(frames=FRAMES))
PLACE = Place(
    gas=90_000,
    precompiles=frozenset({PRECOMPILE}),
    keccak=keccak256,
    block_hash=b"\xbb" * 32,
    block_number=17,
    transaction_hash=b"\xdd" * 32,
    index=2,
)


def form(result: CallResult, tracer: str | None, **config: Any) -> Any:
    options: dict[str, Any] = {} if tracer is None else {"tracer": tracer, "tracerConfig": config}
    return msgspec.json.decode(encode(parse_config(options, Limits()).tracer.form(result, PLACE)))


def test_call_tracer() -> None:
    top = form(RESULT, "callTracer", withLog=True)
    static, delegate, precompile, create, destruct = top["calls"]
    assert (top["type"], top["gas"], top["gasUsed"], top["value"]) == (
        "CALL",
        hex(90_000),
        hex(50_000),
        "0x9",
    )
    assert top["logs"] == [
        {"address": x(TOKEN), "topics": [x(b"\1" * 32)], "data": "0x64", "index": "0x4", "position": "0x1"}
    ]
    assert static == {
        "type": "STATICCALL",
        "from": x(TOKEN),
        "to": x(BOB),
        "gas": hex(1_000),
        "gasUsed": hex(100),
        "input": "0x0102030405",
        "output": "0x2a",
    }
    assert (delegate["error"], delegate["revertReason"]) == ("execution reverted", "oops")
    assert delegate["output"] == x(ERROR)
    # What a reverted frame and its children logged did not happen.
    assert "logs" not in delegate
    assert "logs" not in delegate["calls"][0]
    assert precompile["to"] == x(PRECOMPILE)
    assert (create["error"], "to" in create, "output" in create) == ("out of gas", False, False)
    assert (destruct["type"], destruct["to"], destruct["value"]) == ("SELFDESTRUCT", x(ALICE), "0x3")
    bare = form(RESULT, "callTracer", onlyTopCall=True)
    assert ("calls" in bare, "logs" in bare) == (False, False)


def test_flat_tracer() -> None:
    flat = form(RESULT, "flatCallTracer")
    assert [one["traceAddress"] for one in flat] == [[], [0], [1], [1, 0], [2], [3]]
    assert [one["subtraces"] for one in flat] == [4, 0, 1, 0, 0, 0]
    assert [one["type"] for one in flat] == ["call", "call", "call", "call", "create", "suicide"]
    top = flat[0]
    assert top["action"]["gas"] == hex(90_000)
    assert top["result"] == {"gasUsed": hex(50_000), "output": "0x"}
    assert (top["blockNumber"], top["transactionPosition"]) == (17, 2)
    assert (top["blockHash"], top["transactionHash"]) == (x(b"\xbb" * 32), x(b"\xdd" * 32))
    assert (flat[1]["action"]["callType"], flat[1]["action"]["value"]) == ("staticcall", "0x0")
    assert flat[2]["error"] == "execution reverted"
    assert flat[2]["result"]["output"] == x(ERROR)
    assert (flat[4]["action"]["creationMethod"], "result" in flat[4]) == ("create2", False)
    assert flat[5]["action"] == {"address": x(TOKEN), "balance": "0x3", "refundAddress": x(ALICE)}
    parity = form(RESULT, "flatCallTracer", convertParityErrors=True, includePrecompiles=True)
    assert [one.get("error") for one in parity] == [None, None, "Reverted", None, None, "Out of gas", None]
    assert len(parity) == 7


def test_selector_tracer() -> None:
    assert form(RESULT, "4byteTracer") == {"0x01020304-1": 4}


def test_mux_and_noop() -> None:
    both = form(RESULT, "muxTracer", callTracer={"withLog": True}, noopTracer={})
    assert both == {"callTracer": form(RESULT, "callTracer", withLog=True), "noopTracer": {}}
    tracer = parse_config(
        {"tracer": "muxTracer", "tracerConfig": {"callTracer": {}, "prestateTracer": {}}}, Limits()
    ).tracer
    assert tracer.parts == TraceParts.FRAMES | TraceParts.STATE


STEPS = (
    Step(pc=0, op=PUSH1, gas=100, gas_cost=3, depth=1, address=TOKEN, stack=(), memory=b""),
    Step(
        pc=2,
        op=SSTORE,
        gas=97,
        gas_cost=20_000,
        depth=1,
        address=TOKEN,
        refund=4_800,
        stack=(7, 255),
        memory=b"\1" * 40,
        return_data=b"\5",
        storage=(255, 7),
    ),
    Step(pc=3, op=SLOAD, gas=90, gas_cost=100, depth=2, address=BOB, stack=(1,), storage=(1, 0)),
    Step(pc=4, op=SLOAD, gas=90, gas_cost=100, depth=1, address=TOKEN, stack=(1,), storage=(1, 2)),
    Step(
        pc=5, op=INVALID, gas=1, gas_cost=0, depth=1, address=TOKEN, stack=(), error="invalid opcode: INVALID"
    ),
)


def word(value: int) -> str:
    return f"0x{value:064x}"


def test_calls_nest_as_deep_as_the_evm_lets_them() -> None:
    frames = [
        msgspec.structs.replace(RESULT.trace.frames[0], depth=depth, error=None) for depth in range(1024)
    ]
    result = CallResult(gas_used=5, trace=Trace(frames=frames))
    text = encode(parse_config({"tracer": "callTracer"}, Limits()).tracer.form(result, PLACE))
    assert text.count(b'"calls":[') == text.count(b"]}") == 1023
    flat = form(result, "flatCallTracer")
    assert [one["traceAddress"] for one in flat] == [[0] * depth for depth in range(1024)]


def test_struct_logger() -> None:
    result = CallResult(gas_used=50_000, output=b"\x01", halt=Halt.INVALID_OPCODE, trace=Trace(steps=STEPS))
    options: dict[str, Any] = {"enableMemory": True, "enableReturnData": True}
    made = parse_config(options, Limits()).tracer.form(result, PLACE)
    assert (made["gas"], made["failed"], made["returnValue"]) == (50_000, True, "0x")
    push, store, inner, load, invalid = made["structLogs"]
    assert push == {"pc": 0, "op": "PUSH1", "gas": 100, "gasCost": 3, "depth": 1, "stack": []}
    assert store == {
        "pc": 2,
        "op": "SSTORE",
        "gas": 97,
        "gasCost": 20_000,
        "depth": 1,
        "stack": ["0x7", "0xff"],
        "memory": ["0x" + "01" * 32, "0x" + "01" * 8 + "00" * 24],
        "returnData": "0x05",
        "storage": {word(255): word(7)},
        "refund": 4_800,
    }
    # Storage adds up per contract.
    assert inner["storage"] == {word(1): word(0)}
    assert load["storage"] == {word(255): word(7), word(1): word(2)}
    assert invalid["error"] == "invalid opcode: INVALID"
    bare = {"disableStack": True, "disableStorage": True}
    made = parse_config(bare, Limits()).tracer.form(result, PLACE)
    assert set().union(*made["structLogs"]) == {"pc", "op", "gas", "gasCost", "depth", "refund", "error"}
    reverted = msgspec.structs.replace(result, halt=Halt.REVERT)
    assert parse_config({}, Limits()).tracer.form(reverted, PLACE)["returnValue"] == "0x01"


def touched(**changes: Any) -> TouchedAccount:
    fields: dict[str, Any] = {
        "existed": True,
        "exists": True,
        "nonce_before": 1,
        "nonce_after": 1,
        "balance_before": 10,
        "balance_after": 10,
        "code_before": b"",
        "code_after": b"",
        "slots_before": {},
        "slots_after": {},
    }
    return TouchedAccount(**(fields | changes))


STATE = {
    ALICE: touched(nonce_after=2, balance_after=4),
    BOB: touched(),
    TOKEN: touched(
        code_before=b"\x60",
        code_after=b"\x60",
        slots_before={1: 5, 2: 0, 3: 7, 4: 8},
        slots_after={1: 6, 2: 9, 3: 7, 4: 0},
    ),
    NEW: touched(
        existed=False, nonce_before=0, balance_before=0, balance_after=3, code_after=b"\x61", nonce_after=1
    ),
    PRECOMPILE: touched(exists=False, nonce_after=0, balance_after=0),
}


def test_prestate_tracer() -> None:
    result = CallResult(gas_used=50_000, trace=Trace(touched=STATE))
    before = form(result, "prestateTracer")
    assert before == {
        x(ALICE): {"balance": "0xa", "nonce": 1},
        x(BOB): {"balance": "0xa", "nonce": 1},
        x(TOKEN): {
            "balance": "0xa",
            "nonce": 1,
            "code": "0x60",
            "codeHash": x(keccak256(b"\x60")),
            "storage": {word(1): word(5), word(2): word(0), word(3): word(7), word(4): word(8)},
        },
        x(PRECOMPILE): {"balance": "0xa", "nonce": 1},
    }
    assert x(NEW) in form(result, "prestateTracer", includeEmpty=True)
    bare = form(result, "prestateTracer", disableCode=True, disableStorage=True)
    assert set(bare[x(TOKEN)]) == {"balance", "nonce", "codeHash"}


def test_prestate_diff() -> None:
    result = CallResult(gas_used=50_000, trace=Trace(touched=STATE))
    made = form(result, "prestateTracer", diffMode=True)
    assert set(made["pre"]) == {x(ALICE), x(TOKEN), x(PRECOMPILE)}
    assert made["post"] == {
        x(ALICE): {"balance": "0x4", "nonce": 2},
        x(TOKEN): {"storage": {word(1): word(6), word(2): word(9)}},
        x(NEW): {"balance": "0x3", "nonce": 1, "code": "0x61", "codeHash": x(keccak256(b"\x61"))},
    }
    # Slots that were empty are no part of the state before.
    assert made["pre"][x(TOKEN)]["storage"] == {word(1): word(5), word(4): word(8)}


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"tracer": "nothing"}, "tracer not found: nothing"),
        ({"tracer": 7}, "tracer must be a name"),
        ({"tracer": "callTracer", "tracerConfig": 7}, "tracerConfig must be an object"),
        ({"tracer": "callTracer", "tracerConfig": {"withLog": 1}}, "option withLog must be a boolean"),
        (
            {"tracer": "prestateTracer", "tracerConfig": {"diffMode": True, "includeEmpty": True}},
            "cannot use diffMode with includeEmpty",
        ),
        ({"tracer": "muxTracer", "tracerConfig": {"muxTracer": {}}}, "muxTracer inside muxTracer"),
        ({"timeout": "soon"}, 'time: invalid duration "soon"'),
        ({"enableMemory": "yes"}, "option enableMemory must be a boolean"),
    ],
)
def test_bad_options(rpc: Rpc, options: dict[str, Any], text: str) -> None:
    digest = rpc.call("eth_sendRawTransaction", x(transfer(0)))
    with pytest.raises(RpcError, match=text):
        rpc.call("debug_traceTransaction", digest, options)


def test_durations() -> None:
    for text, seconds in (("5s", 5.0), ("1m30s", 90.0), ("1.5h", 5400.0), ("250ms", 0.25), ("3us", 3e-6)):
        assert parse_duration(text) == pytest.approx(seconds)
    for bad in ("", "5", "s", "5x", None, 5, "5s!", "-5s"):
        with pytest.raises(ValueError, match="invalid duration"):
            parse_duration(bad)


def test_methods(rpc: Rpc, backend: MemoryBackend) -> None:
    digest = rpc.call("eth_sendRawTransaction", x(transfer(0)))
    backend.traces[keccak256(transfer(0))] = RESULT
    frame_ = rpc.call("debug_traceTransaction", digest, {"tracer": "callTracer"})
    assert (frame_["gas"], frame_["gasUsed"]) == (hex(100_000), hex(50_000))
    block = x(backend.blocks[1].header.hash)
    expected = [{"txHash": digest, "result": frame_}]
    config = {"tracer": "callTracer"}
    assert rpc.call("debug_traceBlockByNumber", "0x1", config) == expected
    assert rpc.call("debug_traceBlockByHash", block, config) == expected
    assert rpc.call("trace_transaction", digest)[2]["error"] == "Reverted"
    assert len(rpc.call("trace_block", "latest")) == 6
    assert rpc.call("trace_transaction", x(bytes(32))) is None
    for method, params, text in (
        ("debug_traceTransaction", [x(bytes(32))], "transaction not found"),
        ("debug_traceBlockByNumber", ["0x0"], "genesis is not traceable"),
        ("debug_traceBlockByNumber", ["0x99"], "block #153 not found"),
        ("debug_traceBlockByHash", [x(bytes(32))], f"block {x(bytes(32))} not found"),
        ("debug_traceBlock", ["0x"], "expected List"),
        ("debug_traceBlock", ["0x80"], "expected List"),
        ("debug_traceBlock", ["0xf9ffff"], "could not decode block"),
    ):
        with pytest.raises(RpcError, match=text):
            rpc.call(method, *params)


def test_trace_block_by_rlp(rpc: Rpc, backend: MemoryBackend) -> None:
    rpc.call("eth_sendRawTransaction", x(transfer(0)))
    header = b"\xc3abc"
    sealed = backend.blocks[1]
    renamed = msgspec.structs.replace(sealed.header, hash=keccak256(header))
    backend.blocks[1] = msgspec.structs.replace(sealed, header=renamed)
    assert len(rpc.call("debug_traceBlock", x(b"\xc6" + header + b"\xc0\xc0"), {"tracer": "noopTracer"})) == 1


def test_trace_call(backend: MemoryBackend) -> None:
    with serve(backend, Limits(trace_time=7.0, trace_time_max=9.0, trace_steps=50)) as served:
        rpc = served.rpc()
        call = {"to": x(BOB), "gas": hex(50_000)}
        options = {
            "tracer": "4byteTracer",
            "timeout": "1h",
            "txIndex": "0x1",
            "stateOverrides": {x(BOB): {"balance": "0x1"}},
            "blockOverrides": {"number": "0x5"},
        }
        assert rpc.call("debug_traceCall", call, "latest", options) == {}
        (bundle,), number, given = backend.executed[-1]
        assert (number, given.at_index, given.time_limit) == (0, 1, 9.0)
        assert (bundle.block.number, bundle.state[BOB].balance) == (5, 1)
        rpc.call(
            "debug_traceCall", call, "pending", {"enableMemory": True, "disableStack": True, "limit": 10}
        )
        _, _, given = backend.executed[-1]
        assert given.time_limit == 7.0
        trace = given.trace
        assert (trace.parts, trace.memory, trace.stack, trace.max_steps) == (
            TraceParts.STEPS,
            True,
            False,
            10,
        )
        with pytest.raises(RpcError, match="invalid argument 2: json: cannot unmarshal number") as refused:
            rpc.call("debug_traceCall", call, "latest", {"stateOverrides": 7})
        assert refused.value.code == -32602
        with pytest.raises(RpcError, match="tracing failed: intrinsic gas too low"):
            rpc.call("debug_traceCall", call | {"gas": "0x1"}, "latest")
