"""Errors of the bridge."""

from __future__ import annotations


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
