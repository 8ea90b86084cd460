"""Transactions on their way into the pool: many requests become few calls of the backend.

Whatever arrives while the backend works on one batch forms the next one, so that the cost per call (a thread
switch, the backend's fixed work) is shared under load and nothing waits when there is no load.
"""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import Executor

import numpy as np

from jovay.rpc.backend import Backend, RawBatch, SubmitError, Submitted
from jovay.rpc.errors import limit_exceeded

_MOST_TRANSACTIONS = 8_192
_MOST_BYTES = 16 << 20


class Ingest:
    """Feeds raw transactions to the backend, in order of arrival, one batch at a time."""

    def __init__(self, backend: Backend, executor: Executor, limit: int) -> None:
        self._backend = backend
        self._executor = executor
        self._limit = limit
        self._waiting = 0
        self._parts: deque[tuple[RawBatch, asyncio.Future[Submitted]]] = deque()
        self._worker: asyncio.Task[None] | None = None

    async def submit(self, batch: RawBatch) -> Submitted:
        """Submit a batch; raises when too many transactions wait already."""
        count = len(batch.ends)
        if self._waiting + count > self._limit:
            raise limit_exceeded("too many transactions are waiting to enter the pool, try again later")
        future: asyncio.Future[Submitted] = asyncio.get_running_loop().create_future()
        self._waiting += count
        self._parts.append((batch, future))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.get_running_loop().create_task(self._work())
        return await future

    async def submit_ready(self, raw: bytes) -> Submitted:
        """Submit one transaction that must be able to execute at once."""
        batch = RawBatch(raw, (len(raw),))
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._backend.submit, batch, True)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while self._parts:
            parts = self._take()
            batch = parts[0][0] if len(parts) == 1 else merge([part for part, _ in parts])
            try:
                result = await loop.run_in_executor(self._executor, self._backend.submit, batch)
            except Exception as error:
                for _, future in parts:
                    if not future.done():
                        future.set_exception(error)
            else:
                _deliver(parts, result)
            finally:
                self._waiting -= len(batch.ends)

    def _take(self) -> list[tuple[RawBatch, asyncio.Future[Submitted]]]:
        parts = [self._parts.popleft()]
        count, size = len(parts[0][0].ends), len(parts[0][0].data)
        while self._parts:
            batch = self._parts[0][0]
            count += len(batch.ends)
            size += len(batch.data)
            if count > _MOST_TRANSACTIONS or size > _MOST_BYTES:
                break
            parts.append(self._parts.popleft())
        return parts


def merge(batches: list[RawBatch]) -> RawBatch:
    """One batch of all the transactions, in order."""
    offsets = np.cumsum([0, *(len(batch.data) for batch in batches)], dtype=np.uint64)
    ends = [
        np.asarray(batch.ends, np.uint64) + offset for batch, offset in zip(batches, offsets, strict=False)
    ]
    return RawBatch(b"".join([batch.data for batch in batches]), np.concatenate(ends).tolist())


def _deliver(parts: list[tuple[RawBatch, asyncio.Future[Submitted]]], result: Submitted) -> None:
    if len(parts) == 1:
        future = parts[0][1]
        if not future.done():
            future.set_result(result)
        return
    refused = sorted(result.errors.items())
    first = position = 0
    for batch, future in parts:
        last = first + len(batch.ends)
        errors: dict[int, SubmitError] = {}
        while position < len(refused) and refused[position][0] < last:
            errors[refused[position][0] - first] = refused[position][1]
            position += 1
        if not future.done():
            future.set_result(Submitted(result.hashes[32 * first : 32 * last], errors))
        first = last
