"""Compiled kernel code, loaded: its functions as Python's.

Arguments are numbers, or whatever lies in memory: arenas, buffers, records, numpy arrays, bytes (which the kernel only
reads). They become addresses here and nowhere else, and are kept alive until the function returns. A function of
64-bit words is called straight through its C ABI; any other through an array of 64-bit slots, meant for tests.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, get_args, get_origin

import llvmlite.binding as llvm

from jovay.compiler.checked import checks
from jovay.compiler.checked.runtime import runtime
from jovay.compiler.generate import Progress
from jovay.compiler.native import compile_object, is_plain, new_machine, signature, slots_of
from jovay.kernel.lang import KernelFunction

from .places import address

WORD = (1 << 64) - 1


class ObjectCode:
    """Object code in memory, ready to be called."""

    def __init__(self, code: bytes) -> None:
        # An engine owns its target machine and frees it.
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), new_machine())
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self._engine.finalize_object()

    def address(self, symbol: str) -> int:
        """Address of an exported symbol; ``KeyError`` if there is none."""
        address: int = self._engine.get_function_address(symbol)
        if not address:
            raise KeyError(symbol)
        return address

    def function(self, symbol: str, arguments: int) -> Callable[..., int]:
        """An exported function of ``arguments`` 64-bit words that returns one; it releases the interpreter."""
        compiled = ctypes.CFUNCTYPE(ctypes.c_uint64, *[ctypes.c_uint64] * arguments)(self.address(symbol))
        compiled.code = self  # type: ignore[attr-defined]  # which goes with the last who calls it

        def call(*values: Any) -> int:
            result: int = compiled(*[value if type(value) is int else address(value) for value in values])
            return result

        return call


class Library(ObjectCode):
    """A loaded library. ``library[function]`` is the callable of one of its entries; it releases the interpreter."""

    def __init__(self, code: bytes, entries: Sequence[KernelFunction]) -> None:
        super().__init__(code)
        if begin := self._engine.get_function_address(checks.BEGIN):
            runtime().attach(begin)
        self._entries = {f.symbol: f for f in entries}

    @cache  # noqa: B019  (a library lives as long as the process)
    def __getitem__(self, function: KernelFunction) -> Callable[..., Any]:
        if is_plain(function):
            return self._direct(function, ctypes.CFUNCTYPE)
        thunk = ctypes.CFUNCTYPE(None, ctypes.c_uint64)(self.address("slots." + function.symbol))
        return _through_slots(thunk, *signature(function))

    @cache  # noqa: B019
    def brief(self, function: KernelFunction) -> Callable[..., Any]:
        """The same for functions of words that take microseconds: the interpreter is held meanwhile.

        Whoever gives it away waits for it again, up to a switch interval if another thread computes.
        """
        return self._direct(function, ctypes.PYFUNCTYPE)

    def _direct(self, function: KernelFunction, prototype: Callable[..., Any]) -> Callable[..., Any]:
        arguments, result = signature(function)
        kind = prototype(ctypes.c_uint64 if result else None, *[ctypes.c_uint64] * len(arguments))
        compiled = kind(self.address(function.symbol))

        def call(*values: Any) -> Any:
            return compiled(*[value if type(value) is int else address(value) for value in values])

        return call


def _through_slots(call: Callable[[int], None], arguments: list[Any], result: Any) -> Callable[..., Any]:
    results = list(get_args(result)) if get_origin(result) is tuple else [] if result is None else [result]
    size = max(sum(map(slots_of, arguments)), sum(map(slots_of, results)), 1)

    def invoke(*values: Any) -> Any:
        words: list[int] = []
        for annotation, value in zip(arguments, values, strict=True):
            whole = address(value)
            words += [(whole >> (64 * k)) & WORD for k in range(slots_of(annotation))]
        buffer = (ctypes.c_uint64 * size)(*words)
        call(ctypes.addressof(buffer))
        out, at = [], 0
        for annotation in results:
            out.append(sum(buffer[at + k] << (64 * k) for k in range(slots_of(annotation))))
            at += slots_of(annotation)
        return tuple(out) if get_origin(result) is tuple else out[0] if out else None

    return invoke


def build(
    entries: Sequence[KernelFunction], progress: Progress | None = None, checked: bool | None = None
) -> Library:
    """Compile and load ``entries``: for tests and tools; the node's own library is ``kernel.load``."""
    return Library(compile_object(entries, progress=progress, checked=checked), entries)
