"""Who is let in: names in ``Host``, web pages, and methods that a node serves only when asked."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from jovay.rpc.exposure import Gate, host_name
from jovay.rpc.table import METHODS
from rpc.memory_backend import MemoryBackend
from rpc.requests import BODY, JSON, ask, call, error_of, post, raw_exchange
from rpc.serving import Served, serve

PAGE = "https://app.example"
LOCAL_PAGES = (
    "http://localhost",
    "http://LocalHost:3000",
    "https://127.0.0.1:8443",
    "http://[::1]:1",
    "http://a.localhost",
    "chrome-extension://nkbihfbeogaeaoehlefnkodbefgpgknn",
    "moz-extension://3c1a-7",
)
OTHER_PAGES = (
    "https://evil.example", "null", "", "http://localhost.evil.example", "http://127.0.0.1.evil.example",
    "http://localhost@evil.example", "file://", "http://evillocalhost", "http://[::1].evil.example",
    "https://chrome-extension", "chrome-extension://", "evil-extension://a", "https://chrome-extension://a",
)  # fmt: skip


async def upgrade(served: Served, host: str = "127.0.0.1", origin: Any = None) -> int:
    """Status of a WebSocket handshake."""
    port = served.server.http_port
    connecting = connect(f"ws://{host}:{port}", origin=origin, host="127.0.0.1", port=port)
    try:
        async with connecting:
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("localhost", "localhost"),
        ("LOCALHOST:8545", "localhost"),
        ("localhost.:1", "localhost"),
        ("10.1.2.3:80", "10.1.2.3"),
        ("[::1]:8545", "::1"),
        ("[::1]", "::1"),
        ("localhost:evil", None),
        ("[::1", None),
        ("[evil]", None),
        ("::1", None),
        ("evil.example:", "evil.example"),
    ],
)
def test_names_of_hosts(host: str, name: str | None) -> None:
    assert host_name(host) == name


def test_hosts_that_are_let_in() -> None:
    gate = Gate(("0.0.0.0", "Node.Example:8545"), ("*",))
    for host in ("localhost", "localhost:1", "127.0.0.1:8545", "[::1]:8545", "node.example", "10.0.0.7:8545"):
        assert gate.refusal({"host": host}) == "", host
    for host in (
        "evil.example",
        "localhost.evil.example",
        "sub.node.example",
        "",
        "localhost:x",
        "1.2.3.4.5",
    ):
        assert gate.refusal({"host": host}).startswith(f'host "{host}" is not let in: --hosts'), host
    assert Gate(("*",), ("*",)).refusal({"host": "evil.example"}) == ""
    assert gate.refusal({}) == ""


def test_pages_that_are_let_in() -> None:
    local, named, anything = Gate((), ("local",)), Gate((), ("local", PAGE + "/")), Gate((), ("*",))
    for page in LOCAL_PAGES:
        assert local.refusal({"origin": page}) == "", page
    for page in OTHER_PAGES:
        assert local.refusal({"origin": page}).startswith(
            f'web pages of "{page}" are not let in: --origins'
        ), page
        assert anything.refusal({"origin": page}) == ""
    assert local.refusal({"origin": PAGE}) != ""
    assert named.refusal({"origin": PAGE}) == ""
    assert Gate((), (PAGE,)).refusal({"origin": "http://localhost"}) != ""


def test_a_rebound_name_is_refused(backend: MemoryBackend) -> None:
    """On every path, over WebSockets, and on the port for metrics."""
    evil = {"host": "rebound.example:8545"}
    with serve(backend, hosts=("node.example",), origins=("*",), metrics_port=0) as served:
        for method, path in (("POST", "/"), ("GET", "/"), ("GET", "/health"), ("GET", "/metrics"), ("OPTIONS", "/"),
                             ("POST", "/batch")):  # fmt: skip
            status, _, content = post(served, BODY, JSON | evil, path, method)
            assert status == 403
            assert content.startswith(b'host "rebound.example:8545" is not let in: --hosts')
        assert post(served, BODY, JSON | {"host": "node.example"})[0] == 200
        absolute = b"POST http://rebound.example/ HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n"
        assert raw_exchange(served, absolute + b"bad\r\n\r\n").startswith(b"HTTP/1.1 403 ")
        assert asyncio.run(upgrade(served, host="rebound.example")) == 403
        assert asyncio.run(upgrade(served, host="node.example")) == 101
        metrics = Served(served.server, served.loop, f"http://127.0.0.1:{served.server.metrics_port}", "")
        assert post(metrics, b"", evil, "/metrics", "GET")[0] == 403
        assert post(metrics, b"", {}, "/metrics", "GET")[2] == b"up 1\n"
        assert post(metrics, BODY, JSON)[0] == 405
        assert post(served, b"", {}, "/metrics", "GET")[0] == 404


@pytest.mark.parametrize("head", [b"host: localhost\r\nhost: rebound.example\r\n", b""])
def test_one_host_field_is_needed(served: Served, head: bytes) -> None:
    request = b"GET /health HTTP/1.1\r\n" + head + b"\r\n"
    assert raw_exchange(served, request).startswith(b"HTTP/1.1 400 ")


def test_clients_of_old_send_no_host(served: Served) -> None:
    assert raw_exchange(served, b"GET /health HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200 ")


def test_pages_of_other_machines(backend: MemoryBackend) -> None:
    """A page asks first (a preflight), then posts; whatever it does, it gets nothing."""
    evil = {"origin": "https://evil.example"}
    asked = {"access-control-request-method": "POST", "access-control-request-private-network": "true"}
    with serve(backend) as served:
        for method, path, headers in (("OPTIONS", "/", asked), ("POST", "/", JSON), ("GET", "/health", {})):
            status, fields, content = post(served, BODY, evil | headers, path, method)
            assert (status, "access-control-allow-origin" in fields) == (403, False)
            assert (
                content
                == b'web pages of "https://evil.example" are not let in: --origins lists those that are\n'
            )
        page = {"origin": "http://localhost:3000"}
        status, fields, _ = post(served, b"", page | asked, "/", "OPTIONS")
        assert (status, fields["access-control-allow-origin"]) == (204, page["origin"])
        assert fields["access-control-allow-private-network"] == "true"
        assert post(served, BODY, JSON | page)[1]["access-control-allow-origin"] == page["origin"]
        assert asyncio.run(upgrade(served, **evil)) == 403
        assert asyncio.run(upgrade(served, **page)) == 101
        assert asyncio.run(upgrade(served)) == 101


def test_all_pages_on_a_development_chain(backend: MemoryBackend) -> None:
    with serve(backend, origins=("*",)) as served:
        page = {"origin": PAGE}
        status, fields, _ = post(
            served, b"", page | {"access-control-request-method": "POST"}, "/", "OPTIONS"
        )
        assert (status, fields["access-control-allow-origin"]) == (204, "*")
        assert "content-type" in fields["access-control-allow-headers"]
        assert "POST" in fields["access-control-allow-methods"]
        assert post(served, BODY, JSON | page)[1]["access-control-allow-origin"] == "*"
        assert "access-control-allow-origin" not in post(served, BODY)[1]
        assert asyncio.run(upgrade(served, **page)) == 101


def refused(served: Served, method: str) -> Any:
    """The error's message, alone and within a batch, over both transports."""
    answers = [ask(served, call(method)), *ask(served, [call(method), call("eth_chainId")])[:1]]

    async def over_websocket() -> Any:
        async with connect(served.ws_url) as connection:
            await connection.send(json.dumps(call(method)))
            return json.loads(await connection.recv())

    answers.append(asyncio.run(over_websocket()))
    assert answers[0]["error"] == answers[1]["error"] == answers[2]["error"]
    code, message = error_of(answers[0])
    assert code == -32601
    return message


