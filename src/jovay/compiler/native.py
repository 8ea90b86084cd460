"""Kernel → native code: link, optimise for this CPU, emit one object.

An object is made for a list of entry functions; everything else becomes internal. It is cached under its IR and the
CPU. An entry whose arguments and result are 64-bit words has the C ABI; any other gets a thunk beside it, over an
array of 64-bit slots. ``jovay.native`` loads and calls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any, get_args, get_origin, get_type_hints

import llvmlite.binding as llvm
import llvmlite.ir as ir

from jovay.kernel.arenas import shadow
from jovay.kernel.lang import KernelFunction, Record, Word

from .cache import cache_directory, digest, toolchain_version, write_atomically
from .checked import checks, is_chosen
from .errors import KernelCompileError
from .generate import Progress, generate
from .references import reachable

OPTIMISATION_LEVEL = 2


def new_machine() -> llvm.TargetMachine:
    """A target machine of this CPU with all its features."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple()
    features = llvm.get_host_cpu_features().flatten()
    return target.create_target_machine(cpu=llvm.get_host_cpu_name(), features=features, opt=2, jit=True)


@cache
def host_machine() -> llvm.TargetMachine:
    """The target machine for optimising and emitting; never give it to an engine."""
    return new_machine()


def host_key() -> str:
    return f"{llvm.get_host_cpu_name()} {llvm.get_host_cpu_features().flatten()}"


def signature(function: KernelFunction) -> tuple[list[Any], Any]:
    """The types of a function's arguments, and of its result (None: nothing)."""
    hints = get_type_hints(function)
    result = hints.pop("return", None)
    return list(hints.values()), None if result is type(None) else result


def _is_word64(annotation: Any) -> bool:
    if not isinstance(annotation, type):
        return False
    return issubclass(annotation, Record) or (issubclass(annotation, Word) and annotation.bits == 64)


def is_plain(function: KernelFunction) -> bool:
    """Whether arguments and result all are 64-bit words (or there is no result)."""
    arguments, result = signature(function)
    return all(map(_is_word64, arguments)) and (result is None or _is_word64(result))


