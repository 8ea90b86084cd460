"""Records: views of addresses, their fields, equality."""

from __future__ import annotations

import operator
from typing import Any

import llvmlite.ir as ir
from numba.core import types
from numba.core.typing.templates import (
    AbstractTemplate,
    AttributeTemplate,
    infer_getattr,
    infer_global,
    signature,
)
from numba.extending import lower_builtin, lower_getattr_generic, lower_setattr_generic

from jovay.kernel.lang import Bytes, Nested, Record, Word

from ..numba_types import RecordType, WordType, numba_type, record_type, word_type
from . import access
from .common import I64, WORD64, resize


def register_record(record: type[Record]) -> None:
    """Let ``record(address)`` be called in compiled code."""
    target = record_type(record)

    @infer_global(record)
    class View(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            return signature(target, WORD64) if len(args) == 1 else None

    lower_builtin(record, WordType)(lambda context, builder, sig, args: args[0])


@infer_getattr
class RecordAttribute(AttributeTemplate):
    key = RecordType

    def generic_resolve(self, ty: RecordType, name: str) -> Any:
        if name not in ty.record.fields:
            return None
        kind = ty.record.fields[name][0]
        if isinstance(kind, Bytes):
            return WORD64
        if isinstance(kind, Nested):
            return record_type(kind.record)
        if issubclass(kind, Word):
            return word_type(kind) if kind.bits >= 64 else WORD64
        return numba_type(kind)


def _field(builder: ir.IRBuilder, ty: RecordType, value: ir.Value, name: str) -> tuple[Any, ir.Value]:
    kind, offset = ty.record.fields[name]
    return kind, builder.add(value, ir.Constant(I64, offset))


@lower_getattr_generic(RecordType)
def record_getattr(
    context: Any, builder: ir.IRBuilder, ty: RecordType, value: ir.Value, name: str
) -> ir.Value:
    kind, at = _field(builder, ty, value, name)
    if isinstance(kind, (Bytes, Nested)):
        return at
    bits = kind.bits if issubclass(kind, Word) else 64
    what = f"load of {ty.record.__name__}.{name}"
    loaded = access.load(builder, at, bits, min(bits // 8, 8), what)
    return resize(builder, loaded, max(bits, 64))


@lower_setattr_generic(RecordType)
def record_setattr(context: Any, builder: ir.IRBuilder, sig: Any, args: Any, name: str) -> None:
    ty = sig.args[0]
    kind, at = _field(builder, ty, args[0], name)
    if isinstance(kind, (Bytes, Nested)):
        raise TypeError(f"{ty.record.__name__}.{name} lies in the record: write to its parts")
    bits = kind.bits if issubclass(kind, Word) else 64
    value = resize(builder, args[1], bits)
    what = f"store to {ty.record.__name__}.{name}"
    access.store(builder, value, at, min(bits // 8, 8), what)


def _record_equality(op: Any, name: str) -> None:
    @infer_global(op)
    class Same(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            if len(args) == 2 and isinstance(args[0], RecordType) and args[0] == args[1]:
                return signature(types.boolean, *args)
            return None

    lower_builtin(op, RecordType, RecordType)(
        lambda context, builder, sig, args: builder.icmp_unsigned(name, *args)
    )


_record_equality(operator.eq, "==")
_record_equality(operator.ne, "!=")
