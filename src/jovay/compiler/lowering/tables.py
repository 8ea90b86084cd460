"""Constant tables, and addresses of tables and records."""

from __future__ import annotations

import operator
from typing import Any

import llvmlite.ir as ir
from numba.core import cgutils
from numba.core.imputils import lower_constant
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import lower_builtin, typeof_impl

from jovay.kernel import lang
from jovay.kernel.lang import Table

from ..numba_types import RecordType, TableType, WordType, word_type
from . import access
from .common import I64, WORD64, resize


@typeof_impl.register(Table)
def typeof_table(value: Table, c: Any) -> TableType:
    return TableType(value)


@lower_constant(TableType)
def table_constant(context: Any, builder: ir.IRBuilder, ty: TableType, value: Table) -> ir.Value:
    element = ir.IntType(value.word.bits)
    array = ir.Constant(ir.ArrayType(element, len(value)), [ir.Constant(element, v) for v in value.values])
    name = builder.module.get_unique_name("table")
    constant = cgutils.global_constant(builder.module, name, array)
    constant.align = 16
    return builder.ptrtoint(constant, I64)


@infer_global(operator.getitem)
class TableItem(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        if isinstance(args[0], TableType):
            word = args[0].table.word
            return signature(word_type(word) if word.bits >= 64 else WORD64, args[0], WORD64)
        return None


@lower_builtin(operator.getitem, TableType, WordType)
def lower_table_item(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
    bits, length = sig.args[0].table.word.bits, len(sig.args[0].table)
    at = builder.add(args[0], builder.mul(args[1], ir.Constant(I64, bits // 8)))
    loaded = access.load_item(builder, at, args[1], length, bits)
    return resize(builder, loaded, max(bits, 64))


@infer_global(lang.address_of)
class AddressOf(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        if len(args) == 1 and isinstance(args[0], (TableType, RecordType)):
            return signature(WORD64, args[0])
        return None


@lower_builtin(lang.address_of, TableType)
def lower_table_address(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
    table = sig.args[0].table
    access.publish_table(builder, args[0], len(table) * table.word.bits // 8)
    return args[0]


lower_builtin(lang.address_of, RecordType)(lambda context, builder, sig, args: args[0])
