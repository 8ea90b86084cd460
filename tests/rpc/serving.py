"""A server over a backend, in a thread with an event loop of its own, and the accounts that tests send from."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from jovay.rpc.backend import Backend
from jovay.rpc.limits import Limits
from jovay.rpc.server import RpcServer, ServerConfig
from rigs.accounts import KEYS
from rigs.rpc import Rpc
from rigs.transactions import address_of, sign
from rpc.memory_backend import CHAIN_ID

ALICE_KEY = bytes.fromhex(KEYS[0][2:])


BOB_KEY = bytes.fromhex(KEYS[1][2:])


ALICE = address_of(ALICE_KEY)


BOB = address_of(BOB_KEY)


def transfer(nonce: int, to: bytes = BOB, value: int = 1, data: bytes = b"", key: bytes = ALICE_KEY) -> bytes:
    """A signed EIP-1559 transaction."""
    return sign(2, [CHAIN_ID, nonce, 2, 100, 100_000, to, value, data, []], key)


@dataclass
class Served:
    """A running server."""

    server: RpcServer
    loop: asyncio.AbstractEventLoop
    url: str
    ws_url: str
    clients: list[Rpc] = field(default_factory=list)

    def rpc(self) -> Rpc:
        """A client, closed with the server."""
        self.clients.append(Rpc(self.url))
        return self.clients[-1]

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine on the server's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)


class Double(Protocol):
    """What stands in for a node."""

    def interfaces(self) -> Backend:
        """As the server takes it."""


@contextmanager
def serve(backend: Double, limits: Limits | None = None, **config: Any) -> Iterator[Served]:
    """Serve a backend on a free port for the length of a ``with`` block."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    settings = ServerConfig(limits=limits or Limits(), **({"http_port": 0, "tracing": True} | config))

    async def begin() -> RpcServer:
        server = RpcServer(backend.interfaces(), settings, metrics=lambda: ("text/plain", b"up 1\n"))
        await server.start()
        return server

    server = asyncio.run_coroutine_threadsafe(begin(), loop).result(30)
    address = f"127.0.0.1:{server.http_port}"
    served = Served(server, loop, f"http://{address}", f"ws://{address}")
    try:
        yield served
    finally:
        for client in served.clients:
            client.close()
        asyncio.run_coroutine_threadsafe(server.stop(1.0), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
