"""Arenas: zeroed address space for the kernel, of which only what is touched takes memory."""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from jovay.compiler.checked import is_chosen

if TYPE_CHECKING:
    from jovay.compiler.checked.runtime import Runtime

#: Linux; Python names it from 3.13 on.
MAP_NORESERVE = 0x4000
#: Tables that are looked up at random miss the TLB much less often in huge pages.
HUGE_PAGE = 1 << 21


class Arena:
    """``size`` bytes of zeroed, page-aligned address space at ``address``.

    ``huge_pages`` suits memory that stays; what is often given back is cheaper in small ones. In the checked build
    the kernel may touch nothing of it before its parts are declared; ``name`` makes the whole arena one part.
    """

    def __init__(self, size: int, huge_pages: bool = True, name: str = "") -> None:
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE
        self._map = mmap.mmap(-1, size, flags=flags)
        if huge_pages and size >= HUGE_PAGE and hasattr(mmap, "MADV_HUGEPAGE"):
            with contextlib.suppress(OSError):  # a kernel without transparent huge pages
                self._map.madvise(mmap.MADV_HUGEPAGE)
        self.size, self._name = size, name
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self._map))
        self._runtime: Runtime | None = None
        if is_chosen():
            from jovay.compiler.checked.runtime import runtime

            self._runtime = runtime()
            self._runtime.cover(self.address, size)
            weakref.finalize(self, self._runtime.uncover, self.address, size).atexit = False
        if name:
            self.part(0, size, name)

    def part(self, offset: int, size: int, name: str) -> None:
        """``size`` bytes at ``offset`` are the part ``name``, all of it in use: see ``kernel.lang.layout``."""
        if self._runtime is not None:
            self._runtime.part(self.address + offset, size, name, True)

    def reserve(self, offset: int, size: int, name: str) -> None:
        """The same for a part of which nothing is in use yet."""
        if self._runtime is not None:
            self._runtime.part(self.address + offset, size, name, False)

    def reset(self) -> None:
        """Back to zeros, without parts; the memory goes back to the system."""
        self._map.madvise(mmap.MADV_DONTNEED)
        if self._runtime is not None:
            self._runtime.deny(self.address, self.size)
            if self._name:
                self.part(0, self.size, self._name)

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


class Given:
    """A copy of ``data`` for the kernel to read, at ``address``, with ``beyond`` zero bytes behind it.

    In the checked build it is all that may be touched of an arena of its own: for input from outside.
    """

    def __init__(self, data: bytes | bytearray | memoryview, beyond: int = 0) -> None:
        size = len(data) + beyond
        if is_chosen():
            arena = Arena(max(size, 1), huge_pages=False)
            arena.part(0, size, "given")
            ctypes.memmove(arena.address, bytes(data), len(data))
            self._memory: object = arena
            self.address = arena.address
        else:
            buffer = ctypes.create_string_buffer(bytes(data), max(size, 1))
            self._memory, self.address = buffer, ctypes.addressof(buffer)

    def read(self, size: int) -> bytes:
        """The first ``size`` bytes, which the kernel may have changed."""
        return ctypes.string_at(self.address, size)


class _InPlace:
    """Bytes where Python has them."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.address = ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value or 0


def borrowed(data: bytes, beyond: int = 0) -> Given | _InPlace:
    """``data`` for the kernel to read: a copy in the checked build, else not. Python keeps one zero byte behind it."""
    return Given(data, beyond) if is_chosen() else _InPlace(data)


class _Held:
    """An arena as numpy takes it: the array keeps it alive."""

    def __init__(self, arena: Arena, count: int, dtype: np.dtype[Any]) -> None:
        self.arena = arena
        self.__array_interface__ = {
            "version": 3,
            "shape": (count * dtype.itemsize,),
            "typestr": "|u1",
            "data": (arena.address, False),
        }


def zeros(count: int, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """``np.zeros(count, dtype)`` for the kernel; in the checked build in an arena that ends where it ends."""
    kind = np.dtype(dtype)
    if not is_chosen() or not count:
        return np.zeros(count, kind)
    arena = Arena(count * kind.itemsize, huge_pages=False, name="array")
    return np.asarray(_Held(arena, count, kind)).view(kind)
