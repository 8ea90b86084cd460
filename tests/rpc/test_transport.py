"""HTTP: batches, ids, limits, garbage, CORS."""

from __future__ import annotations

import json
import socket
import threading
import time
from typing import Any

import pytest

from jovay.rpc import server
from jovay.rpc.limits import Limits
from jovay.sequencer.production.progress import Stall
from rpc.memory_backend import MemoryBackend
from rpc.requests import BODY, CHUNKED, HEAD, ask, call, error_of, post, raw_exchange
from rpc.serving import Served, serve


@pytest.mark.parametrize("identifier", [0, -5, 1.5, 10**30, "a", 'quote " and \\ é \n', "", None])
def test_id_comes_back(served: Served, identifier: Any) -> None:
    answer = ask(served, call("eth_chainId", ident=identifier))
    assert answer == {"jsonrpc": "2.0", "id": identifier, "result": "0x539"}


@pytest.mark.parametrize(
    "message",
    [
        {"jsonrpc": "2.0", "id": [1], "method": "eth_chainId"},
        {"jsonrpc": "2.0", "id": {}, "method": "eth_chainId"},
        {"jsonrpc": "2.0", "id": True, "method": "eth_chainId"},
        {"jsonrpc": "1.0", "id": 1, "method": "eth_chainId"},
        {"id": 1, "method": "eth_chainId"},
        {"jsonrpc": "2.0", "id": 1, "method": 7},
        {"jsonrpc": "2.0", "id": 1, "method": ""},
        {"jsonrpc": "2.0", "id": 1},
        {},
        17,
        "text",
        None,
    ],
)
def test_invalid_requests(served: Served, message: Any) -> None:
    assert error_of(ask(served, message)) == (-32600, "invalid request")
    answers = ask(served, [message, call("eth_chainId", ident=2)])
    assert error_of(answers[0]) == (-32600, "invalid request")
    assert answers[1]["result"] == "0x539"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"jsonrpc"',
        b"\xff\xfe",
        b"nonsense",
        b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId"} trailing',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" + b"[1]," * 1000,
        b'{"jsonrpc":"2.0","id":1,"method":"\\ud800"}',
    ],
)
def test_garbage_is_a_parse_error(served: Served, body: bytes) -> None:
    assert error_of(ask(served, body))[0] in (-32700, -32600)
    assert ask(served, call("eth_chainId"))["result"] == "0x539"


@pytest.mark.parametrize("element", [b"{}", b"1", b'{"a":1}', b"[[]]"])
def test_too_many_values_are_refused_undecoded(served: Served, element: bytes) -> None:
    many = b"[" + (element + b",") * 300_000 + element + b"]"
    assert error_of(ask(served, many)) == (-32005, "more than 200000 JSON values")
    inside = b'{"jsonrpc":"2.0","id":1,"method":"eth_call","params":' + many + b"}"
    assert error_of(ask(served, inside))[0] == -32005


def test_deep_parameters(served: Served) -> None:
    deep = b"[" * 20_000 + b"]" * 20_000
    body = b'{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":' + deep + b"}"
    assert ask(served, body)["error"]["code"] in (-32602, -32700)
    body = b'{"jsonrpc":"2.0","id":' + deep + b',"method":"eth_chainId"}'
    assert ask(served, body)["error"]["code"] in (-32600, -32700)


def test_unknown_method(served: Served) -> None:
    text = "the method eth_nothing does not exist/is not available"
    assert error_of(ask(served, call("eth_nothing"))) == (-32601, text)
    assert error_of(ask(served, call("anvil_nodeInfo")))[0] == -32601


def test_batch_keeps_order_and_ids(served: Served) -> None:
    sent = [
        call("eth_chainId" if n % 2 else "eth_blockNumber", ident=n if n % 2 else str(n)) for n in range(50)
    ]
    answers = ask(served, sent)
    assert [one["id"] for one in answers] == [one["id"] for one in sent]
    assert [one["result"] for one in answers] == ["0x0", "0x539"] * 25


def test_batch_with_errors_and_notifications(served: Served) -> None:
    silent = {"jsonrpc": "2.0", "method": "eth_chainId"}
    answers = ask(served, [silent, call("no_such", ident=7), call("eth_chainId", ident=8), silent])
    assert [one["id"] for one in answers] == [7, 8]
    assert answers[0]["error"]["code"] == -32601
    assert ask(served, [silent, silent]) is None
    assert ask(served, silent) is None
    assert error_of(ask(served, [])) == (-32600, "empty batch")


