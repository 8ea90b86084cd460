"""LLVM IR of many kernel functions: from the cache, or lowered in parallel processes."""

from __future__ import annotations

import importlib
import inspect
import multiprocessing
import os
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from jovay.kernel.lang import KERNEL_FUNCTIONS, Bytes, KernelFunction, Nested, Record, Switch, Table

from .cache import (
    COMPILER_DIRECTORY,
    KERNEL_DIRECTORY,
    cache_directory,
    digest,
    toolchain_version,
    write_atomically,
)
from .references import references

Progress = Callable[[int, int, str], None]
Task = tuple[Path, str, bool]
_FRONTEND_FILES = ("frontend.py", "numba_types.py", "pipeline.py", "syntax.py", "variant.py")


@cache
def _frontend_digest() -> str:
    files = [COMPILER_DIRECTORY / name for name in _FRONTEND_FILES]
    files += sorted((COMPILER_DIRECTORY / "lowering").glob("*.py"))
    files += sorted((KERNEL_DIRECTORY / "lang").glob("*.py"))
    return digest(toolchain_version(), *(path.read_bytes() for path in files))


def _fingerprint(value: Any, names: frozenset[str]) -> str:
    """What ``value`` contributes to the IR of a function that mentions it, and that mentions these names."""
    if getattr(value, "symbol", None) in KERNEL_FUNCTIONS:
        hints = get_type_hints(value).items()
        return f"{value.symbol}({','.join(f'{name}:{_fingerprint(hint, names)}' for name, hint in hints)})"
    if isinstance(value, Switch):
        cases = {key: case.symbol for key, case in value.cases.items()}
        return f"{sorted(cases.items())}{_fingerprint(value.default, names)}"
    if isinstance(value, type) and issubclass(value, Record):
        return _layout(value, names)
    if get_origin(value) is tuple:
        return f"tuple[{','.join(_fingerprint(part, names) for part in get_args(value))}]"
    if isinstance(value, (int, Table)):
        return repr(value)
    return getattr(value, "__qualname__", type(value).__qualname__)


def _layout(record: Any, names: frozenset[str]) -> str:
    """Types and offsets of the fields with these names, in ``record`` and in the records that they lead to."""
    found: dict[str, str] = {}
    waiting = [record]
    while waiting:
        each = waiting.pop()
        if each.__qualname__ not in found:
            fields = [(name, *each.fields[name]) for name in sorted(names & each.fields.keys())]
            found[each.__qualname__] = repr([(name, _kind(kind), at) for name, kind, at in fields])
            kinds = [kind.record if isinstance(kind, Nested) else kind for _, kind, _ in fields]
            waiting += [k for k in kinds if isinstance(k, type) and issubclass(k, Record)]
    return f"{record.__qualname__}{sorted(found.items())}"


def _kind(kind: Any) -> str:
    if isinstance(kind, Nested):
        return f"Nested({kind.record.__qualname__})"
    return f"Bytes({kind.size})" if isinstance(kind, Bytes) else str(kind.__qualname__)


def function_key(function: KernelFunction, checked: bool = False) -> str:
    """Cache key of one function's IR: its source, what it refers to, and the front end itself.

    The IR of the ``checked`` build names lines, so there the function's place in its file counts too.
    """
    source = textwrap.dedent(inspect.getsource(function))
    if checked:
        source = f"checked {function.__code__.co_filename} {function.__code__.co_firstlineno}\n{source}"
    names = frozenset(function.__code__.co_names)
    outside = [f"{name}={_fingerprint(value, names)}" for name, value in references(function)]
    return digest(_frontend_digest(), source, str(function.inline), _fingerprint(function, names), *outside)


def _lower_to(path: Path, symbol: str, checked: bool) -> tuple[str, str]:
    from .frontend import lower_function

    try:
        write_atomically(path, lower_function(KERNEL_FUNCTIONS[symbol], checked).encode())
    except Exception as error:
        return symbol, f"{error}"
    return symbol, ""


def _lower_task(task: Task) -> tuple[str, str]:
    return _lower_to(*task)


def generate(
    functions: Sequence[KernelFunction], progress: Progress | None = None, checked: bool = False
) -> dict[str, str]:
    """IR text by symbol, of the ``checked`` build or the plain one.

    ``progress(done, total, symbol)`` is told of each function that had to be lowered.

    Raises ``KernelCompileError`` listing every function that failed.
    """
    from .errors import KernelCompileError

    directory = cache_directory() / "ir"
    paths = {f.symbol: directory / f"{function_key(f, checked)}.ll" for f in functions}
    missing = [(path, symbol, checked) for symbol, path in paths.items() if not path.exists()]
    failures = []
    for done, (symbol, error) in enumerate(_lower_all(missing), 1):
        if error:
            failures.append(error)
        if progress:
            progress(done, len(missing), symbol)
    if failures:
        raise KernelCompileError("\n\n".join(failures))
    return {symbol: path.read_text() for symbol, path in paths.items()}


def _lower_all(tasks: list[Task]) -> Iterable[tuple[str, str]]:
    workers = min(os.cpu_count() or 1, len(tasks) // 8)
    return _in_processes(tasks, workers) if workers > 1 else map(_lower_task, tasks)


def _in_processes(tasks: list[Task], workers: int) -> Iterator[tuple[str, str]]:
    # Forked children share Numba and the imported kernel; a spawned child would not know its closures by name.
    importlib.import_module(".frontend", __package__)
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        yield from pool.imap_unordered(_lower_task, tasks, chunksize=4)
