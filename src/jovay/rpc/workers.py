"""Worker threads for what may block the event loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import Executor
from typing import ParamSpec, TypeVar

from jovay.native.allocator import release_free_memory
from jovay.rpc.errors import limit_exceeded
from jovay.turns import READS

LONG_SECONDS = 0.25
"""After so long a heavy request may leave much free memory behind."""
TIDY_AFTER = 1.0
P = ParamSpec("P")
R = TypeVar("R")


class Workers:
    """Threads for handlers that may block, with a cap on heavy ones."""

    def __init__(self, executor: Executor, heavy: int, waiting: int) -> None:
        self._executor = executor
        self._turns = asyncio.Semaphore(heavy)
        self._waiting = 0
        self._most_waiting = waiting
        self._is_untidy = False

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run in a worker thread, when reads have their turn."""
        loop = asyncio.get_running_loop()

        def work() -> R:
            with READS.turn():
                return function(*args, **kwargs)

        return await loop.run_in_executor(self._executor, work)

    async def run_heavy(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run in a worker thread once it is this call's turn; refuses when too many wait."""
        if self._waiting >= self._most_waiting:
            raise limit_exceeded("too many heavy requests are waiting, try again later")
        self._waiting += 1
        try:
            await self._turns.acquire()
        finally:
            self._waiting -= 1
        # The turn belongs to the thread: a caller that gives up must not let another thread start beside it.
        loop = asyncio.get_running_loop()
        begun = loop.time()

        def work() -> R:
            with READS.turn():
                return function(*args, **kwargs)

        future = loop.run_in_executor(self._executor, work)

        def done(_: object) -> None:
            self._turns.release()
            if loop.time() - begun > LONG_SECONDS and not self._is_untidy:
                self._is_untidy = True
                loop.call_later(TIDY_AFTER, self._tidy_up)

        future.add_done_callback(done)
        try:
            return await asyncio.shield(future)
        finally:
            # The traceback of its exception leads to this frame: together they would keep all that the request made.
            del future

    def _tidy_up(self) -> None:
        self._is_untidy = False
        with contextlib.suppress(RuntimeError):  # the server has stopped
            self._executor.submit(release_free_memory)
