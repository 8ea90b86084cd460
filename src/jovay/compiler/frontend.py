"""Kernel function → LLVM IR text. Numba types and lowers one function at a time; callees stay declarations.

Each function becomes one module that defines ``@"symbol"`` with a plain signature (words by value, tuples as
structs), so modules can be cached, linked and optimised in any order. Signatures come from annotations, so no
function needs its callees compiled first, and recursion is ordinary.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints

import llvmlite.ir as ir
from numba.core import compiler, types
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target
from numba.core.typing.templates import AbstractTemplate, signature
from numba.extending import lower_builtin

from jovay.kernel.lang import KERNEL_FUNCTIONS, U64, KernelFunction, Record, Switch

from .errors import KernelCompileError
from .lowering import register_record
from .lowering.access import Place, checking
from .numba_types import numba_type
from .pipeline import KernelCompiler
from .references import check_references, references
from .syntax import check_syntax
from .variant import variant

PACKAGE = Path(__file__).parent.parent


@dataclass(frozen=True)
class Signature:
    """The compiled signature of a kernel function."""

    arguments: tuple[types.Type, ...]
    result: types.Type


def signature_of(function: KernelFunction) -> Signature:
    """Read a kernel function's annotations; ``KernelCompileError`` where one is missing or outside the language."""
    hints = get_type_hints(function)
    code = function.__code__
    names = code.co_varnames[: code.co_argcount]
    for name in names:
        if name not in hints:
            raise KernelCompileError(f"{function.symbol}: argument {name} has no annotation")
    try:
        return Signature(tuple(numba_type(hints[n]) for n in names), numba_type(hints.get("return")))
    except TypeError as error:
        raise KernelCompileError(f"{function.symbol}: bad signature: {error}") from error


#: What Numba has been told of, by identity (kept alive, so that no identity is used twice).
_declared: dict[int, Any] = {}


def _declare(value: Any) -> None:
    """Make a kernel function or record class callable from compiled code."""
    if id(value) in _declared:
        return
    if isinstance(value, type) and issubclass(value, Record):
        register_record(value)
    elif isinstance(value, Switch):
        _declare_switch(value)
    elif getattr(value, "symbol", None) in KERNEL_FUNCTIONS:
        _declare_function(value)
    else:
        return
    _declared[id(value)] = value


def _declare_function(function: KernelFunction) -> None:
    sig = signature_of(function)

    class Call(AbstractTemplate):
        key = function

        def generic(self, args: Any, kws: Any) -> Any:
            return (
                signature(sig.result, *sig.arguments) if len(args) == len(sig.arguments) and not kws else None
            )

    cpu_target.typing_context.insert_global(function, types.Function(Call))

    def lower(context: Any, builder: ir.IRBuilder, call: Any, args: Any) -> ir.Value:
        return emit_call(context, builder, function, sig, args)

    lower_builtin(function, *sig.arguments)(lower)


def llvm_signature(context: Any, sig: Signature) -> ir.FunctionType:
    """The plain LLVM function type of a kernel signature."""
    result = ir.VoidType() if sig.result == types.none else context.get_value_type(sig.result)
    return ir.FunctionType(result, [context.get_value_type(a) for a in sig.arguments])


def emit_call(context: Any, builder: ir.IRBuilder, function: Any, sig: Signature, args: Any) -> ir.Value:
    """Call ``function`` by its symbol, declaring it in the current module if need be."""
    module = builder.module
    callee = module.globals.get(function.symbol)
    if callee is None:
        callee = ir.Function(module, llvm_signature(context, sig), function.symbol)
    result = builder.call(callee, args)
    return context.get_dummy_value() if sig.result == types.none else result


# ---- switches ------------------------------------------------------------------------------------------------


def _declare_switch(switch: Switch) -> None:
    sig = signature_of(switch.default)
    selector = numba_type(U64)

    class Call(AbstractTemplate):
        key = switch

        def generic(self, args: Any, kws: Any) -> Any:
            return (
                signature(sig.result, selector, *sig.arguments)
                if len(args) == len(sig.arguments) + 1
                else None
            )

    cpu_target.typing_context.insert_global(switch, types.Function(Call))

    def lower(context: Any, builder: ir.IRBuilder, call: Any, args: Any) -> ir.Value:
        return _emit_switch(context, builder, switch, sig, args[0], args[1:])

    lower_builtin(switch, selector, *sig.arguments)(lower)


