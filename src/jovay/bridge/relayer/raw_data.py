"""The raw data of batches, over HTTP: what L1 forgets with its blobs is not lost. Whoever reads it checks it against
the versioned hashes or data hashes on L1.

| request | answer |
|---|---|
| `GET /batch/N` | DA version and DA data, as octets; header, versioned hashes and L1 transaction in `X-` headers |
| `GET /blobs/HASH/data` | the blob with a versioned hash, as octets (Blobscan's interface) |
| `POST /api/relayer/query/…` | the original's queries (`queries.py`) |
| `GET /status`, `GET /metrics` | how far the relayer is |
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

from jovay.bridge.bounded_server import BoundedServer
from jovay.bridge.relayer.progress import Progress
from jovay.bridge.relayer.queries import Queries
from jovay.bridge.relayer.store import Batch, BatchStore
from jovay.bridge.wire import blobs

log = logging.getLogger("jovay.relayer")

#: Bytes of a request's body.
MOST_BODY = 1 << 16
#: Numbers of batches have fewer digits.
_DIGITS = 19
Answer = tuple[int, str, bytes, dict[str, str]]
"""Status, content type, body, further headers."""


class RawDataServer:
    """Serves until it is closed."""

    def __init__(self, store: BatchStore, progress: Progress, queries: Queries, host: str, port: int) -> None:
        self._store, self._progress, self._queries = store, progress, queries
        self._server = BoundedServer((host, port), _handler(self._get, self._post))
        self._thread = threading.Thread(target=self._server.serve_forever, name="raw data", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return self._server.url

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    # ---- requests

    def _get(self, path: str) -> Answer:
        match path.strip("/").split("/"):
            case ["batch", number] if number.isdecimal() and len(number) < _DIGITS:
                batch = self._store.batch(int(number))
                return _missing(f"no batch {number}") if batch is None else _raw(batch)
            case ["blobs", versioned_hash, "data"]:
                return self._blob(versioned_hash)
            case ["status"]:
                return _json(self._progress.status())
            case ["metrics"]:
                return 200, "text/plain; version=0.0.4", self._progress.metrics(), {}
        return _missing("no such place")

    def _post(self, path: str, body: bytes) -> Answer:
        found = self._queries.answer(path, body)
        return _missing("no such place") if found is None else _json(found)

    def _blob(self, text: str) -> Answer:
        try:
            wanted = bytes.fromhex(text.removeprefix("0x"))
        except ValueError:
            return _missing("no versioned hash")
        raw = self._store.with_blob(wanted)
        if raw is None:
            return _missing("no such blob")
        blob = blobs.to_blobs(raw.da)[raw.versioned_hashes.index(wanted)]
        return 200, "application/octet-stream", blob, {}


def _raw(batch: Batch) -> Answer:
    raw = batch.raw
    more = {
        "X-Batch-Header": f"0x{raw.header.encode().hex()}",
        "X-Versioned-Hashes": ",".join(f"0x{one.hex()}" for one in raw.versioned_hashes),
        "X-L1-Transaction": f"0x{raw.l1_transaction.hex()}",
    }
    return 200, "application/octet-stream", raw.da.calldata, more


def _json(value: Any) -> Answer:
    return 200, "application/json", json.dumps(value).encode(), {}


def _missing(reason: str) -> Answer:
    return 404, "application/json", json.dumps({"error": reason}).encode(), {}


def _handler(
    get: Callable[[str], Answer], post: Callable[[str, bytes], Answer]
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """One request a connection."""

        timeout = 30.0

        def do_GET(self) -> None:
            self._answer(lambda: get(self.path.partition("?")[0]))

        def do_POST(self) -> None:
            if "Origin" in self.headers:  # browsers say so with every POST that a page makes them send
                self._answer(lambda: (403, "application/json", b'{"error": "web pages are not let in"}', {}))
                return
            size = self.headers.get("Content-Length", "")
            if not size.isdecimal() or int(size) > MOST_BODY:
                self._answer(lambda: (413, "application/json", b'{"error": "too long"}', {}))
                return
            body = self.rfile.read(int(size))
            self._answer(lambda: post(self.path, body))

        def _answer(self, find: Callable[[], Answer]) -> None:
            try:
                status, kind, body, more = find()
            except Exception:
                log.exception("%s %s failed", self.command, self.path)
                status, kind, body, more = 500, "application/json", b'{"error": "internal"}', {}
            self.send_response(status)
            for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **more}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            log.debug(*args)

    return Handler