def test_batch_limit(backend: MemoryBackend) -> None:
    with serve(backend, Limits(batch=3)) as served:
        assert len(ask(served, [call("eth_chainId")] * 3)) == 3
        (answer,) = ask(served, [call("eth_chainId", ident=n + 5) for n in range(4)])
        assert error_of(answer) == (-32600, "batch too large")
        assert answer["id"] == 5
        (answer,) = ask(served, [call("eth_sendRawTransaction", "0x00", ident=n) for n in range(4)])
        assert error_of(answer) == (-32600, "batch too large")


def test_response_limit(backend: MemoryBackend) -> None:
    with serve(backend, Limits(response=5_000)) as served:
        answers = ask(served, [call("eth_getBlockByNumber", "0x0", False, ident=n) for n in range(20)])
        assert [one["id"] for one in answers] == list(range(20))
        assert "result" in answers[0]
        assert error_of(answers[-1]) == (-32003, "response too large")


def test_body_limit(backend: MemoryBackend) -> None:
    with serve(backend, Limits(body=1_000)) as served:
        status, _, content = post(served, b"x" * 1_001)
        assert (status, content) == (413, b"content length too large (1001>1000)\n")
        assert post(served, b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}')[0] == 200


def test_body_limit_without_length(backend: MemoryBackend) -> None:
    with serve(backend, Limits(body=1_000)) as served:
        chunk = b"100\r\n" + b" " * 256 + b"\r\n"
        assert raw_exchange(served, CHUNKED + chunk * 5).startswith(b"HTTP/1.1 413 ")


def test_parameter_size_limit(served: Served) -> None:
    answer = ask(served, call("eth_getBalance", "0x" + "0" * 100_000))
    assert answer["error"]["code"] == -32602


def test_pipelined_requests_answer_in_order(served: Served) -> None:
    # The first waits for a thread, the second could be answered at once.
    slow = b'{"jsonrpc":"2.0","id":7,"method":"eth_getBlockByNumber","params":["0x0",false]}'
    requests = HEAD % len(slow) + b"\r\n" + slow + HEAD % len(BODY) + b"connection: close\r\n\r\n" + BODY
    heard = raw_exchange(served, requests)
    assert heard.count(b"HTTP/1.1 200 OK") == 2
    assert heard.index(b'"id":7') < heard.index(b'"id":1,')
    assert b"connection: close" in heard


def test_http_in_pieces_and_chunks(served: Served) -> None:
    host, port = served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in HEAD % len(BODY) + b"\r\n" + BODY:
            connection.sendall(bytes((byte,)))
        assert b'"result":"0x539"' in connection.recv(65_536)
        connection.sendall(CHUNKED + b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY))
        assert b'"result":"0x539"' in connection.recv(65_536)
        connection.sendall(HEAD % len(BODY) + b"expect: 100-continue\r\n\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 100 Continue")
        connection.sendall(BODY)
        assert b'"result":"0x539"' in connection.recv(65_536)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"NONSENSE\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00", b"400"),
        (b"GET / HTTP/1.1\r\n" + b"a: " + b"b" * 40_000 + b"\r\n\r\n", b"431"),
        (b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: -1\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nhost: localhost\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n", b"501"),
    ],
)
def test_bad_http(served: Served, data: bytes, status: bytes) -> None:
    assert raw_exchange(served, data).startswith(b"HTTP/1.1 " + status)
    assert ask(served, call("eth_chainId"))["result"] == "0x539"


def test_content_type(served: Served) -> None:
    assert post(served, BODY, {"content-type": "text/plain"})[0] == 415
    assert post(served, BODY, {})[0] == 415
    assert post(served, BODY, {"content-type": "application/json; charset=utf-8"})[0] == 200


def test_other_paths(served: Served) -> None:
    assert post(served, b"", {}, "/", "GET")[0] == 200
    assert json.loads(post(served, b"", {}, "/health", "GET")[2]) == {"status": "ok", "block": 0}
    assert post(served, b"", {}, "/metrics", "GET")[2] == b"up 1\n"
    assert post(served, b"", {}, "/nowhere", "GET")[0] == 404
    assert post(served, b"", {}, "/", "DELETE")[0] == 405
    status, fields, content = post(served, b"", {}, "/health", "HEAD")
    assert (status, content) == (200, b"")
    assert int(fields["content-length"]) > 0