def test_what_shows_the_inside_is_served_when_asked_for(backend: MemoryBackend) -> None:
    tracing = {name for name, method in METHODS.items() if method.tracing}
    assert {name for name in METHODS if name.startswith(("debug_", "trace_"))} < tracing
    assert {"ots_traceTransaction", "ots_searchTransactionsBefore", "ots_getContractCreator"} < tracing
    with serve(backend, tracing=False) as served:
        for name in tracing:
            text = f"the method {name} does not exist/is not available: --debug-api opens it"
            assert refused(served, name) == text
        modules = ask(served, call("rpc_modules"))["result"]
        assert not {"debug", "trace"} & modules.keys()
        assert "ots" in modules
        assert "result" in ask(served, call("ots_getApiLevel"))
    with serve(backend) as served:
        assert "result" in ask(served, call("debug_getRawHeader", "latest"))
        assert {"debug", "trace"} < ask(served, call("rpc_modules"))["result"].keys()


def test_a_refused_method_names_the_option(backend: MemoryBackend) -> None:
    raw = call("eth_sendRawTransaction", "0x00")
    with serve(backend, namespaces=("web3",)) as served:
        assert refused(served, "anvil_nodeInfo").endswith("not available")
        assert refused(served, "anvil_setBalance").endswith(": --dev opens it")
        assert refused(served, "eth_chainId").endswith(": --namespaces says what this node serves")
        # Batches of one kind have a path of their own, and so have binary ones.
        assert {error_of(one)[0] for one in ask(served, [raw, raw])} == {-32601}
        assert post(served, b"", {"content-type": "application/octet-stream"}, "/batch")[0] == 415
