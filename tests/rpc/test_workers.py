"""Worker threads: what requests leave behind."""

from __future__ import annotations

import asyncio
import gc
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

from jovay.rpc import workers
from jovay.rpc.workers import Workers


class Large:
    """Something that should not outlive its request."""


def test_a_failed_request_leaves_nothing_to_the_collector() -> None:
    made: list[weakref.ref[Large]] = []

    def work() -> None:
        large = Large()
        made.append(weakref.ref(large))
        raise ValueError("no")

    async def ask(pool: Workers) -> None:
        with pytest.raises(ValueError, match="no"):
            await pool.run_heavy(work)

    gc.disable()
    try:
        with ThreadPoolExecutor(1) as executor:
            asyncio.run(ask(Workers(executor, 1, 1)))
        assert [one() for one in made] == [None]
    finally:
        gc.enable()


def test_memory_goes_back_after_long_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "TIDY_AFTER", 0.0)
    tidied: list[bool] = []
    monkeypatch.setattr(workers, "release_free_memory", lambda: tidied.append(True))

    async def ask(pool: Workers, executor: ThreadPoolExecutor) -> None:
        for _ in range(2):
            await pool.run_heavy(lambda: None)
        while executor._work_queue.qsize():
            await asyncio.sleep(0)
        await asyncio.sleep(0.01)

    for seconds, expected in ((1e9, []), (-1.0, [True])):
        monkeypatch.setattr(workers, "LONG_SECONDS", seconds)
        with ThreadPoolExecutor(1) as executor:
            asyncio.run(ask(Workers(executor, 1, 1), executor))
        assert tidied[:1] == expected
    workers.release_free_memory()
