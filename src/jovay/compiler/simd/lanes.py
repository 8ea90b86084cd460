"""LLVM IR that reads like arithmetic: values of a lane type, pointers, and functions under construction.

A lane type is a parameter: ``Lanes(8, 64)`` is an AVX-512 register of 64-bit lanes, ``Lanes(1, 64)`` a
scalar.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import llvmlite.ir as ir

POINTER = ir.PointerType()


@dataclass(frozen=True)
class Lanes:
    """``count`` lanes of ``bits`` bits each; one lane is a scalar."""

    count: int
    bits: int

    @property
    def type(self) -> Any:
        lane = ir.IntType(self.bits)
        return lane if self.count == 1 else ir.VectorType(lane, self.count)

    @property
    def bytes(self) -> int:
        return self.count * self.bits // 8

    def constant(self, value: int | Sequence[int]) -> Any:
        """The LLVM constant with ``value`` in every lane, or with one value for each lane."""
        mask = (1 << self.bits) - 1
        if not isinstance(value, int):
            return ir.Constant(self.type, [x & mask for x in value])
        if self.count == 1:
            return ir.Constant(self.type, value & mask)
        return _Splat(self.type, value & mask)

    @property
    def undefined(self) -> Any:
        return ir.Constant(self.type, ir.Undefined)


class _Splat(ir.Constant):
    """One number in every lane, in LLVM's short notation."""

    def __init__(self, lanes: Any, number: int) -> None:
        super().__init__(lanes, None)
        self.number = number

    def _get_reference(self) -> str:
        return f"splat ({self.type.element} {self.number})"


WORD = Lanes(1, 64)
BYTE = Lanes(1, 8)


class Value:
    """A value in lanes. Integers as the other operand mean the same number in every lane; all is modulo
    2^bits.
    """

    __slots__ = ("b", "lanes", "v")

    def __init__(self, b: ir.IRBuilder, lanes: Lanes, v: Any) -> None:
        self.b, self.lanes, self.v = b, lanes, v

    def same(self, v: Any) -> Value:
        """``v`` as a value of the same lane type."""
        return Value(self.b, self.lanes, v)

    def raw(self, other: Value | int) -> Any:
        """The LLVM value of an operand."""
        return self.lanes.constant(other) if isinstance(other, int) else other.v

    def __add__(self, other: Value | int) -> Value:
        return self.same(self.b.add(self.v, self.raw(other)))

    def __sub__(self, other: Value | int) -> Value:
        return self.same(self.b.sub(self.v, self.raw(other)))

    def __rsub__(self, other: int) -> Value:
        return self.same(self.b.sub(self.raw(other), self.v))

    def __mul__(self, other: Value | int) -> Value:
        return self.same(self.b.mul(self.v, self.raw(other)))

    def __and__(self, other: Value | int) -> Value:
        return self.same(self.b.and_(self.v, self.raw(other)))

    def __or__(self, other: Value | int) -> Value:
        return self.same(self.b.or_(self.v, self.raw(other)))

    def __xor__(self, other: Value | int) -> Value:
        return self.same(self.b.xor(self.v, self.raw(other)))

    def __invert__(self) -> Value:
        return self ^ -1

    def __lshift__(self, count: int) -> Value:
        return self if count == 0 else self.same(self.b.shl(self.v, self.raw(count)))

    def __rshift__(self, count: Value | int) -> Value:
        """Logical shift."""
        return (
            self if isinstance(count, int) and count == 0 else self.same(self.b.lshr(self.v, self.raw(count)))
        )

    def sar(self, count: int) -> Value:
        """Arithmetic shift."""
        return self.same(self.b.ashr(self.v, self.raw(count)))

    def compare(self, relation: str, other: Value | int) -> Value:
        """Unsigned comparison (``<``, ``==``, …): one bit per lane."""
        bit = self.b.icmp_unsigned(relation, self.v, self.raw(other))
        return Value(self.b, Lanes(self.lanes.count, 1), bit)

    def select(self, yes: Value, no: Value) -> Value:
        """By this one-bit mask: ``yes`` where it is set, else ``no``."""
        return yes.same(self.b.select(self.v, yes.v, no.v))

    def convert(self, bits: int) -> Value:
        """The lanes cut or zero-extended to ``bits``."""
        lanes = Lanes(self.lanes.count, bits)
        cast = self.b.zext if bits > self.lanes.bits else self.b.trunc
        return Value(self.b, lanes, cast(self.v, lanes.type))

    def bitcast(self, lanes: Lanes) -> Value:
        return Value(self.b, lanes, self.b.bitcast(self.v, lanes.type))

    def intrinsic(self, name: str, *others: Value | int) -> Value:
        """Call ``llvm.<name>.<type>`` on this value and others of its type."""
        width = f"i{self.lanes.bits}"
        suffix = width if self.lanes.count == 1 else f"v{self.lanes.count}{width}"
        return self.target(f"llvm.{name}.{suffix}", *others)

    def target(self, name: str, *others: Value | int) -> Value:
        """Call the intrinsic with the full ``name`` on this value and others of its type."""
        arguments = [self.v, *map(self.raw, others)]
        function = declare(self.b.module, name, self.lanes.type, [a.type for a in arguments])
        return self.same(self.b.call(function, arguments))

    def shuffle(self, other: Value, order: Sequence[int]) -> Value:
        """Lanes of this value and (numbered on) of ``other``, in the given order."""
        mask = ir.Constant(ir.VectorType(ir.IntType(32), len(order)), list(order))
        return Value(self.b, Lanes(len(order), self.lanes.bits), self.b.shuffle_vector(self.v, other.v, mask))

    def splat(self, count: int) -> Value:
        """This scalar in every lane of a vector."""
        lanes = Lanes(count, self.lanes.bits)
        first = self.b.insert_element(lanes.undefined, self.v, ir.Constant(ir.IntType(32), 0))
        return Value(self.b, lanes, first).shuffle(Value(self.b, lanes, lanes.undefined), [0] * count)


