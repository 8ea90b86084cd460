"""Work that is shared by threads: kernels give the interpreter away while they run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from os import sched_getaffinity
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def workers() -> int:
    """CPUs of this process."""
    return len(sched_getaffinity(0))


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(workers(), "zk")


def each(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """``function`` of each item, in order. Not to be called by what it runs."""
    return list(_pool().map(function, items))


def shares(blocks: int, most: int | None = None) -> list[slice]:
    """Ranges of ``blocks`` for all workers, none longer than ``most``."""
    step = max(1, -(-blocks // workers()))
    step = step if most is None else min(step, most)
    return [slice(start, min(start + step, blocks)) for start in range(0, blocks, step)]
