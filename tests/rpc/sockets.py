"""WebSocket clients: one by a library, and frames by hand."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from rpc.requests import call
from rpc.serving import Served


@asynccontextmanager
async def client(served: Served) -> AsyncIterator[ClientConnection]:
    """A connection."""
    async with connect(served.ws_url, max_size=1 << 26) as connection:
        yield connection


async def ask(connection: ClientConnection, method: str, *params: Any) -> Any:
    """A call on a quiet connection."""
    await connection.send(json.dumps(call(method, *params)))
    answer = json.loads(await connection.recv())
    if "error" in answer:
        raise ValueError(answer["error"]["code"], answer["error"]["message"])
    return answer["result"]


async def heard(connection: ClientConnection, identifier: str) -> Any:
    """The next notification of a subscription."""
    message = json.loads(await asyncio.wait_for(connection.recv(), 10))
    assert message["method"] == "eth_subscription"
    assert message["params"]["subscription"] == identifier
    return message["params"]["result"]


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a client in the test's own loop."""

    async def limited() -> None:
        await asyncio.wait_for(work(), 30)

    asyncio.run(limited())


def handshake(served: Served, receive_buffer: int) -> socket.socket:
    """A WebSocket whose reader we control."""
    host, port = served.ws_url.removeprefix("ws://").split(":")
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    raw.settimeout(10)
    raw.connect((host, int(port)))
    raw.sendall(
        b"GET / HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
        b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n"
    )
    assert raw.recv(4096).startswith(b"HTTP/1.1 101")
    return raw


def masked(text: bytes, opcode: int = 0x81) -> bytes:
    """A client's frame with the mask 0."""
    return bytes((opcode, 0x80 | len(text))) + bytes(4) + text