def declare(module: ir.Module, name: str, result: Any, arguments: Sequence[Any]) -> Any:
    """The external function ``name`` of ``module``, declared at its first use."""
    if name not in module.globals:
        return ir.Function(module, ir.FunctionType(result, arguments), name)
    return module.globals[name]


class Pointer:
    """An address; offsets are in bytes."""

    __slots__ = ("b", "v")

    def __init__(self, b: ir.IRBuilder, v: Any) -> None:
        self.b, self.v = b, v

    def at(self, offset: Value | int) -> Pointer:
        if isinstance(offset, int) and offset == 0:
            return self
        raw = ir.Constant(ir.IntType(64), offset) if isinstance(offset, int) else offset.v
        return Pointer(self.b, self.b.gep(self.v, [raw], source_etype=ir.IntType(8)))

    def load(self, lanes: Lanes, align: int = 0) -> Value:
        """Read a value; ``align`` defaults to the lane type's own size."""
        return Value(self.b, lanes, self.b.load(self.v, align=align or lanes.bytes, typ=lanes.type))

    def load_where(self, mask: Value, lanes: Lanes) -> Value:
        """Read only the lanes of a one-bit ``mask``, zero elsewhere; no other need be readable."""
        name = f"llvm.masked.load.v{lanes.count}i{lanes.bits}.p0"
        arguments = [self.v, mask.v, lanes.constant(0)]
        function = declare(self.b.module, name, lanes.type, [POINTER, mask.v.type, lanes.type])
        return Value(self.b, lanes, self.b.call(function, arguments))

    def prefetch(self) -> None:
        """The line will be read."""
        flags = [ir.Constant(ir.IntType(32), flag) for flag in (0, 3, 1)]
        kinds = [POINTER, *[ir.IntType(32)] * 3]
        self.b.call(declare(self.b.module, "llvm.prefetch.p0", ir.VoidType(), kinds), [self.v, *flags])

    def store(self, value: Value, align: int = 0) -> None:
        self.b.store(value.v, self.v, align=align or value.lanes.bytes)


