"""Connections: places for all of them, and clients that send without end, or hardly anything."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from jovay.rpc import connections, http, server, websocket
from jovay.rpc.limits import Limits
from jovay.simulation.requests import Call, CallResult
from rpc.emitters import EMITTER
from rpc.memory_backend import MemoryBackend
from rpc.requests import BODY, CHUNKED, HEAD, ask, call, raw_exchange
from rpc.serving import Served, serve
from rpc.sockets import handshake, masked

REQUEST = HEAD % len(BODY) + b"\r\n" + BODY
FLOOD = 2 << 20
UPGRADE = (
    b"GET / HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
    b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n"
)


@pytest.fixture(autouse=True)
def frequent_care(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits a second."""
    monkeypatch.setattr(server, "CARE_INTERVAL", 0.05)
    monkeypatch.setattr(http, "SLACK", 0.3)
    monkeypatch.setattr(websocket, "SLACK", 0.3)
    monkeypatch.setattr(websocket, "_CLOSE_TIME", 0.3)


def plain(served: Served, data: bytes = b"") -> socket.socket:
    """A connection that has sent something."""
    host, port = served.url.removeprefix("http://").split(":")
    made = socket.create_connection((host, int(port)), timeout=10)
    made.sendall(data)
    return made


def ends(connection: socket.socket, seconds: float = 10.0) -> bytes:
    """All that comes until the server hangs up, which it must do in time."""
    connection.settimeout(seconds)
    heard = b""
    with contextlib.suppress(ConnectionError):
        while more := connection.recv(65_536):
            heard += more
    return heard


def test_every_connection_takes_a_place(backend: MemoryBackend) -> None:
    """Kept ones, WebSockets, and those that are told of a mistake and do not hang up."""
    with serve(backend, Limits(connections=3)) as served:
        kept, web, refused = (
            plain(served, REQUEST),
            handshake(served, 65_536),
            plain(served, b"NONSENSE\r\n\r\n"),
        )
        assert b"0x539" in kept.recv(65_536)
        assert refused.recv(65_536).startswith(b"HTTP/1.1 400")
        assert len(served.server._connections) == 3
        assert raw_exchange(served, REQUEST).startswith(b"HTTP/1.1 503")
        for connection in (kept, web, refused):
            connection.close()
        while len(served.server._connections):
            time.sleep(0.01)
        assert ask(served, call("eth_chainId"))["result"] == "0x539"


def test_web_sockets_leave_places_to_others(backend: MemoryBackend) -> None:
    with serve(backend, Limits(connections=8)) as served:
        kept = [handshake(served, 65_536) for _ in range(6)]
        with plain(served, UPGRADE) as other:
            answer = other.recv(65_536)
        assert answer.startswith(b"HTTP/1.1 503")
        assert answer.endswith(b"too many WebSockets\n")
        kept.pop().close()
        assert ask(served, call("eth_chainId"))["result"] == "0x539"
        while len(served.server._connections) > 5:
            time.sleep(0.01)
        kept.append(handshake(served, 65_536))
        for connection in kept:
            connection.close()


def test_idle_ones_go_sooner_where_it_is_crowded(
    backend: MemoryBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "CROWDED_IDLE", 0.3)
    with serve(backend, Limits(connections=8)) as served:
        kept = [plain(served, REQUEST) for _ in range(5)]
        time.sleep(0.6)
        for connection in kept:
            assert b"0x539" in connection.recv(65_536)
            connection.sendall(REQUEST)
            assert b"0x539" in connection.recv(65_536)
        kept.append(plain(served, REQUEST))
        for connection in kept[:5]:
            assert ends(connection) == b""
            connection.close()
        assert len(served.server._connections) <= 1
        kept[-1].close()


def test_few_of_the_refused_are_told_why(backend: MemoryBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "REFUSED", 2)
    with serve(backend, Limits(connections=1)) as served:
        kept = plain(served, REQUEST)
        assert b"0x539" in kept.recv(65_536)
        others = [plain(served) for _ in range(5)]
        told = [other for other in others if ends(other).startswith(b"HTTP/1.1 503")]
        assert len(told) == 2
        for connection in (kept, *others):
            connection.close()


