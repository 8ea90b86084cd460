"""Answers that a server should not give: each ends in one of the client's errors, in time, and reads try again."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest

from jovay.bridge.errors import L1AnswerError, L1RpcError, L1UnreachableError
from jovay.bridge.l1 import transport
from jovay.bridge.l1.client import L1Client
from rigs.process import free_ports

Behaviour = Callable[[socket.socket, int], None]
"""What the server does with a connection and the id of the request that came on it."""


class Server:
    """Does to its requests what it is told, one behaviour after the other, the last one for ever."""

    def __init__(self, *behaviours: Behaviour) -> None:
        self._behaviours = list(behaviours)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://user:secret@127.0.0.1:{self._listener.getsockname()[1]}/v3/key"
        self.requests: list[dict[str, object]] = []
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection = self._listener.accept()[0]
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                while (request := _request(connection)) is not None:
                    self.requests.append(request)
                    behaviour = self._behaviours[min(len(self.requests), len(self._behaviours)) - 1]
                    behaviour(connection, int(str(request["id"])))
            except OSError:
                return

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def _request(connection: socket.socket) -> dict[str, object] | None:
    data = b""
    while b"\r\n\r\n" not in data:
        if not (piece := connection.recv(65_536)):
            return None
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65_536)
    found: dict[str, object] = json.loads(body)
    return found


def http(body: bytes, status: str = "200 OK") -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status.encode(), len(body), body)


def says(status: str = "200 OK", **members: object) -> Behaviour:
    def answer(connection: socket.socket, number: int) -> None:
        body = json.dumps({"jsonrpc": "2.0", "id": number} | members).encode()
        connection.sendall(http(body, status))

    return answer


def sends(data: bytes) -> Behaviour:
    return lambda connection, _: connection.sendall(data)


def drops(connection: socket.socket, number: int) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def cuts(connection: socket.socket, number: int) -> None:
    connection.sendall(http(b'{"jsonrpc":"2.0","id":1,"result":"0x1"}')[:-9])
    connection.shutdown(socket.SHUT_RDWR)


def drips(connection: socket.socket, number: int) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        connection.sendall(b" ")
        time.sleep(0.02)


def sleeps(connection: socket.socket, number: int) -> None:
    time.sleep(2)


@contextmanager
def serving(*behaviours: Behaviour, timeout: float = 5.0) -> Iterator[tuple[Server, L1Client]]:
    server = Server(*behaviours)
    client = L1Client(server.url, timeout)
    try:
        yield server, client
    finally:
        client.close()
        server.close()


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "FIRST_PAUSE", 0.001)


ONE = says(result="0x1")
NO_ANSWERS = {
    "drops": drops,
    "cuts": cuts,
    "drips": drips,
    "sleeps": sleeps,
    "garbage": sends(b"\0\1\2 nonsense\r\n\r\n"),
    "html": sends(http(b"<html>bad gateway</html>", "502 Bad Gateway")),
    "a server's mistake": says("500 Internal Server Error", result="0x1"),
    "too many requests": says("429 Too Many Requests", error={"code": -32005, "message": "slower"}),
    "half of JSON": sends(http(b'{"jsonrpc": "2.0", "id":')),
    "no text": sends(http(b'{"result": "\xff\xfe"}')),
}


#: Those that take all the time there is.
HANGS = ("drips", "sleeps")


@pytest.mark.parametrize("name", NO_ANSWERS)
def test_a_read_is_tried_again_until_it_is_answered(name: str) -> None:
    bad = NO_ANSWERS[name]
    answers = [bad, ONE] if name in HANGS else [bad, bad, ONE]
    with serving(*answers, timeout=0.2) as (server, client):
        assert client.chain_id() == 1
        assert len(server.requests) == len(answers)


@pytest.mark.parametrize("name", NO_ANSWERS)
def test_without_an_answer_there_is_an_error_that_keeps_secrets(name: str) -> None:
    with serving(NO_ANSWERS[name], timeout=0.1) as (server, client):
        with pytest.raises(L1UnreachableError, match="eth_chainId") as caught:
            client.chain_id()
        assert len(server.requests) == (2 if name in HANGS else transport.TRIES)
        assert "secret" not in str(caught.value)
        assert "key" not in str(caught.value)


@pytest.mark.parametrize("name", NO_ANSWERS)
def test_what_is_sent_is_sent_once(name: str) -> None:
    with serving(NO_ANSWERS[name], timeout=0.1) as (server, client):
        with pytest.raises(L1UnreachableError):
            client.send_raw(b"\2raw")
        assert len(server.requests) == 1


def test_nobody_listens() -> None:
    (port,) = free_ports(1)
    with pytest.raises(L1UnreachableError, match="no connection"):
        L1Client(f"http://127.0.0.1:{port}").block_number()


def test_an_endless_answer_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MAX_ANSWER", 1_000)
    with serving(says(result="0x" + "00" * 10_000)) as (_, client), pytest.raises(L1UnreachableError):
        client.code(bytes(20))


def test_connections_are_kept() -> None:
    with serving(ONE) as (server, client):
        for _ in range(5):
            client.chain_id()
        assert (len(server.requests), server.connections) == (5, 1)


def test_an_error_is_an_answer() -> None:
    revert = says(error={"code": 3, "message": "execution reverted", "data": "0x08c379a0"})
    with serving(revert) as (server, client):
        with pytest.raises(L1RpcError, match="eth_call: execution reverted") as caught:
            client.eth_call(bytes(20), b"")
        assert caught.value.revert_data == bytes.fromhex("08c379a0")
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    "result", [None, 7, "1", "0x", "0xzz", "0x-5", "0x1_0", "0x" + "1" * 65, "", [], {}, True]
)
def test_a_result_of_another_kind_is_shown(result: object) -> None:
    with serving(says(result=result)) as (_, client), pytest.raises(L1AnswerError, match="chain id"):
        client.chain_id()


@pytest.mark.parametrize("answer", [b"[]", b"7", b'{"id":1}', b'{"result":1}', b'{"id":77,"result":"0x1"}'])
def test_an_answer_of_another_kind_is_shown(answer: bytes) -> None:
    with serving(sends(http(answer))) as (_, client), pytest.raises(L1AnswerError, match="eth_chainId"):
        client.chain_id()


def test_an_error_without_a_code_is_none() -> None:
    with serving(says(error={"message": "?"})) as (_, client), pytest.raises(L1AnswerError, match="None"):
        client.chain_id()


@pytest.mark.parametrize("url", ["localhost:8545", "ws://localhost", "http://", "ftp://host/"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="is no http or https URL"):
        L1Client(url)


LOG = {
    "address": "0x" + "11" * 20,
    "topics": ["0x" + "22" * 32],
    "data": "0x",
    "blockHash": "0x" + "33" * 32,
    "transactionHash": "0x" + "44" * 32,
    "logIndex": "0x0",
}


def test_ranges_that_are_refused_are_cut() -> None:
    ranges: list[tuple[int, int]] = []
    server: Server

    def logs(connection: socket.socket, number: int) -> None:
        query = server.requests[-1]["params"][0]  # type: ignore[index]
        first, last = int(query["fromBlock"], 16), int(query["toBlock"], 16)
        if last - first >= 10:
            return says(error={"code": -32005, "message": "at most 10 blocks"})(connection, number)
        ranges.append((first, last))
        return says(result=[LOG | {"blockNumber": hex(n)} for n in range(first, last + 1)])(
            connection, number
        )

    with serving(logs) as (server, client):
        assert [log.block_number for log in client.logs([b"\x11" * 20], [], 3, 60)] == list(range(3, 61))
        assert ranges[0][0] == 3
        assert ranges[-1][1] == 60
        assert all(a[1] + 1 == b[0] for a, b in pairwise(ranges))


def test_a_block_that_no_chain_comes_to_is_shown() -> None:
    far = says(result=[LOG | {"blockNumber": hex(1 << 63)}])
    with serving(far) as (_, client), pytest.raises(L1AnswerError, match="blockNumber"):
        list(client.logs([], [], 0, 1 << 64))


def test_a_refused_block_is_an_error() -> None:
    refuses = says(error={"code": -32000, "message": "pruned"})
    with serving(refuses) as (_, client), pytest.raises(L1RpcError, match="pruned"):
        list(client.logs([], [], 0, 1_000))


def test_a_log_of_another_block_is_shown() -> None:
    other, words = says(result=[LOG | {"blockNumber": "0x6"}]), "block of a log, asked for from 3 to 5, is 6"
    with serving(other) as (_, client), pytest.raises(L1AnswerError, match=words):
        list(client.logs([], [], 3, 5))


@pytest.mark.parametrize("name", sorted(LOG))
def test_a_log_that_lacks_something_is_shown(name: str) -> None:
    log = {key: value for key, value in (LOG | {"blockNumber": "0x5"}).items() if key != name}
    with serving(says(result=[log])) as (_, client):
        if name == "topics":
            assert next(client.logs([], [], 5, 5)).topics == ()
        else:
            with pytest.raises(L1AnswerError, match=name):
                next(client.logs([], [], 5, 5))
