"""What a kernel function refers to, and whether all of it is in the language. Nothing here needs Numba."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, get_origin

from jovay.kernel.lang import KERNEL_FUNCTIONS, KernelFunction, Record, Switch, Table, Word

from .variant import variant

_LANGUAGE = "jovay.kernel.lang."


def references(function: KernelFunction) -> Iterator[tuple[str, Any]]:
    """Names and values a function takes from outside: globals, closure cells and attributes of modules."""
    code, outer = function.__code__, function.__globals__
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        yield name, cell.cell_contents
    for name in code.co_names:
        if name in outer:
            value = outer[name]
            yield name, value
            if isinstance(value, types.ModuleType):
                yield from ((n, getattr(value, n)) for n in code.co_names if hasattr(value, n))


def callees(function: KernelFunction, checked: bool = False) -> Iterator[KernelFunction]:
    """Kernel functions that ``function`` may call, also through switches; in the ``checked`` build or the plain one."""
    for _, value in references(variant(function, checked)):
        if isinstance(value, Switch):
            yield from (*value.cases.values(), value.default)
        elif getattr(value, "symbol", None) in KERNEL_FUNCTIONS:
            yield value


def reachable(
    entries: Sequence[KernelFunction],
    checked: bool = False,
    twins: Mapping[str, KernelFunction | None] = MappingProxyType({}),
) -> list[KernelFunction]:
    """``entries`` and everything they call, by symbol; where a function has a twin, what that calls (None: nothing)."""
    found: dict[str, KernelFunction] = {}
    waiting = list(entries)
    while waiting:
        function = waiting.pop()
        if function.symbol not in found:
            found[function.symbol] = function
            body = twins.get(function.symbol, function)
            if body is not None:
                waiting.extend(callees(body, checked))
    return [found[symbol] for symbol in sorted(found)]


def check_references(function: KernelFunction) -> str:
    """What ``function`` refers to outside the language, a line each; empty if nothing is."""
    return "\n".join(
        f"{name} is {type(value).__name__} {getattr(value, '__name__', value)!r}: outside the language"
        for name, value in references(function)
        if not _is_allowed(value)
    )


def _is_allowed(value: Any) -> bool:
    if isinstance(value, (int, Table, Switch)) or get_origin(value) is tuple:
        return True
    if isinstance(value, type):
        return issubclass(value, (Record, Word))
    if isinstance(value, types.ModuleType):
        return value.__name__.startswith("jovay.kernel")
    known = getattr(value, "symbol", None) in KERNEL_FUNCTIONS
    return known or getattr(value, "__module__", "").startswith(_LANGUAGE)