def endless(start: bytes, piece: bytes) -> Iterator[bytes]:
    """A request that goes on for ever."""
    yield start
    while True:
        yield piece


@pytest.mark.parametrize(
    ("start", "piece", "status"),
    [
        (b"GET / HTTP/1.1\r\nhost: localhost\r\na: ", b"b" * 4096, b"431"),
        (b"GET / HTTP/1.1\r\nhost: localhost\r\n", b"b" * 4096, b"431"),
        (b"GET / HTTP/1.1\r\nhost: localhost\r\n", b"a: b\r\n" * 700, b"431"),
        (b"GET /", b"b" * 4096, b"431"),
        (b"", b"\r\n" * 2048, b"431"),
        (CHUNKED + b"1;", b"x" * 4096, b"400"),
        (CHUNKED + b"1\r\n \r\n0\r\na: ", b"x" * 4096, b"400"),
        (CHUNKED + b"1\r\n \r\n0\r\n", b"x" * 4096, b"400"),
        (CHUNKED + b"1\r\n \r\n0\r\n", b"a: b\r\n" * 700, b"400"),
        (CHUNKED, (b"1;" + b"x" * 4000 + b"\r\n \r\n"), b"400"),
    ],
)
def test_what_never_ends_is_cut(backend: MemoryBackend, start: bytes, piece: bytes, status: bytes) -> None:
    """Before it is stored: the parser keeps what it has of a name, a field or a trailer."""
    with serve(backend, Limits(body=100_000)) as served:
        connection = plain(served)
        sent, heard = 0, b""
        connection.settimeout(0.001)
        with contextlib.suppress(ConnectionError):
            for part in endless(start, piece):
                with contextlib.suppress(TimeoutError):
                    connection.send(part)
                    sent += len(part)
                with contextlib.suppress(TimeoutError):
                    heard += connection.recv(4096)
                if heard or sent > FLOOD:
                    break
        connection.close()
        assert heard.startswith(b"HTTP/1.1 " + status)
        assert sent < FLOOD
        assert ask(served, call("eth_chainId"))["result"] == "0x539"


def test_a_refused_client_is_not_listened_to_for_ever(backend: MemoryBackend) -> None:
    with serve(backend, Limits(body=100_000)) as served:
        connection = plain(served, b"NONSENSE\r\n\r\n")
        with pytest.raises(ConnectionError):
            connection.sendall(bytes(64 << 20))
        connection.close()


def test_small_chunks_are_no_attack(served: Served) -> None:
    chunks = b"".join(b"3\r\n" + BODY[at : at + 3].ljust(3) + b"\r\n" for at in range(0, len(BODY), 3))
    with plain(served, CHUNKED + chunks + b"3\r\n   \r\n" * 9_000 + b"0\r\ntrailer: x\r\n\r\n") as connection:
        assert b'"result":"0x539"' in connection.recv(65_536)


def trickle(connection: socket.socket, pieces: Iterator[bytes], pause: float = 0.1) -> float:
    """Seconds until the server has enough of a client that sends a bit all the time."""
    begun = time.monotonic()
    connection.settimeout(pause)
    with contextlib.suppress(ConnectionError):
        for piece in pieces:
            connection.sendall(piece)
            with contextlib.suppress(TimeoutError):
                if not connection.recv(4096):
                    break
            assert time.monotonic() - begun < 20
    connection.close()
    return time.monotonic() - begun


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (b"POST / HTTP/1.1\r\n", b"a: b\r\n"),
        (HEAD % 50_000 + b"\r\n", b" "),
        (CHUNKED, b"1\r\n \r\n"),
        (REQUEST + HEAD % 50_000 + b"\r\n", b" "),
    ],
)
@pytest.mark.parametrize("limits", [{"head_time": 0.5, "body_time": 0.5}, {"rate": 10_000}])
def test_a_trickle_has_an_end(
    backend: MemoryBackend, start: bytes, piece: bytes, limits: dict[str, float]
) -> None:
    """Time is for the whole request, however often something comes; and it must come at some rate."""
    with serve(backend, Limits(**limits)) as served:  # type: ignore[arg-type]
        assert trickle(plain(served), endless(start, piece)) < 10
        assert not len(served.server._connections)


