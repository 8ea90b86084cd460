"""Whatever a client sends, the answer is well-formed JSON-RPC and the node goes on."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jovay.rpc.context import Context
from jovay.rpc.dispatch import Dispatcher
from jovay.rpc.limits import Limits
from jovay.rpc.table import METHODS
from rpc.fake_dev import FakeDev
from rpc.memory_backend import MemoryBackend
from rpc.serving import ALICE, BOB, serve, transfer

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=80)
    | st.sampled_from(
        "|0x|0x0|0x1|0x01|0xg|latest|pending|safe|earliest|-0x1|0X1|0x 1|0x1\x00|callTracer".split("|")
    )
    | st.sampled_from(["0x" + "00" * 20, "0x" + "11" * 32, "0x" + "f" * 64, "0x" + "f" * 65]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                "from to gas value data input nonce gasPrice accessList fromBlock toBlock address topics "
                "blockHash blockNumber tracer tracerConfig blockStateCalls calls stateOverrides "
                "blockOverrides number time authorizationList chainId timeout limit".split()
            )
            | st.text(max_size=8),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)

NAMES = sorted(METHODS)


class Harness:
    """A dispatcher over the memory chain, without a network."""

    def __init__(self) -> None:
        backend = MemoryBackend()
        backend.fund(ALICE, 10**21)
        backend.dev = FakeDev()
        self._serving = serve(backend, Limits(sync_time=0.01, sync_time_max=0.05, request_time=5.0))
        self.served = self._serving.__enter__()
        self.context = Context(self.served.server._services)
        self.dispatcher = Dispatcher()
        self.ask(
            {
                "jsonrpc": "2.0",
                "id": 1,
                "method": "eth_sendRawTransaction",
                "params": ["0x" + transfer(0).hex()],
            }
        )

    def raw(self, body: bytes) -> bytes:
        """The answer to a body."""

        async def work() -> bytes:
            answer = self.dispatcher.handle(body, self.context)
            return answer if isinstance(answer, bytes) else await answer

        answer = asyncio.run_coroutine_threadsafe(work(), self.served.loop).result(20)
        assert isinstance(answer, bytes | bytearray)
        return answer

    def ask(self, message: Any) -> Any:
        """The parsed answer to a JSON value."""
        answer = self.raw(json.dumps(message).encode())
        return json.loads(answer) if answer else None

    def close(self) -> None:
        """Stop."""
        self._serving.__exit__(None, None, None)


@pytest.fixture(scope="module")
def harness() -> Iterator[Harness]:
    made = Harness()
    yield made
    made.close()


def check_answer(answer: Any, identifier: Any) -> None:
    """A well-formed answer of our own."""
    assert isinstance(answer, dict)
    assert answer["jsonrpc"] == "2.0"
    assert answer["id"] == identifier
    if "error" in answer:
        error = answer["error"]
        assert set(error) <= {"code", "message", "data"}
        assert isinstance(error["code"], int)
        assert isinstance(error["message"], str)
        assert error["message"]
        # -32603 is a fault of ours: no input may cause one.
        assert error["code"] != -32603, error
    else:
        assert "result" in answer


FUZZ = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@FUZZ
@given(name=st.sampled_from(NAMES), params=st.lists(JSON_VALUES, max_size=5) | JSON_VALUES)
def test_any_parameters(harness: Harness, name: str, params: Any) -> None:
    answer = harness.ask({"jsonrpc": "2.0", "id": 1, "method": name, "params": params})
    check_answer(answer, 1)


def test_wrong_types_for_each_parameter_of_each_method(harness: Harness) -> None:
    """Every method, with each parameter in turn of each JSON type."""
    wrong = [7, -1, 1.5, True, "", "text", "0x", "0xzz", [], [1], {}, {"a": 1}, ["0x" * 10], "0x" + "1" * 200]
    for name, method in METHODS.items():
        good = [_example(param.kind.name) for param in method.params]
        for position in range(len(good)):
            for value in wrong:
                params = [*good[:position], value, *good[position + 1 :]]
                answer = harness.ask({"jsonrpc": "2.0", "id": name, "method": name, "params": params})
                check_answer(answer, name)


def _example(kind: str) -> Any:
    examples: dict[str, Any] = {
        "ADDRESS": "0x" + BOB.hex(),
        "HASH": "0x" + "12" * 32,
        "DATA": "0x12",
        "QUANTITY": "0x1",
        "INTEGER": 1,
        "BOOL": False,
        "STRING": "newHeads",
        "ANY": None,
        "BLOCK": "latest",
        "BLOCK NUMBER": "latest",
        "TRANSACTION OBJECT": {"to": "0x" + BOB.hex()},
        "LOG FILTER": {},
        "STORAGE KEY": "0x0",
        "ARRAY of STORAGE KEY": ["0x0"],
        "ARRAY of numbers": [50],
        "SIMULATION": {"blockStateCalls": []},
    }
    return examples.get(kind, {})


@FUZZ
@given(body=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes(harness: Harness, body: bytes) -> None:
    answer = harness.raw(body)
    if answer:
        parsed = json.loads(answer)
        for one in parsed if isinstance(parsed, list) else [parsed]:
            assert one["jsonrpc"] == "2.0"
            assert one["error"]["code"] in (-32700, -32600)


@FUZZ
@given(message=JSON_VALUES | st.lists(JSON_VALUES, max_size=5))
def test_any_json(harness: Harness, message: Any) -> None:
    answer = harness.ask(message)
    for one in answer if isinstance(answer, list) else [answer]:
        assert one["error"]["code"] in (-32700, -32600)


REQUESTS = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0"), "method": st.sampled_from(NAMES), "params": st.lists(JSON_VALUES)},
    optional={"id": st.integers() | st.text(max_size=9) | st.none()},
)


@FUZZ
@given(batch=st.lists(REQUESTS | JSON_VALUES, min_size=1, max_size=6))
def test_any_batch(harness: Harness, batch: list[Any]) -> None:
    answers = harness.ask(batch) or []
    assert len(answers) <= len(batch)
    ours = [one for one in batch if isinstance(one, dict) and one.get("jsonrpc") == "2.0"]
    expected = [one["id"] for one in ours if "id" in one and "method" in one]
    assert [one["id"] for one in answers if one["id"] is not None] == [i for i in expected if i is not None]


@FUZZ
@given(cut=st.integers(0, 10**6), flips=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255))))
def test_damaged_requests(harness: Harness, cut: int, flips: list[tuple[int, int]]) -> None:
    call = {"to": "0x" + BOB.hex(), "data": "0x1234", "accessList": [{"address": "0x" + BOB.hex()}]}
    text = json.dumps(
        [
            {"jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": [call, "latest"]},
            {"jsonrpc": "2.0", "id": 2, "method": "eth_getLogs", "params": [{"fromBlock": "0x0"}]},
        ]
    )
    body = bytearray(text.encode())
    for position, value in flips[:4]:
        body[position % len(body)] = value
    answer = harness.raw(bytes(body[: 1 + cut % len(body)]))
    if answer:
        json.loads(answer)


def test_faults_of_the_node_are_hidden(harness: Harness, caplog: pytest.LogCaptureFixture) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError("a secret")

    harness.context.pool.fees = broken  # type: ignore[method-assign]
    with caplog.at_level(logging.CRITICAL, "jovay"):
        answer = harness.ask({"jsonrpc": "2.0", "id": 1, "method": "eth_gasPrice"})
    assert answer["error"] == {"code": -32603, "message": "internal error: ZeroDivisionError"}
    del harness.context.pool.fees
    assert harness.ask({"jsonrpc": "2.0", "id": 1, "method": "eth_gasPrice"})["result"] == "0xa"
