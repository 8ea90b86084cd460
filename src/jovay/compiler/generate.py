"""LLVM IR of many kernel functions: from the cache, or lowered in parallel processes."""

from __future__ import annotations

import inspect
import multiprocessing
import os
import textwrap
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jovay.kernel.lang import KERNEL_FUNCTIONS, Bytes, Record, Switch, Table

from .cache import (
    COMPILER_DIRECTORY,
    KERNEL_DIRECTORY,
    cache_directory,
    digest,
    toolchain_version,
    write_atomically,
)

Progress = Callable[[int, int, str], None]
_FRONTEND_FILES = ("frontend.py", "lowering.py", "numba_types.py", "pipeline.py")


@cache
def _frontend_digest() -> str:
    files = [COMPILER_DIRECTORY / name for name in _FRONTEND_FILES]
    files += sorted((KERNEL_DIRECTORY / "lang").glob("*.py"))
    return digest(toolchain_version(), *(path.read_bytes() for path in files))


def _fingerprint(value: Any) -> str:
    """What a referenced value contributes to the IR of a function that mentions it."""
    if getattr(value, "symbol", None) in KERNEL_FUNCTIONS:
        return f"{value.symbol}{inspect.signature(value)}"
    if isinstance(value, Switch):
        cases = {key: case.symbol for key, case in value.cases.items()}  # type: ignore[attr-defined]
        return f"{sorted(cases.items())}{_fingerprint(value.default)}"
    if isinstance(value, type) and issubclass(value, Record):
        return f"{value.__qualname__}{[(n, _field_type(k), o) for n, (k, o) in value.fields.items()]}"
    if isinstance(value, (int, Table)):
        return repr(value)
    return getattr(value, "__qualname__", type(value).__qualname__)


def _field_type(kind: Any) -> str:
    return f"Bytes({kind.size})" if isinstance(kind, Bytes) else str(kind)


def function_key(function: Callable[..., Any]) -> str:
    """Cache key of one function's IR: its source, what it refers to, and the front end itself."""
    from .frontend import references

    source = textwrap.dedent(inspect.getsource(function))
    outside = [f"{name}={_fingerprint(value)}" for name, value in references(function)]
    hints = [f"{name}:{_fingerprint(hint)}" for name, hint in function.__annotations__.items()]
    return digest(_frontend_digest(), function.symbol, source, *outside, *hints)  # type: ignore[attr-defined]


def _lower_to(path: Path, symbol: str) -> tuple[str, str]:
    from .frontend import lower_function

    try:
        write_atomically(path, lower_function(KERNEL_FUNCTIONS[symbol]).encode())
    except Exception as error:
        return symbol, f"{error}"
    return symbol, ""


def _lower_task(task: tuple[Path, str]) -> tuple[str, str]:
    return _lower_to(*task)


def generate(functions: Sequence[Callable[..., Any]], progress: Progress | None = None) -> dict[str, str]:
    """IR text by symbol. ``progress(done, total, symbol)`` is told of each function that had to be lowered.

    Raises ``KernelCompileError`` listing every function that failed.
    """
    from .errors import KernelCompileError

    directory = cache_directory() / "ir"
    paths = {f.symbol: directory / f"{function_key(f)}.ll" for f in functions}  # type: ignore[attr-defined]
    missing = [(path, symbol) for symbol, path in paths.items() if not path.exists()]
    failures = []
    for done, (symbol, error) in enumerate(_lower_all(missing), 1):
        if error:
            failures.append(error)
        if progress:
            progress(done, len(missing), symbol)
    if failures:
        raise KernelCompileError("\n\n".join(failures))
    return {symbol: path.read_text() for symbol, path in paths.items()}


def _lower_all(tasks: list[tuple[Path, str]]) -> Any:
    workers = min(os.cpu_count() or 1, len(tasks) // 8)
    if workers < 2:
        return map(_lower_task, tasks)
    return _in_processes(tasks, workers)


def _in_processes(tasks: list[tuple[Path, str]], workers: int) -> Any:
    # Forked children already hold the imported kernel; a spawned child would not know its closures by name.
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        yield from pool.imap_unordered(_lower_task, tasks, chunksize=4)
