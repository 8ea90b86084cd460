"""Kernel records seen from Python: read and written in place, singly or as numpy arrays."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from jovay.kernel.lang import Bytes, Record, Word


class View:
    """The fields of the record at ``address`` as attributes: words as ints, nested records as addresses."""

    __slots__ = ("_fields", "address")

    def __init__(self, record: type[Record], address: int) -> None:
        object.__setattr__(self, "address", address)
        object.__setattr__(self, "_fields", record.fields)

    def __getattr__(self, name: str) -> Any:
        kind, offset = self._fields[name]
        at = self.address + offset
        if isinstance(kind, Bytes):
            return ctypes.string_at(at, kind.size)
        bits = kind.bits if isinstance(kind, type) and issubclass(kind, Word) else 64
        return int.from_bytes(ctypes.string_at(at, bits // 8), "little")

    def __setattr__(self, name: str, value: int) -> None:
        kind, offset = self._fields[name]
        if isinstance(kind, Bytes):
            data = bytes(value)  # type: ignore[arg-type]
            ctypes.memmove(self.address + offset, data, min(len(data), kind.size))
            return
        width = (kind.bits if isinstance(kind, type) and issubclass(kind, Word) else 64) // 8
        ctypes.memmove(self.address + offset, int(value).to_bytes(width, "little"), width)

    def address_of(self, name: str) -> int:
        """Address of a field."""
        return int(self.address + self._fields[name][1])


@cache
def dtype_of(record: type[Record]) -> np.dtype[Any]:
    """numpy dtype with the record's layout; words above 64 bits and byte ranges are ``V`` fields."""
    names, formats, offsets = [], [], []
    for name, (kind, offset) in record.fields.items():
        names.append(name)
        offsets.append(offset)
        if isinstance(kind, Bytes):
            formats.append(f"V{kind.size}")
        elif isinstance(kind, type) and issubclass(kind, Word):
            formats.append(f"<u{kind.bits // 8}" if kind.bits <= 64 else f"V{kind.bits // 8}")
        else:
            formats.append("<u8")
    return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": record.size})


def array_at(address: int, count: int, record: type[Record]) -> npt.NDArray[Any]:
    """The ``count`` records at ``address`` as a structured array over the same memory."""
    return np.frombuffer((ctypes.c_char * (count * record.size)).from_address(address), dtype_of(record))


def int_of(raw: np.void | bytes) -> int:
    """The integer of a wide word field."""
    return int.from_bytes(bytes(raw), "little")


def sizes_record(record: type[Record], values: dict[str, int]) -> ctypes.Array[ctypes.c_char]:
    """A record in memory of its own with these word fields."""
    buffer = ctypes.create_string_buffer(record.size)
    view = View(record, ctypes.addressof(buffer))
    for name, value in values.items():
        setattr(view, name, value)
    return buffer
