"""Kernel records seen from Python, in one way: by the names, widths and offsets that the kernel's classes give.

One record is a ``View``: its fields are attributes. Many are a numpy array with the same names. Words are integers,
pointers and records elsewhere addresses, ``Bytes(n)`` fields bytes, records inside a record views in place. In
arrays, words above 64 bits, ``Bytes`` and records are ``V`` fields of raw bytes (words little-endian):
``column.tolist()`` makes ``bytes`` of them at once.

Both are memory, not copies, and keep it alive: an arena's, a buffer's, or their own.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from jovay.kernel.lang import Bytes, Nested, Record, Word

from .places import address

_LONG = struct.Struct("<Q")
Made = TypeVar("Made")


def _once(make: Callable[[type[Record]], Made]) -> Callable[[type[Record]], Made]:
    """What ``make`` makes of a class of records, made once (``functools.cache`` takes no classes, to mypy)."""
    made: dict[object, Made] = {}

    def of(record: type[Record]) -> Made:
        found = made.get(record)
        if found is None:
            found = made[record] = make(record)
        return found

    return of


@_once
def _layout(record: type[Record]) -> dict[str, tuple[int, int, bool]]:
    """Offset and width of each field, and whether it reads as bytes."""
    found = {}
    for name, (kind, offset) in record.fields.items():
        if isinstance(kind, (Bytes, Nested)):
            found[name] = offset, kind.size, True
        else:
            found[name] = offset, kind.bits // 8 if issubclass(kind, Word) else 8, False
    return found


class View:
    """``View(record, place)``: the record at ``place``, an address or something in memory, which the view keeps.

    Fields are read and written in place. One that is a pointer also takes whatever lies in memory, and the view keeps
    that too. A value that does not fit its field is an ``OverflowError``, a missing field an ``AttributeError``.
    ``bytes(view)`` is a copy of the record; as an argument of compiled code a view is its address.
    """

    __slots__ = ("_at", "_kept", "_memory", "_parts", "_place")
    _record: type[Record]

    def __new__(cls, record: type[Record], place: Any) -> View:
        at = address(place)
        whole = memoryview((ctypes.c_char * record.size).from_address(at)).cast("B")
        view = view_in(record, whole, 0, at)
        object.__setattr__(view, "_kept", {"": place})
        return view

    def __index__(self) -> int:
        place: int | None = self._place
        if place is None:
            raise TypeError("a record in immutable bytes has no place that compiled code may be given")
        return place

    def __bytes__(self) -> bytes:
        return bytes(self._memory[self._at : self._at + self._record.size])

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in _layout(self._record):
            raise AttributeError(f"{self._record.__name__} has no field {name}")
        object.__setattr__(self, name, value)

    if TYPE_CHECKING:  # the fields, and what is below them

        def __getattr__(self, name: str) -> Any: ...


def view_in(record: type[Record], memory: memoryview, at: int = 0, place: int | None = None) -> View:
    """The record at an offset of ``memory``: a piece of what was read or received, or of an arena at ``place``."""
    if not 0 <= at <= len(memory) - record.size:
        raise IndexError(f"{record.size} bytes at {at} of {len(memory)}")
    view: View = object.__new__(_view_class(record))
    put = object.__setattr__
    put(view, "_memory", memory)
    put(view, "_at", at)
    put(view, "_place", place)
    put(view, "_kept", None)
    put(view, "_parts", None)
    return view


@_once
def _view_class(record: type[Record]) -> type[View]:
    members: dict[str, Any] = {"__slots__": (), "_record": record}
    for name, (offset, width, raw) in _layout(record).items():
        kind, _ = record.fields[name]
        read = _part(name, kind.record, offset) if isinstance(kind, Nested) else _reader(offset, width, raw)
        members[name] = property(read, _writer(name, offset, width, raw))
    return type(record.__name__, (View,), members)


def _reader(offset: int, width: int, raw: bool) -> Any:
    end = offset + width
    if raw:
        return lambda view: bytes(view._memory[view._at + offset : view._at + end])
    if width == 8:
        read = _LONG.unpack_from
        return lambda view: read(view._memory, view._at + offset)[0]
    return lambda view: int.from_bytes(view._memory[view._at + offset : view._at + end], "little")


def _part(name: str, record: type[Record], offset: int) -> Any:
    """The record inside a record: always the same view, so that what its pointers lead to is kept."""

    def read(view: View) -> View:
        parts: dict[str, View] | None = view._parts
        if parts is None:
            parts = {}
            object.__setattr__(view, "_parts", parts)
        part = parts.get(name)
        if part is None:
            place = None if view._place is None else view._place + offset
            part = view_in(record, view._memory, view._at + offset, place)
            if view._kept and "" in view._kept:
                object.__setattr__(part, "_kept", {"": view._kept[""]})
            part = parts.setdefault(name, part)
        return part

    return read


def _writer(name: str, offset: int, width: int, raw: bool) -> Any:
    def write(view: View, value: Any) -> None:
        if width == 8 and not raw:
            value = _kept(view, name, value)
        at = view._at + offset
        view._memory[at : at + width] = _encoded(name, value, width, raw)

    return write


def _kept(view: View, name: str, value: Any) -> int:
    """The number that a pointer field takes; what it leads to is kept until there is another."""
    kept: dict[str, Any] | None = view._kept
    if isinstance(value, int):
        if kept is not None:
            kept.pop(name, None)
        return value
    if kept is None:
        kept = {}
        object.__setattr__(view, "_kept", kept)
    kept[name] = value
    return address(value)


def _encoded(name: str, value: Any, width: int, raw: bool) -> bytes:
    if not raw:
        return int(value).to_bytes(width, "little")
    data = bytes(value) if not isinstance(value, int) else b""
    if len(data) != width:
        raise OverflowError(f"{name} takes {width} bytes, not {value!r}")
    return data


def new_record(record: type[Record], values: Mapping[str, Any] | None = None) -> View:
    """A record in memory of its own; fields that are not named are 0."""
    memory = bytearray(record.size)
    at = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    return assign(view_in(record, memoryview(memory), 0, at), values or {})


def assign(view: View, values: Mapping[str, Any]) -> View:
    """Set fields of a record, which is also the answer."""
    for name, value in values.items():
        setattr(view, name, value)
    return view


def pack(record: type[Record], values: Mapping[str, Any]) -> bytes:
    """The bytes of a record; fields that are not named are 0."""
    return bytes(new_record(record, values))


def read_record(record: type[Record], data: bytes | bytearray | memoryview, at: int = 0) -> View:
    """The record that lies in ``data``."""
    return view_in(record, memoryview(data), at)


def values_of(view: View) -> dict[str, Any]:
    """All fields by name."""
    return {name: getattr(view, name) for name in _layout(view._record)}


@_once
def dtype_of(record: type[Record]) -> np.dtype[Any]:
    """numpy type with the record's field names, offsets and size."""
    return spaced(record, record.size)


