"""``@kernel`` functions and switches over them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar, overload

F = TypeVar("F", bound=Callable)

#: Every kernel function by its symbol, ``module.name`` without the package prefix.
KERNEL_FUNCTIONS: dict[str, Callable] = {}


@overload
def kernel(function: F, /) -> F: ...
@overload
def kernel(*, name: str | None = None, inline: bool | None = None) -> Callable[[F], F]: ...
def kernel(function=None, /, *, name=None, inline=None):
    """Mark a function as kernel code. Its annotations (words, records, ``bool``, tuples, None) are its signature.

    ``name`` tells closures from one factory apart. ``inline`` True forces inlining, False forbids it.
    """

    def mark(f):
        module = f.__module__.removeprefix("jovay.kernel.")
        symbol = f"{module}.{name or f.__qualname__}".replace(".<locals>", "")
        if symbol in KERNEL_FUNCTIONS and KERNEL_FUNCTIONS[symbol].__code__ is not f.__code__:
            raise NameError(f"kernel function {symbol} is defined twice: give the closure a name")
        f.symbol, f.inline = symbol, inline
        KERNEL_FUNCTIONS[symbol] = f
        return f

    return mark if function is None else mark(function)


class Switch:
    """``switch(key, *args)`` calls the kernel function under ``key``, else ``default``; all share one signature."""

    def __init__(self, name: str, cases: Mapping[int, Callable], default: Callable) -> None:
        self.name, self.cases, self.default = name, dict(cases), default

    def __call__(self, key, *args):
        return self.cases.get(int(key), self.default)(*args)
