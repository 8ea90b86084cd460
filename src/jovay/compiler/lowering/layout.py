"""What may be touched of an arena (``lang.layout``), for the checked build; no other sees these operations."""

from __future__ import annotations

from typing import Any

import llvmlite.ir as ir
from numba.core import types
from numba.core.types.misc import StringLiteral
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import lower_builtin

from jovay.kernel.lang import layout

from ..numba_types import WordType
from . import access
from .common import I64, WORD64


def _named(function: Any) -> None:
    @infer_global(function)
    class Named(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            named = len(args) == 3 and isinstance(args[2], StringLiteral)
            return signature(types.none, WORD64, WORD64, args[2]) if named else None

    @lower_builtin(function, WordType, WordType, StringLiteral)
    def lower(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        name = access.text_constant(builder, sig.args[2].literal_value)
        what = function.__name__
        access.call_check(builder, what, args[0], args[1], builder.ptrtoint(name, I64), what=what)
        return context.get_dummy_value()


def _plain(function: Any, arity: int) -> None:
    @infer_global(function)
    class Plain(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            return signature(types.none, *[WORD64] * arity) if len(args) == arity else None

    @lower_builtin(function, *[WordType] * arity)
    def lower(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        access.call_check(builder, function.__name__, *args, what=function.__name__)
        return context.get_dummy_value()


_named(layout.part)
_named(layout.reserve)
_plain(layout.unpoison, 3)
_plain(layout.poison, 2)
