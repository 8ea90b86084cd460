"""Conversion between words and plain integers, and ``range`` over words."""

from __future__ import annotations

from typing import Any

import llvmlite.ir as ir
from numba.core import types
from numba.core.imputils import lower_cast, lower_constant
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import lower_builtin, typeof_impl

from jovay.kernel.lang import Word, words

from ..numba_types import WordType, word_type
from .common import is_plain_int, resize

WORDS = [words.U8, words.U16, words.U32, words.U64, words.U128]
WORDS += [words.U256, words.U384, words.U512, words.U768, words.U1024]


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
