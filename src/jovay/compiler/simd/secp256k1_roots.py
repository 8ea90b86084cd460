"""Square roots and inverses mod p by addition chains, and inverses of many elements at the price of one.

(p+1)/4 and p−2 both start with 223 one-bits, a zero, 22 ones, and end in a short tail of their own; the
chains build x^(2^k − 1), a run of k ones, from shorter runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import llvmlite.ir as ir

from .lanes import Pointer, Routine, Value
from .limbs import SLOT
from .secp256k1_field import constant, like, load, multiply, square

RUNS = [
    (2, 1),
    (3, 2),
    (6, 3),
    (9, 6),
    (11, 9),
    (22, 11),
    (44, 22),
    (88, 44),
    (176, 88),
    (220, 176),
    (223, 220),
]
SQUARE_ROOT_TAIL = [(23, 22), (6, 2), (2, 0)]  # (squarings, run to multiply by; 0 for none)
INVERSE_TAIL = [(23, 22), (5, 1), (3, 2), (2, 1)]


def power_chain(module: ir.Module, name: str, tail: list[tuple[int, int]], ways: int) -> Routine:
    """Routine ``(p to, p from)``: ``to`` = ``from`` to the power of the chain, for ``ways`` slots each."""
    step = Routine(module, f"{name}_step", "pppi")  # to = from^(2^count) * factor
    to, source, factor, count = step.arguments
    start = load(source, ways)
    squared = step.repeat(count, start.values(), lambda _, values: square(like(start, values)).values())
    multiply(like(start, squared), load(factor, ways)).store(to)
    step.end()

    code = Routine(module, name, "pp")
    to, source = code.arguments
    one = code.buffer(ways * SLOT)
    constant(code, 1, ways).store(one)
    runs = {0: one, 1: source}
    for run, base in RUNS:
        runs[run] = code.buffer(ways * SLOT)
        code.call(step, runs[run], runs[base], runs[run - base], run - base)
    last = code.buffer(ways * SLOT)
    code.call(step, last, runs[223], runs[tail[0][1]], tail[0][0])
    for squarings, run in tail[1:-1]:
        code.call(step, last, last, runs[run], squarings)
    code.call(step, to, last, runs[tail[-1][1]], tail[-1][0])
    return code.end()


@dataclass(frozen=True)
class Ring:
    """What the inversion of many elements needs of a field: slots of ``ways`` vectors, multiplication,
    inverse.
    """

    ways: int
    multiply: Callable[[Pointer, Pointer, Pointer], None]  # to = a·b, emitted in place
    inverse: Callable[[Routine, Pointer, Pointer], None]  # to = 1/a

    @property
    def bytes(self) -> int:
        return self.ways * SLOT


def base_field(inverse: Routine, ways: int) -> Ring:
    """The field mod p."""

    def product(to: Pointer, a: Pointer, b: Pointer) -> None:
        multiply(load(a, ways), load(b, ways)).store(to)

    return Ring(ways, product, lambda code, to, a: code.call(inverse, to, a))


def invert_many(module: ir.Module, name: str, ring: Ring) -> Routine:
    """Routine ``(p elements, p scratch, i count)``: invert ``count`` ≥ 1 non-zero elements in place.

    Montgomery's trick: three products per element and one inversion. ``scratch`` has the size of
    ``elements``.
    """
    code = Routine(module, name, "ppi")
    elements, scratch, count = code.arguments
    size = ring.bytes
    running, spare = code.buffer(size), code.buffer(size)

    def copy(to: Pointer, source: Pointer) -> None:
        load(source, ring.ways).store(to)

    copy(scratch, elements)

    def forward(i: Value) -> None:
        before, here = scratch.at(i * size), scratch.at((i + 1) * size)
        ring.multiply(here, before, elements.at((i + 1) * size))

    def backward(i: Value) -> None:
        j = count - 1 - i
        here, before = elements.at(j * size), scratch.at((j - 1) * size)
        ring.multiply(spare, running, before)
        ring.multiply(running, running, here)
        copy(here, spare)

    with code.when(count.compare(">", 1)):
        code.each(count - 1, forward)
    ring.inverse(code, running, scratch.at((count - 1) * size))
    with code.when(count.compare(">", 1)):
        code.each(count - 1, backward)
    copy(elements, running)
    return code.end()
