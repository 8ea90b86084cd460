"""Work that is shared by threads: kernels give the interpreter away while they run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from os import sched_getaffinity
from threading import current_thread
from typing import TypeVar

_NAME = "proving"
Item = TypeVar("Item")
Result = TypeVar("Result")


def workers() -> int:
    """CPUs of this process."""
    return len(sched_getaffinity(0))


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(workers(), _NAME)


def each(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """``function`` of each item, in order; one after another where a worker asks, since all others may wait as well."""
    listed = list(items)
    if len(listed) < 2 or current_thread().name.startswith(_NAME):
        return [function(item) for item in listed]
    return list(_pool().map(function, listed))


def shares(blocks: int, most: int | None = None) -> list[slice]:
    """Ranges of ``blocks`` for all workers, none longer than ``most``."""
    step = max(1, -(-blocks // workers()))
    step = step if most is None else min(step, most)
    return [slice(start, min(start + step, blocks)) for start in range(0, blocks, step)]
