"""Constant tables: read-only arrays of words that become constant data in the compiled kernel."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable

from .words import U64, Word


class Table:
    """Constant array of ``word`` values. ``table[i]`` reads one (narrower than 64 bits: as U64), unchecked."""

    def __init__(self, word: type[Word], values: Iterable[int]) -> None:
        self.word = word
        self.values = tuple(int(v) & word.mask for v in values)
        width = word.bits // 8
        self._data = ctypes.create_string_buffer(b"".join(v.to_bytes(width, "little") for v in self.values))

    @property
    def _pointer(self) -> int:
        return ctypes.addressof(self._data)

    def __getitem__(self, index):
        return (self.word if self.word.bits >= 64 else U64)(self.values[int(index)])

    def __len__(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        return f"Table({self.word.__name__}, {self.values})"
