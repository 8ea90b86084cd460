"""Which SIMD kernels a CPU gets, as LLVM IR text, and a loader for tests and benchmarks."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import llvmlite.binding as llvm

from .keccak import keccak_module
from .poseidon2 import poseidon2_module
from .secp256k1_recover import recover_module
from .sha256 import sha256_module

SHA = frozenset({"sha", "sse4.1"})
AVX512 = frozenset({"avx512f", "avx512bw", "avx512dq", "avx512vl"})


@dataclass(frozen=True)
class Kernel:
    """One exported C function; all arguments and the result are 64-bit integers."""

    symbol: str
    arguments: int
    features: frozenset[str]
    module: Callable[[], str]


KERNELS = (
    Kernel("secp256k1_recover_batch", 6, AVX512 | {"avx512ifma"}, recover_module),
    Kernel("keccak256_batch", 4, AVX512, keccak_module),
    Kernel("poseidon2_compress_batch", 3, AVX512, poseidon2_module),
    Kernel("sha256_digest", 3, SHA, sha256_module),
)


def _fitting(features: Iterable[str]) -> list[Kernel]:
    have = set(features)
    return [kernel for kernel in KERNELS if kernel.features <= have]


def ir_modules(features: Iterable[str]) -> list[str]:
    """IR text of the kernels for a CPU with these features (LLVM's names); empty if there are none."""
    return [kernel.module() for kernel in _fitting(features)]


def exported_symbols(features: Iterable[str]) -> set[str]:
    """The functions that ``ir_modules`` defines for the same features."""
    return {kernel.symbol for kernel in _fitting(features)}


def host_features() -> set[str]:
    """LLVM's names of what this CPU has."""
    return {name for name, present in llvm.get_host_cpu_features().items() if present}


class Kernels:
    """The kernels of this machine, compiled and callable by symbol. Calls release the GIL."""

    def __init__(self, features: set[str]) -> None:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        machine = llvm.Target.from_default_triple().create_target_machine(
            cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=3, jit=True
        )
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
        for ir_text in ir_modules(features):
            module = llvm.parse_assembly(ir_text)
            module.verify()
            builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=3))
            builder.getModulePassManager().run(module, builder)
            self._engine.add_module(module)
        self._engine.finalize_object()
        self._functions = {kernel.symbol: self._function(kernel) for kernel in _fitting(features)}

    def _function(self, kernel: Kernel) -> Any:
        kind = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * kernel.arguments)
        return kind(self._engine.get_function_address(kernel.symbol))

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._functions

    def __getitem__(self, symbol: str) -> Callable[..., int]:
        function: Callable[..., int] = self._functions[symbol]
        return function


@cache
def load() -> Kernels:
    """The kernels that this CPU can run, compiled in this process."""
    return Kernels(host_features())
