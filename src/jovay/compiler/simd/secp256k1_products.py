"""Products in the field as small routines on slots in memory.

Point formulas written out in full are larger than the caches of decoded instructions, which costs more than
calls and memory do; and LLVM schedules within one product at a time, which is what overlaps best.
"""

from __future__ import annotations

from dataclasses import dataclass

import llvmlite.ir as ir

from .lanes import Pointer, Routine
from .limbs import LIMBS, MASK52, SLOT, VECTOR
from .secp256k1_field import STORED, Element, Row, multiply, square

OPERAND = 2**258  # bound of a factor, in tight limbs
LOOSE = 2**54 - 1  # limbs of what is subtracted
SUBTRAHEND = 2**259


class Cell(Element):
    """An element in memory, read anew wherever its limbs are used."""

    __slots__ = ("_ways", "home")

    def __init__(self, home: Pointer, ways: int, bound: int = STORED, limb: int = MASK52) -> None:
        super().__init__([], [limb] * (LIMBS - 1) + [min(limb, bound >> 208)], bound)
        self.home, self._ways = home, ways

    @property
    def limbs(self) -> list[Row]:
        steps = [k * SLOT for k in range(self._ways)]
        return [[self.home.at(k + i * VECTOR.bytes).load(VECTOR) for k in steps] for i in range(LIMBS)]

    @property
    def ways(self) -> int:
        return self._ways


@dataclass(frozen=True)
class Shape:
    """x² or x·y, times ``scale``, minus 2^``shift`` times a third element if there is a shift."""

    squares: bool
    scale: int = 1
    shift: int | None = None

    @property
    def name(self) -> str:
        minus = "" if self.shift is None else f"_minus_{1 << self.shift}"
        return f"secp256k1_{'square' if self.squares else 'multiply'}_{self.scale}{minus}"


class Products:
    """The routines of one module, made as they are needed, for ``ways`` vectors."""

    def __init__(self, module: ir.Module, ways: int) -> None:
        self.module, self.ways = module, ways
        self._routines: dict[Shape, Routine] = {}

    def routine(self, shape: Shape) -> Routine:
        """``(p to, p x, p y, p minus)``, without y for squares and without minus if there is none."""
        if shape not in self._routines:
            pointers = 2 + (not shape.squares) + (shape.shift is not None)
            code = Routine(self.module, f"{shape.name}_{self.ways}", "p" * pointers)
            code.each(self.ways, lambda way: self._way(shape, [a.at(way * SLOT) for a in code.arguments]))
            self._routines[shape] = code.end()
        return self._routines[shape]

    @staticmethod
    def _way(shape: Shape, slots: list[Pointer]) -> None:
        to, x, *rest = slots
        minus = None
        if shape.shift is not None:
            minus = -(Cell(rest.pop(), 1, SUBTRAHEND, LOOSE) << shape.shift)
        factor = Cell(x, 1, OPERAND)
        if shape.squares:
            square(factor, shape.scale, minus).store(to)
        else:
            multiply(factor, Cell(rest.pop(), 1, OPERAND), shape.scale, minus).store(to)


class Calls:
    """Products called from the code of one routine."""

    def __init__(self, products: Products, code: Routine) -> None:
        self.products, self.code = products, code

    def slot(self) -> Pointer:
        return self.code.buffer(self.products.ways * SLOT)

    def cell(self, at: Pointer) -> Cell:
        """The stored element at an address."""
        return Cell(at, self.products.ways)

    def keep(self, x: Element) -> Cell:
        """An element, written to memory for several uses."""
        return Cell(self._place(x), x.ways, x.bound, max(x.tops))

    def _place(self, x: Element) -> Pointer:
        if isinstance(x, Cell):
            return x.home
        at = self.slot()
        x.put(at)
        return at

    def _call(self, shape: Shape, to: Pointer | None, factors: list[Element], minus: Element | None) -> Cell:
        assert all(x.tight and x.bound <= OPERAND for x in factors)
        operands = list(factors)
        if minus is not None:
            assert max(minus.tops) <= LOOSE
            assert minus.bound <= SUBTRAHEND
            operands.append(minus)
        to = to or self.slot()
        self.code.call(self.products.routine(shape), to, *map(self._place, operands))
        return self.cell(to)

    def multiply(
        self,
        x: Element,
        y: Element,
        scale: int = 1,
        minus: Element | None = None,
        shift: int = 0,
        to: Pointer | None = None,
    ) -> Cell:
        """scale·x·y − 2^shift·minus, kept at ``to``."""
        return self._call(Shape(False, scale, shift if minus else None), to, [x, y], minus)

    def square(
        self,
        x: Element,
        scale: int = 1,
        minus: Element | None = None,
        shift: int = 0,
        to: Pointer | None = None,
    ) -> Cell:
        """scale·x² − 2^shift·minus, kept at ``to``."""
        return self._call(Shape(True, scale, shift if minus else None), to, [x], minus)
