"""JSON-RPC errors: the codes and messages that clients know from geth."""

from __future__ import annotations

from typing import Any

PARSE = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL = -32603
DEFAULT = -32000
TIMEOUT = -32002
RESPONSE_TOO_LARGE = -32003
LIMIT_EXCEEDED = -32005
REVERTED = 3
SYNC_TIMEOUT = 4
SYNC_NOT_READY = 5
SYNC_NONCE_GAP = 6


class RpcError(Exception):
    """An error answer: code, message and, where there is any, data (already in JSON form)."""

    def __init__(self, message: str, code: int = DEFAULT, data: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data

    def form(self) -> dict[str, Any]:
        """The ``error`` member of an answer."""
        form: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.data is not None:
            form["data"] = self.data
        return form


def invalid_params(message: str) -> RpcError:
    """Parameters that do not fit the method."""
    return RpcError(message, INVALID_PARAMS)


def method_not_found(name: str, hint: str = "") -> RpcError:
    """A method that this node does not serve; ``hint`` says how it would."""
    text = f"the method {name} does not exist/is not available"
    return RpcError(f"{text}: {hint}" if hint else text, METHOD_NOT_FOUND)


def limit_exceeded(message: str) -> RpcError:
    """A limit of the node (EIP-1474 code)."""
    return RpcError(message, LIMIT_EXCEEDED)
