"""Kernel records in Python: a ``Record`` class as a numpy structured type, so that blobs of records read as
arrays.

Words up to 64 bits become unsigned integers, a nested record its address; wider words and ``Bytes(n)``
become ``uint8`` subarrays (little-endian for words), so that ``array["balance"]`` has the shape (n, 32).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from jovay.kernel.lang.record import Bytes, Record
from jovay.kernel.lang.words import Word

from .errors import CorruptStoreError

Buffer = bytes | bytearray | memoryview
_KNOWN: dict[object, np.dtype[np.void]] = {}


def _field_type(kind: object) -> Any:
    if isinstance(kind, Bytes):
        return (np.uint8, (kind.size,))
    assert isinstance(kind, type)
    if issubclass(kind, Word):
        return f"<u{kind.bits // 8}" if kind.bits <= 64 else (np.uint8, (kind.bits // 8,))
    return "<u8"


def dtype_of(record: type[Record]) -> np.dtype[np.void]:
    """The numpy type with the record's field names, offsets and size."""
    known = _KNOWN.get(record)
    if known is None:
        known = _KNOWN[record] = _layout(record)
    return known


def _layout(record: type[Record]) -> np.dtype[np.void]:
    return np.dtype(
        {
            "names": list(record.fields),
            "formats": [_field_type(kind) for kind, _ in record.fields.values()],
            "offsets": [offset for _, offset in record.fields.values()],
            "itemsize": record.size,
        }
    )


def records(blob: Buffer, record: type[Record]) -> npt.NDArray[np.void]:
    """A blob of records as a structured array that shares the blob's memory (read-only for ``bytes``)."""
    if len(blob) % record.size:
        raise CorruptStoreError(record.__name__, f"{len(blob)} bytes are no whole records", record.size)
    return np.frombuffer(blob, dtype_of(record))


def empty_records(record: type[Record], count: int) -> npt.NDArray[np.void]:
    """``count`` zeroed records to fill by field name; ``.tobytes()`` is what the kernel reads."""
    return np.zeros(count, dtype_of(record))


def word(value: npt.NDArray[np.uint8]) -> int:
    """A wide word's bytes as an integer."""
    return int.from_bytes(value.tobytes(), "little")


def words(values: npt.NDArray[np.uint8]) -> list[int]:
    """Wide words, shape (n, width), as integers."""
    raw, width = np.ascontiguousarray(values).tobytes(), values.shape[1]
    return [int.from_bytes(raw[start : start + width], "little") for start in range(0, len(raw), width)]


def word_bytes(numbers: Sequence[int], width: int) -> npt.NDArray[np.uint8]:
    """Integers as wide words of ``width`` bytes, shape (n, width); ``OverflowError`` if one does not fit."""
    raw = b"".join(number.to_bytes(width, "little") for number in numbers)
    return np.frombuffer(raw, np.uint8).reshape(len(numbers), width)
