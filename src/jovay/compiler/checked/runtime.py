"""A process's part in the checked build: the shadow's memory, the arenas and their parts by name, reports.

A violation cannot be undone: it is reported on the error stream, from whichever thread, and ends the process.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import mmap
import os
import sys
import threading
import traceback
from functools import cache
from typing import NoReturn

from jovay.kernel.arenas.shadow import (
    BITS_SIZE,
    LEAD,
    LIMIT,
    LOWEST,
    PAGE,
    PAGE_BITS,
    PAGES_SIZE,
    PARTS_SIZE,
    Shadow,
)

#: Exit status of a process whose kernel touched what it may not.
VIOLATION = 86
_NORESERVE = 0x4000
#: What the kernel says of its layout, as reports name it.
_OPERATIONS = ("part", "reserve", "unpoison", "poison")


class _Map:
    """Zeroed address space of ``size`` bytes."""

    def __init__(self, size: int) -> None:
        self._map = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NORESERVE)
        with contextlib.suppress(OSError):  # a kernel without them
            self._map.madvise(mmap.MADV_NOHUGEPAGE)
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self._map))

    def zero(self, start: int, stop: int) -> None:
        """Bytes from ``start`` to ``stop`` become zero; whole pages go back to the system."""
        first, last = -(-start // PAGE) * PAGE, stop // PAGE * PAGE
        if last <= first:
            ctypes.memset(self.address + start, 0, stop - start)
            return
        ctypes.memset(self.address + start, 0, first - start)
        ctypes.memset(self.address + last, 0, stop - last)
        self._map.madvise(mmap.MADV_DONTNEED, first, last - first)

    def put(self, offset: int, word: int) -> None:
        ctypes.c_uint64.from_address(self.address + offset).value = word

    def fill(self, first: int, count: int, value: bool) -> None:
        """Set ``count`` bits from bit ``first`` on."""
        last = first + count
        while first < last and first & 7:
            self.set_bit(first, value)
            first += 1
        while last > first and last & 7:
            last -= 1
            self.set_bit(last, value)
        ctypes.memset(self.address + (first >> 3), 0xFF * value, (last - first) >> 3)

    def set_bit(self, index: int, value: bool) -> None:
        at = self.address + (index >> 3)
        byte = ctypes.c_ubyte.from_address(at)
        byte.value = byte.value & ~(1 << (index & 7)) | (value << (index & 7))


class Runtime:
    """The one of a process: see ``runtime``."""

    def __init__(self) -> None:
        self._bits, self._parts = _Map(BITS_SIZE), _Map(PARTS_SIZE)
        self._pages, self._open = _Map(PAGES_SIZE), _Map(PAGES_SIZE)
        maps = {"bits": self._bits, "parts": self._parts, "pages": self._pages, "open": self._open}
        self._record = ctypes.create_string_buffer(Shadow.size)
        for name, each in maps.items():
            setattr(Shadow(ctypes.addressof(self._record)), name, each.address)
        self._lock = threading.Lock()
        self._arenas: dict[int, int] = {}
        self._names: dict[int, tuple[int, str]] = {}
        self._report = ctypes.CFUNCTYPE(None, *[ctypes.c_uint64] * 3, ctypes.c_char_p)(self.report)
        self._told = ctypes.CFUNCTYPE(None, *[ctypes.c_uint64] * 4)(self._declared)
        if not faulthandler.is_enabled():
            faulthandler.enable()  # addresses that are nobody's

    def attach(self, begin: int) -> None:
        """Give the code whose ``checked.begin`` is at that address the shadow and the way to report."""
        place, report, told = (
            ctypes.addressof(self._record),
            ctypes.cast(self._report, ctypes.c_void_p).value,
            ctypes.cast(self._told, ctypes.c_void_p).value,
        )
        ctypes.CFUNCTYPE(None, *[ctypes.c_uint64] * 3)(begin)(place, report, told)

    # ---- arenas ----------------------------------------------------------------------------------------------

    def cover(self, address: int, size: int) -> None:
        """An arena (whole pages): nothing in it may be touched until parts of it are declared."""
        self.deny(address, size)
        with self._lock:
            self._arenas[address] = size
            self._mark(address, size, True)

    def uncover(self, address: int, size: int) -> None:
        """The arena is no more."""
        with self._lock:
            self._mark(address, size, False)
            self._arenas.pop(address, None)
        self.deny(address, size)

    def deny(self, address: int, size: int) -> None:
        """Forget everything declared in a range: it begins anew, as an arena whose memory was given back."""
        self._clear(address, size)
        self._parts.zero(address >> 3, -(-(address + size) // 8))
        with self._lock:
            for at in [at for at in self._names if address <= at < address + size]:
                del self._names[at]

    def _clear(self, address: int, size: int) -> None:
        """Deny a range, and give its shadow back."""
        whole, end = -(-address // 8) * 8, (address + size) // 8 * 8
        self._bits.fill(address, min(whole, address + size) - address, False)
        if end > whole:
            self._bits.zero(whole >> 3, end >> 3)
            self._bits.fill(end, address + size - end, False)
        self._open.fill(address >> PAGE_BITS, -(-(address + size) // PAGE) - (address >> PAGE_BITS), False)

    def part(self, address: int, size: int, name: str, allowed: bool) -> None:
        """A part (at a multiple of 64) that Python cuts out of an arena, in use from the beginning or not at all."""
        assert address % 64 == 0, f"part {name} begins at {address:#x}"
        self._parts.put(address >> 3, size)
        if allowed:
            self._allow(address, size)
        else:
            self._clear(address, size)
        self.name(address, size, name)

    def _allow(self, address: int, size: int) -> None:
        """As ``shadow.begin_part`` does."""
        if size <= LEAD + 2 * PAGE:
            self._bits.fill(address, size, True)
            return
        middle, end = -(-(address + LEAD) // PAGE) * PAGE, (address + size) // PAGE * PAGE
        self._bits.fill(address, middle - address, True)
        self._open.fill(middle >> PAGE_BITS, (end - middle) >> PAGE_BITS, True)
        self._bits.fill(end, address + size - end, True)

    def _mark(self, address: int, size: int, value: bool) -> None:
        first, last = address >> PAGE_BITS, (address + size + PAGE - 1) >> PAGE_BITS
        self._pages.fill(first, last - first, value)

    # ---- reports ---------------------------------------------------------------------------------------------

    def _declared(self, address: int, size: int, name: int, allowed: int) -> None:
        """The kernel has let a part begin."""
        if not allowed and LEAD < size < LIMIT - address:
            self._clear(address, size)
        self.name(address, size, ctypes.string_at(name).decode())

    def name(self, address: int, size: int, name: str) -> None:
        """A part of an arena, by the name that reports call it."""
        with self._lock:
            self._names[address] = size, name

    def report(self, address: int, size: int, offset: int, site: bytes) -> NoReturn:
        """Say what was touched and by whom, and end the process."""
        function, file, line, what = site.decode().split("\t")
        lines = ["kernel memory violation"]
        if what.startswith("index"):
            lines += [f"  {what} items: {address}"]
        else:
            if what in _OPERATIONS:
                offset = self._beyond(address, size)
            lines += [f"  {what}: {size:,} bytes at {address:#x}"]
            lines += [f"  byte {offset:,} of them {self.describe(address + offset)}"]
        lines += [
            f"  in {function}, {file}:{line}",
            f"  on thread {threading.current_thread().name}, called from",
        ]
        text = "\n".join(lines) + "\n" + "".join(traceback.format_stack(sys._getframe(1)))
        os.write(2, text.encode())  # not through Python's streams, which another thread may hold
        os._exit(VIOLATION)

    def _beyond(self, address: int, size: int) -> int:
        """Offset of the first of some bytes that is beyond the part that they begin in."""
        for at, (length, _) in self._names.items():
            if at <= address < at + length < address + size:
                return at + length - address
        return 0

    def describe(self, address: int) -> str:
        """Where an address lies, in words."""
        if address < LOWEST:
            return f"is at {address:#x}: a field of a null record"
        if address >= LIMIT:
            return f"is at {address:#x}: no address of this process"
        arenas = [
            (at, size) for at, size in self._arenas.items() if at <= address < at + -(-size // PAGE) * PAGE
        ]
        if not arenas:
            return "lies in no arena"
        start, size = arenas[0]
        here = f"{address - start:,} bytes into an arena of {size:,}"
        parts = [(at, *part) for at, part in self._names.items() if start <= at < start + size]
        inside = [part for part in parts if part[0] <= address < part[0] + part[1]]
        if inside:
            at, length, name = max(inside)
            return f"is poisoned at offset {address - at:,} of part «{name}» ({length:,} bytes); {here}"
        words = []
        if below := [part for part in parts if part[0] < address]:
            at, length, name = max(below)
            words.append(
                f"{address - at - length:,} bytes behind the end of part «{name}» ({length:,} bytes)"
            )
        if above := [part for part in parts if part[0] > address]:
            at, _, name = min(above)
            words.append(f"{at - address:,} bytes before part «{name}»")
        return f"lies {' and '.join(words) or 'in no part'}; {here}"


@cache
def runtime() -> Runtime:
    """The process's runtime, made when first asked for."""
    return Runtime()
