"""Errors of the bridge."""

from __future__ import annotations

from typing import Any

#: The code of a reverted call (EIP-1474 leaves it open; geth, reth and anvil agree).
REVERTED = 3
#: Characters of a server's words, and of a value that it gave, in the text of an error.
_MESSAGE, _VALUE = 500, 80


class BridgeError(Exception):
    """Base of what this room raises on purpose."""


class WireError(BridgeError):
    """Bytes that are not what their wire format says; ``what`` names the format, ``at`` the byte."""

    def __init__(self, what: str, reason: str, at: int | None = None) -> None:
        self.what, self.reason, self.at = what, reason, at
        super().__init__(f"{what}{'' if at is None else f' at byte {at}'}: {reason}")


class FieldRangeError(BridgeError):
    """A value that its field on the wire cannot hold."""

    def __init__(self, field: str, value: int, limit: int) -> None:
        self.field, self.value, self.limit = field, value, limit
        super().__init__(f"{field} is {value}, and the wire format holds 0 to {limit}")


class L1Error(BridgeError):
    """Base of what goes wrong between this machine and a chain's RPC server."""


class L1UnreachableError(L1Error):
    """No answer to ``method`` from the server ``url`` (without credentials and path) in the time there was."""

    def __init__(self, url: str, method: str, reason: str) -> None:
        self.url, self.method, self.reason = url, method, reason
        super().__init__(f"{url} gives no answer to {method}: {reason}")


class L1RpcError(L1Error):
    """The server's answer to ``method`` is an error; ``data`` as it came, of a revert 0x-hex."""

    def __init__(self, code: int, message: str, data: Any = None, method: str = "") -> None:
        self.code, self.message, self.data, self.method = code, message, data, method
        text = f"{_shortened(message, _MESSAGE)} ({code})"
        super().__init__(f"{method}: {text}" if method else text)

    @property
    def revert_data(self) -> bytes | None:
        """What a reverted call returned; None if this is no revert."""
        if not isinstance(self.data, str) or not self.data.startswith("0x"):
            return b"" if self.code == REVERTED else None
        try:
            return bytes.fromhex(self.data[2:])
        except ValueError:
            return None


class L1AnswerError(L1Error):
    """An answer that is not what the method gives: ``what`` names the part, ``value`` is what stands there."""

    def __init__(self, what: str, value: object) -> None:
        self.what, self.value = what, value
        super().__init__(f"{what} is {_shortened(repr(value), _VALUE)}")


class TransactionFailedError(L1Error):
    """A transaction that was not to fail; ``transaction_hash`` is None where it was not even sent."""

    def __init__(self, transaction_hash: bytes | None, reason: str) -> None:
        self.transaction_hash, self.reason = transaction_hash, reason
        which = "the transaction" if transaction_hash is None else f"transaction 0x{transaction_hash.hex()}"
        super().__init__(f"{which} failed: {reason}")


class WrongChainError(L1Error):
    """The server serves another chain."""

    def __init__(self, url: str, given: int, expected: int) -> None:
        self.url, self.given, self.expected = url, given, expected
        super().__init__(f"{url} serves chain {given}, and not {expected}")


class MessageOrderError(BridgeError):
    """L2 messages that do not follow each other."""

    def __init__(self, found: int, expected: int) -> None:
        self.found, self.expected = found, expected
        super().__init__(f"L2 message {expected} is next, and {found} was found")


class AnvilError(BridgeError):
    """Anvil is not there, or does not start."""


class SeriesError(BridgeError):
    """A series of transactions that cannot go on."""


class DeploymentError(BridgeError):
    """Contracts on L1 that cannot be deployed so, or are not as they were deployed."""


class ControllerUnreachableError(BridgeError):
    """No answer from the prover controller, or none that is its own."""

    def __init__(self, url: str, reason: str) -> None:
        self.url, self.reason = url, reason
        super().__init__(f"prover controller {url}: {reason}")


class ControllerRefusalError(BridgeError):
    """The prover controller's answer is an error; ``type`` is the name of its class."""

    def __init__(self, status: int, type_: str, message: str) -> None:
        self.status, self.type = status, type_
        super().__init__(f"prover controller: {type_}: {message}")


class SignerError(BridgeError):
    """A key cannot be opened, or does not sign as it should."""


class RequestConflictError(BridgeError):
    """A transaction was asked for under ``key``, and now another one is under the same."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(f"another transaction was asked for as {key!r} before")


class TransactionStoreError(BridgeError):
    """A store of transactions is in use by another process, or belongs to another account or chain."""


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."
