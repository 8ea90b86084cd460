"""A small JSON-RPC client over one kept-alive HTTP connection, for tests that look at raw answers."""

from __future__ import annotations

import http.client
import itertools
import json
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit


class RpcError(Exception):
    """An error object that the server answered with: `code`, `message`, `data`."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"{error.get('code')}: {error.get('message')}")
        self.code: int = error.get("code", 0)
        self.message: str = error.get("message", "")
        self.data: Any = error.get("data")


class Rpc:
    """JSON-RPC 2.0 over HTTP. Not thread-safe; take one per thread."""

    def __init__(self, url: str, timeout: float = 30.0) -> None:
        parts = urlsplit(url)
        if parts.hostname is None:
            raise ValueError(f"no host in {url!r}")
        self.url = url
        self._path = parts.path or "/"
        self._connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
        self._ids = itertools.count(1)

    def call(self, method: str, *params: Any) -> Any:
        """The result of one call; raises RpcError for an error answer."""
        answer = self._post(self._request(method, params))
        return _result(answer)

    def batch(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        """Results in the order of `calls`; an error answer stands in the list as an RpcError object."""
        requests = [self._request(method, params) for method, params in calls]
        by_id = {answer["id"]: answer for answer in self._post(requests)}
        results: list[Any] = []
        for request in requests:
            try:
                results.append(_result(by_id[request["id"]]))
            except RpcError as error:
                results.append(error)
        return results

    def wait_receipt(self, tx_hash: str, timeout: float = 20.0) -> dict[str, Any]:
        """The receipt, asked for until it is there; raises TimeoutError after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            receipt: dict[str, Any] | None = self.call("eth_getTransactionReceipt", tx_hash)
            if receipt is not None:
                return receipt
            time.sleep(0.01)
        raise TimeoutError(f"no receipt for {tx_hash} within {timeout} s")

    def close(self) -> None:
        self._connection.close()

    def _request(self, method: str, params: Sequence[Any]) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": list(params)}

    def _post(self, message: Any) -> Any:
        body = json.dumps(message).encode()
        headers = {"Content-Type": "application/json"}
        try:
            self._connection.request("POST", self._path, body, headers)
            response = self._connection.getresponse()
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            # The server closed an idle connection; a fresh one gets the same request once more.
            self._connection.close()
            self._connection.request("POST", self._path, body, headers)
            response = self._connection.getresponse()
        return json.loads(response.read())


def _result(answer: dict[str, Any]) -> Any:
    if "error" in answer:
        raise RpcError(answer["error"])
    return answer["result"]
