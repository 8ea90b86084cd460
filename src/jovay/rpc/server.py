"""The JSON-RPC server of a node: HTTP and WebSocket on one port (and WebSocket on a second, if wanted)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

import msgspec

import jovay.rpc.methods  # noqa: F401  (fills the method table)
from jovay.rpc import bulk
from jovay.rpc.backend import Backend
from jovay.rpc.budget import Budget
from jovay.rpc.context import Context, Services
from jovay.rpc.dispatch import Dispatcher, Observer
from jovay.rpc.errors import RpcError
from jovay.rpc.feed import Feed
from jovay.rpc.filters import Filters
from jovay.rpc.http import HttpConnection, HttpRequest, HttpResponse
from jovay.rpc.hub import Hub
from jovay.rpc.ingest import Ingest
from jovay.rpc.limits import Limits
from jovay.rpc.websocket import WebSocket
from jovay.rpc.workers import Pool

logger = logging.getLogger(__name__)

NAMESPACES = tuple("debug erigon eth jovay net ots realtime rpc trace txpool web3".split())
DEV_NAMESPACES = ("anvil", "evm", "hardhat", "personal")
_JSON_TYPES = frozenset({"application/json", "application/json-rpc", "application/jsonrequest"})
_PREFLIGHT_AGE = "600"
_GOING_AWAY = 1001


class ServerConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Where and for whom to serve. ``ws_port`` None: WebSockets on the HTTP port only. Port 0: any free
    one.

    ``origins`` are the web pages that browsers may let in (``*``: all); ``namespaces`` the prefixes of
    methods.
    """

    host: str = "127.0.0.1"
    http_port: int = 8545
    ws_port: int | None = None
    origins: tuple[str, ...] = ("*",)
    namespaces: tuple[str, ...] = NAMESPACES
    limits: Limits = Limits()


Metrics = Callable[[], tuple[str, bytes]]


