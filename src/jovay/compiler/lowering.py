"""How the kernel language's operations become LLVM instructions: words, memory, records, tables.

Importing this module teaches Numba the language once per process.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import llvmlite.ir as ir
from numba.core import cgutils, types
from numba.core.imputils import lower_cast, lower_constant
from numba.core.typing.templates import (
    AbstractTemplate,
    AttributeTemplate,
    infer_getattr,
    infer_global,
    signature,
)
from numba.extending import lower_builtin, lower_getattr_generic, lower_setattr_generic, typeof_impl

from jovay.kernel import lang
from jovay.kernel.lang import U64, Bytes, Record, Table, Word, memory, words

from .numba_types import RecordType, TableType, WordType, numba_type, record_type, word_type

I1, I8, I64 = ir.IntType(1), ir.IntType(8), ir.IntType(64)
POINTER = ir.PointerType()
WORDS = [words.U8, words.U16, words.U32, words.U64, words.U128]
WORDS += [words.U256, words.U384, words.U512, words.U768, words.U1024]


def is_plain_int(t: Any) -> bool:
    return isinstance(t, (types.Integer, types.IntegerLiteral)) or (
        isinstance(t, types.Literal) and isinstance(t.literal_type, types.Integer)
    )


def pointer(builder: ir.IRBuilder, address: ir.Value) -> ir.Value:
    """The 64-bit ``address`` as an LLVM pointer."""
    return builder.inttoptr(address, POINTER)


def resize(builder: ir.IRBuilder, value: ir.Value, bits: int) -> ir.Value:
    """``value`` truncated or zero-extended to ``bits``."""
    width = value.type.width
    target = ir.IntType(bits)
    if width == bits:
        return value
    return builder.trunc(value, target) if width > bits else builder.zext(value, target)


# ---- conversion ----------------------------------------------------------------------------------------------


def _cast_integer(
    context: Any, builder: ir.IRBuilder, fromty: Any, toty: WordType, value: ir.Value
) -> ir.Value:
    """Plain integers are signed: -1 becomes all ones at any width (literals above 2⁶³ are unsigned)."""
    if isinstance(fromty, types.Literal):
        return ir.Constant(ir.IntType(toty.bits), fromty.literal_value & toty.word.mask)
    width, target = value.type.width, ir.IntType(toty.bits)
    if width >= toty.bits:
        return value if width == toty.bits else builder.trunc(value, target)
    signed = getattr(fromty, "signed", True)
    return builder.sext(value, target) if signed else builder.zext(value, target)


def _convert_to(word: type[Word]) -> None:
    target = word_type(word)

    @infer_global(word)
    class Convert(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            (arg,) = args
            if isinstance(arg, types.Literal):
                arg = arg.literal_type
            if isinstance(arg, WordType) or is_plain_int(arg) or arg == types.boolean:
                return signature(target, arg)
            return None

    def lower(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        (source,) = sig.args
        if source == types.boolean or isinstance(source, WordType):
            return resize(builder, args[0], target.bits)
        return _cast_integer(context, builder, source, target, args[0])

    lower_builtin(word, WordType)(lower)
    lower_builtin(word, types.Integer)(lower)
    lower_builtin(word, types.Boolean)(lower)

    @typeof_impl.register(word)
    def typeof_word(value: Word, c: Any) -> WordType:
        return target


for _word in WORDS:
    _convert_to(_word)

lower_cast(types.Integer, WordType)(_cast_integer)
lower_cast(types.IntegerLiteral, WordType)(_cast_integer)


@lower_constant(WordType)
def word_constant(context: Any, builder: ir.IRBuilder, ty: WordType, value: int) -> ir.Value:
    return ir.Constant(ir.IntType(ty.bits), int(value))


@infer_global(int)
class PlainInt(AbstractTemplate):
    """``int(word)``: the low 64 bits as a plain, signed index."""

    def generic(self, args: Any, kws: Any) -> Any:
        if len(args) == 1 and isinstance(args[0], WordType):
            return signature(types.int64, args[0])
        return None


@lower_builtin(int, WordType)
def lower_plain_int(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
    return resize(builder, args[0], 64)


# ---- operators -----------------------------------------------------------------------------------------------


def _common_word(x: Any, y: Any) -> WordType | None:
    if isinstance(x, WordType) and (x == y or is_plain_int(y)):
        return x
    return y if isinstance(y, WordType) and is_plain_int(x) else None


def _binary(
    op: Any, build: Callable[[ir.IRBuilder, ir.Value, ir.Value], ir.Value], result: Any = None
) -> None:
    @infer_global(op)
    class Binary(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            word = _common_word(*args) if len(args) == 2 else None
            return word and signature(result or word, word, word)

    lower_builtin(op, WordType, WordType)(lambda context, builder, sig, args: build(builder, *args))


def _shift(op: Any, name: str) -> None:
    @infer_global(op)
    class Shift(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            if len(args) != 2 or not isinstance(args[0], WordType):
                return None
            count = args[1]
            if isinstance(count, WordType) or is_plain_int(count):
                return signature(args[0], args[0], count)
            return None

    def lower(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        value, count = args
        return shift_checked(builder, name, value, _count(sig.args[1], count))

    lower_builtin(op, WordType, WordType)(lower)
    lower_builtin(op, WordType, types.Integer)(lower)
    lower_builtin(op, WordType, types.IntegerLiteral)(lower)


def _count(ty: Any, value: ir.Value) -> ir.Value | int:
    return int(ty.literal_value) if isinstance(ty, types.Literal) else value


def shift_checked(builder: ir.IRBuilder, name: str, value: ir.Value, count: ir.Value | int) -> ir.Value:
    """``shl``/``lshr``/``ashr`` by any count: counts of the width or more give 0 (``ashr``: the sign)."""
    bits, instruction = value.type.width, getattr(builder, name)
    if isinstance(count, int):
        count = ir.Constant(ir.IntType(64), count)
    if count.type.width < 32:
        count = builder.zext(count, ir.IntType(32))
    limit = ir.Constant(count.type, bits)
    inside = builder.icmp_unsigned("<", count, limit)
    if name == "ashr":
        count = builder.select(inside, count, ir.Constant(count.type, bits - 1))
        return instruction(value, resize(builder, count, bits))
    safe = builder.select(inside, count, ir.Constant(count.type, 0))
    return builder.select(inside, instruction(value, resize(builder, safe, bits)), ir.Constant(value.type, 0))


def _instruction(name: str) -> Callable[[ir.IRBuilder, ir.Value, ir.Value], ir.Value]:
    return lambda builder, x, y: getattr(builder, name)(x, y)


def _comparison(sign: str) -> Callable[[ir.IRBuilder, ir.Value, ir.Value], ir.Value]:
    return lambda builder, x, y: builder.icmp_unsigned(sign, x, y)


def _divide(name: str) -> Callable[[ir.IRBuilder, ir.Value, ir.Value], ir.Value]:
    def build(builder: ir.IRBuilder, x: ir.Value, y: ir.Value) -> ir.Value:
        if x.type.width > 64:
            raise TypeError(f"division of U{x.type.width}: use the functions in arith")
        zero = builder.icmp_unsigned("==", y, ir.Constant(y.type, 0))
        divisor = builder.select(zero, ir.Constant(y.type, 1), y)
        return builder.select(zero, ir.Constant(x.type, 0), getattr(builder, name)(x, divisor))

    return build


for _op, _inplace, _name in (
    (operator.add, operator.iadd, "add"),
    (operator.sub, operator.isub, "sub"),
    (operator.mul, operator.imul, "mul"),
    (operator.and_, operator.iand, "and_"),
    (operator.or_, operator.ior, "or_"),
    (operator.xor, operator.ixor, "xor"),
):
    for _each in (_op, _inplace):
        _binary(_each, _instruction(_name))
for _op, _name in (
    (operator.floordiv, "udiv"),
    (operator.ifloordiv, "udiv"),
    (operator.mod, "urem"),
    (operator.imod, "urem"),
):
    _binary(_op, _divide(_name))
for _op, _name in (
    (operator.lt, "<"),
    (operator.le, "<="),
    (operator.gt, ">"),
    (operator.ge, ">="),
    (operator.eq, "=="),
    (operator.ne, "!="),
):
    _binary(_op, _comparison(_name), types.boolean)
for _op, _name in (
    (operator.lshift, "shl"),
    (operator.ilshift, "shl"),
    (operator.rshift, "lshr"),
    (operator.irshift, "lshr"),
):
    _shift(_op, _name)


def _unary(function: Any, build: Callable[[ir.IRBuilder, ir.Value], ir.Value], result: Any = None) -> None:
    @infer_global(function)
    class Unary(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            if len(args) == 1 and isinstance(args[0], WordType):
                return signature(result or args[0], args[0])
            return None

    lower_builtin(function, WordType)(lambda context, builder, sig, args: build(builder, *args))


def _llvm_unary(name: str) -> Callable[[ir.IRBuilder, ir.Value], ir.Value]:
    def build(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
        kind = ir.FunctionType(x.type, [x.type])
        f = cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.i{x.type.width}")
        return builder.call(f, [x])

    return build


def _count_zeros(name: str) -> Callable[[ir.IRBuilder, ir.Value], ir.Value]:
    def build(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
        kind = ir.FunctionType(x.type, [x.type, I1])
        f = cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.i{x.type.width}")
        return resize(builder, builder.call(f, [x, ir.Constant(I1, 0)]), 64)

    return build


_U64 = word_type(U64)
_unary(operator.invert, lambda b, x: b.not_(x))
_unary(operator.neg, lambda b, x: b.neg(x))
_unary(lang.bswap, _llvm_unary("bswap"))
_unary(lang.popcount, lambda b, x: resize(b, _llvm_unary("ctpop")(b, x), 64), _U64)
_unary(lang.clz, _count_zeros("ctlz"), _U64)
_unary(lang.ctz, _count_zeros("cttz"), _U64)
_binary(lang.signed_lt, lambda b, x, y: b.icmp_signed("<", x, y), types.boolean)


def _rotate(function: Any, name: str) -> None:
    _shift(function, "shl")  # the typing of a shift; the lowering below is the more specific one

    def lower(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        value, count = args
        width = value.type.width
        if isinstance(sig.args[1], types.Literal):
            count = ir.Constant(I64, sig.args[1].literal_value)
        if width & (width - 1):
            # LLVM would divide the count at the value's width, for which its back ends have no code.
            count = builder.urem(resize(builder, count, 64), ir.Constant(I64, width))
            rest = builder.sub(ir.Constant(I64, width), count)
            there, back = ("shl", "lshr") if name == "fshl" else ("lshr", "shl")
            return builder.or_(
                shift_checked(builder, there, value, count), shift_checked(builder, back, value, rest)
            )
        kind = ir.FunctionType(value.type, [value.type] * 3)
        f = cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.i{width}")
        return builder.call(f, [value, value, resize(builder, count, width)])

    lower_builtin(function, WordType, WordType)(lower)
    lower_builtin(function, WordType, types.Integer)(lower)
    lower_builtin(function, WordType, types.IntegerLiteral)(lower)


_rotate(lang.rotl, "fshl")
_rotate(lang.rotr, "fshr")
_shift(lang.sar, "ashr")


# ---- memory --------------------------------------------------------------------------------------------------


def _memory_operation(function: Any) -> None:
    kind, word, bits, order = function.memory
    value_type, stored = word_type(word), ir.IntType(bits)

    @infer_global(function)
    class Access(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            if kind == "load":
                return signature(value_type, _U64) if len(args) == 1 else None
            if len(args) != 2:
                return None
            value = args[1] if isinstance(args[1], WordType) else value_type
            return signature(types.none, _U64, value)

    def load(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        value = builder.load(pointer(builder, args[0]), typ=stored, align=1)
        if order == "big":
            value = _llvm_unary("bswap")(builder, value)
        return resize(builder, value, value_type.bits)

    def store(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        value = resize(builder, args[1], bits)
        if order == "big":
            value = _llvm_unary("bswap")(builder, value)
        builder.store(value, pointer(builder, args[0]), align=1)
        return context.get_dummy_value()

    if kind == "load":
        lower_builtin(function, WordType)(load)
    else:
        lower_builtin(function, WordType, WordType)(store)


for _function in vars(memory).values():
    if hasattr(_function, "memory"):
        _memory_operation(_function)


def _block_operation(function: Any, llvm_name: str, middle: ir.Type) -> None:
    @infer_global(function)
    class Block(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            return signature(types.none, _U64, _U64, _U64) if len(args) == 3 else None

    @lower_builtin(function, WordType, WordType, WordType)
    def lower(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        target, other, size = args
        other = pointer(builder, other) if middle == POINTER else builder.trunc(other, I8)
        kind = ir.FunctionType(ir.VoidType(), [POINTER, middle, I64, I1])
        f = cgutils.get_or_insert_function(builder.module, kind, llvm_name)
        builder.call(f, [pointer(builder, target), other, size, ir.Constant(I1, 0)])
        return context.get_dummy_value()


_block_operation(lang.copy, "llvm.memmove.p0.p0.i64", POINTER)
_block_operation(lang.fill, "llvm.memset.p0.i64", I8)


# ---- records -------------------------------------------------------------------------------------------------


def register_record(record: type[Record]) -> None:
    """Let ``record(address)`` be called in compiled code."""
    target = record_type(record)

    @infer_global(record)
    class View(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            return signature(target, _U64) if len(args) == 1 else None

    lower_builtin(record, WordType)(lambda context, builder, sig, args: args[0])


@infer_getattr
class RecordAttribute(AttributeTemplate):
    key = RecordType

    def generic_resolve(self, ty: RecordType, name: str) -> Any:
        if name not in ty.record.fields:
            return None
        kind = ty.record.fields[name][0]
        if isinstance(kind, Bytes):
            return _U64
        if issubclass(kind, Word):
            return word_type(kind) if kind.bits >= 64 else _U64
        return numba_type(kind)


def _field(builder: ir.IRBuilder, ty: RecordType, value: ir.Value, name: str) -> tuple[Any, ir.Value]:
    kind, offset = ty.record.fields[name]
    return kind, builder.add(value, ir.Constant(I64, offset))


@lower_getattr_generic(RecordType)
def record_getattr(
    context: Any, builder: ir.IRBuilder, ty: RecordType, value: ir.Value, name: str
) -> ir.Value:
    kind, at = _field(builder, ty, value, name)
    if isinstance(kind, Bytes):
        return at
    bits = kind.bits if issubclass(kind, Word) else 64
    loaded = builder.load(pointer(builder, at), typ=ir.IntType(bits), align=min(bits // 8, 8))
    return resize(builder, loaded, max(bits, 64))


@lower_setattr_generic(RecordType)
def record_setattr(context: Any, builder: ir.IRBuilder, sig: Any, args: Any, name: str) -> None:
    ty = sig.args[0]
    kind, at = _field(builder, ty, args[0], name)
    if isinstance(kind, Bytes):
        raise TypeError(f"{ty.record.__name__}.{name} is a byte range: write through its address")
    bits = kind.bits if issubclass(kind, Word) else 64
    value = resize(builder, args[1], bits)
    builder.store(value, pointer(builder, at), align=min(bits // 8, 8))


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


# ---- tables --------------------------------------------------------------------------------------------------


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
            return signature(word_type(word) if word.bits >= 64 else _U64, args[0], _U64)
        return None


@lower_builtin(operator.getitem, TableType, WordType)
def lower_table_item(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
    bits = sig.args[0].table.word.bits
    at = builder.add(args[0], builder.mul(args[1], ir.Constant(I64, bits // 8)))
    loaded = builder.load(pointer(builder, at), typ=ir.IntType(bits), align=bits // 8 if bits <= 64 else 8)
    return resize(builder, loaded, max(bits, 64))


@infer_global(lang.address_of)
class AddressOf(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        if len(args) == 1 and isinstance(args[0], (TableType, RecordType)):
            return signature(_U64, args[0])
        return None


lower_builtin(lang.address_of, TableType)(lambda context, builder, sig, args: args[0])
lower_builtin(lang.address_of, RecordType)(lambda context, builder, sig, args: args[0])


# ---- range over words ----------------------------------------------------------------------------------------


@infer_global(range)
class WordRange(AbstractTemplate):
    """``range`` with word bounds counts in plain integers."""

    def generic(self, args: Any, kws: Any) -> Any:
        if any(isinstance(a, WordType) for a in args):
            return signature(types.range_state64_type, *([types.int64] * len(args)))
        return None


@lower_cast(WordType, types.Integer)
def cast_bound(context: Any, builder: ir.IRBuilder, fromty: WordType, toty: Any, value: ir.Value) -> ir.Value:
    return resize(builder, value, toty.bitwidth)
