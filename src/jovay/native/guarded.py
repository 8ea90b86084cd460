"""Memory for inputs that ends where none is mapped: whoever reads behind an input crashes."""

from __future__ import annotations

import ctypes
import mmap
import os

PROT_NONE = 0


class Guarded:
    """Room for one input of up to ``capacity`` bytes at a time."""

    def __init__(self, capacity: int = 16 << 20) -> None:
        capacity = -(-capacity // mmap.PAGESIZE) * mmap.PAGESIZE
        self._map = mmap.mmap(-1, capacity + mmap.PAGESIZE)
        start = ctypes.addressof(ctypes.c_char.from_buffer(self._map))
        self._end, self._capacity = start + capacity, capacity
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mprotect(ctypes.c_void_p(self._end), ctypes.c_size_t(mmap.PAGESIZE), PROT_NONE):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    def place(self, data: bytes) -> int:
        """Address of a copy of ``data``, the last byte of which is the last that can be read."""
        if len(data) > self._capacity:
            raise ValueError(f"an input of {len(data)} bytes, at most {self._capacity} have room")
        address = self._end - len(data)
        ctypes.memmove(address, data, len(data))
        return address