class RpcServer:
    """Serves a backend until stopped.  Use from one running event loop."""

    def __init__(
        self,
        backend: Backend,
        config: ServerConfig,
        metrics: Metrics | None = None,
        observer: Observer | None = None,
        failure: Callable[[], str] = str,
    ) -> None:
        """``failure`` says why the node can make no more blocks; empty while it can."""
        self._backend = backend
        self._failure = failure
        self._config = config
        self._limits = config.limits
        self._budget = Budget(config.limits.memory)
        self._metrics = metrics
        self._dispatcher = Dispatcher(observer)
        self._connections: set[HttpConnection] = set()
        self._sockets: set[WebSocket] = set()
        self._servers: list[asyncio.Server] = []
        self._any_origin = "*" in config.origins
        self._stopped = False
        self._care: asyncio.Task[None] | None = None
        self.http_port = config.http_port
        self.ws_port = config.ws_port

    async def start(self) -> None:
        """Listen; returns when requests are served.  Raises ``OSError`` when a port is taken."""
        config, limits = self._config, self._limits
        loop = asyncio.get_running_loop()
        self._workers = ThreadPoolExecutor(limits.workers + limits.heavy, "jovay-rpc")
        self._portal = ThreadPoolExecutor(1, "jovay-portal")
        namespaces = set(config.namespaces)
        if self._backend.dev is not None:
            namespaces.update(DEV_NAMESPACES)
        hub = Hub(self._backend, self._workers)
        pool = Pool(self._workers, limits.heavy, limits.waiting)
        filters = Filters(limits.filters, limits.filter_time, limits.filter_hashes)
        hub.add(filters.on_events)
        self._services = Services(
            backend=self._backend,
            limits=limits,
            hub=hub,
            filters=filters,
            feed=Feed(self._backend, hub, pool),
            ingest=Ingest(self._backend, self._portal, limits.ingest),
            pool=pool,
            namespaces=frozenset(namespaces),
        )
        self._context = Context(self._services)
        self.http_port = await self._listen(config.http_port)
        if config.ws_port == 0 or config.ws_port not in (None, config.http_port):
            self.ws_port = await self._listen(config.ws_port or 0)
        self._care = loop.create_task(self._take_care())

    async def _listen(self, port: int) -> int:
        server = await asyncio.get_running_loop().create_server(
            self._connect, self._config.host, port, backlog=1024
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
        for connection in tuple(self._connections):
            connection.shut_down()
        for socket in tuple(self._sockets):
            socket.close(_GOING_AWAY, "the node stops")
        end = asyncio.get_running_loop().time() + grace
        while (self._connections or self._sockets) and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0.01)
        for item in self._everyone():
            item.transport.abort()
        if self._care is not None:  # else the start did not come so far
            self._care.cancel()
            await asyncio.gather(self._care, return_exceptions=True)
        await self._services.feed.close()
        self._services.hub.close()
        self._workers.shutdown(wait=False, cancel_futures=True)
        self._portal.shutdown(wait=False, cancel_futures=True)

    async def _take_care(self) -> None:
        """Once a second: drop connections whose time is up, ping quiet WebSockets."""
        while True:
            await asyncio.sleep(1.0)
            now = asyncio.get_running_loop().time()
            for item in self._everyone():
                with contextlib.suppress(OSError):
                    item.check(now)

    def _everyone(self) -> list[HttpConnection | WebSocket]:
        return [*self._connections, *self._sockets]

    def _connect(self) -> HttpConnection:
        return HttpConnection(self._respond, self._upgrade, self._limits, self._budget, self._connections)

    # HTTP.
    def _respond(self, request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        origin = request.headers.get("origin")
        headers = () if origin is None else self._cors(origin)
        if request.method == "POST":
            if request.path == "/batch":
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

    def _other(self, request: HttpRequest, headers: tuple[tuple[str, str], ...]) -> HttpResponse:
        if request.method == "OPTIONS":
            return HttpResponse(204, b"", "text/plain", headers)
        if request.method not in ("GET", "HEAD"):
            return HttpResponse(405, b"method not allowed\n", "text/plain", headers)
        if request.path == "/metrics" and self._metrics is not None:
            content_type, content = self._metrics()
            return HttpResponse(200, content, content_type, headers)
        if request.path == "/health":
            failure = self._failure()
            form = {"status": failure or "ok", "block": self._backend.head()}
            return HttpResponse(503 if failure else 200, msgspec.json.encode(form), headers=headers)
        if request.path == "/":
            return HttpResponse(200, b"", "text/plain", headers)
        return HttpResponse(404, b"not found\n", "text/plain", headers)

    def _cors(self, origin: str) -> tuple[tuple[str, str], ...]:
        if not self._any_origin and origin not in self._config.origins:
            return ()
        return (
            ("access-control-allow-origin", "*" if self._any_origin else origin),
            ("access-control-allow-methods", "POST, GET, OPTIONS"),
            ("access-control-allow-headers", "content-type, authorization"),
            ("access-control-max-age", _PREFLIGHT_AGE),
            ("vary", "origin"),
        )

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
    def _upgrade(self, connection: HttpConnection, request: HttpRequest, rest: bytes) -> bool:
        if request.headers.get("upgrade", "").lower() != "websocket" or request.method != "GET":
            return False
        origin = request.headers.get("origin")
        if origin is not None and not self._any_origin and origin not in self._config.origins:
            return False
        lines = [f"{name}: {value}\r\n" for name, value in request.headers.items()]
        head = f"GET {request.path or '/'} HTTP/1.1\r\n{''.join(lines)}\r\n".encode("latin-1")
        socket = WebSocket(connection.transport, self._answer, self._limits, self._budget, self._sockets)
        connection.transport.set_protocol(socket)
        socket.start(head, rest)
        return True

    def _answer(self, message: bytes, socket: WebSocket) -> bytes | Awaitable[bytes]:
        return self._dispatcher.handle(message, Context(self._services, socket))


async def _wrap(answer: Awaitable[bytes], headers: tuple[tuple[str, str], ...]) -> HttpResponse:
    return HttpResponse(200, await answer, headers=headers)
