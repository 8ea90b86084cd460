"""The JSON-RPC server of a node: HTTP and WebSocket on one port (and WebSocket on a second, if wanted)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Protocol

import msgspec

import jovay.rpc.methods  # noqa: F401  (fills the method table)
from jovay.rpc import bulk
from jovay.rpc.backend import Backend
from jovay.rpc.budget import Budget
from jovay.rpc.connections import Connections
from jovay.rpc.context import Context, Services
from jovay.rpc.dispatch import Dispatcher, Observer
from jovay.rpc.encoding import Text
from jovay.rpc.errors import RpcError
from jovay.rpc.exposure import LOCAL, Gate
from jovay.rpc.feed import Feed
from jovay.rpc.filters import Filters
from jovay.rpc.http import HttpConnection, HttpRequest, HttpResponse, Respond
from jovay.rpc.hub import Hub
from jovay.rpc.ingest import Ingest
from jovay.rpc.limits import Limits
from jovay.rpc.table import TRACING_NAMESPACES
from jovay.rpc.websocket import WebSocket
from jovay.rpc.workers import Workers

logger = logging.getLogger(__name__)

NAMESPACES = tuple("debug erigon eth jovay net ots realtime rpc trace txpool web3".split())
DEV_NAMESPACES = ("anvil", "evm", "hardhat", "personal")
_JSON_TYPES = frozenset({"application/json", "application/json-rpc", "application/jsonrequest"})
_PREFLIGHT_AGE = "600"
METRICS_AGE = 0.5
"""Seconds for which metrics are shown again."""
CARE_INTERVAL = 1.0
"""Seconds between two looks at whose time is up."""


class ServerConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Where and for whom to serve. ``ws_port`` None: WebSockets on the HTTP port only; ``metrics_port`` None:
    metrics too. Port 0: any free one.

    ``hosts`` are names under which the node is reached, beside ``host`` and ``localhost``; ``origins`` the web
    pages that may ask (see ``exposure``); ``namespaces`` the prefixes of methods; ``tracing`` says whether those
    among them are served that only an operator should have who asked for them.
    """

    host: str = "127.0.0.1"
    http_port: int = 8545
    ws_port: int | None = None
    metrics_port: int | None = None
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = (LOCAL,)
    namespaces: tuple[str, ...] = NAMESPACES
    tracing: bool = False
    limits: Limits = Limits()


Metrics = Callable[[], tuple[str, bytes]]


class Trouble(Protocol):
    """Why no blocks come that are due, and since when (seconds since 1970)."""

    @property
    def reason(self) -> str: ...
    @property
    def since(self) -> float: ...


