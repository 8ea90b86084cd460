"""Records: named fields at an address, laid out in declaration order with natural alignment up to 8 bytes."""

from __future__ import annotations

from typing import ClassVar, TypeAlias, Union, get_origin, get_type_hints

from .memory import (
    load8,
    load16,
    load32,
    load64,
    load128,
    load256,
    load384,
    store8,
    store16,
    store32,
    store64,
    store128,
    store256,
    store384,
)
from .words import U64, Word

_LOAD = {8: load8, 16: load16, 32: load32, 64: load64, 128: load128, 256: load256, 384: load384}
_STORE = {8: store8, 16: store16, 32: store32, 64: store64, 128: store128, 256: store256, 384: store384}


class Bytes:
    """Field type ``Bytes(n)``: n bytes inside the record; reading the field gives their address."""

    def __init__(self, size: int) -> None:
        self.size = size


class Nested:
    """Field type ``Nested(R)``: a record of class R inside the record; reading the field gives it."""

    def __init__(self, record: type[Record]) -> None:
        self.record = record
        self.size = record.size


class _Field:
    """A field of a class of records: read from instances. A field may be called ``size``, as the class's length is."""

    __slots__ = ("kind", "name", "offset")

    def __init__(self, name: str, kind: FieldKind, offset: int) -> None:
        self.name, self.kind, self.offset = name, kind, offset

    def __get__(self, record, owner):
        if record is None:
            return owner._length if self.name == "size" else self
        at = record._pointer + self.offset
        if isinstance(self.kind, Bytes):
            return at
        if isinstance(self.kind, Nested):
            return self.kind.record(at)
        if issubclass(self.kind, Word):
            return _LOAD[self.kind.bits](at)
        return self.kind(load64(at))


class Record:
    """Base of records. ``Account(p)`` views the fields at address ``p``; ``Account.size`` is the length in bytes.

    A field is a word class (stored little-endian), another ``Record`` class (stored as its address), ``Nested(R)`` or
    ``Bytes(n)``. Fields narrower than 64 bits read as U64.
    """

    __slots__ = ("_pointer",)
    size: ClassVar[int] = 0
    _length: ClassVar[int] = 0
    #: Kind and offset of each field.
    fields: ClassVar[dict[str, tuple[FieldKind, int]]] = {}

    def __init__(self, address) -> None:
        object.__setattr__(self, "_pointer", U64(address))

    def __init_subclass__(cls) -> None:
        offset, fields = cls._length, dict(cls.fields)
        for name, kind in get_type_hints(cls).items():
            if name in fields or get_origin(kind) is ClassVar:  # of a base
                continue
            if name == "fields":
                raise TypeError(f"{cls.__name__}.{name}: a field cannot have this name")
            if isinstance(kind, (Bytes, Nested)):
                width, align = kind.size, 8
            elif issubclass(kind, Word):
                width = kind.bits // 8
                align = min(width, 8)
            else:
                width = align = 8
            offset = (offset + align - 1) // align * align
            fields[name] = (kind, offset)
            offset += width
        cls.fields, cls._length = fields, (offset + 7) // 8 * 8
        cls.size = cls._length
        for name, (kind, offset) in fields.items():
            setattr(cls, name, _Field(name, kind, offset))

    def __setattr__(self, name, value) -> None:
        kind, offset = type(self).fields[name]
        at = self._pointer + offset
        if isinstance(kind, (Bytes, Nested)):
            raise AttributeError(f"{type(self).__name__}.{name} lies in the record: write to its parts")
        if issubclass(kind, Word):
            _STORE[kind.bits](at, value)
        else:
            store64(at, value._pointer)

    def __eq__(self, other) -> bool:
        return self._pointer == other._pointer

    def __hash__(self) -> int:
        return hash(self._pointer)


FieldKind: TypeAlias = Union[type[Word], type[Record], Bytes, Nested]
