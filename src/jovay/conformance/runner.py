"""Running many state tests: in this process, or in several that each have an engine of their own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from .state_tests import Engine, EngineError, StateTestResult, run_case


@dataclass(frozen=True)
class Selection:
    """Which tests run: of these forks (all, if empty), and only every ``stride``-th from ``offset`` on.

    Tests are counted through all files in their order.
    """

    forks: frozenset[str] = frozenset()
    stride: int = 1
    offset: int = 0


class _Post(msgspec.Struct):
    post: dict[str, msgspec.Raw]


_decode_heads = msgspec.json.Decoder(dict[str, _Post]).decode
_decode_bodies = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode

Task = tuple[str, bytes, frozenset[str], int, int]


def tasks(files: Iterable[tuple[str, bytes]], selection: Selection) -> Iterator[Task]:
    """What there is to do of each file: its name, content, forks, and the stride with its start."""
    position = 0
    for name, content in files:
        count = 0
        if selection.stride > 1:
            try:
                count = sum(_wanted(head.post, selection.forks) for head in _decode_heads(content).values())
            except msgspec.DecodeError:
                count = 0
        start = (selection.offset - position) % selection.stride
        position += count
        if selection.stride == 1 or start < count or not count:
            yield name, content, selection.forks, selection.stride, start


def _wanted(post: Iterable[str], forks: frozenset[str]) -> bool:
    return not forks or not forks.isdisjoint(post)


def run_file(engine: Engine, scale: int, task: Task) -> list[StateTestResult]:
    """All results of a file; what is no state test is a failed result with the file's name."""
    name, content, forks, stride, start = task
    try:
        heads = _decode_heads(content)
        chosen = [test for test, head in heads.items() if _wanted(head.post, forks)][start::stride]
        bodies = _decode_bodies(content) if chosen else {}
    except msgspec.DecodeError as error:
        return [StateTestResult(name, False, "", "", f"no state tests: {error}", 0)]
    results = []
    for test in chosen:
        results += _run_test(engine, test, msgspec.json.decode(bodies[test]), forks, scale)
    return results


def _run_test(
    engine: Engine, name: str, case: dict[str, Any], forks: frozenset[str], scale: int
) -> list[StateTestResult]:
    post = {fork: posts for fork, posts in case["post"].items() if not forks or fork in forks}
    try:
        return list(run_case(engine, name, case | {"post": post}, scale))
    except (KeyError, ValueError, TypeError, OverflowError, EngineError) as error:
        return [
            StateTestResult(name, False, "", fork, f"{type(error).__name__}: {error}", 0) for fork in post
        ]


def run_all(
    make_engine: Callable[[], Engine], work: Iterable[Task], scale: int = 1, jobs: int = 1
) -> Iterator[StateTestResult]:
    """Results in the order of the tests. Each of ``jobs`` processes calls ``make_engine`` once."""
    if jobs <= 1:
        engine = make_engine()
        for task in work:
            yield from run_file(engine, scale, task)
        return
    # Forked, so that the processes share the compiled kernel; the engine itself is made in each.
    with multiprocessing.get_context("fork").Pool(jobs, _begin, (make_engine, scale)) as pool:
        for results in pool.imap(_run_task, work):
            yield from results


_engine: tuple[Engine, int] | None = None


def _begin(make_engine: Callable[[], Engine], scale: int) -> None:
    global _engine
    _engine = make_engine(), scale


def _run_task(task: Task) -> list[StateTestResult]:
    assert _engine is not None
    return run_file(*_engine, task)
