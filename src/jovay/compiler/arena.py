"""Arenas: zeroed address space for the kernel, of which only what is touched takes memory."""

from __future__ import annotations

import contextlib
import ctypes
import mmap

#: Linux; Python names it from 3.13 on.
MAP_NORESERVE = 0x4000
#: Tables that are looked up at random miss the TLB much less often in huge pages.
HUGE_PAGE = 1 << 21


class Arena:
    """``size`` bytes of zeroed, page-aligned address space at ``address``.

    ``huge_pages`` suits memory that stays; what is often given back is cheaper in small ones.
    """

    def __init__(self, size: int, huge_pages: bool = True) -> None:
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE
        self._map = mmap.mmap(-1, size, flags=flags)
        if huge_pages and size >= HUGE_PAGE and hasattr(mmap, "MADV_HUGEPAGE"):
            with contextlib.suppress(OSError):  # a kernel without transparent huge pages
                self._map.madvise(mmap.MADV_HUGEPAGE)
        self.size = size
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self._map))

    def reset(self) -> None:
        """Back to zeros; the memory goes back to the system."""
        self._map.madvise(mmap.MADV_DONTNEED)

    def release(self, address: int, size: int) -> None:
        """Give the memory of the whole pages in a range back to the system; they read as zeros."""
        page = mmap.PAGESIZE
        start = -(-(address - self.address) // page) * page
        stop = (address + size - self.address) // page * page
        if stop > start:
            self._map.madvise(mmap.MADV_DONTNEED, start, stop - start)

    def read(self, address: int, size: int) -> bytes:
        """Copy of ``size`` bytes at ``address`` within the arena."""
        return ctypes.string_at(address, size)
