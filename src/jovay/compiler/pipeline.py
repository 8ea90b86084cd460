"""Numba's nopython pipeline with the one step whose result depends on the process put right.

Numba collects the values that flow between blocks in sets of strings, so their order, and with it the code,
follows Python's hash seed. Programs must be the same from every process: here they are taken by name.
"""

from __future__ import annotations

from typing import Any

from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import register_pass
from numba.core.interpreter import Interpreter
from numba.core.untyped_passes import TranslateByteCode


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


class KernelCompiler(CompilerBase):
    """The pipeline of kernel functions."""

    def define_pipelines(self) -> list[Any]:
        manager = DefaultPassBuilder.define_nopython_pipeline(self.state)
        steps = [step for step, _ in manager.passes]
        at = steps.index(TranslateByteCode)
        manager.passes[at] = (TranslateInOrder, "translating bytecode in order")
        manager.finalize()
        return [manager]
