"""LLVM for the guest: host IR → ``riscv64im`` IR → relocatable object."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import cache

import llvmlite.binding as llvm

from ..errors import CompilerError
from ..native import link, optimise
from .swap import swap_by_halves

TRIPLE = "riscv64-unknown-none-elf"
CPU = "generic-rv64"
FEATURES = "+m,+unaligned-scalar-mem,-relax"
ABI = "lp64"
OPTIMISATION_LEVEL = 2

_HEADER = re.compile(r"^(target triple|target datalayout|source_filename) = .*\n", re.MULTILINE)
_HOST_ATTRIBUTE = re.compile(r'"(?:target-cpu|target-features|tune-cpu)"="[^"]*"')
_MANGLED = re.compile(r'"_ZN[^"]*"')
_DEFINITION = re.compile(r"^(define .*\))( [a-z ]*)?$", re.MULTILINE)


@cache
def guest_machine() -> llvm.TargetMachine:
    """Target machine of the guest: RV64IM, soft-float ABI, static, reach ±2 GiB."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    target = llvm.Target.from_triple(TRIPLE)
    return target.create_target_machine(
        cpu=CPU, features=FEATURES, opt=OPTIMISATION_LEVEL, reloc="static", codemodel="medium", abiname=ABI
    )


def canonical(text: str) -> str:
    """IR text without what varies between processes: Numba's internal names hold counters."""
    names = {name: f'"internal.{k}"' for k, name in enumerate(dict.fromkeys(_MANGLED.findall(text)))}
    lines = (line for line in text.splitlines(keepends=True) if not line.startswith("; ModuleID"))
    return _MANGLED.sub(lambda match: names[match[0]], "".join(lines))


def retarget(text: str) -> str:
    """IR text without the host's triple, data layout and CPU attributes, with the guest's instead."""
    text = _HOST_ATTRIBUTE.sub("", _HEADER.sub("", text))
    return f'target triple = "{TRIPLE}"\ntarget datalayout = "{guest_machine().target_data}"\n{text}'


def freestanding(text: str) -> str:
    """IR text whose functions LLVM may not turn into calls of library functions, such as themselves."""
    return _DEFINITION.sub(r'\1\2 "no-builtins"', text)


def _inline(text: str) -> llvm.ModuleRef:
    """The module, in which what must be inlined is."""
    module, manager = llvm.parse_assembly(text), llvm.create_new_module_pass_manager()
    manager.add_always_inliner_pass()
    manager.run(module, llvm.create_pass_builder(guest_machine(), llvm.create_pipeline_tuning_options()))
    return module


def compile_module(texts: Sequence[str], exported: set[str], imported: Collection[str]) -> bytes:
    """Link, optimise and emit IR modules as one object that exports ``exported`` and may call ``imported``.

    ``CompilerError`` names a function that is called but is neither there nor imported.
    """
    module = link([retarget(text) for text in texts], exported)
    optimise(module, guest_machine(), OPTIMISATION_LEVEL, vectorise=False)
    module = _inline(swap_by_halves(str(module)))
    module.verify()
    for thing in module.functions:
        if thing.is_declaration and thing.name not in imported and not thing.name.startswith("llvm."):
            raise CompilerError(f"the kernel calls {thing.name}, which the guest does not have")
    code: bytes = guest_machine().emit_object(module)
    return code