class RpcServer:
    """Serves a backend until stopped.  Use from one running event loop."""

    def __init__(
        self,
        backend: Backend,
        config: ServerConfig,
        metrics: Metrics | None = None,
        observer: Observer | None = None,
        trouble: Callable[[], Trouble | None] = lambda: None,
    ) -> None:
        """``trouble`` says why the node makes no blocks that are due; None while it does."""
        self._backend = backend
        self._trouble = trouble
        self._config = config
        self._limits = config.limits
        self._budget = Budget(config.limits.memory)
        self._metrics = metrics
        self._exposing = asyncio.Lock()
        self._exposed: tuple[float, tuple[str, bytes]] | None = None
        self._dispatcher = Dispatcher(observer)
        self._connections = Connections(config.limits.connections)
        self._servers: list[asyncio.Server] = []
        self.gate = Gate((config.host, *config.hosts), config.origins)
        self._stopped = False
        self._care: asyncio.Task[None] | None = None
        self.http_port = config.http_port
        self.ws_port = config.ws_port
        self.metrics_port = config.metrics_port

    async def start(self) -> None:
        """Listen; returns when requests are served.  Raises ``OSError`` when a port is taken."""
        config, limits = self._config, self._limits
        loop = asyncio.get_running_loop()
        self._threads = ThreadPoolExecutor(limits.workers + limits.heavy, "jovay-rpc")
        self._portal = ThreadPoolExecutor(1, "jovay-portal")
        self._receipts = ThreadPoolExecutor(1, "jovay-receipts")  # for who waits: not behind reads
        namespaces = set(config.namespaces)
        if self._backend.development is not None:
            namespaces.update(DEV_NAMESPACES)
        if not config.tracing:
            namespaces.difference_update(TRACING_NAMESPACES)
        hub = Hub(self._backend.chain, self._backend.events, self._receipts)
        workers = Workers(self._threads, limits.heavy, limits.waiting)
        terms = Budget(limits.filter_terms)
        self._services = Services(
            backend=self._backend,
            limits=limits,
            hub=hub,
            filters=Filters(limits.filters, limits.filter_time, terms),
            feed=Feed(self._backend.chain, hub, workers, limits, terms),
            ingest=Ingest(self._backend.pool, self._portal, limits.ingest, self._budget),
            workers=workers,
            memory=self._budget,
            namespaces=frozenset(namespaces),
            tracing=config.tracing,
        )
        self._context = Context(self._services)
        self._care = loop.create_task(self._take_care())
        try:
            self.http_port = await self._listen(config.http_port)
            if config.ws_port == 0 or config.ws_port not in (None, config.http_port):
                self.ws_port = await self._listen(config.ws_port or 0)
            if config.metrics_port is not None:
                self.metrics_port = await self._listen(config.metrics_port, self._scrape)
        except BaseException:
            await self.stop(0.0)
            raise

    async def _listen(self, port: int, respond: Respond | None = None) -> int:
        def connect() -> HttpConnection:
            return HttpConnection(
                respond or self._respond, self._upgrade, self._limits, self._budget, self._connections
            )

        server = await asyncio.get_running_loop().create_server(
            connect, self._config.host, port, backlog=1024
        )
        self._servers.append(server)
        bound: int = server.sockets[0].getsockname()[1]
        return bound

    async def stop(self, grace: float = 5.0) -> None:
        """Stop listening, answer what is being worked on for up to ``grace`` seconds, and close."""
        if self._stopped:
            return
        self._stopped = True
        for server in self._servers:
            server.close()
        for connection in self._connections.everyone():
            connection.shut_down()
        end = asyncio.get_running_loop().time() + grace
        while len(self._connections) and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0.01)
        for connection in self._connections.everyone():
            connection.abort()
        if self._care is not None:  # else the start did not come so far
            self._care.cancel()
            await asyncio.gather(self._care, return_exceptions=True)
        await self._services.feed.close()
        self._services.hub.close()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._portal.shutdown(wait=False, cancel_futures=True)
        self._receipts.shutdown(wait=False, cancel_futures=True)

    async def _take_care(self) -> None:
        """Now and then: drop connections whose time is up, ping quiet WebSockets."""
        while True:
            await asyncio.sleep(CARE_INTERVAL)
            now = asyncio.get_running_loop().time()
            for connection in self._connections.everyone():
                with contextlib.suppress(OSError):
                    connection.check(now)

    # HTTP.
    def _respond(self, request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        if refusal := self.gate.refusal(request.headers):
            return HttpResponse(403, refusal.encode() + b"\n", "text/plain")
        headers = self._cors(request.headers)
        if request.method == "POST":
            if request.path == "/batch" and "eth" in self._services.namespaces:
                return self._binary(request, headers)
            kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind not in _JSON_TYPES:
                text = b"invalid content type, only application/json is supported\n"
                return HttpResponse(415, text, "text/plain", headers)
            answer = self._dispatcher.handle(request.body, self._context)
            if isinstance(answer, bytes):
                return HttpResponse(200, answer, headers=headers)
            return _wrap(answer, headers)
        return self._other(request, headers)

    def _other(
        self, request: HttpRequest, headers: tuple[tuple[str, str], ...]
    ) -> HttpResponse | Awaitable[HttpResponse]:
        if request.method == "OPTIONS":
            return HttpResponse(204, b"", "text/plain", headers)
        if request.method not in ("GET", "HEAD"):
            return HttpResponse(405, b"method not allowed\n", "text/plain", headers)
        if request.path == "/metrics" and self._metrics is not None and self._config.metrics_port is None:
            return self._expose(self._metrics, headers)
        if request.path == "/health":
            trouble, form = self._trouble(), {"status": "ok", "block": self._backend.chain.head()}
            if trouble is not None:
                since = datetime.fromtimestamp(trouble.since, UTC).isoformat(timespec="milliseconds")
                form |= {"status": trouble.reason, "since": since}
            return HttpResponse(200 if trouble is None else 503, msgspec.json.encode(form), headers=headers)
        if request.path == "/":
            return HttpResponse(200, b"", "text/plain", headers)
        return HttpResponse(404, b"not found\n", "text/plain", headers)

    async def _expose(self, metrics: Metrics, headers: tuple[tuple[str, str], ...]) -> HttpResponse:
        """Metrics, made on a worker thread and not again for a while: that takes long where there are many."""
        loop = asyncio.get_running_loop()
        async with self._exposing:
            if self._exposed is None or loop.time() > self._exposed[0] + METRICS_AGE:
                self._exposed = loop.time(), await self._services.workers.run(metrics)
            content_type, content = self._exposed[1]
        return HttpResponse(200, content, content_type, headers)

    def _scrape(self, request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        """The answer on a port for metrics alone."""
        if refusal := self.gate.refusal(request.headers):
            return HttpResponse(403, refusal.encode() + b"\n", "text/plain")
        if request.method not in ("GET", "HEAD") or self._metrics is None:
            return HttpResponse(405, b"method not allowed\n", "text/plain")
        return self._expose(self._metrics, ())

    def _cors(self, fields: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        """What lets a page read the answer, once the gate has let it in."""
        origin = fields.get("origin")
        if origin is None:
            return ()
        headers = [
            ("access-control-allow-origin", "*" if self.gate.any_origin else origin),
            ("access-control-allow-methods", "POST, GET, OPTIONS"),
            ("access-control-allow-headers", "content-type, authorization"),
            ("access-control-max-age", _PREFLIGHT_AGE),
            ("vary", "origin"),
        ]
        if "access-control-request-private-network" in fields:
            headers.append(("access-control-allow-private-network", "true"))
        return tuple(headers)

    async def _binary(self, request: HttpRequest, headers: tuple[tuple[str, str], ...]) -> HttpResponse:
        """The binary batch channel."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/octet-stream":
            text = b"invalid content type, only application/octet-stream is supported\n"
            return HttpResponse(415, text, "text/plain", headers)
        try:
            batch = bulk.parse_frames(request.body, self._limits.batch)
            async with asyncio.timeout(self._limits.request_time):
                result = await self._services.ingest.submit(batch)
        except bulk.FrameError as error:
            return HttpResponse(400, str(error).encode() + b"\n", "text/plain", headers)
        except RpcError as error:
            return HttpResponse(503, error.message.encode() + b"\n", "text/plain", headers)
        except TimeoutError:
            return HttpResponse(504, b"request timed out\n", "text/plain", headers)
        content = bulk.format_frames(len(batch.ends), result)
        return HttpResponse(200, content, "application/octet-stream", headers)

    # WebSocket.
    def _upgrade(self, connection: HttpConnection, request: HttpRequest, rest: bytes) -> HttpResponse | None:
        if refusal := self.gate.refusal(request.headers):
            return HttpResponse(403, refusal.encode() + b"\n", "text/plain")
        if request.headers.get("upgrade", "").lower() != "websocket" or request.method != "GET":
            return HttpResponse(501, b"unsupported upgrade\n", "text/plain")
        lines = [f"{name}: {value}\r\n" for name, value in request.headers.items()]
        head = f"GET {request.path or '/'} HTTP/1.1\r\n{''.join(lines)}\r\n".encode("latin-1")
        socket = WebSocket(connection.transport, self._answer, self._limits, self._budget, self._connections)
        if not self._connections.last(connection, socket):
            return HttpResponse(503, b"too many WebSockets\n", "text/plain")
        connection.transport.set_protocol(socket)
        socket.start(head, rest)
        return None

    def _answer(self, message: bytes, socket: WebSocket) -> bytes | Awaitable[Text]:
        return self._dispatcher.handle(message, Context(self._services, socket))


async def _wrap(answer: Awaitable[Text], headers: tuple[tuple[str, str], ...]) -> HttpResponse:
    return HttpResponse(200, await answer, headers=headers)
