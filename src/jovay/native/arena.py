"""Arenas: zeroed address space for the kernel, of which only what is touched takes memory."""

from __future__ import annotations

import contextlib
import ctypes
import mmap
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from jovay.compiler.checked import is_chosen
from jovay.kernel.lang import Record

from .errors import PointerError
from .records import View, dtype_of, view_in

if TYPE_CHECKING:
    from jovay.compiler.checked.runtime import Runtime

#: Linux; Python names it from 3.13 on.
MAP_NORESERVE = 0x4000
#: Tables that are looked up at random miss the TLB much less often in huge pages.
HUGE_PAGE = 1 << 21


class _Map(mmap.mmap):
    """Address space that ends with the last who looks at it."""

    on_end: Callable[[], None] | None = None

    def __del__(self) -> None:
        if self.on_end is not None:
            self.on_end()


class Arena:
    """``size`` bytes of zeroed, page-aligned address space at ``address``.

    ``huge_pages`` suits memory that stays; what is often given back is cheaper in small ones. In the checked build
    the kernel may touch nothing of it before its parts are declared; ``name`` makes the whole arena one part.
    """

    def __init__(self, size: int, huge_pages: bool = True, name: str = "") -> None:
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE
        self._map = _Map(-1, size, flags=flags)
        self._memory = memoryview(self._map)  # what is made of it keeps the map
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
            self._map.on_end = partial(self._runtime.uncover, self.address, size)
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

    def release(self, size: int, at: int) -> None:
        """Give the memory of the whole pages in a range back to the system; they read as zeros."""
        page = mmap.PAGESIZE
        start = -(-(at - self.address) // page) * page
        stop = (at + size - self.address) // page * page
        if stop > start:
            self._map.madvise(mmap.MADV_DONTNEED, start, stop - start)

    # ---- what lies in it: each raises ``PointerError`` where that would not be within the arena ----------------

    def __index__(self) -> int:
        return self.address

    def __contains__(self, at: int) -> bool:
        return self.address <= at < self.address + self.size

    def record(self, record: type[Record], at: int | None = None) -> View:
        """The record at the address ``at``, or at the start; it keeps the memory."""
        offset = self._offset(at, record.size)
        return view_in(record, self._memory, offset, self.address + offset)

    def array(
        self, kind: type[Record] | npt.DTypeLike, count: int, at: int | None = None
    ) -> npt.NDArray[Any]:
        """The ``count`` records or numbers at the address ``at``, or at the start; they keep the memory."""
        dtype = dtype_of(kind) if isinstance(kind, type) and issubclass(kind, Record) else np.dtype(kind)
        offset = self._offset(at, count * dtype.itemsize)
        return np.frombuffer(self._memory, dtype, count, offset)

    def read(self, size: int, at: int | None = None) -> bytes:
        """Copy of ``size`` bytes at the address ``at``, or at the start."""
        offset = self._offset(at, size)
        return bytes(self._memory[offset : offset + size])

    def write(self, data: bytes, at: int | None = None) -> None:
        """Copy ``data`` to the address ``at``, or to the start."""
        offset = self._offset(at, len(data))
        self._memory[offset : offset + len(data)] = data

    def memory(self, size: int) -> memoryview:
        """The first ``size`` bytes, in place."""
        self._offset(None, size)
        return self._memory[:size]

    def _offset(self, at: int | None, size: int) -> int:
        offset = 0 if at is None else at - self.address
        if not 0 <= offset <= self.size - size:
            raise PointerError(self.address + offset, size, self.address, self.size)
        return offset


class Buffer:
    """Bytes for one call of the kernel: a copy of ``data``, or as many zeros as that says, with ``beyond`` behind them.

    In the checked build it is all that may be touched of an arena of its own: for input from outside.
    """

    def __init__(self, data: bytes | bytearray | memoryview | int, beyond: int = 0) -> None:
        self._size = data if isinstance(data, int) else len(data)
        size = self._size + beyond
        self._memory: Arena | ctypes.Array[ctypes.c_char]
        if is_chosen():
            self._memory = arena = Arena(max(size, 1), huge_pages=False)
            arena.part(0, size, "given")
            if not isinstance(data, int):
                arena.write(bytes(data))
            self.address = arena.address
        else:
            contents = b"" if isinstance(data, int) else bytes(data)
            self._memory = memory = ctypes.create_string_buffer(contents, max(size, 1))
            self.address = ctypes.addressof(memory)

    def __index__(self) -> int:
        return self.address

    def __bytes__(self) -> bytes:
        return self.read(self._size)

    def read(self, size: int) -> bytes:
        """The first ``size`` bytes, which the kernel may have changed."""
        return ctypes.string_at(self.address, size)


def borrowed(data: bytes, beyond: int = 0) -> Buffer | bytes:
    """``data`` for the kernel to read: a copy in the checked build, else not. Python keeps one zero byte behind it."""
    return Buffer(data, beyond) if is_chosen() else data


def zeros(count: int, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """``np.zeros(count, dtype)`` for the kernel; in the checked build in an arena that ends where it ends."""
    kind = np.dtype(dtype)
    if not is_chosen() or not count:
        return np.zeros(count, kind)
    return Arena(count * kind.itemsize, huge_pages=False, name="array").array(kind, count)


#: Vectors of 512 bits are loaded from multiples of their size.
VECTOR_BYTES = 64


def aligned_words(count: int) -> npt.NDArray[np.uint64]:
    """Zero words at an address that is a multiple of ``VECTOR_BYTES``."""
    most = VECTOR_BYTES // 8
    block = np.zeros(count + most, np.uint64)
    start = -block.ctypes.data % VECTOR_BYTES // 8
    return block[start : start + count]
