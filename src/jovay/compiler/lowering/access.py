"""Every load and store of compiled kernel code is emitted here; in the checked build, behind a check.

A check is told the address and where in the sources it stands: a text, constant in the code, of the function, file,
line and what is done there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import llvmlite.ir as ir
from numba.core import cgutils

from .common import I1, I8, I64, POINTER

#: Sizes of accesses go up to this many bytes, so that a word of shadow bits covers them at any alignment.
LARGEST = 48


@dataclass
class Place:
    """The function that is being lowered with checks, and the line that lowering has come to."""

    function: str
    file: str
    line: int = 0


_place: Place | None = None


@contextmanager
def checking(place: Place | None) -> Iterator[None]:
    """Lower what comes with checks, or without where ``place`` is None."""
    global _place
    before, _place = _place, place
    try:
        yield
    finally:
        _place = before


def move_to(line: int) -> None:
    """Lowering has come to ``line``."""
    if _place is not None:
        _place.line = line


def call_check(builder: ir.IRBuilder, name: str, *args: ir.Value, what: str) -> None:
    """Call ``checked.name`` with 64-bit ``args`` and the text of this place."""
    assert _place is not None
    kind = ir.FunctionType(ir.VoidType(), [I64] * len(args) + [POINTER])
    f = cgutils.get_or_insert_function(builder.module, kind, f"checked.{name}")
    convention = "preserve_mostcc" if name == "access" else ""
    f.calling_convention = convention
    text = f"{_place.function}\t{_place.file}\t{_place.line}\t{what}"
    site = builder.bitcast(text_constant(builder, text), POINTER)
    builder.call(f, [*args, site], cconv=convention or None)


def text_constant(builder: ir.IRBuilder, text: str) -> ir.GlobalVariable:
    """``text`` as a constant that ends with a zero byte; each text once per module."""
    data = bytearray(text.encode() + b"\0")
    name = f"checked.text.{text}"
    found = builder.module.globals.get(name)
    if found is None:
        kind = ir.ArrayType(I8, len(data))
        found = cgutils.global_constant(builder.module, name, ir.Constant(kind, data))
    return found


def pointer(builder: ir.IRBuilder, address: ir.Value) -> ir.Value:
    """The 64-bit ``address`` as an LLVM pointer."""
    return builder.inttoptr(address, POINTER)


def _check(builder: ir.IRBuilder, address: ir.Value, bits: int, what: str) -> None:
    if _place is not None:
        assert bits // 8 <= LARGEST
        call_check(builder, "access", address, ir.Constant(I64, (1 << bits // 8) - 1), what=what)


def load(builder: ir.IRBuilder, address: ir.Value, bits: int, align: int, what: str) -> ir.Value:
    """The ``bits`` at ``address``; ``what`` names the access in reports."""
    _check(builder, address, bits, what)
    return builder.load(pointer(builder, address), typ=ir.IntType(bits), align=align)


def store(builder: ir.IRBuilder, value: ir.Value, address: ir.Value, align: int, what: str) -> None:
    """``value`` to ``address``."""
    _check(builder, address, value.type.width, what)
    builder.store(value, pointer(builder, address), align=align)


def copy(builder: ir.IRBuilder, target: ir.Value, source: ir.Value, size: ir.Value) -> None:
    """``size`` bytes from ``source`` to ``target``; they may overlap."""
    if _place is not None:
        call_check(builder, "range", source, size, what="copy, source")
        call_check(builder, "range", target, size, what="copy, target")
    other = pointer(builder, source)
    kind = ir.FunctionType(ir.VoidType(), [POINTER, POINTER, I64, I1])
    f = cgutils.get_or_insert_function(builder.module, kind, "llvm.memmove.p0.p0.i64")
    builder.call(f, [pointer(builder, target), other, size, ir.Constant(I1, 0)])


def fill(builder: ir.IRBuilder, target: ir.Value, byte: ir.Value, size: ir.Value) -> None:
    """The low eight bits of ``byte`` to ``size`` bytes at ``target``."""
    if _place is not None:
        call_check(builder, "range", target, size, what="fill")
    narrow = builder.trunc(byte, I8)
    kind = ir.FunctionType(ir.VoidType(), [POINTER, I8, I64, I1])
    f = cgutils.get_or_insert_function(builder.module, kind, "llvm.memset.p0.i64")
    builder.call(f, [pointer(builder, target), narrow, size, ir.Constant(I1, 0)])


def load_item(builder: ir.IRBuilder, address: ir.Value, index: ir.Value, length: int, bits: int) -> ir.Value:
    """The item at ``address`` of a constant table, whose index must be below ``length``."""
    if _place is not None:
        call_check(builder, "index", index, ir.Constant(I64, length), what=f"index of a table of {length}")
    align = bits // 8 if bits <= 64 else 8
    return builder.load(pointer(builder, address), typ=ir.IntType(bits), align=align)


def publish_table(builder: ir.IRBuilder, address: ir.Value, size: int) -> None:
    """A constant table may be read through its address."""
    if _place is not None:
        call_check(builder, "table", address, ir.Constant(I64, size), what="address_of a table")
