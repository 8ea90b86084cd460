"""HTTP/1.1 for JSON-RPC on an asyncio transport.

Parsing is httptools' (llhttp). A request whose answer memory holds is answered inside ``data_received``,
with neither a task nor a thread switch; that and the lack of a second runtime make a call cost a third of
what it costs behind a general server. One request of a connection is handled at a time, further ones wait
unread.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import cast

import httptools
import msgspec

from jovay.rpc.budget import Budget
from jovay.rpc.connections import CROWDED_IDLE, Connections
from jovay.rpc.limits import SLACK, Limits

logger = logging.getLogger(__name__)

_MOST_PIPELINED = 32
_REST = 256 << 10
"""Bytes that a refused client may still send before it is hung up on at once, where it is not about a body."""
_MAY_HAVE_BODIES = (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.SERVICE_UNAVAILABLE)
_SMALL = 2 << 10
"""Bodies up to this size are not counted: the number of connections bounds them."""
_LINGER = 2.0
"""Seconds that a refused client has to read why."""
_CHUNKED = 8
"""Bytes that may surround one of a chunked body, beside the head's allowance."""


class HttpRequest(msgspec.Struct, gc=False):
    """A complete request: method, path without query, headers in lower case, body."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    keep_alive: bool


class HttpResponse(msgspec.Struct, gc=False):
    """An answer."""

    status: int
    body: bytes | bytearray
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


Respond = Callable[[HttpRequest], HttpResponse | Awaitable[HttpResponse]]
Upgrade = Callable[["HttpConnection", HttpRequest, bytes], HttpResponse | None]
"""Takes the connection over with the bytes after the request, or says why not."""


class HttpConnection(asyncio.Protocol):
    """One connection.  ``respond`` answers requests; ``upgrade`` takes over for WebSockets."""

    def __init__(
        self, respond: Respond, upgrade: Upgrade, limits: Limits, budget: Budget, connections: Connections
    ) -> None:
        self._respond = respond
        self._upgrade = upgrade
        self._limits = limits
        self._budget = budget
        self._held = self._working = 0
        """What of the budget is held, and how much of that for large requests that wait for their answers."""
        self._connections = connections
        self._parser = httptools.HttpRequestParser(self)
        self._queue: deque[HttpRequest] = deque()
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self._reading_paused = False
        self._is_clogged = False
        self._upgrading: HttpRequest | None = None
        self.transport: asyncio.Transport
        self._begun = 0.0
        """When its first byte came, or else since when the connection is idle."""
        self._deadline = 0.0
        """When a client must have read its answer, or hung up."""
        self._swallowed = self._patience = 0
        """Bytes that came after a refusal, and how many are waited for."""
        self._reset()

    def _reset(self) -> None:
        self._url = b""
        self._headers: dict[str, str] = {}
        self._has_head = False
        self._head_size = 0
        self._body: list[bytes] = []
        self._body_size = 0
        self._raw = 0
        """Bytes of the request that is being received, framing included; 0 between requests."""

    # asyncio.Protocol.
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client connected."""
        # A cast, for uvloop's transports derive from nothing.
        self.transport = cast(asyncio.Transport, transport)
        self._loop = asyncio.get_running_loop()
        self._begun = self._loop.time()
        if self._connections.enter(self):
            return
        if self._connections.refuse(self):
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "too many connections")
        else:
            self._closing = True
            self.transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        """The client is gone."""
        self._connections.leave(self)
        self._closing = True
        self._budget.move(self._held, 0)
        self._held = 0
        if self._task is not None:
            self._task.cancel()

    def pause_writing(self) -> None:
        """The client does not read: stop working for it."""
        self._is_clogged = True
        self._deadline = self._loop.time() + self._limits.request_time
        self._pause_reading()
        if not self._hold():
            self.transport.abort()

    def resume_writing(self) -> None:
        """The client reads again."""
        self._is_clogged = False
        self._hold()
        self._next()

    def data_received(self, data: bytes) -> None:
        """Bytes of requests."""
        if self._closing:
            self._swallowed += len(data)
            if self._swallowed > self._patience:
                self.transport.abort()
            return
        if not self._raw:
            self._begun = self._loop.time()
        # Counted here, for the parser keeps what it has of a name, a field or a trailer until that ends.
        self._raw += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._take_over(data[upgrade.args[0] :])
        except httptools.HttpParserCallbackError:
            if not self._closing:
                logger.exception("cannot answer a request")
                self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, "internal error")
        except httptools.HttpParserError:
            if not self._closing:
                self._refuse(HTTPStatus.BAD_REQUEST, "malformed request")
        else:
            self._check_framing()

    def _check_framing(self) -> None:
        """Refuse a request of which too much is no body: an endless head, chunk extension or trailer."""
        framing = self._raw - self._body_size
        if framing > self._limits.head + _CHUNKED * self._body_size and not self._closing:
            if self._has_head:
                self._refuse(HTTPStatus.BAD_REQUEST, "chunk extensions or trailers too large")
            else:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "header fields too large")

    # httptools callbacks.
    def on_url(self, url: bytes) -> None:
        """A part of the target."""
        self._url += url
        self._grow_head(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header field, or a trailer's."""
        self._grow_head(len(name) + len(value))
        if self._has_head:
            return  # a trailer's fields say nothing that is asked for here
        field = name.decode("latin-1").lower()
        if field == "host" and field in self._headers:
            self._refuse(HTTPStatus.BAD_REQUEST, "more than one host field")
        self._headers[field] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """The body follows."""
        self._has_head = True
        length = self._headers.get("content-length", "")
        if self._closing:
            return
        if "host" not in self._headers and self._parser.get_http_version() != "1.0":
            self._refuse(HTTPStatus.BAD_REQUEST, "missing host field")
        elif length.isdigit() and int(length) > self._limits.body:
            text = f"content length too large ({length}>{self._limits.body})"
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, text)
        elif self._headers.get("expect", "").lower() == "100-continue":
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._body_size += len(body)
        if self._closing:
            return
        if self._body_size > self._limits.body:
            text = f"content length too large ({self._body_size}>{self._limits.body})"
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, text)
            return
        self._body.append(body)
        if self._body_size > _SMALL and not self._hold():
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "too much is being received, try again later")

    def on_message_complete(self) -> None:
        """A request is complete."""
        if self._closing:
            return
        request = HttpRequest(
            self._parser.get_method().decode("latin-1"),
            self._path(),
            self._headers,
            self._body[0] if len(self._body) == 1 else b"".join(self._body),
            self._parser.should_keep_alive(),
        )
        self._working += _counted(request)
        self._reset()
        if self._parser.should_upgrade():
            self._upgrading = request
            return
        if self._task is not None or self._queue or self._is_clogged:
            self._queue.append(request)
            self._pause_reading()
            if len(self._queue) > _MOST_PIPELINED:
                self._refuse(HTTPStatus.TOO_MANY_REQUESTS, "too many pipelined requests")
            return
        self._handle(request)

    def _path(self) -> str:
        """Path of the target; the host in an absolute target takes the place of the field's (RFC 9112, 3.2.2)."""
        target = self._url.decode("latin-1").partition("?")[0]
        if target.startswith("/") or "://" not in target:
            return target
        self._headers["host"], _, path = target.partition("://")[2].partition("/")
        return "/" + path

    def _hold(self) -> bool:
        """Tell how many bytes this connection holds; whether they are granted."""
        held, self._held = self._held, self._working
        if self._body_size > _SMALL:
            self._held += self._body_size
        if self._is_clogged:
            self._held += self.transport.get_write_buffer_size()
        return self._budget.move(held, self._held)

    def _grow_head(self, size: int) -> None:
        self._head_size += size
        if self._head_size > self._limits.head and not self._closing:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "header fields too large")

    # Answers.
    def _handle(self, request: HttpRequest) -> None:
        answer = self._respond(request)
        if isinstance(answer, HttpResponse):
            self._send(request, answer)
            self._next()
        else:
            self._task = self._loop.create_task(self._wait(request, answer))

    async def _wait(self, request: HttpRequest, answer: Awaitable[HttpResponse]) -> None:
        try:
            response = await answer
        except Exception:
            logger.exception("cannot answer a request")
            response = HttpResponse(HTTPStatus.INTERNAL_SERVER_ERROR, b"internal error", "text/plain")
        self._task = None
        if not self._closing:
            self._send(request, response)
            self._next()

    def _next(self) -> None:
        """Turn to the next waiting request, or to reading."""
        while self._queue and self._task is None and not self._is_clogged and not self._closing:
            self._handle(self._queue.popleft())
        if self._task is None and not self._is_clogged and not self._closing:
            # While the client had to wait, it could not send.
            if not self._raw or self._reading_paused:
                self._begun = self._loop.time()
            if self._reading_paused:
                self._reading_paused = False
                self.transport.resume_reading()

    def _pause_reading(self) -> None:
        if not self._reading_paused and not self.transport.is_closing():
            self._reading_paused = True
            self.transport.pause_reading()

    def _send(self, request: HttpRequest, response: HttpResponse) -> None:
        body = b"" if request.method == "HEAD" else response.body
        head = [
            f"HTTP/1.1 {response.status} {_PHRASES[response.status]}\r\n"
            f"content-type: {response.content_type}\r\ncontent-length: {len(response.body)}\r\n"
        ]
        head += [f"{name}: {value}\r\n" for name, value in response.headers]
        head.append("\r\n" if request.keep_alive else "connection: close\r\n\r\n")
        start = "".join(head).encode("latin-1")
        if len(body) > _SMALL:
            self.transport.writelines((start, body))  # without a copy of what is large
        else:
            self.transport.write(start + body)
        if size := _counted(request):
            self._working -= size
            self._hold()
        if not request.keep_alive:
            self._close()

    def _refuse(self, status: HTTPStatus, text: str) -> None:
        """Answer with an error outside any request, and hang up."""
        self._hang_up(HttpResponse(status, text.encode() + b"\n", "text/plain"))

    def _hang_up(self, response: HttpResponse) -> None:
        self._queue.clear()
        self._body.clear()
        self._closing = True
        hang_up = (*response.headers, ("connection", "close"))
        self._send(HttpRequest("", "", {}, b"", True), msgspec.structs.replace(response, headers=hang_up))
        # Closing with unread data would reset the connection before the client reads the answer: finish the
        # answer, then swallow some of what comes until the client hangs up too, or has had its time.
        self._deadline = self._loop.time() + _LINGER
        self._patience = 2 * self._limits.body if response.status in _MAY_HAVE_BODIES else _REST
        self.transport.write_eof()
        if self._reading_paused:
            self._reading_paused = False
            self.transport.resume_reading()

    def _close(self) -> None:
        self._closing = True
        self._deadline = self._loop.time() + self._limits.request_time
        self.transport.close()

    def _take_over(self, rest: bytes) -> None:
        request = self._upgrading
        if self._closing:
            return
        if request is None or self._task is not None:
            self._refuse(HTTPStatus.NOT_IMPLEMENTED, "unsupported upgrade")
            return
        refusal = self._upgrade(self, request, rest)
        if refusal is not None:
            self._hang_up(refusal)
        else:
            self._closing = True

    # Care from the server.
    def check(self, now: float) -> None:
        """Drop the connection if its time is up, or a request comes too slowly."""
        if self._is_late(now):
            self._closing = True
            self.transport.abort()

    def _is_late(self, now: float) -> bool:
        if self._closing or self._is_clogged:
            return now > self._deadline
        if self._task is not None:
            return False  # while an answer is in the making, the client has nothing to send in time
        limits, elapsed = self._limits, now - self._begun
        if not self._raw:
            crowded = self._connections.is_crowded
            return elapsed > (min(limits.idle_time, CROWDED_IDLE) if crowded else limits.idle_time)
        if elapsed > (limits.body_time if self._has_head else limits.head_time):
            return True
        return elapsed > SLACK and self._raw < elapsed * limits.rate

    def shut_down(self) -> None:
        """Close as soon as the request in work is answered."""
        self._queue.clear()
        if self._task is None:
            self._close()
            return
        self._task.add_done_callback(lambda _: self._close())

    def abort(self) -> None:
        """Close at once."""
        self.transport.abort()


def _counted(request: HttpRequest) -> int:
    """Bytes of a request that count, while it waits for its answer."""
    return len(request.body) if len(request.body) > _SMALL else 0


_PHRASES = {int(status): status.phrase for status in HTTPStatus}
