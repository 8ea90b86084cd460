"""HTTP around the controller: POST /verb, GET /info, GET /task/LEASE. Errors are {"error": {"type", "message"}}."""

from __future__ import annotations

import json
import logging
import threading
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar, Final

from jovay.bridge.bounded_server import BoundedServer
from jovay.prover.controller.errors import (
    BadRequestError,
    BodyTooLargeError,
    ControllerError,
    UnknownVerbError,
    WebPageError,
)
from jovay.prover.controller.service import Controller

log = logging.getLogger("jovay.prover")

#: Bytes of a body: a batch of the largest DA data in hex, or the largest proof.
MOST_BYTES: Final = 48 << 20
_TASK = "task/"
#: Seconds between two looks whether to end.
_POLL = 0.05


class ControllerServer(BoundedServer):
    """Serves a controller in threads; ``stop`` ends it."""

    def __init__(self, controller: Controller, host: str, port: int) -> None:
        self.controller = controller
        super().__init__((host, port), _Handler)
        self._thread = threading.Thread(
            target=self.serve_forever, args=(_POLL,), name="controller", daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """No connection is taken any more."""
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    """One request per connection."""

    server: ControllerServer
    timeout: ClassVar[float] = 30.0

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def _get(self) -> bytes:
        name = self.path.strip("/")
        if name == "info":
            return json.dumps(self.server.controller.info()).encode()
        if name.startswith(_TASK):
            return self.server.controller.queue.task(name.removeprefix(_TASK))
        raise UnknownVerbError(f"there is no {self.path}; there are /info and /task/LEASE")

    def _post(self) -> bytes:
        if (
            "Origin" in self.headers
        ):  # browsers say so with every POST, even where a name was made to point here
            raise WebPageError("web pages are not let in")
        try:
            fields = json.loads(self._body())
        except (ValueError, RecursionError) as error:
            raise BadRequestError(f"no JSON: {error}") from error
        return json.dumps(self.server.controller.answer(self.path.strip("/"), fields)).encode()

    def _body(self) -> bytes:
        given = self.headers.get("Content-Length", "")
        if not given.isdecimal():
            raise BadRequestError("a body needs its Content-Length")
        if int(given) > MOST_BYTES:
            raise BodyTooLargeError(f"a body of {given} bytes; there is room for {MOST_BYTES}")
        body = self.rfile.read(int(given))
        if len(body) < int(given):
            raise BadRequestError("a body that is shorter than its Content-Length")
        return body

    def _answer(self, find: Any) -> None:
        status = 200
        try:
            content = find()
        except ControllerError as error:
            status, content = error.status, _error(error)
        except TimeoutError:
            self.close_connection = True
            return
        except Exception as error:
            log.exception("%s %s", self.command, self.path)
            status, content = 500, _error(error)
        self.send_response(status)
        kind = "application/octet-stream" if self.path.strip("/").startswith(_TASK) else "application/json"
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        log.debug(format, *args)


def _error(error: Exception) -> bytes:
    return json.dumps({"error": {"type": type(error).__name__, "message": str(error)}}).encode()
