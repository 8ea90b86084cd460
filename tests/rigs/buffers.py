"""Memory that tests hand to kernel code: exact sizes, guard bytes behind, freed with the object."""

from __future__ import annotations

import ctypes

from jovay.compiler.checked import is_chosen
from jovay.native.arena import Arena

GUARD = bytes(range(0xA0, 0xC0))


class Buffer:
    """``size`` bytes (zero, or ``data``) at ``address``, followed by guard bytes that ``intact`` checks."""

    def __init__(self, contents: int | bytes) -> None:
        data = bytes(contents)
        self.size = len(data)
        # 64-byte alignment, as an arena would have it.
        self._memory = ctypes.create_string_buffer(self.size + len(GUARD) + 64)
        self.address = (ctypes.addressof(self._memory) + 63) & ~63
        ctypes.memmove(self.address, data + GUARD, self.size + len(GUARD))

    def __int__(self) -> int:
        return self.address

    def __bytes__(self) -> bytes:
        return self.read(0, self.size)

    def read(self, offset: int, size: int) -> bytes:
        """``size`` bytes from ``offset``."""
        return ctypes.string_at(self.address + offset, size)

    def write(self, data: bytes, offset: int = 0) -> None:
        """Put ``data`` at ``offset``."""
        assert offset + len(data) <= self.size
        ctypes.memmove(self.address + offset, data, len(data))

    @property
    def intact(self) -> bool:
        """Whether nothing was written behind the buffer."""
        return ctypes.string_at(self.address + self.size, len(GUARD)) == GUARD


class Table:
    """An arena whose parts the kernel declares by itself; the checked build guards it."""

    intact = True

    def __init__(self, size: int) -> None:
        self._arena = Arena(size, huge_pages=False)
        self.address = self._arena.address


def table(size: int) -> Buffer | Table:
    """Memory of ``size`` bytes for what is laid out in arenas."""
    return Table(size) if is_chosen() else Buffer(size)
