"""JSON-RPC over HTTP as bytes, for tests that look at headers, status and framing."""

from __future__ import annotations

import http.client
import json
import socket
from typing import Any

from rpc.serving import Served

JSON = {"content-type": "application/json"}


def post(
    served: Served, body: bytes, headers: dict[str, str] = JSON, path: str = "/", method: str = "POST"
) -> tuple[int, dict[str, str], bytes]:
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection(served.url.removeprefix("http://"), timeout=20)
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    content = response.read()
    fields = {name.lower(): value for name, value in response.getheaders()}
    connection.close()
    return response.status, fields, content


def ask(served: Served, message: Any) -> Any:
    """The JSON answer to a JSON message (or to raw bytes)."""
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    status, _, content = post(served, body)
    assert status == 200
    return json.loads(content) if content else None


def call(method: str, *params: Any, ident: Any = 1) -> dict[str, Any]:
    """A request."""
    return {"jsonrpc": "2.0", "id": ident, "method": method, "params": list(params)}


def error_of(answer: Any) -> tuple[int, str]:
    """Code and message of an error answer."""
    return answer["error"]["code"], answer["error"]["message"]


def raw_exchange(served: Served, data: bytes) -> bytes:
    """All that the server says to some bytes until it hangs up or pauses."""
    host, port = served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=3) as connection:
        connection.sendall(data)
        heard = b""
        try:
            while more := connection.recv(65_536):
                heard += more
        except TimeoutError:
            pass
        return heard


BODY = b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}'


START = b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"


CHUNKED = START + b"transfer-encoding: chunked\r\n\r\n"


HEAD = START + b"content-length: %d\r\n"