def _emit_switch(
    context: Any, builder: ir.IRBuilder, switch: Switch, sig: Signature, key: Any, args: Any
) -> Any:
    done = builder.append_basic_block("switch.done")
    default = builder.append_basic_block("switch.default")
    table = builder.switch(key, default)
    results = []
    for value, function in [*sorted(switch.cases.items()), (None, switch.default)]:
        block = default if value is None else builder.append_basic_block(f"case.{value:x}")
        if value is not None:
            table.add_case(ir.Constant(key.type, value), block)
        builder.position_at_end(block)
        results.append((emit_call(context, builder, function, sig, args), builder.block))
        builder.branch(done)
    builder.position_at_end(done)
    if sig.result == types.none:
        return context.get_dummy_value()
    phi = builder.phi(results[0][0].type)
    for value, block in results:
        phi.add_incoming(value, block)
    return phi


# ---- one function --------------------------------------------------------------------------------------------


class _CapturingLibrary:
    """Stands in for Numba's code library: keeps the IR module and compiles nothing."""

    def __init__(self, codegen: Any, name: str) -> None:
        self.codegen, self.name = codegen, name
        self.modules: list[ir.Module] = []
        self.recorded_timings: Any = None
        self._reload_init: set[str] = set()

    def create_ir_module(self, name: str) -> ir.Module:
        module: ir.Module = self.codegen._create_empty_module(name)
        return module

    def add_ir_module(self, module: ir.Module) -> None:
        self.modules.append(module)

    def add_linking_library(self, library: Any) -> None:
        if library.name == "nrt":  # Numba always asks for its runtime; a use of it fails at link time
            return
        raise KernelCompileError(f"{self.name}: calls code outside the kernel: {library.name}")

    def finalize(self) -> None:
        pass

    def enable_object_caching(self) -> None:
        pass


_FLAGS = compiler.Flags()
_FLAGS.no_cpython_wrapper = True
_FLAGS.no_cfunc_wrapper = True
_FLAGS.no_compile = True
_FLAGS.error_model = "numpy"
_FLAGS.boundscheck = False


@global_compiler_lock
def lower_function(function: KernelFunction, checked: bool = False, source: str | None = None) -> str:
    """LLVM IR text that defines ``function`` under its symbol; ``checked``: with a check before every access.

    ``source`` takes the place of the function's own (see ``variant``).

    Raises ``KernelCompileError`` with what is outside the language: our own account of it, or Numba's.
    """
    outside = check_syntax(function) or check_references(function)
    if outside:
        raise KernelCompileError(f"{function.symbol}:\n{outside}")
    compiled = variant(function, checked, source)
    for _, value in references(compiled):
        _declare(value)
    hints = get_type_hints(function).values()
    for hint in hints:
        _declare(hint)
    sig = signature_of(function)
    typing, target = cpu_target.typing_context, cpu_target.target_context
    typing.refresh()
    target.refresh()
    library = _CapturingLibrary(target.codegen(), function.symbol)
    place = Place(function.symbol, _source_file(function)) if checked else None
    try:
        with checking(place):
            result = compiler.compile_extra(
                typing,
                target,
                compiled,
                sig.arguments,
                sig.result,
                _FLAGS,
                {},
                library=library,
                pipeline_class=KernelCompiler,
            )
    except Exception as error:
        raise KernelCompileError(f"{function.symbol}: {error}") from error
    module = library.modules[0]
    _define_plain(target, module, function, sig, result.fndesc)
    return str(module)


def _source_file(function: KernelFunction) -> str:
    """Path of its source, within the package where it is there."""
    path = Path(function.__code__.co_filename)
    return str(path.relative_to(PACKAGE)) if path.is_relative_to(PACKAGE) else str(path)


def _define_plain(context: Any, module: ir.Module, function: Any, sig: Signature, fndesc: Any) -> None:
    """Define the plain-signature function as a wrapper around what Numba lowered."""
    inner = module.globals[fndesc.llvm_func_name]
    inner.linkage = "internal"
    inner.attributes.add("alwaysinline")
    inner.attributes.discard("noinline")
    outer = module.globals.get(function.symbol)  # declared already where the function is recursive
    if outer is None:
        outer = ir.Function(module, llvm_signature(context, sig), function.symbol)
    if function.inline is not None:
        outer.attributes.add("alwaysinline" if function.inline else "noinline")
    outer.attributes.add("nounwind")
    builder = ir.IRBuilder(outer.append_basic_block("entry"))
    _, value = context.call_conv.call_function(builder, inner, sig.result, sig.arguments, list(outer.args))
    if sig.result == types.none:
        builder.ret_void()
    else:
        builder.ret(value)
