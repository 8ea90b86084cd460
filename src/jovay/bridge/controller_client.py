"""The prover controller's HTTP interface (docs/prover.md), asked."""

from __future__ import annotations

import http.client
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from jovay.bridge.errors import ControllerRefusalError, ControllerUnreachableError
from jovay.bridge.wire.batch_header import BatchHeader
from jovay.bridge.wire.da import DaData
from jovay.chain.hexadecimal import hexed
from jovay.chain.settled import SettledConfig

#: Seconds for an answer; a task of some hundred megabytes takes a few.
TIMEOUT = 60.0
#: Types of proofs.
TEE, ZK = "tee", "zk"


class ControllerClient:
    """One controller. Every call has a connection of its own, so threads may share it.

    Methods raise ControllerUnreachableError, and ControllerRefusalError for an error that is the controller's answer.
    """

    def __init__(self, url: str, timeout: float = TIMEOUT) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"{url!r} is no http URL")
        self.url, self._host, self._port, self._timeout = url, parts.hostname, parts.port or 80, timeout

    def call(self, verb: str, **body: Any) -> dict[str, Any]:
        """``POST /verb`` with these fields; the answer's fields."""
        return self._object(self._ask("POST", f"/{verb}", json.dumps(body).encode()))

    def info(self) -> dict[str, Any]:
        """Workers, queue, what the controller is."""
        return self._object(self._ask("GET", "/info"))

    def task(self, lease: str) -> bytes:
        """The encoded BatchTask of a lease."""
        return self._ask("GET", f"/task/{lease}")

    def _object(self, answer: bytes) -> dict[str, Any]:
        try:
            found = json.loads(answer)
        except ValueError as error:
            raise ControllerUnreachableError(self.url, f"no JSON: {answer[:60]!r}") from error
        if not isinstance(found, dict):
            raise ControllerUnreachableError(self.url, f"no JSON object: {answer[:60]!r}")
        return found

    def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
            response = connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise ControllerUnreachableError(self.url, f"{type(error).__name__}: {error}") from error
        finally:
            connection.close()
        if response.status != http.HTTPStatus.OK:
            raise self._refusal(response.status, answer)
        return answer

    def _refusal(self, status: int, answer: bytes) -> ControllerRefusalError | ControllerUnreachableError:
        try:
            error = json.loads(answer)["error"]
            return ControllerRefusalError(status, error["type"], error["message"])
        except (ValueError, TypeError, KeyError):
            return ControllerUnreachableError(self.url, f"status {status}: {answer[:60]!r}")


def batch_fields(
    l1_chain_id: int,
    rollup: bytes,
    config: SettledConfig,
    parent: BatchHeader,
    header: BatchHeader,
    da: DaData,
    versioned_hashes: Sequence[bytes],
    chunks: Sequence[tuple[int, int]],
) -> dict[str, Any]:
    """What ``prove_batch`` is told of a batch; ``chunks`` are the first and the last block of each."""
    return {
        "index": header.index,
        "l1ChainId": l1_chain_id,
        "rollup": hexed(rollup),
        "config": hexed(config.encode()),
        "parentHeader": hexed(parent.encode()),
        "header": hexed(header.encode()),
        "da": hexed(da.calldata),
        "versionedHashes": [hexed(one) for one in versioned_hashes],
        "chunks": [list(chunk) for chunk in chunks],
    }
