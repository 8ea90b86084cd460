"""Kernel records seen from Python: one in place, one as bytes, or many as a numpy array over the same memory.

Words are integers, records elsewhere addresses, ``Bytes(n)`` fields bytes; a record inside another reads as a ``View``
in place, and as bytes everywhere else. In arrays, words above 64 bits and
what reads as bytes are ``V`` fields of raw bytes (words little-endian): ``column.tolist()`` makes ``bytes`` of them at
once.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from jovay.kernel.lang import Bytes, Nested, Record, Word

Buffer = bytes | bytearray | memoryview
#: Offset and width of each field, and whether it reads as bytes.
Shape = dict[str, tuple[int, int, bool]]

_SHAPES: dict[object, Shape] = {}
_NESTED: dict[object, dict[str, type[Record]]] = {}
_TYPES: dict[object, np.dtype[Any]] = {}


def _shape(record: type[Record]) -> Shape:
    shape = _SHAPES.get(record)
    if shape is None:
        shape = {}
        for name, (kind, offset) in record.fields.items():
            if isinstance(kind, (Bytes, Nested)):
                shape[name] = offset, kind.size, True
            else:
                shape[name] = offset, kind.bits // 8 if issubclass(kind, Word) else 8, False
        _SHAPES[record] = shape
    return shape


def _nested(record: type[Record]) -> dict[str, type[Record]]:
    nested = _NESTED.get(record)
    if nested is None:
        kinds = ((name, kind) for name, (kind, _) in record.fields.items())
        nested = _NESTED[record] = {name: kind.record for name, kind in kinds if isinstance(kind, Nested)}
    return nested


class View:
    """The fields of the record at ``pointer`` as attributes, read and written in place.

    A value that does not fit its field is an ``OverflowError``, a missing field an ``AttributeError``.
    """

    __slots__ = ("_nested", "_shape", "pointer")

    def __init__(self, record: type[Record], pointer: int) -> None:
        object.__setattr__(self, "pointer", int(pointer))
        object.__setattr__(self, "_shape", _shape(record))
        object.__setattr__(self, "_nested", _nested(record))

    def _field(self, name: str) -> tuple[int, int, bool]:
        try:
            offset, width, raw = self._shape[name]
        except KeyError:
            raise AttributeError(f"the record has no field {name}") from None
        return self.pointer + offset, width, raw

    def __getattr__(self, name: str) -> Any:
        at, width, raw = self._field(name)
        if name in self._nested:
            return View(self._nested[name], at)
        data = ctypes.string_at(at, width)
        return data if raw else int.from_bytes(data, "little")

    def __setattr__(self, name: str, value: int | bytes) -> None:
        at, width, raw = self._field(name)
        ctypes.memmove(at, _encoded(name, value, width, raw), width)

    def address_of(self, name: str) -> int:
        """Address of a field."""
        return self._field(name)[0]


def _encoded(name: str, value: int | bytes, width: int, raw: bool) -> bytes:
    if not raw:
        return int(value).to_bytes(width, "little")
    data = bytes(value) if not isinstance(value, int) else b""
    if len(data) != width:
        raise OverflowError(f"{name} takes {width} bytes, not {value!r}")
    return data


def new_record(record: type[Record], values: Mapping[str, int | bytes] | None = None) -> ctypes.Array[Any]:
    """A record in memory of its own; fields that are not named are 0."""
    return ctypes.create_string_buffer(pack(record, values or {}), record.size)


def pack(record: type[Record], values: Mapping[str, int | bytes]) -> bytes:
    """The bytes of a record; fields that are not named are 0."""
    out, shape = bytearray(record.size), _shape(record)
    for name, value in values.items():
        offset, width, raw = shape[name]
        out[offset : offset + width] = _encoded(name, value, width, raw)
    return bytes(out)


def unpack(record: type[Record], data: Buffer) -> dict[str, Any]:
    """The fields of the record that ``data`` begins with."""
    found: dict[str, Any] = {}
    for name, (offset, width, raw) in _shape(record).items():
        part = bytes(data[offset : offset + width])
        found[name] = part if raw else int.from_bytes(part, "little")
    return found


def layout(record: type[Record], *names: str) -> struct.Struct:
    """Some fields of a kernel record for ``struct``, in the record's order.

    64-bit words are integers; wider words (little-endian) and byte ranges are bytes.
    """
    parts, at = ["<"], 0
    for name, (offset, width, raw) in _shape(record).items():
        if name in names:
            parts.append(f"{offset - at}x" + (f"{width}s" if raw or width != 8 else "Q"))
            at = offset + width
    return struct.Struct("".join(parts) + f"{record.size - at}x")


def dtype_of(record: type[Record]) -> np.dtype[Any]:
    """numpy type with the record's field names, offsets and size."""
    found = _TYPES.get(record)
    if found is None:
        shape = _shape(record)
        found = _TYPES[record] = np.dtype(
            {
                "names": list(shape),
                "formats": [f"V{w}" if raw or w > 8 else f"<u{w}" for _, w, raw in shape.values()],
                "offsets": [offset for offset, _, _ in shape.values()],
                "itemsize": record.size,
            }
        )
    return found


def array_at(pointer: int, count: int, record: type[Record]) -> npt.NDArray[Any]:
    """The ``count`` records at ``pointer`` as an array over the same memory, which must outlive it."""
    memory = (ctypes.c_char * (count * record.size)).from_address(pointer)
    return np.frombuffer(memoryview(memory), dtype_of(record))


def int_of(raw: np.void | bytes) -> int:
    """The integer of a wide word in an array."""
    return int.from_bytes(raw if isinstance(raw, bytes) else raw.tobytes(), "little")
