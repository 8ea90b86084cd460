"""Numba's nopython pipeline with one step put right and one added.

Numba collects the values that flow between blocks in sets of strings, so their order, and with it the code,
follows Python's hash seed. Programs must be the same from every process: here they are taken by name.

Once types are known, operations on plain integers that do not mean the same as on words are refused.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any

from numba.core import types
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import AnalysisPass, register_pass
from numba.core.interpreter import Interpreter
from numba.core.lowering import Lower
from numba.core.typed_passes import NativeLowering, NopythonTypeInference
from numba.core.untyped_passes import TranslateByteCode

from .errors import KernelCompileError
from .lowering.access import move_to

_NOT_FOR_PLAIN_INTEGERS = {
    operator.floordiv: "//",
    operator.ifloordiv: "//=",
    operator.mod: "%",
    operator.imod: "%=",
    operator.rshift: ">>",
    operator.irshift: ">>=",
    operator.lshift: "<<",
    operator.ilshift: "<<=",
}


class OrderedInterpreter(Interpreter):
    """Translates byte code with the values passed to later blocks in the order of their names."""

    def _insert_outgoing_phis(self) -> None:
        phis = self.dfainfo.outgoing_phis
        ordered = sorted(phis.items())
        phis.clear()
        phis.update(ordered)
        super()._insert_outgoing_phis()


@register_pass(mutates_CFG=True, analysis_only=False)
class TranslateInOrder(TranslateByteCode):
    """``TranslateByteCode`` with the interpreter above."""

    _name = "translate_bytecode_in_order"

    def run_pass(self, state: Any) -> bool:
        state["func_ir"] = OrderedInterpreter(state["func_id"]).interpret(state["bc"])
        return True


@register_pass(mutates_CFG=False, analysis_only=True)
class CheckTypes(AnalysisPass):
    """Refuses divisions and shifts between plain integers, and those that are too large for 64 bits with a sign."""

    _name = "check_types_of_the_kernel_language"

    def __init__(self) -> None:
        AnalysisPass.__init__(self)

    def run_pass(self, state: Any) -> bool:
        for expression in _binary_operations(state.func_ir):
            kinds = [state.typemap[operand.name] for operand in (expression.lhs, expression.rhs)]
            if _is_plain(kinds):
                sign = _NOT_FOR_PLAIN_INTEGERS.get(expression.fn)
                if sign:
                    raise KernelCompileError(
                        f"{expression.loc}: {sign} between plain integers: make one a word"
                    )
                if any(_is_unsigned(kind) for kind in kinds):
                    raise KernelCompileError(
                        f"{expression.loc}: a plain integer is below 2⁶³: make it a word"
                    )
        return False


def _binary_operations(func_ir: Any) -> Iterator[Any]:
    for block in func_ir.blocks.values():
        for expression in block.find_exprs():
            if expression.op in ("binop", "inplace_binop"):
                yield expression


def _is_plain(kinds: list[types.Type]) -> bool:
    """Whether all are plain integers, and not all constants, whose quotients are known."""
    constant = all(isinstance(kind, types.IntegerLiteral) for kind in kinds)
    return not constant and all(isinstance(kind, (types.Integer, types.IntegerLiteral)) for kind in kinds)


def _is_unsigned(kind: Any) -> bool:
    if isinstance(kind, types.IntegerLiteral):
        kind = kind.literal_type
    return not getattr(kind, "signed", True)


class PlacedLower(Lower):
    """Lowering that tells what it emits which line of the source it has come to."""

    def lower_inst(self, inst: Any) -> None:
        move_to(self.loc.line)
        super().lower_inst(inst)


@register_pass(mutates_CFG=True, analysis_only=False)
class PlacedLowering(NativeLowering):
    """``NativeLowering`` with the class above."""

    _name = "native_lowering_with_lines"

    @property
    def lowering_class(self) -> type[Lower]:
        return PlacedLower


class KernelCompiler(CompilerBase):
    """The pipeline of kernel functions."""

    def define_pipelines(self) -> list[Any]:
        manager = DefaultPassBuilder.define_nopython_pipeline(self.state)
        steps = [step for step, _ in manager.passes]
        at = steps.index(TranslateByteCode)
        manager.passes[at] = (TranslateInOrder, "translating bytecode in order")
        at = [step for step, _ in manager.passes].index(NativeLowering)
        manager.passes[at] = (PlacedLowering, "native lowering")
        manager.add_pass_after(CheckTypes, NopythonTypeInference)
        manager.finalize()
        return [manager]
