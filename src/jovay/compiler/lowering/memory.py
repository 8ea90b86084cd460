"""Loads, stores, copies and fills at raw addresses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import llvmlite.ir as ir
from numba.core import types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import lower_builtin

from jovay.kernel import lang
from jovay.kernel.lang import memory

from ..numba_types import WordType, word_type
from . import access
from .common import WORD64, resize
from .operators import llvm_unary


def _memory_operation(function: Any) -> None:
    kind, word, bits, order = function.memory
    value_type = word_type(word)

    @infer_global(function)
    class Access(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            if kind == "load":
                return signature(value_type, WORD64) if len(args) == 1 else None
            if len(args) != 2:
                return None
            value = args[1] if isinstance(args[1], WordType) else value_type
            return signature(types.none, WORD64, value)

    def load(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        value = access.load(builder, args[0], bits, 1, function.__name__)
        if order == "big":
            value = llvm_unary("bswap")(builder, value)
        return resize(builder, value, value_type.bits)

    def store(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        value = resize(builder, args[1], bits)
        if order == "big":
            value = llvm_unary("bswap")(builder, value)
        access.store(builder, value, args[0], 1, function.__name__)
        return context.get_dummy_value()

    if kind == "load":
        lower_builtin(function, WordType)(load)
    else:
        lower_builtin(function, WordType, WordType)(store)


for _function in vars(memory).values():
    if hasattr(_function, "memory"):
        _memory_operation(_function)


def _block_operation(
    function: Any, emit: Callable[[ir.IRBuilder, ir.Value, ir.Value, ir.Value], None]
) -> None:
    @infer_global(function)
    class Block(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            return signature(types.none, WORD64, WORD64, WORD64) if len(args) == 3 else None

    @lower_builtin(function, WordType, WordType, WordType)
    def lower(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        emit(builder, *args)
        return context.get_dummy_value()


_block_operation(lang.copy, access.copy)
_block_operation(lang.fill, access.fill)
