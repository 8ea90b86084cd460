"""Polynomials in columns, in lanes: their values everywhere, and the rounds of a sumcheck."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import llvmlite.ir as ir

from .bn254_fr import R
from .lanes import WORD, Pointer, Routine, Value, text
from .limbs import LIMBS, SLOT, VECTOR, Limbs
from .montgomery import RADIX, Modulus
from .numbers import BLOCK, Number, add_to_slot, load, load_one, load_slot, of, store, store_slot

#: Bytes of a single element.
ELEMENT = 32
Polynomial = Callable[[Sequence[Number], Sequence[Number]], Number]


@dataclass(frozen=True)
class Values:
    """``symbol(count, columns, constants, outs)``: what ``polynomials(columns, constants)`` are at every point."""

    symbol: str
    columns: int
    constants: int
    outs: int
    polynomials: Callable[[Sequence[Number], Sequence[Number]], Sequence[Number]]

    def add_to(self, module: ir.Module, field: Modulus) -> None:
        """Define the function."""
        code = Routine(module, self.symbol, "ippp", exported=True)
        count, columns, constants, outs = code.arguments
        starts = [code.address(columns.at(8 * k).load(WORD)) for k in range(self.columns)]
        ends = [code.address(outs.at(8 * k).load(WORD)) for k in range(self.outs)]

        def block(i: Value) -> None:
            at = i * BLOCK
            values = [load(field, start.at(at)) for start in starts]
            fixed = [load_one(field, constants.at(k * ELEMENT)) for k in range(self.constants)]
            for value, end in zip(self.polynomials(values, fixed), ends, strict=True):
                store(value, end.at(at))

        code.each(count, block)
        code.end()


@dataclass(frozen=True)
class Round:
    """``polynomial(columns, constants)`` has ``degree`` at most; nobody multiplies more than its bounds allow.

    ``symbol(count, columns, half, constants, weights, sums)``: for every point x of ``count`` blocks, the polynomial
    along the line from the columns' values at x to those ``half`` bytes further, at 0, 2, … ``degree``, is multiplied
    by the weight of x, unless all are 1, and added to ``sums`` (a slot for each of these). ``columns`` are addresses,
    ``constants`` elements.
    """

    symbol: str
    columns: int
    constants: int
    degree: int
    polynomial: Polynomial
    weighted: bool = True

    @property
    def points(self) -> list[int]:
        """Where it is evaluated: at 1 it follows from the claim."""
        return [0, *range(2, self.degree + 1)]

    def add_to(self, module: ir.Module, field: Modulus) -> None:
        """Define the function."""
        code = Routine(module, self.symbol, "ipippp", exported=True)
        count, columns, half, constants, weights, sums = code.arguments
        line = code.buffer(2 * SLOT * self.columns)
        if self.columns > _FEW:
            field = Outlined(module, field)

        def add(at: Value, values: Sequence[Number], to: Pointer) -> None:
            fixed = [load_one(field, constants.at(k * ELEMENT)) for k in range(self.constants)]
            value = self.polynomial(values, fixed)
            add_to_slot(value * load(field, weights.at(at)) if self.weighted else value, to)

        def ends(at: Value, k: Value | int) -> tuple[Number, Number]:
            start = code.address(columns.at(k * 8).load(WORD)).at(at)
            low = load(field, start)
            return low, (load(field, start.at(half)) - low).factor()

        def block_of_few(i: Value) -> None:
            lines = [ends(i * BLOCK, k) for k in range(self.columns)]
            values, reached = [low for low, _ in lines], 0
            for slot, point in enumerate(self.points):
                while reached < point:
                    values = [value + step for value, (_, step) in zip(values, lines, strict=True)]
                    reached += 1
                add(i * BLOCK, values, sums.at(slot * SLOT))

        def block(i: Value) -> None:
            bounds = list[int]()

            def begin(k: Value) -> None:
                low, step = ends(i * BLOCK, k)
                store_slot(low, line.at(k * (2 * SLOT)))
                store_slot(step, line.at(k * (2 * SLOT) + SLOT))
                bounds.extend((low.bound + self.degree * step.bound, step.bound))

            code.each(self.columns, begin)
            most, step = bounds

            def on(k: Value) -> None:
                at = line.at(k * (2 * SLOT))
                store_slot(load_slot(field, at, most) + load_slot(field, at.at(SLOT), step), at)

            def point(number: Value) -> None:
                values = [load_slot(field, line.at(2 * SLOT * k), most) for k in range(self.columns)]
                add(i * BLOCK, values, sums.at(number * SLOT))
                code.each(self.columns, on)
                with code.when(number.compare("==", 0)):
                    code.each(self.columns, on)

            code.each(len(self.points), point)

        code.each(count, block if self.columns > _FEW else block_of_few)
        code.end()


#: Rounds in more columns than so many are compiled to little code: LLVM takes long for much of it.
_FEW = 8


class Outlined(Modulus):
    """Products are calls of one function of the module."""

    def __init__(self, module: ir.Module, field: Modulus) -> None:
        super().__init__(field.value, field.portable)
        name = "product"
        if name not in module.globals:
            limbs = [VECTOR.type] * LIMBS
            result = ir.LiteralStructType(limbs)
            function = ir.Function(module, ir.FunctionType(result, limbs * 2), name)
            function.linkage, function.calling_convention = "internal", "x86_regcallcc"
            function.attributes.add("noinline")
            function.attributes.add("nounwind")
            b = ir.IRBuilder(function.append_basic_block())
            values = [Value(b, VECTOR, argument) for argument in function.args]
            whole: Any = ir.Constant(result, ir.Undefined)
            for k, limb in enumerate(field.product(values[:LIMBS], values[LIMBS:])):
                whole = b.insert_value(whole, limb.v, k)
            b.ret(whole)
        self._function = module.globals[name]

    def product(self, a: Sequence[Value], b: Sequence[Value]) -> Limbs:
        """As ``Modulus.product``."""
        build = a[0].b
        found = build.call(self._function, [x.v for x in (*a, *b)], cconv="x86_regcallcc")
        return [a[0].same(build.extract_value(found, k)) for k in range(LIMBS)]


#: Most terms of a combination: so many products can be added up in ten limbs of a lane.
MOST_TERMS = 400


@dataclass(frozen=True)
class Combinations:
    """``symbol(count, columns, outs, starts, terms, factors, ends)``: sums of columns times factors, at every point.

    Combination k of ``outs`` is factor k plus Σ factor[outs + t]·column[terms[t]] over starts[k] ≤ t < starts[k + 1],
    at least one and at most ``MOST_TERMS`` of them. ``factors`` are elements in five limbs of a word;
    ``columns`` and ``ends`` addresses. Products are reduced together.
    """

    symbol: str

    def add_to(self, module: ir.Module, field: Modulus) -> None:
        """Define the function."""
        code = Routine(module, self.symbol, "ipipppp", exported=True)
        count, columns, outs, starts, terms, factors, ends = code.arguments

        def factor(number: Value) -> Limbs:
            place = factors.at(number * (LIMBS * WORD.bytes))
            return [place.at(limb * WORD.bytes).load(WORD).splat(VECTOR.count) for limb in range(LIMBS)]

        def block(i: Value) -> None:
            at = i * BLOCK

            def combination(k: Value) -> None:
                start, stop = starts.at(k * 8).load(WORD), starts.at(k * 8 + 8).load(WORD)

                def term(t: Value, total: list[Value]) -> list[Value]:
                    which = start + t
                    column = code.address(columns.at(terms.at(which * 8).load(WORD) * 8).load(WORD))
                    return field.added(total, load(field, column.at(at)).limbs, factor(outs + which))

                none = [code.constant(VECTOR, 0)] * (2 * LIMBS)
                limbs = field.reduced_sum(code.repeat(stop - start, none, term))
                products = of(field, limbs, MOST_TERMS * field.value**2 // RADIX + field.value)
                total = products + of(field, factor(k), field.value)
                store(total, code.address(ends.at(k * 8).load(WORD)).at(at))

            code.each(outs, combination)

        code.each(count, block)
        code.end()


def module_text(functions: Sequence[Round | Values | Combinations], portable: bool = False) -> str:
    """IR of some of them."""
    module, field = ir.Module("sumcheck"), Modulus(R, portable)
    for each in functions:
        each.add_to(module, field)
    return text(module)
