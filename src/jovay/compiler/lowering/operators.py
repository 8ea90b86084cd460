"""Operators and bit functions of words."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import llvmlite.ir as ir
from numba.core import cgutils, types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import lower_builtin

from jovay.kernel import lang

from ..numba_types import WordType
from .common import I1, I64, WORD64, is_plain_int, resize


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


def llvm_unary(name: str) -> Callable[[ir.IRBuilder, ir.Value], ir.Value]:
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


_unary(operator.invert, lambda b, x: b.not_(x))
_unary(operator.neg, lambda b, x: b.neg(x))
_unary(lang.bswap, llvm_unary("bswap"))
_unary(lang.popcount, lambda b, x: resize(b, llvm_unary("ctpop")(b, x), 64), WORD64)
_unary(lang.clz, _count_zeros("ctlz"), WORD64)
_unary(lang.ctz, _count_zeros("cttz"), WORD64)
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
