"""Numba types of the kernel language, and the mapping from annotations to them."""

from __future__ import annotations

from typing import Any, get_args, get_origin

import llvmlite.ir as ir
from numba.core import types
from numba.core.datamodel import PrimitiveModel, register_default
from numba.core.typeconv import Conversion
from numba.core.types.containers import BaseTuple

from jovay.kernel.lang import Record, Table, Word


class WordType(types.Type):
    """An unsigned ``bits``-wide LLVM integer; plain integers convert to it, never the other way."""

    def __init__(self, word: type[Word]) -> None:
        self.word, self.bits = word, word.bits
        super().__init__(name=f"U{word.bits}")

    def can_convert_from(self, typingctx: Any, other: types.Type) -> Conversion | None:
        return Conversion.safe if isinstance(other, (types.Integer, types.IntegerLiteral)) else None

    def unify(self, typingctx: Any, other: types.Type) -> types.Type | None:
        return self if isinstance(other, (types.Integer, types.IntegerLiteral)) else None


class RecordType(types.Type):
    """A record: at run time the 64-bit address of its fields."""

    def __init__(self, record: type[Record]) -> None:
        self.record = record
        super().__init__(name=f"Record({record.__module__}.{record.__qualname__})")

    @property
    def key(self) -> Any:
        """Types are one where their records are; the name, which the IR carries, need not tell them apart."""
        return self.record


class TableType(types.Type):
    """A constant table: at run time the address of its data."""

    def __init__(self, table: Table) -> None:
        self.table = table
        super().__init__(name=f"Table({id(table)})")


@register_default(WordType)
class WordModel(PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: WordType) -> None:
        super().__init__(dmm, fe_type, ir.IntType(fe_type.bits))


@register_default(RecordType)
@register_default(TableType)
class AddressModel(PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: types.Type) -> None:
        super().__init__(dmm, fe_type, ir.IntType(64))


_PLAIN: dict[Any, types.Type] = {
    None: types.none,
    type(None): types.none,
    bool: types.boolean,
    int: types.int64,
}
_words: dict[int, WordType] = {}
_records: dict[type[Record], RecordType] = {}


def word_type(word: type[Word]) -> WordType:
    """The one Numba type of a word class."""
    return _words.setdefault(word.bits, WordType(word))


def record_type(record: type[Record]) -> RecordType:
    """The one Numba type of a record class."""
    return _records.setdefault(record, RecordType(record))


def numba_type(annotation: Any) -> types.Type:
    """Numba type of a kernel annotation; ``TypeError`` for anything outside the language."""
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    if get_origin(annotation) is tuple:
        parts: types.Type = BaseTuple.from_types([numba_type(part) for part in get_args(annotation)])
        return parts
    if isinstance(annotation, type) and issubclass(annotation, Word):
        return word_type(annotation)
    if isinstance(annotation, type) and issubclass(annotation, Record):
        return record_type(annotation)
    raise TypeError(f"not a type of the kernel language: {annotation!r}")
