"""Memory for long vectors, which goes from one to the next: pages that a process asks for anew are cleared first, which
takes longer than most of what is done with them.

Blocks are powers of two, in one reservation of address space; two that were one and are free become one again (Knowlton
1965). Only what was ever touched takes memory, and the lowest free block is taken first.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
from functools import cache
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from .arena import MAP_NORESERVE

#: Bytes of address space, and of the smallest block, as powers of two.
_SPACE, _LEAST = 40, 12


class Memory:
    """Free blocks by their sizes. Any thread may take and give back."""

    def __init__(self, space: int = _SPACE) -> None:
        """2^``space`` bytes of address space."""
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE
        self._map = mmap.mmap(-1, 1 << space, flags=flags)
        self._start = ctypes.addressof(ctypes.c_char.from_buffer(self._map))
        if hasattr(mmap, "MADV_HUGEPAGE"):
            with contextlib.suppress(OSError):  # a kernel without transparent huge pages
                self._map.madvise(mmap.MADV_HUGEPAGE)
        self._free = [set[int]() for _ in range(space + 1)]
        self._free[space].add(0)
        self._lock = Lock()
        #: Bytes of blocks that somebody has, and the most of them at a time.
        self.lent = self.most = 0

    def words(self, count: int) -> npt.NDArray[np.uint64]:
        """So many words with anything in them, at a multiple of 4096. They come back when nobody knows them any more.

        Raises ``MemoryError``.
        """
        level = max(_LEAST, (8 * count - 1).bit_length())
        return np.asarray(_Block(self, self._take(level), level, count))

    def release(self) -> None:
        """Give all that is free back to the system."""
        with self._lock:
            for level, blocks in enumerate(self._free[:-1]):
                for offset in blocks:
                    self._map.madvise(mmap.MADV_DONTNEED, offset, 1 << level)

    def _take(self, level: int) -> int:
        with self._lock:
            larger = next((k for k in range(level, len(self._free)) if self._free[k]), None)
            if larger is None:
                raise MemoryError(f"2^{level} bytes of {len(self._map)}")
            offset = min(self._free[larger])
            self._free[larger].remove(offset)
            for k in range(level, larger):
                self._free[k].add(offset + (1 << k))
            self.lent += 1 << level
            self.most = max(self.most, self.lent)
            return offset

    def give_back(self, offset: int, level: int) -> None:
        """A block is free."""
        with self._lock:
            self.lent -= 1 << level
            while (other := offset ^ (1 << level)) in self._free[level]:
                self._free[level].remove(other)
                offset, level = min(offset, other), level + 1
            self._free[level].add(offset)

    def address(self, offset: int) -> int:
        """Where a block lies."""
        return self._start + offset


class _Block:
    """A block that somebody has, as numpy sees it."""

    def __init__(self, memory: Memory, offset: int, level: int, count: int) -> None:
        self._memory, self._offset, self._level, self._count = memory, offset, level, count

    @property
    def __array_interface__(self) -> dict[str, Any]:
        place = self._memory.address(self._offset), False
        return {"version": 3, "shape": (self._count,), "typestr": "<u8", "data": place}

    def __del__(self) -> None:
        self._memory.give_back(self._offset, self._level)


@cache
def memory() -> Memory:
    """That of this process."""
    return Memory()
