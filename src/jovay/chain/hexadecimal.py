"""Bytes as people and JSON have them: 0x and two digits for each."""

from __future__ import annotations


def hexed(value: bytes) -> str:
    """JSON-RPC's DATA."""
    return "0x" + value.hex()


def shown(value: object) -> str:
    """A value in a message: bytes as hex."""
    return hexed(value) if isinstance(value, bytes) else str(value)
