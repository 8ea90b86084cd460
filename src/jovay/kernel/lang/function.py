"""``@kernel`` functions and switches over them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, overload


class KernelFunction(Protocol):
    """A Python function that ``@kernel`` has marked."""

    symbol: str
    inline: bool | None
    __name__: str
    __code__: Any
    __globals__: dict[str, Any]
    __closure__: Any

    def __call__(self, *args: Any) -> Any: ...

    def __hash__(self) -> int: ...


#: Every kernel function by its symbol, ``module.name`` without the package prefix.
KERNEL_FUNCTIONS: dict[str, KernelFunction] = {}


@overload
def kernel(function: Callable[..., Any], /) -> KernelFunction: ...
@overload
def kernel(
    *, name: str | None = None, inline: bool | None = None
) -> Callable[[Callable[..., Any]], KernelFunction]: ...
def kernel(function=None, /, *, name=None, inline=None):
    """Mark a function as kernel code. Its annotations (words, records, ``bool``, tuples, None) are its signature.

    ``name`` tells closures from one factory apart. ``inline`` True forces inlining, False forbids it.
    """

    def mark(f):
        module = f.__module__.removeprefix("jovay.kernel.")
        symbol = f"{module}.{name or f.__qualname__}".replace(".<locals>", "")
        if symbol in KERNEL_FUNCTIONS and _identity(KERNEL_FUNCTIONS[symbol]) != _identity(f):
            raise NameError(f"kernel function {symbol} is defined twice: give the closure a name")
        f.symbol, f.inline = symbol, inline
        KERNEL_FUNCTIONS[symbol] = f
        return f

    return mark if function is None else mark(function)


def _identity(function) -> list[int]:
    """Equal for two definitions only if they are one: closures of a factory share code, not what they captured."""
    captured = [id(function.__code__)]
    for cell in function.__closure__ or ():
        try:
            captured.append(id(cell.cell_contents))
        except ValueError:  # not bound yet
            captured.append(id(cell))
    return captured


class Switch:
    """``switch(key, *args)`` calls the kernel function under ``key``, else ``default``; all share one signature."""

    def __init__(self, name: str, cases: Mapping[int, KernelFunction], default: KernelFunction) -> None:
        self.name, self.cases, self.default = name, dict(cases), default

    def __call__(self, key, *args):
        return self.cases.get(int(key), self.default)(*args)
