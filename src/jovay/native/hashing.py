"""Hashes by the native kernel."""

from __future__ import annotations

import ctypes

from jovay.compiler.native import Library
from jovay.kernel.hashes import keccak


def keccak256(library: Library, data: bytes) -> bytes:
    """Keccak-256 of ``data``."""
    out = ctypes.create_string_buffer(32)
    source = ctypes.create_string_buffer(data, max(1, len(data)))
    library[keccak.keccak256](ctypes.addressof(source), len(data), ctypes.addressof(out))
    return out.raw