def slots_of(annotation: Any) -> int:
    """How many 64-bit slots a value of this type takes."""
    if isinstance(annotation, type) and issubclass(annotation, Word):
        return max(1, annotation.bits // 64)
    return 1


def _slot_thunks(functions: Sequence[KernelFunction]) -> str:
    """IR of the thunks of entries whose signature is not plain."""
    module, i64 = ir.Module("slots"), ir.IntType(64)

    def llvm_type(annotation: Any) -> ir.Type:
        if get_origin(annotation) is tuple:
            parts = [llvm_type(a) for a in get_args(annotation)]
            same = all(p == parts[0] for p in parts)
            return ir.ArrayType(parts[0], len(parts)) if same else ir.LiteralStructType(parts)
        if annotation is bool:
            return ir.IntType(1)
        return ir.IntType(annotation.bits if issubclass(annotation, Word) else 64)

    for function in functions:
        arguments, result = signature(function)
        kind = ir.FunctionType(
            ir.VoidType() if result is None else llvm_type(result), [llvm_type(a) for a in arguments]
        )
        callee = ir.Function(module, kind, function.symbol)
        thunk = ir.Function(module, ir.FunctionType(ir.VoidType(), [i64]), "slots." + callee.name)
        builder = ir.IRBuilder(thunk.append_basic_block())

        def at(slot: int, builder: ir.IRBuilder = builder, base: ir.Value = thunk.args[0]) -> ir.Value:
            return builder.inttoptr(builder.add(base, ir.Constant(i64, 8 * slot)), ir.PointerType())

        values, slot = [], 0
        for annotation in arguments:
            wide = ir.IntType(max(64, llvm_type(annotation).width))
            value = builder.load(at(slot), typ=wide, align=8)
            values.append(
                value if wide == llvm_type(annotation) else builder.trunc(value, llvm_type(annotation))
            )
            slot += slots_of(annotation)
        returned, slot = builder.call(callee, values), 0
        parts = get_args(result) if get_origin(result) is tuple else [] if result is None else [result]
        for k, annotation in enumerate(parts):
            part = builder.extract_value(returned, k) if get_origin(result) is tuple else returned
            if part.type.width < 64:
                part = builder.zext(part, i64)
            builder.store(part, at(slot), align=8)
            slot += slots_of(annotation)
        builder.ret_void()
    return str(module)


def link(texts: Sequence[str], exported: set[str]) -> llvm.ModuleRef:
    """Link IR modules into one; all but ``exported`` become internal."""
    module = llvm.parse_assembly("")
    for text in texts:
        module.link_in(llvm.parse_assembly(text))
    for thing in (*module.functions, *module.global_variables):
        if not thing.is_declaration and thing.name not in exported:
            thing.linkage = "internal"
    return module


def optimise(module: llvm.ModuleRef, machine: llvm.TargetMachine, level: int, vectorise: bool) -> None:
    """LLVM's standard pipeline."""
    options = llvm.create_pipeline_tuning_options(speed_level=level)
    options.loop_vectorization = options.slp_vectorization = vectorise
    passes = llvm.create_pass_builder(machine, options)
    passes.getModulePassManager().run(module, passes)


def forward(function: KernelFunction, twin: str) -> str:
    """IR that defines ``function`` as a call of its SIMD twin: all arguments and the result are 64-bit words."""
    arguments, result = signature(function)
    symbol = function.symbol
    if not is_plain(function) or result is None:
        raise KernelCompileError(f"{symbol}: a twin takes 64-bit words and returns one")
    types = ", ".join(["i64"] * len(arguments))
    named = ", ".join(f"i64 %a{k}" for k in range(len(arguments)))
    return (
        f'declare i64 @"{twin}"({types})\n'
        f'define i64 @"{symbol}"({named}) {{\n  %r = call i64 @"{twin}"({named})\n  ret i64 %r\n}}\n'
    )


def compile_object(
    entries: Sequence[KernelFunction],
    twins: Mapping[str, str] = MappingProxyType({}),
    extra: Sequence[str] = (),
    progress: Progress | None = None,
    checked: bool | None = None,
    replaced: Mapping[str, str] = MappingProxyType({}),
) -> bytes:
    """Object code of ``entries`` with all they call, for this CPU; cached by IR.

    ``twins`` maps kernel functions to functions of the ``extra`` IR modules that take their place. ``checked`` says
    which build; the environment does where it is None. ``replaced``: IR of functions by symbol instead of their own.
    ``progress`` is told of functions as ``generate`` does, then of LLVM's phases, with a total of 0.
    """
    machine = host_machine()
    checked = is_chosen() if checked is None else checked
    functions = reachable(list(entries), checked)
    texts = generate([f for f in functions if f.symbol not in twins], progress, checked) | dict(replaced)
    if checked:
        texts |= generate(shadow.FUNCTIONS) | {checks.BEGIN: checks.module()}
    for f in functions:
        if f.symbol in twins:
            texts[f.symbol] = forward(f, twins[f.symbol])
    slots = [f for f in entries if not is_plain(f)]
    ordered = [texts[symbol] for symbol in sorted(texts)]
    exported = {f.symbol for f in entries} | {"slots." + f.symbol for f in slots}
    if checked:
        exported.add(checks.BEGIN)
    key = digest(
        toolchain_version(), host_key(), str(OPTIMISATION_LEVEL), *sorted(exported), *ordered, *extra
    )
    path = cache_directory() / "native" / f"{key}.o"
    if not path.exists():
        report = progress or (lambda done, total, what: None)
        report(0, 0, f"linking {len(ordered) + len(extra)} modules")
        module = link([*ordered, *extra] + ([_slot_thunks(slots)] if slots else []), exported)
        report(0, 0, "optimising for this CPU")
        optimise(module, machine, OPTIMISATION_LEVEL, vectorise=not checked)
        report(0, 0, "emitting machine code")
        write_atomically(path, machine.emit_object(module))
    return path.read_bytes()


def compile_modules(texts: Sequence[str], exported: set[str]) -> bytes:
    """Object code of IR modules by themselves, for this CPU; cached by IR."""
    key = digest(toolchain_version(), host_key(), str(OPTIMISATION_LEVEL), *sorted(exported), *texts)
    path = cache_directory() / "native" / f"{key}.o"
    if not path.exists():
        module = link(texts, exported)
        optimise(module, host_machine(), OPTIMISATION_LEVEL, vectorise=False)
        write_atomically(path, host_machine().emit_object(module))
    return path.read_bytes()
