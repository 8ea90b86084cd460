"""What all of the lowering shares: LLVM's types, plain integers, widths."""

from __future__ import annotations

from typing import Any

import llvmlite.ir as ir
from numba.core import types

from jovay.kernel.lang import U64

from ..numba_types import word_type

I1, I8, I64 = ir.IntType(1), ir.IntType(8), ir.IntType(64)
POINTER = ir.PointerType()
WORD64 = word_type(U64)


def is_plain_int(t: Any) -> bool:
    return isinstance(t, (types.Integer, types.IntegerLiteral)) or (
        isinstance(t, types.Literal) and isinstance(t.literal_type, types.Integer)
    )


def resize(builder: ir.IRBuilder, value: ir.Value, bits: int) -> ir.Value:
    """``value`` truncated or zero-extended to ``bits``."""
    width = value.type.width
    target = ir.IntType(bits)
    if width == bits:
        return value
    return builder.trunc(value, target) if width > bits else builder.zext(value, target)
