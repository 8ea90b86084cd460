"""A load client: a process of its own with kept connections that sends bodies made beforehand.

``python -m bench.measuring.client`` reads its orders as a JSON line from standard input and answers with another.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlparse

from ..loads.workloads import load, probes

POLL = 0.005
PATIENCE = 60.0


class Connection:
    """One kept HTTP/1.1 connection."""

    def __init__(self, url: str) -> None:
        place = urlparse(url)
        self.host, self.port = place.hostname or "127.0.0.1", place.port or 80
        self._socket = socket.create_connection((self.host, self.port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def request(self, path: str, kind: str, body: bytes) -> bytes:
        """A whole request."""
        head = (
            f"POST {path} HTTP/1.1\r\nhost: {self.host}:{self.port}\r\ncontent-type: {kind}\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def send(self, request: bytes) -> bytes:
        """The body of the answer."""
        self._socket.sendall(request)
        data = self._socket.recv(1 << 20)
        while b"\r\n\r\n" not in data:
            data += self._receive()
        head, _, rest = data.partition(b"\r\n\r\n")
        lower = head.lower()
        if b"content-length:" not in lower:
            return self._chunks(rest)
        length = int(lower.split(b"content-length:")[1].split(b"\r\n")[0])
        parts, have = [rest], len(rest)
        while have < length:
            parts.append(self._receive())
            have += len(parts[-1])
        return b"".join(parts)

    def _receive(self) -> bytes:
        data = self._socket.recv(1 << 20)
        if not data:
            raise ConnectionError("the server closed the connection")
        return data

    def _chunks(self, rest: bytes) -> bytes:
        while not rest.endswith(b"0\r\n\r\n"):
            rest += self._receive()
        body, at = b"", 0
        while size := int(rest[at : rest.index(b"\r\n", at)], 16):
            at = rest.index(b"\r\n", at) + 2
            body += rest[at : at + size]
            at += size + 2
        return body

    def call(self, calls: Sequence[tuple[str, list[Any]]]) -> list[Any]:
        """Results of a JSON-RPC batch, in order."""
        batch = [
            {"jsonrpc": "2.0", "id": i, "method": method, "params": parameters}
            for i, (method, parameters) in enumerate(calls)
        ]
        answer = json.loads(self.send(self.request("/", "application/json", json.dumps(batch).encode())))
        if isinstance(answer, dict):
            raise RuntimeError(f"refused: {answer}")
        return [entry.get("result") for entry in sorted(answer, key=lambda entry: entry["id"])]


def json_body(raws: Sequence[bytes]) -> bytes:
    """A batch of eth_sendRawTransaction."""
    calls = [
        f'{{"jsonrpc":"2.0","id":{i},"method":"eth_sendRawTransaction","params":["0x{raw.hex()}"]}}'
        for i, raw in enumerate(raws)
    ]
    return f"[{','.join(calls)}]".encode()


def binary_body(raws: Sequence[bytes]) -> bytes:
    """The same for the binary channel."""
    return b"".join([struct.pack(">I", len(raw)) + raw for raw in raws])


class Sender(threading.Thread):
    """One connection with its share of the requests; ``rate`` > 0 paces them (requests a second, from ``begin``)."""

    def __init__(self, url: str, order: dict[str, Any], bodies: list[bytes]) -> None:
        super().__init__(daemon=True)
        self.binary, self.rate = order["channel"] == "binary", 0.0
        self.connection = Connection(url)
        kind, path = ("application/octet-stream", "/batch") if self.binary else ("application/json", "/")
        self.requests = [self.connection.request(path, kind, body) for body in bodies]
        self.answers: list[bytes] = []
        self.begin = 0.0
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            for number, request in enumerate(self.requests):
                if self.rate:
                    wait = self.begin + number / self.rate - time.perf_counter()
                    if wait > 0:
                        time.sleep(wait)
                self.answers.append(self.connection.send(request))
        except BaseException as error:
            self.error = error

    def hashes(self) -> list[str]:
        """Transaction hashes out of the answers; raises if one was refused."""
        found: list[str] = []
        for answer in self.answers:
            if self.binary:
                if any(answer[at] != 1 for at in range(0, len(answer), 33)):
                    raise RuntimeError("the binary channel refused a transaction")
                found += ["0x" + answer[at + 1 : at + 33].hex() for at in range(0, len(answer), 33)]
                continue
            entries = json.loads(answer)
            if isinstance(entries, dict) or any("error" in entry for entry in entries):
                raise RuntimeError(f"refused: {answer[:300]!r}")
            found += [entry["result"] for entry in entries]
        return found


def senders(order: dict[str, Any]) -> list[Sender]:
    """Connections with bodies of ``batch`` transactions, dealt out in turn."""
    signed = load(order["load"], order["total"], order["accounts"])
    raws = signed.raws(order["start"], order["stop"])
    size, form = order["batch"], binary_body if order["channel"] == "binary" else json_body
    bodies = [form(raws[at : at + size]) for at in range(0, len(raws), size)]
    count = order["connections"]
    return [Sender(order["url"], order, bodies[k::count]) for k in range(count)]


def throughput(order: dict[str, Any]) -> dict[str, Any]:
    """Send everything as fast as it is taken; the time until the last transaction is in a block."""
    threads, probe = senders(order), Connection(order["url"])
    print("prepared", flush=True)
    sys.stdin.readline()
    cpu, begun = time.process_time(), time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
        if thread.error:
            raise thread.error
    sent, cpu = time.perf_counter() - begun, time.process_time() - cpu
    hashes = [digest for thread in threads for digest in thread.hashes()]
    waiting = [thread.hashes()[-1] for thread in threads]
    until = time.perf_counter() + PATIENCE
    while waiting:
        while not all(probe.call([("eth_getTransactionReceipt", [digest]) for digest in waiting[:4]])):
            if time.perf_counter() > until:
                raise TimeoutError("transactions do not get into blocks")
            time.sleep(POLL)
        seconds = time.perf_counter() - begun
        print("measured", flush=True)
        sys.stdin.readline()
        waiting = check(probe, hashes)
    return {"seconds": seconds, "sent": sent, "count": len(hashes), "cpu": cpu}


def check(probe: Connection, hashes: Sequence[str]) -> list[str]:
    """Every receipt must say success; those that are not there yet."""
    missing = []
    for at in range(0, len(hashes), 200):
        part = hashes[at : at + 200]
        receipts = probe.call([("eth_getTransactionReceipt", [digest]) for digest in part])
        for digest, receipt in zip(part, receipts, strict=True):
            if receipt is None:
                missing.append(digest)
            elif receipt["status"] != "0x1":
                raise RuntimeError(f"transaction {digest} failed")
    return missing


def latency(order: dict[str, Any]) -> dict[str, Any]:
    """Batches at a given rate, and beside them single transactions that are answered with their receipt."""
    threads = senders(order)
    singles = probes(order["probes"], order["accounts"], order["probe_group"]).raws()
    print("prepared", flush=True)
    sys.stdin.readline()
    begin = time.perf_counter() + 0.1
    each = order["rate"] / order["batch"] / len(threads)
    for number, thread in enumerate(threads):
        thread.rate, thread.begin = each, begin + number / each / len(threads)
        thread.start()
    measured: list[float] = []
    workers = [Prober(order["url"], singles[k::4], measured, threads, k) for k in range(4)]
    for worker in workers:
        worker.start()
    for running in (*threads, *workers):
        running.join()
        if running.error:
            raise running.error
    seconds = time.perf_counter() - begin
    print("measured", flush=True)
    sys.stdin.readline()
    count = sum(len(thread.hashes()) for thread in threads)
    return {"latencies": measured, "seconds": seconds, "count": count}


class Prober(threading.Thread):
    """Sends one transaction after the other with eth_sendRawTransactionSync while the load runs."""

    def __init__(
        self, url: str, raws: list[bytes], times: list[float], load: list[Sender], turn: int
    ) -> None:
        super().__init__(daemon=True)
        self.connection, self.raws, self.times, self.load, self.turn = (
            Connection(url),
            raws,
            times,
            load,
            turn,
        )
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            time.sleep(0.3 + 0.01 * self.turn)
            for raw in self.raws:
                if not any(thread.is_alive() for thread in self.load):
                    return
                begun = time.perf_counter()
                receipt = self.connection.call([("eth_sendRawTransactionSync", ["0x" + raw.hex()])])[0]
                if not receipt or receipt["status"] != "0x1":
                    raise RuntimeError(f"a probe failed: {receipt}")
                self.times.append((time.perf_counter() - begun) * 1e3)
                time.sleep(0.02)
        except BaseException as error:
            self.error = error


def obey() -> None:
    """Read orders, obey, answer."""
    sys.setswitchinterval(0.0005)
    order = json.loads(sys.stdin.readline())
    result = {"throughput": throughput, "latency": latency}[order["kind"]](order)
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    obey()