def spaced(record: type[Record], stride: int) -> np.dtype[Any]:
    """The same for records that are so many bytes apart."""
    shape = _layout(record)
    return np.dtype(
        {
            "names": list(shape),
            "formats": [f"V{w}" if raw or w > 8 else f"<u{w}" for _, w, raw in shape.values()],
            "offsets": [offset for offset, _, _ in shape.values()],
            "itemsize": stride,
        }
    )


def new_array(record: type[Record], count: int) -> npt.NDArray[Any]:
    """``count`` records that are all 0, in memory of their own."""
    return np.zeros(count, dtype_of(record))


def pointers_to(records: npt.NDArray[Any]) -> npt.NDArray[np.uint64]:
    """The addresses of records in an array: good for as long as the array is."""
    size = records.dtype.itemsize
    return np.uint64(address(records)) + np.arange(len(records), dtype=np.uint64) * np.uint64(size)


def positions_of(pointers: npt.NDArray[np.uint64], records: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Where in an array the records are that some pointers lead to."""
    return ((pointers - np.uint64(address(records))) // np.uint64(records.dtype.itemsize)).astype(np.int64)


def int_of(raw: np.void | bytes) -> int:
    """The integer of a wide word in an array."""
    return int.from_bytes(raw if isinstance(raw, bytes) else raw.tobytes(), "little")
