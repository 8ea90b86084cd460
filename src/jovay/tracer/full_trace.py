"""Full traces, as the white paper calls them: chunks run as the RISC-V program that the zkVM proves, side by side."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import islice

from .chunk import ChunkInput, ChunkStatement
from .guest import ChunkGuest


def full_traces(chunks: Iterable[ChunkInput], processes: int) -> Iterator[tuple[ChunkStatement, int]]:
    """What the program states of each chunk, in order, and its cycles. Raises ``GuestError`` where it does not end.

    Of ``chunks`` no more are taken than are at work, and one for each process.
    """
    context = multiprocessing.get_context("spawn")  # threads of this process may hold locks
    inputs = (chunk.encode(scale=0) for chunk in chunks)
    with ProcessPoolExecutor(processes, context) as pool:
        running = [pool.submit(_run, data) for data in islice(inputs, 2 * processes)]
        while running:
            yield running.pop(0).result()
            running += [pool.submit(_run, data) for data in islice(inputs, 1)]


@cache
def _guest() -> ChunkGuest:
    return ChunkGuest()


def _run(data: bytes) -> tuple[ChunkStatement, int]:
    return _guest().execute(data)
