"""The scalar field of BN254 in lanes: arithmetic of long vectors, for sumcheck.

Vectors lie in blocks of eight elements (``numbers.BLOCK`` bytes: word i of all eight together), each canonical and in
Montgomery form with radix 2^260. ``count`` is in blocks, at least 1; single elements are 32 bytes in the same form.

* ``bn254_fr_product(count, x, y, out)``, ``bn254_fr_sum``, ``bn254_fr_difference``: element by element;
* ``bn254_fr_scale(count, x, c, out)``: by a single element;
* ``bn254_fr_add_scaled(count, x, y, c, out)``: x + c·y;
* ``bn254_fr_fold(count, low, high, r, out)``: low + r·(high − low);
* ``bn254_fr_enter(count, x, out)``, ``bn254_fr_leave``: into Montgomery form, and out of it.

All return 0. ``out`` may be one of the inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import llvmlite.ir as ir

from .lanes import Routine, Value, text
from .montgomery import RADIX, Modulus
from .numbers import BLOCK, Number, constant, load, load_one, store

R = 0x30644E72E131A029B85045B68181585D2833E84879B9709143E1F593F0000001


def _each_block(
    module: ir.Module,
    field: Modulus,
    name: str,
    inputs: int,
    combine: Callable[[Sequence[Number], Number | None, Routine], Number],
    scalar: bool = False,
) -> None:
    """``(count, vectors …, [scalar], out)``: one block of every vector after the other."""
    code = Routine(module, f"bn254_fr_{name}", "i" + "p" * (inputs + scalar + 1), exported=True)
    count, *vectors, out = code.arguments
    single = load_one(field, vectors.pop()) if scalar else None

    def block(i: Value) -> None:
        at = i * BLOCK
        store(combine([load(field, vector.at(at)) for vector in vectors], single, code), out.at(at))

    code.each(count, block)
    code.end()


def _fold(v: Sequence[Number], r: Number | None, _: Routine) -> Number:
    assert r is not None
    return v[0] + r * (v[1] - v[0])


def _add_scaled(v: Sequence[Number], c: Number | None, _: Routine) -> Number:
    assert c is not None
    return v[0] + c * v[1]


def _scale(v: Sequence[Number], c: Number | None, _: Routine) -> Number:
    assert c is not None
    return v[0] * c


def module_text(portable: bool = False) -> str:
    """IR of all of them."""
    module, field = ir.Module("bn254_fr"), Modulus(R, portable)
    _each_block(module, field, "product", 2, lambda v, _, code: v[0] * v[1])
    _each_block(module, field, "sum", 2, lambda v, _, code: v[0] + v[1])
    _each_block(module, field, "difference", 2, lambda v, _, code: v[0] - v[1])
    _each_block(module, field, "scale", 1, _scale, scalar=True)
    _each_block(module, field, "add_scaled", 2, _add_scaled, scalar=True)
    _each_block(module, field, "fold", 2, _fold, scalar=True)
    _each_block(module, field, "enter", 1, lambda v, _, code: v[0] * constant(code, field, RADIX))
    _each_block(module, field, "leave", 1, lambda v, _, code: v[0] * constant(code, field, pow(RADIX, -1, R)))
    return text(module)
