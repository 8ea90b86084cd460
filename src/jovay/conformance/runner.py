"""Running many tests: in this process, or in several that each have an engine of their own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from .results import TestResult


@dataclass(frozen=True)
class Selection:
    """Which tests run: of these forks (all, if empty), and only every ``stride``-th from ``offset`` on.

    Tests are counted through all files in their order.
    """

    forks: frozenset[str] = frozenset()
    stride: int = 1
    offset: int = 0


class Suite(Protocol):
    """A kind of tests; ``what`` names them."""

    @property
    def what(self) -> str: ...

    def forks_of(self, content: bytes) -> Mapping[str, Collection[str]]:
        """The forks of each test of a file; raises ``msgspec.DecodeError`` for a file of something else."""

    def run(self, engine: Any, name: str, case: dict[str, Any], forks: frozenset[str]) -> list[TestResult]:
        """The results of a test on ``forks`` (all, if empty)."""


_decode_bodies = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode

Task = tuple[str, bytes, frozenset[str], int, int]


def tasks(suite: Suite, files: Iterable[tuple[str, bytes]], selection: Selection) -> Iterator[Task]:
    """What there is to do of each file: its name, content, forks, and the stride with its start."""
    position = 0
    for name, content in files:
        count = 0
        if selection.stride > 1:
            try:
                count = sum(_wanted(forks, selection.forks) for forks in suite.forks_of(content).values())
            except msgspec.DecodeError:
                count = 0
        start = (selection.offset - position) % selection.stride
        position += count
        if selection.stride == 1 or start < count or not count:
            yield name, content, selection.forks, selection.stride, start


def _wanted(found: Iterable[str], forks: frozenset[str]) -> bool:
    return not forks or not forks.isdisjoint(found)


def run_file(suite: Suite, engine: Any, task: Task) -> list[TestResult]:
    """All results of a file; what holds no such tests is a failed result with the file's name."""
    name, content, forks, stride, start = task
    try:
        found = suite.forks_of(content)
        chosen = [test for test, of_test in found.items() if _wanted(of_test, forks)][start::stride]
        bodies = _decode_bodies(content) if chosen else {}
    except msgspec.DecodeError as error:
        return [TestResult(name, False, "", "", f"no {suite.what}: {error}")]
    results = []
    for test in chosen:
        results += suite.run(engine, test, msgspec.json.decode(bodies[test]), forks)
    return results


def run_all(
    suite: Suite, make_engine: Callable[[], Any], work: Iterable[Task], jobs: int = 1
) -> Iterator[TestResult]:
    """Results in the order of the tests. Each of ``jobs`` processes calls ``make_engine`` once."""
    if jobs <= 1:
        engine = make_engine()
        for task in work:
            yield from run_file(suite, engine, task)
        return
    # Forked, so that the processes share the compiled kernel; the engine itself is made in each.
    with multiprocessing.get_context("fork").Pool(jobs, _begin, (suite, make_engine)) as pool:
        for results in pool.imap(_run_task, work):
            yield from results


_own: tuple[Suite, Any] | None = None


def _begin(suite: Suite, make_engine: Callable[[], Any]) -> None:
    global _own
    _own = suite, make_engine()


def _run_task(task: Task) -> list[TestResult]:
    assert _own is not None
    return run_file(*_own, task)
