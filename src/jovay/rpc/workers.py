"""Worker threads for what may block the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import ParamSpec, TypeVar

from jovay.rpc.errors import limit_exceeded

P = ParamSpec("P")
R = TypeVar("R")


class Pool:
    """Worker threads for handlers that may block, with a cap on heavy ones."""

    def __init__(self, executor: Executor, heavy: int, waiting: int) -> None:
        self._executor = executor
        self._turns = asyncio.Semaphore(heavy)
        self._waiting = 0
        self._most_waiting = waiting

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run in a worker thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, lambda: function(*args, **kwargs))

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
        future = asyncio.get_running_loop().run_in_executor(self._executor, lambda: function(*args, **kwargs))
        future.add_done_callback(lambda _: self._turns.release())
        return await asyncio.shield(future)
