"""Transactions on their way into the pool: many requests become few calls of the pool, none of them long.

Whatever arrives while the pool works on one batch forms the next one, so that the cost per call (a thread
switch, the pool's fixed work) is shared under load and nothing waits when there is no load. Large batches go in
pieces, each in its turn, and single transactions go before them: nobody waits for more than one piece of others'.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor

import numpy as np

from jovay.rpc.backend.pool import Pool, RawBatch, SubmitError, Submitted
from jovay.rpc.budget import Budget
from jovay.rpc.errors import limit_exceeded
from jovay.turns import READS

_MOST_TRANSACTIONS = 2_048
"""In one call of the pool: some 16 ms of decoding and recovering senders."""
_FEWER, _RECENT = 512, 0.1
"""The same where somebody sent few within so many seconds, who may do so again."""
_MOST_BYTES = 1 << 20
_FEW = 32
"""Batches up to this size go before larger ones."""


class _Errors(Mapping[int, SubmitError]):
    """Refusals of a batch that went in pieces, made when somebody looks at them."""

    __slots__ = ("_places",)

    def __init__(self, places: dict[int, tuple[Mapping[int, SubmitError], int]]) -> None:
        self._places = places

    def __getitem__(self, index: int) -> SubmitError:
        errors, at = self._places[index]
        return errors[at]

    def __iter__(self) -> Iterator[int]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


class _Part:
    """A client's batch, of which ``at`` transactions have gone in."""

    __slots__ = ("at", "batch", "count", "errors", "future", "hashes")

    def __init__(self, batch: RawBatch, future: asyncio.Future[Submitted]) -> None:
        self.batch, self.future = batch, future
        self.count, self.at = len(batch.ends), 0
        self.hashes: list[bytes] = []
        self.errors: dict[int, tuple[Mapping[int, SubmitError], int]] = {}

    def take(self, most: int) -> RawBatch:
        """The next piece: one transaction at least, up to ``most`` of them within the bound of bytes."""
        ends = self.batch.ends
        begin = int(ends[self.at - 1]) if self.at else 0
        if self.count - self.at <= most and len(self.batch.data) - begin <= _MOST_BYTES:
            stop = self.count
        else:
            last = np.asarray(ends[self.at : self.at + most], np.uint64)
            stop = self.at + max(1, int(np.searchsorted(last, begin + _MOST_BYTES, "right")))
        if (self.at, stop) == (0, self.count):
            self.at = stop
            return self.batch
        piece = np.asarray(ends[self.at : stop], np.uint64) - np.uint64(begin)
        self.at = stop
        return RawBatch(self.batch.data[begin : begin + int(piece[-1])], piece.tolist())

    def finish(self) -> None:
        """Answer, once all of it has gone in."""
        if self.at == self.count and not self.future.done():
            errors = _Errors(self.errors) if self.errors else {}
            self.future.set_result(Submitted(b"".join(self.hashes), errors))


class Ingest:
    """Feeds raw transactions to the pool, one batch at a time: few before many, else in order of arrival."""

    def __init__(self, pool: Pool, executor: Executor, limit: int, memory: Budget) -> None:
        """``limit`` transactions may wait; what they take comes from ``memory``."""
        self._pool = pool
        self._executor = executor
        self._limit = limit
        self._memory = memory
        self._waiting = 0
        self._few: deque[_Part] = deque()
        self._many: deque[_Part] = deque()
        self._few_came = float("-inf")
        self._worker: asyncio.Task[None] | None = None

    async def submit(self, batch: RawBatch) -> Submitted:
        """Submit a batch; raises when too many transactions wait already."""
        READS.transactions()
        count = len(batch.ends)
        if self._waiting + count > self._limit:
            raise limit_exceeded("too many transactions are waiting to enter the pool, try again later")
        if not self._memory.move(0, len(batch.data)):
            self._memory.move(len(batch.data), 0)
            raise limit_exceeded(
                "too many bytes of transactions are waiting to enter the pool, try again later"
            )
        part = _Part(batch, asyncio.get_running_loop().create_future())
        self._waiting += count
        if count <= _FEW:
            self._few_came = asyncio.get_running_loop().time()
            self._few.append(part)
        else:
            self._many.append(part)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.get_running_loop().create_task(self._work())
        return await part.future

    async def submit_ready(self, raw: bytes) -> Submitted:
        """Submit one transaction that must be able to execute at once."""
        READS.transactions()
        batch = RawBatch(raw, (len(raw),))
        loop = asyncio.get_running_loop()
        self._few_came = loop.time()
        return await loop.run_in_executor(self._executor, self._pool.submit, batch, True)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while self._few or self._many:
            taken = self._take()
            if not taken:
                continue
            pieces = [piece for _, piece in taken]
            batch = pieces[0] if len(pieces) == 1 else merge(pieces)
            try:
                result = await loop.run_in_executor(self._executor, self._pool.submit, batch)
            except Exception as error:
                for part, _ in taken:
                    if not part.future.done():
                        part.future.set_exception(error)
            else:
                _deliver(taken, result)
            finally:
                self._waiting -= len(batch.ends)
                for part, _ in taken:
                    if part.at == part.count:
                        self._memory.move(len(part.batch.data), 0)

    def _take(self) -> list[tuple[_Part, RawBatch]]:
        """Pieces for one call. Few leave half of the room to many, so that both get on."""
        taken: list[tuple[_Part, RawBatch]] = []
        is_recent = asyncio.get_running_loop().time() - self._few_came < _RECENT
        room, size = _FEWER if is_recent else _MOST_TRANSACTIONS, 0
        for parts, least in ((self._few, room // 2 if self._many else 0), (self._many, 0)):
            while parts and room > least and (size < _MOST_BYTES or not taken):
                part = parts.popleft()
                if part.future.done():  # nobody waits for it any more
                    self._waiting -= part.count - part.at
                    self._memory.move(len(part.batch.data), 0)
                    continue
                piece = part.take(room - least)
                taken.append((part, piece))
                room -= len(piece.ends)
                size += len(piece.data)
                if part.at < part.count:
                    parts.append(part)
                    break
        return taken


def merge(batches: list[RawBatch]) -> RawBatch:
    """One batch of all the transactions, in order."""
    offsets = np.cumsum([0, *(len(batch.data) for batch in batches)], dtype=np.uint64)
    ends = [
        np.asarray(batch.ends, np.uint64) + offset for batch, offset in zip(batches, offsets, strict=False)
    ]
    return RawBatch(b"".join([batch.data for batch in batches]), np.concatenate(ends).tolist())


def _deliver(taken: list[tuple[_Part, RawBatch]], result: Submitted) -> None:
    refused = sorted(result.errors)
    first = position = 0
    for part, piece in taken:
        last = first + len(piece.ends)
        begin = part.at - len(piece.ends)
        while position < len(refused) and refused[position] < last:
            index = refused[position]
            part.errors[begin + index - first] = result.errors, index
            position += 1
        part.hashes.append(result.hashes[32 * first : 32 * last])
        part.finish()
        first = last
