"""The C library's allocator."""

from __future__ import annotations

import ctypes


def release_free_memory() -> None:
    """Give what it holds free back to the system, where it can do that (glibc)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
