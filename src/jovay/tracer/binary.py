"""Binary forms of what provers are handed: integers big-endian, each part of unknown length behind its length (u64)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from .errors import FormatError

LENGTH = 8
T = TypeVar("T")


def number(value: int) -> bytes:
    """A number, as u64."""
    return value.to_bytes(LENGTH, "big")


def sized(part: bytes) -> bytes:
    """A part behind its length."""
    return number(len(part)) + part


def listed(parts: Sequence[bytes]) -> bytes:
    """Parts behind their number."""
    return number(len(parts)) + b"".join(parts)


class Reader:
    """Takes the parts of ``data`` one after the other; ``FormatError`` where they are not there, or not all."""

    def __init__(self, what: str, data: bytes) -> None:
        self._what, self._data, self._at = what, data, 0

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes."""
        at, self._at = self._at, self._at + size
        if self._at > len(self._data):
            raise FormatError(self._what, f"{size} bytes at byte {at} of {len(self._data)}")
        return self._data[at : self._at]

    def number(self) -> int:
        """The next number."""
        return int.from_bytes(self.take(LENGTH), "big")

    def sized(self) -> bytes:
        """The next part that is behind its length."""
        return self.take(self.number())

    def listed(self, item: Callable[[], T]) -> list[T]:
        """So many items as the next number says; each takes some bytes."""
        count = self.number()
        if count > len(self._data) - self._at:
            raise FormatError(self._what, f"{count} parts at byte {self._at} of {len(self._data)}")
        return [item() for _ in range(count)]

    def end(self) -> None:
        """Nothing must follow."""
        if self._at != len(self._data):
            raise FormatError(self._what, f"{len(self._data) - self._at} bytes too many")