@pytest.mark.parametrize("limits", [{"body_time": 0.5}, {"rate": 1_000_000}])
@pytest.mark.parametrize(
    ("start", "piece"),
    [(b"\x81\xfe\x40\x00" + bytes(4), b" "), (masked(b" ", 0x01), masked(b" ", 0x00)),
     (masked(b" ", 0x01), masked(b"", 0x89))],
)  # fmt: skip
def test_a_message_in_pieces_has_an_end(
    backend: MemoryBackend, start: bytes, piece: bytes, limits: dict[str, float]
) -> None:
    with serve(backend, Limits(**limits)) as served:  # type: ignore[arg-type]
        raw = handshake(served, 65_536)
        assert trickle(raw, endless(start, piece)) < 10


def test_a_slow_handshake_has_an_end(backend: MemoryBackend) -> None:
    with serve(backend, Limits(head_time=0.5)) as served:
        start = b"GET / HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\n"
        assert trickle(plain(served), endless(start, b"a: b\r\n")) < 10


def test_a_steady_client_is_not_late(backend: MemoryBackend) -> None:
    """Requests one after the other, longer than any of them may take."""
    with (
        serve(backend, Limits(head_time=1.0, body_time=1.0, idle_time=1.0, rate=100)) as served,
        plain(served) as one,
    ):
        end = time.monotonic() + 2.5
        while time.monotonic() < end:
            one.sendall(REQUEST[:40])
            time.sleep(0.05)
            one.sendall(REQUEST[40:])
            assert b'"result":"0x539"' in one.recv(65_536)


def test_idle_connections_are_dropped(backend: MemoryBackend) -> None:
    with serve(backend, Limits(idle_time=0.2, body_time=0.2)) as served:
        assert raw_exchange(served, b"") == b""
        assert raw_exchange(served, HEAD % 100 + b"\r\nhalf") == b""
        with plain(served, REQUEST) as kept:
            assert b"0x539" in kept.recv(65_536)
            assert ends(kept) == b""


def test_a_last_answer_that_nobody_reads(backend: MemoryBackend) -> None:
    """The connection is closing already, and still has a place."""
    with serve(backend, Limits(request_time=3.0)) as served:
        batch = json.dumps([call("eth_getHeaderByNumber", "0x0")] * 5_000).encode()
        host, port = served.url.removeprefix("http://").split(":")
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.connect((host, int(port)))
        one.sendall(HEAD % len(batch) + b"connection: close\r\n\r\n" + batch)
        budget, end = served.server._budget, time.monotonic() + 20
        while budget.used < 1 << 20 and time.monotonic() < end:  # the answer
            time.sleep(0.01)
        assert budget.used >= 1 << 20
        while len(served.server._connections) and time.monotonic() < end:
            time.sleep(0.05)
        assert not len(served.server._connections)
        assert budget.used == 0
        one.close()


@pytest.mark.parametrize("is_web", [False, True])
def test_requests_in_work_count(backend: MemoryBackend, is_web: bool) -> None:
    """What was received stays in memory until it is answered, and so does its share of the bound."""
    go_on = threading.Event()

    def slow(message: Call) -> CallResult:
        go_on.wait(20)
        return CallResult(gas_used=21_000)

    backend.install(EMITTER, slow)
    body = json.dumps(call("eth_call", {"to": "0x" + EMITTER.hex(), "data": "0x" + "00" * 70_000})).encode()
    request = HEAD % len(body) + b"\r\n" + body
    with serve(backend, Limits(memory=300_000, body=200_000)) as served:
        kept = []
        for _ in range(2):
            kept.append(handshake(served, 65_536) if is_web else plain(served))
            head = b"\x81\xff" + len(body).to_bytes(8) + bytes(4)
            kept[-1].sendall(head + body if is_web else request)
        budget, end = served.server._budget, time.monotonic() + 10
        while budget.used < 2 * len(body) and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(0.2)  # a second look, when all of it was received for sure
        assert 2 * len(body) <= budget.used <= 300_000
        assert raw_exchange(served, request).startswith(b"HTTP/1.1 503")
        go_on.set()
        for connection in kept:
            assert b'"result":"0x"' in connection.recv(65_536)
        while budget.used and time.monotonic() < end:
            time.sleep(0.01)
        assert budget.used == 0
        for connection in kept:
            connection.close()