def test_metrics_are_made_now_and_then(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a worker thread, and once for all who ask at the same time."""
    monkeypatch.setattr(server, "METRICS_AGE", 1e6)
    threads: list[str] = []

    def metrics() -> tuple[str, bytes]:
        threads.append(threading.current_thread().name)
        time.sleep(0.05)
        return "text/plain", b"up %d\n" % len(threads)

    served.server._metrics = metrics
    get = HEAD % 0 + b"\r\n"
    heard = raw_exchange(served, (get * 4).replace(b"POST / ", b"GET /metrics "))
    assert heard.count(b"up 1\n") == 4
    assert len(threads) == 1
    assert threads[0].startswith("jovay-rpc")
    monkeypatch.setattr(server, "METRICS_AGE", -1.0)
    assert post(served, b"", {}, "/metrics", "GET")[2] == b"up 2\n"


def test_health_of_a_failed_node(backend: MemoryBackend, served: Served) -> None:
    served.server._trouble = lambda: Stall("disk full", 1.5)
    status, _, content = post(served, b"", {}, "/health", "GET")
    assert status == 503
    assert json.loads(content) == {
        "status": "disk full",
        "since": "1970-01-01T00:00:01.500+00:00",
        "block": 0,
    }
    # What can be read is still read.
    assert ask(served, call("eth_chainId"))["result"] == "0x539"


def test_memory_for_bodies_is_shared(backend: MemoryBackend) -> None:
    with serve(backend, Limits(memory=300_000, body=200_000)) as served:
        host, port = served.url.removeprefix("http://").split(":")
        half = HEAD % 150_000 + b"\r\n" + b" " * 140_000
        kept = [socket.create_connection((host, int(port)), timeout=5) for _ in range(2)]
        for connection in kept:
            connection.sendall(half)
        budget = served.server._budget
        while budget.used < 280_000:
            time.sleep(0.01)
        assert raw_exchange(served, half).startswith(b"HTTP/1.1 503")
        # Small requests are not concerned.
        assert ask(served, call("eth_chainId"))["result"] == "0x539"
        for connection in kept:
            connection.close()
        while budget.used:
            time.sleep(0.01)
        assert post(served, b" " * 150_000)[0] == 200


def test_memory_for_answers_is_shared(backend: MemoryBackend) -> None:
    """Also while a batch is being answered: what does not fit is an error, in its place."""
    batch = [call("eth_getHeaderByNumber", "0x0", ident=n) for n in range(500)]
    with serve(backend, Limits(memory=200_000)) as served:
        answers = ask(served, batch)
        assert [one["id"] for one in answers] == list(range(500))
        assert "result" in answers[0]
        assert error_of(answers[-1]) == (-32005, "too much is being answered, try again later")
        end = time.monotonic() + 10
        while served.server._budget.used and time.monotonic() < end:  # given back after the answer is sent
            time.sleep(0.01)
        assert served.server._budget.used == 0
        assert len(ask(served, batch[:50])) == 50


def test_answers_nobody_reads(backend: MemoryBackend) -> None:
    # Who is refused for lack of memory has a short answer, which the system takes, and is idle then.
    with serve(backend, Limits(memory=12_000_000, request_time=1.5, idle_time=3.0)) as served:
        batch = json.dumps([call("eth_getHeaderByNumber", "0x0")] * 4_000).encode()
        host, port = served.url.removeprefix("http://").split(":")
        kept = []
        for _ in range(4):
            kept.append(socket.socket())
            kept[-1].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            kept[-1].connect((host, int(port)))
            kept[-1].sendall(HEAD % len(batch) + b"\r\n" + batch)
        end = time.monotonic() + 30
        while len(served.server._connections) and time.monotonic() < end:
            assert served.server._budget.used < 20_000_000
            time.sleep(0.05)
        assert not len(served.server._connections)
        assert served.server._budget.used == 0
        for connection in kept:
            connection.close()


def test_a_port_can_be_served_once(served: Served, backend: MemoryBackend) -> None:
    with pytest.raises(OSError, match="in use"), serve(backend, http_port=served.server.http_port):
        pass


def test_second_port(backend: MemoryBackend) -> None:
    with serve(backend, ws_port=0) as served:
        assert served.server.ws_port
        assert served.server.ws_port != served.server.http_port
