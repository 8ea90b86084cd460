"""HTTP for the parts of a rollup among themselves: a thread for each connection, and not too many of them."""

from __future__ import annotations

import logging
import threading
from http.server import ThreadingHTTPServer
from typing import Any, Final

log = logging.getLogger("jovay.http")

#: Connections that are served at once; more wait.
MOST_CONNECTIONS: Final = 64


class BoundedServer(ThreadingHTTPServer):
    """Its handlers should take one request a connection, lest idle ones keep others waiting."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, *given: Any) -> None:
        self._places = threading.BoundedSemaphore(MOST_CONNECTIONS)
        super().__init__(*given)

    @property
    def url(self) -> str:
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"

    def process_request(self, request: Any, client_address: Any) -> None:
        self._places.acquire()
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who asked has gone, most often."""
        log.debug("a connection ended early", extra={"client": client_address}, exc_info=True)
