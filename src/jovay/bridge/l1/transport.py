"""JSON-RPC over HTTP with connections that are kept, a deadline for each request, and second tries for reads."""

from __future__ import annotations

import itertools
import logging
import time
from typing import Any

import msgspec
import urllib3
from urllib3.util import Timeout, make_headers, parse_url

from jovay.bridge.errors import L1AnswerError, L1RpcError, L1UnreachableError

log = logging.getLogger("jovay.l1")

#: Seconds for a request with its answer.
TIMEOUT = 20.0
#: Reads are tried so often, the pauses between (seconds) doubling.
TRIES, FIRST_PAUSE = 4, 0.15
#: Bytes of an answer; a full block with its receipts takes a few million.
MAX_ANSWER = 128 << 20
#: What may be asked twice: nothing that changes a chain.
_READS = ("eth_", "jovay_", "net_", "web3_", "debug_")
_WRITES = ("eth_send", "eth_sign")
_TOO_MANY_REQUESTS = 429
_PIECE = 1 << 16


class Transport:
    """One server. Threads may share it; a forked process needs its own."""

    def __init__(self, url: str, timeout: float = TIMEOUT) -> None:
        parts = parse_url(url)
        if parts.scheme not in ("http", "https") or parts.host is None:
            raise ValueError(f"{url!r} is no http or https URL")
        self._timeout = timeout
        self._target = url.replace(f"{parts.auth}@", "", 1) if parts.auth else url
        self._headers = {"Content-Type": "application/json"}
        self._headers |= make_headers(accept_encoding=True, basic_auth=parts.auth)
        self.name = shown_url(url)
        self._pool = urllib3.PoolManager(maxsize=8, retries=False)
        self._ids = itertools.count(1)

    def call(self, method: str, *params: Any) -> Any:
        """The result of a call, as JSON has it.

        Raises L1UnreachableError, L1RpcError for an error that the server answers with, L1AnswerError.
        """
        number = next(self._ids)
        request = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        body = msgspec.json.encode(request)
        reads = method.startswith(_READS) and not method.startswith(_WRITES)
        begun = time.monotonic()
        for attempt in range(TRIES if reads else 1):
            if attempt > 1 and time.monotonic() - begun > self._timeout:
                break  # a server that does not refuse but hangs is asked twice
            if attempt:
                time.sleep(FIRST_PAUSE * 2 ** (attempt - 1))
            try:
                return _result(self._post(body), number, method)
            except _NoAnswerError as error:
                reason = str(error)
                log.debug("%s: no answer to %s (try %d): %s", self.name, method, attempt + 1, reason)
        raise L1UnreachableError(self.name, method, reason)

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        self._pool.clear()

    def _post(self, body: bytes) -> Any:
        """The decoded answer; raises _NoAnswerError when there is none that is JSON."""
        deadline = time.monotonic() + self._timeout
        limit = Timeout(connect=min(5.0, self._timeout), read=self._timeout)
        try:
            response = self._pool.request(
                "POST", self._target, body=body, headers=self._headers, timeout=limit, preload_content=False,
                redirect=False,
            )  # fmt: skip
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise _NoAnswerError(_reason(error)) from error
        try:
            content = _read(response, deadline)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise _NoAnswerError(_reason(error)) from error
        finally:
            if response.length_remaining != 0:
                response.close()  # what is left of an answer must not be taken for the next one
            response.release_conn()
        try:
            answer = msgspec.json.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _NoAnswerError(f"status {response.status}, and no JSON: {content[:60]!r}") from error
        if response.status == _TOO_MANY_REQUESTS or (response.status >= 500 and not _is_error(answer)):
            raise _NoAnswerError(f"status {response.status}")
        return answer


def shown_url(url: str) -> str:
    """A server for messages: paths and users in its URL are often secrets."""
    parts = parse_url(url)
    return f"{parts.scheme}://{parts.netloc}"


class _NoAnswerError(Exception):
    """Nothing that the server can have meant as its answer."""


def _read(response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
    content = bytearray()
    while piece := response.read1(_PIECE):
        content += piece
        if len(content) > MAX_ANSWER:
            raise _NoAnswerError(f"an answer of more than {MAX_ANSWER} bytes")
        if time.monotonic() > deadline:
            raise _NoAnswerError("an answer that does not end")
    return bytes(content)


def _reason(error: Exception) -> str:
    if isinstance(error, urllib3.exceptions.NewConnectionError):
        return "no connection"
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return "time is up"
    return f"{type(error).__name__}: {error}"


def _is_error(answer: Any) -> bool:
    return isinstance(answer, dict) and isinstance(answer.get("error"), dict)


def _result(answer: Any, number: int, method: str) -> Any:
    """What stands in an answer; raises L1RpcError, L1AnswerError."""
    if _is_error(answer):
        error = answer["error"]
        code, message = error.get("code"), error.get("message")
        if not isinstance(code, int):
            raise L1AnswerError(f"the error code of {method}", code)
        raise L1RpcError(code, str(message), error.get("data"), method)
    if not isinstance(answer, dict) or "result" not in answer or answer.get("id") != number:
        raise L1AnswerError(f"the answer to {method}", answer)
    return answer["result"]
