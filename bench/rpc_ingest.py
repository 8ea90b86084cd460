"""What the RPC layer itself costs per transaction, over a backend that does nothing.

Three measures per body size: the work in process (bytes of a batch in, bytes of the answer out), the same
through HTTP on this machine (client and server share the cores), and the binary channel. Figures are
medians.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import statistics
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

from jovay.chain.types import Log, Receipt
from jovay.rpc.backend import Backend
from jovay.rpc.backend.pool import RawBatch, Submitted
from jovay.rpc.context import Context
from jovay.rpc.dispatch import Dispatcher
from jovay.rpc.server import RpcServer, ServerConfig

RAW = bytes(range(112))
"""Stands for a signed transfer: the backend does not look at it."""


class NullBackend:
    """Accepts everything and knows one receipt."""

    def submit(self, batch: RawBatch, ready_only: bool = False) -> Submitted:
        """Accept."""
        return Submitted(bytes(32 * len(batch.ends)))

    def receipts(self, hashes: Sequence[bytes]) -> list[Receipt]:
        """The receipt of an ERC-20 transfer, for each."""
        return [RECEIPT] * len(hashes)

    def head(self) -> int:
        """A number."""
        return 1_000_000

    def listen(self, listener: Callable[[Any], None]) -> Callable[[], None]:
        """Nothing ever happens."""
        return lambda: None


_LOG = Log(
    address=bytes(20),
    topics=(bytes(32), bytes(32), bytes(32)),
    data=bytes(32),
    block_hash=bytes(32),
    block_number=1_000_000,
    block_timestamp=1_700_000_000,
    transaction_hash=bytes(32),
    transaction_index=7,
    log_index=7,
)
RECEIPT = Receipt(
    transaction_hash=bytes(32),
    transaction_index=7,
    block_hash=bytes(32),
    block_number=1_000_000,
    block_timestamp=1_700_000_000,
    sender=bytes(20),
    to=bytes(20),
    type=2,
    status=1,
    gas_used=51_000,
    cumulative_gas_used=400_000,
    effective_gas_price=10**9,
    logs_bloom=bytes(256),
    logs=(_LOG,),
)


def json_batch(method: str, params: str, count: int) -> bytes:
    """A batch of equal calls."""
    calls = [
        f'{{"jsonrpc":"2.0","id":{index},"method":"{method}","params":["{params}"]}}'
        for index in range(count)
    ]
    return f"[{','.join(calls)}]".encode()


def in_process(dispatcher: Dispatcher, context: Context, body: bytes, seconds: float) -> list[float]:
    """Seconds per body, answered without any network."""

    async def once() -> None:
        answer = dispatcher.handle(body, context)
        if not isinstance(answer, bytes):
            await cast(Awaitable[bytes], answer)

    async def repeat() -> list[float]:
        times = []
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            begun = time.perf_counter()
            await once()
            times.append(time.perf_counter() - begun)
        return times

    return asyncio.run_coroutine_threadsafe(repeat(), _loop).result()


def over_http(port: int, path: str, content_type: str, body: bytes, seconds: float) -> list[float]:
    """Seconds per request on one kept connection."""
    head = (
        f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {content_type}\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    request = head.encode() + body
    times = []
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            begun = time.perf_counter()
            connection.sendall(request)
            _read_response(connection)
            times.append(time.perf_counter() - begun)
    return times


def _read_response(connection: socket.socket) -> None:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(1 << 20)
    head, _, rest = data.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    left = length - len(rest)
    while left:
        left -= len(connection.recv(min(left, 1 << 20)))


def report(name: str, count: int, times: list[float]) -> None:
    """One line of the result."""
    middle = statistics.median(times)
    rate = f"{count / middle:>12,.0f}/s"
    print(f"{name:34} {count:5} per body  {middle / count * 1e6:8.2f} µs each  {rate}  ({len(times)} runs)")


async def _start() -> RpcServer:
    null: Any = NullBackend()
    backend = Backend(
        chain=null,
        state=null,
        pool=null,
        executor=null,
        events=null,
        keccak=lambda content: bytes(32),
        client_version="null",
    )
    server = RpcServer(backend, ServerConfig(http_port=0))
    await server.start()
    return server


_loop = asyncio.new_event_loop()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="jovay bench rpc_ingest", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.0, help="per measure")
    seconds = parser.parse_args().seconds
    threading.Thread(target=_loop.run_forever, daemon=True).start()
    server = asyncio.run_coroutine_threadsafe(_start(), _loop).result()
    dispatcher, context = Dispatcher(), Context(server._services)
    print(f"{os.cpu_count()} cores, transactions of {len(RAW)} bytes")
    for count in (1, 100, 1_000):
        sends = json_batch("eth_sendRawTransaction", "0x" + RAW.hex(), count)
        reads = json_batch("eth_getTransactionReceipt", "0x" + bytes(32).hex(), count)
        frames = (len(RAW).to_bytes(4) + RAW) * count
        for name, body in (("eth_sendRawTransaction", sends), ("eth_getTransactionReceipt", reads)):
            report(f"{name}, in process", count, in_process(dispatcher, context, body, seconds))
            over = over_http(server.http_port, "/", "application/json", body, seconds)
            report(f"{name}, HTTP", count, over)
        binary = over_http(server.http_port, "/batch", "application/octet-stream", frames, seconds)
        report("POST /batch, HTTP", count, binary)
    single = b'{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","params":[]}'
    report("eth_blockNumber, in process", 1, in_process(dispatcher, context, single, seconds))
    report(
        "eth_blockNumber, HTTP",
        1,
        over_http(server.http_port, "/", "application/json", single, seconds),
    )
    asyncio.run_coroutine_threadsafe(server.stop(), _loop).result()


if __name__ == "__main__":
    main()