class Routine:
    """A function under construction; ``arguments`` are ``Pointer`` or 64-bit ``Value`` as ``signature`` says.

    ``signature`` has one letter per argument: ``p`` pointer, ``i`` 64-bit integer. Exported routines take
    pointers as 64-bit addresses and return 0; internal ones return nothing and are never inlined, which
    bounds the time LLVM takes.
    """

    def __init__(self, module: ir.Module, name: str, signature: str, exported: bool = False) -> None:
        i64 = ir.IntType(64)
        kinds = [i64 if exported or letter == "i" else POINTER for letter in signature]
        result = i64 if exported else ir.VoidType()
        self.module, self.name, self.signature, self.exported = module, name, signature, exported
        self.function = ir.Function(module, ir.FunctionType(result, kinds), name)
        self.function.attributes.add("nounwind")
        if not exported:
            self.function.linkage = "internal"
            self.function.attributes.add("noinline")
        self.b = ir.IRBuilder(self.function.append_basic_block("entry"))
        self.arguments: list[Any] = [
            self._argument(a, k) for a, k in zip(self.function.args, signature, strict=True)
        ]

    def _argument(self, argument: Any, letter: str) -> Any:
        if letter == "i":
            return Value(self.b, WORD, argument)
        return Pointer(self.b, self.b.inttoptr(argument, POINTER) if self.exported else argument)

    def end(self) -> Routine:
        """Finish the function."""
        if self.exported:
            self.b.ret(ir.Constant(ir.IntType(64), 0))
        else:
            self.b.ret_void()
        return self

    def call(self, routine: Routine, *arguments: Pointer | Value | int) -> None:
        """Call an internal routine of the same module."""
        i64 = ir.IntType(64)
        self.b.call(routine.function, [ir.Constant(i64, a) if isinstance(a, int) else a.v for a in arguments])

    def constant(self, lanes: Lanes, value: int | Sequence[int]) -> Value:
        return Value(self.b, lanes, lanes.constant(value))

    def pointer(self, variable: Any) -> Pointer:
        """The address of a variable, without the type that llvmlite remembers of what lies there."""
        variable.type = POINTER
        return Pointer(self.b, variable)

    def address(self, value: Value) -> Pointer:
        """The memory at a 64-bit address."""
        return Pointer(self.b, self.b.inttoptr(value.v, POINTER))

    def buffer(self, size: int) -> Pointer:
        """``size`` bytes on the stack, aligned to 64, for the whole call."""
        with self.b.goto_entry_block():
            slot = self.b.alloca(ir.ArrayType(ir.IntType(8), size))
            slot.align = 64
            return self.pointer(slot)

    def repeat(
        self,
        count: Value | int,
        state: Sequence[Value],
        body: Callable[[Value, list[Value]], Sequence[Value]],
    ) -> list[Value]:
        """Run ``body(i, state)`` for i = 0 … count−1, at least once; the state after the last round."""
        b = self.b
        before, inside = b.block, b.append_basic_block("loop")
        b.branch(inside)
        b.position_at_end(inside)
        i = b.phi(ir.IntType(64))
        i.add_incoming(ir.Constant(ir.IntType(64), 0), before)
        entering = [value.same(b.phi(value.lanes.type)) for value in state]
        for value, phi in zip(state, entering, strict=True):
            phi.v.add_incoming(value.v, before)
        leaving = list(body(Value(b, WORD, i), entering))
        following = b.add(i, ir.Constant(ir.IntType(64), 1))
        i.add_incoming(following, b.block)
        for value, phi in zip(leaving, entering, strict=True):
            phi.v.add_incoming(value.v, b.block)
        limit = ir.Constant(ir.IntType(64), count) if isinstance(count, int) else count.v
        after = b.append_basic_block("after")
        b.cbranch(b.icmp_unsigned("<", following, limit), inside, after)
        b.position_at_end(after)
        return leaving

    def each(self, count: Value | int, body: Callable[[Value], None]) -> None:
        """Run ``body(i)`` for i = 0 … count−1, at least once, with all state in memory."""

        def step(i: Value, _: list[Value]) -> list[Value]:
            body(i)
            return []

        self.repeat(count, [], step)

    def repeat_while(self, condition: Callable[[], Value], body: Callable[[], None]) -> None:
        """Run ``body`` as long as ``condition``, a scalar bit, holds before it."""
        b = self.b
        test, inside, after = (b.append_basic_block(name) for name in ("test", "while", "after"))
        b.branch(test)
        b.position_at_end(test)
        b.cbranch(condition().v, inside, after)
        b.position_at_end(inside)
        body()
        b.branch(test)
        b.position_at_end(after)

    def each_set(self, mask: Value, body: Callable[[Value], None]) -> None:
        """Run ``body(lane)`` for every set lane of a one-bit mask of eight lanes."""
        bits = self.buffer(8)
        bits.store(mask.bitcast(BYTE).convert(64))

        def step() -> None:
            left = bits.load(WORD)
            zero_is_fine = ir.Constant(ir.IntType(1), 0)
            body(left.same(self.b.cttz(left.v, zero_is_fine)))
            bits.store(left & (left - 1))

        self.repeat_while(lambda: bits.load(WORD).compare("!=", 0), step)

    @contextmanager
    def when(self, condition: Value) -> Iterator[None]:
        """Code for the case that a scalar one-bit ``condition`` holds."""
        with self.b.if_then(condition.v):
            yield


def table(module: ir.Module, name: str, lanes: Lanes, values: Sequence[int]) -> Any:
    """A constant array, aligned to 64 bytes."""
    kind = ir.ArrayType(ir.IntType(lanes.bits), len(values))
    variable = ir.GlobalVariable(module, kind, name)
    variable.initializer = ir.Constant(kind, list(values))
    variable.linkage, variable.global_constant, variable.align = "internal", True, 64
    return variable


def transpose(rows: Sequence[Value]) -> list[Value]:
    """A square of lanes, by a butterfly of two-operand shuffles: result[i] lane j = rows[j] lane i."""
    size, step, rows = len(rows), 1, list(rows)
    while step < size:
        for i in (k for k in range(size) if not k & step):
            low, high = rows[i], rows[i + step]
            take = [j if not j & step else size + j - step for j in range(size)]
            rows[i], rows[i + step] = low.shuffle(high, take), low.shuffle(high, [j + step for j in take])
        step *= 2
    return list(rows)


def text(module: ir.Module) -> str:
    """IR of the module for any machine: it takes triple and layout from what it is linked into.

    Functions are marked to use 512-bit registers whatever the CPU's tuning prefers.
    """
    wide = ' "prefer-vector-width"="512" "min-legal-vector-width"="512"'
    marked = re.sub(r"^(define .*)$", r"\1" + wide, str(module), flags=re.MULTILINE)
    return re.sub(r"^target (triple|datalayout) = .*\n", "", marked, flags=re.MULTILINE)
