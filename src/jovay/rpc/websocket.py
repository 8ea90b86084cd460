"""WebSockets for JSON-RPC: requests, notifications, and no memory for clients that do not read.

The protocol is the ``websockets`` package's, used without its I/O.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from websockets.exceptions import InvalidHandshake, InvalidState
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import CLOSED, OPEN
from websockets.server import ServerProtocol

from jovay.rpc.budget import Budget
from jovay.rpc.connections import Connections
from jovay.rpc.encoding import Text
from jovay.rpc.limits import SLACK, Limits

logger = logging.getLogger(__name__)

_CLOSE_TIME = 5.0
_SMALL = 1 << 20
_LARGE = 64 << 10
Answer = Callable[[bytes, "WebSocket"], bytes | Awaitable[Text]]


class WebSocket(asyncio.Protocol):
    """One WebSocket connection and its subscriptions (a :class:`jovay.rpc.session.Session`)."""

    def __init__(
        self,
        transport: asyncio.Transport,
        answer: Answer,
        limits: Limits,
        budget: Budget,
        connections: Connections,
    ) -> None:
        self.transport = transport
        self.subscriptions: dict[str, Callable[[], None]] = {}
        self._when_ready: Callable[[], None] = lambda: None
        self.is_ready = True
        self._answer = answer
        self._limits = limits
        self._budget = budget
        self._received = self._held = self._working = 0
        self._connections = connections
        self._protocol = ServerProtocol(max_size=limits.body)
        self._tasks: set[asyncio.Task[None]] = set()
        self._fragments: list[bytes] = []
        self._actions: list[Callable[[], None]] = []
        self._loop = asyncio.get_running_loop()
        self._last_heard = self._loop.time()
        self._begun = 0.0
        """When the first bytes of the message came that is being received."""
        self._paused = False

    def start(self, head: bytes, rest: bytes) -> None:
        """Shake hands over the request's head and go on with what came after it."""
        self._protocol.receive_data(head)
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._protocol.send_response(self._protocol.accept(event))
        self._flush()
        if self._protocol.state is OPEN and rest:
            self.data_received(rest)

    # asyncio.Protocol.
    def data_received(self, data: bytes) -> None:
        """Bytes of frames."""
        self._last_heard = self._loop.time()
        if not self._received:
            self._begun = self._last_heard
        self._received += len(data)
        if not self._hold():
            self.close(CloseCode.TRY_AGAIN_LATER, "too much is being received")
            return
        try:
            self._protocol.receive_data(data)
        except (InvalidHandshake, InvalidState):
            self.transport.abort()
            return
        events = self._protocol.events_received()
        self._flush()
        for event in events:
            if isinstance(event, Frame):
                self._on_frame(event)
        if self._received > 2 * self._limits.body + _SMALL:
            self.close(CloseCode.MESSAGE_TOO_BIG, "too many fragments")
        if self._protocol.close_expected():
            self._loop.call_later(_CLOSE_TIME, self.transport.abort)

    def pause_writing(self) -> None:
        """The client does not read: it is told no more news."""
        self.is_ready = False

    def resume_writing(self) -> None:
        """The client reads again."""
        self.is_ready = True
        self._when_ready()

    def tell_when_ready(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` whenever the client reads again."""
        self._when_ready = listener

    def connection_lost(self, error: Exception | None) -> None:
        """The client is gone: its subscriptions and requests end."""
        self._connections.leave(self)
        self._budget.move(self._held, 0)
        self._held = 0
        self._protocol.receive_eof()
        self._end()

    def eof_received(self) -> None:
        """The client stopped sending."""
        self._protocol.receive_eof()
        self._flush()

    def _end(self) -> None:
        for stop in self.subscriptions.values():
            stop()
        self.subscriptions.clear()
        for task in self._tasks:
            task.cancel()

    def _on_frame(self, frame: Frame) -> None:
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            self._fragments.append(bytes(frame.data))
            if frame.fin:
                message = b"".join(self._fragments)
                self._fragments = []
                self._received = 0
                self._on_message(message)
        elif frame.opcode is Opcode.CLOSE:
            self._end()
        elif not self._fragments:
            self._received = 0  # pings and pongs are not kept

    def _on_message(self, message: bytes) -> None:
        answer = self._answer(message, self)
        if isinstance(answer, bytes):
            actions, self._actions = self._actions, []
            self._finish(answer, actions)
            return
        task = self._loop.create_task(self._wait(answer, len(message)))
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        if len(self._tasks) >= self._limits.in_flight and not self._paused:
            self._paused = True
            self.transport.pause_reading()

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if self._paused and len(self._tasks) < self._limits.in_flight and not self.transport.is_closing():
            self._paused = False
            self._begun = self._loop.time()  # while the client had to wait, it could not send
            self.transport.resume_reading()

    async def _wait(self, answer: Awaitable[Text], size: int) -> None:
        self._working += size
        try:
            content = await answer
        except Exception:
            logger.exception("cannot answer a request")
            return
        finally:
            self._working -= size
        # Subscriptions made inside this request wake after its answer; those of others lose nothing by it.
        actions, self._actions = self._actions, []
        self._finish(content, actions)

    def _finish(self, content: Text, actions: list[Callable[[], None]]) -> None:
        if content:
            self.notify([content])
        for action in actions:
            action()

    # Session.
    def notify(self, messages: Sequence[Text]) -> None:
        """Send text messages; a client that asks on and on without reading the answers is dropped."""
        if self._protocol.state is not OPEN or self.transport.is_closing():
            return
        is_full = self.transport.get_write_buffer_size() > self._limits.response
        parts = [part for text in messages for part in (_text_head(text), text)]
        if len(messages[0]) > _LARGE:
            self.transport.writelines(parts)  # without a copy
        else:
            self.transport.write(b"".join(parts))
        if is_full or not self._hold():
            self.drop("too slow")

    def drop(self, reason: str) -> None:
        """Hang up on a client that is too slow."""
        self.close(CloseCode.TRY_AGAIN_LATER, reason)

    def _hold(self) -> bool:
        """Tell how much waits here, in, in work and out; whether that is granted."""
        held, self._held = self._held, self._received + self._working + self.transport.get_write_buffer_size()
        return self._budget.move(held, self._held)

    def after_answer(self, action: Callable[[], None]) -> None:
        """Run ``action`` once the answer to the current request is on its way."""
        self._actions.append(action)

    # Care from the server.
    def check(self, now: float) -> None:
        """Ping a quiet client; drop one that stays quiet, or whose message comes too slowly."""
        self._hold()
        quiet = now - self._last_heard
        if quiet > 2 * self._limits.ping_time:
            self.transport.abort()
        elif self._received and not self._paused and self._is_slow(now - self._begun):
            self.close(CloseCode.POLICY_VIOLATION, "message comes too slowly")
        elif quiet > self._limits.ping_time and self._protocol.state is OPEN:
            self._protocol.send_ping(b"")
            self._flush()

    def _is_slow(self, elapsed: float) -> bool:
        """Whether a message that has been coming for so many seconds should have been here, or more of it."""
        return elapsed > self._limits.body_time or (
            elapsed > SLACK and self._received < elapsed * self._limits.rate
        )

    def shut_down(self) -> None:
        """Say that the node stops."""
        self.close(CloseCode.GOING_AWAY, "the node stops")

    def abort(self) -> None:
        """Close at once."""
        self.transport.abort()

    def close(self, code: int, reason: str) -> None:
        """Say good-bye and hang up, at the latest after some seconds."""
        if self._protocol.state is OPEN:
            self._protocol.send_close(code, reason)
            self._flush()
        self._end()
        self._loop.call_later(_CLOSE_TIME, self.transport.abort)

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self.transport.write(data)
            else:
                self.transport.close()
        if self._protocol.state is CLOSED:
            self.transport.close()


def _text_head(text: Text) -> bytes:
    """Head of an unfragmented, unmasked text frame (RFC 6455, section 5.2)."""
    size = len(text)
    if size < 126:
        return bytes((0x81, size))
    if size < 1 << 16:
        return b"\x81\x7e" + size.to_bytes(2)
    return b"\x81\x7f" + size.to_bytes(8)
