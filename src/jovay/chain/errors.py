"""Errors of what describes a chain."""

from __future__ import annotations


class ChainError(Exception):
    """Base of what this room raises on purpose."""


class GenesisError(ChainError):
    """A genesis file with an invalid value; ``path`` is the JSON path, e.g. ``alloc.0xab….balance``."""

    def __init__(self, path: str, value: object, reason: str) -> None:
        self.path, self.value, self.reason = path, value, reason
        shown = repr(value)
        shown = shown if len(shown) <= 100 else f"{shown[:97]}..."
        super().__init__(f"genesis {path or '(top level)'}: {reason}; got {shown}")
