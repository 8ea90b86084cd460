"""Errors of calling compiled code."""

from __future__ import annotations


class NativeError(Exception):
    """Base of what calls of compiled code raise."""


class PointerError(NativeError):
    """A pointer leads out of the memory that it should lead into."""

    def __init__(self, place: int, size: int, start: int, length: int) -> None:
        super().__init__(f"{size:,} bytes at {place:#x} are not within {length:,} bytes at {start:#x}")
