"""Coalescing of submissions."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jovay.chain.reasons import Invalid
from jovay.rpc import ingest
from jovay.rpc.backend import Backend
from jovay.rpc.backend.pool import RawBatch, SubmitError, Submitted
from jovay.rpc.budget import Budget
from jovay.rpc.errors import RpcError
from jovay.rpc.ingest import Ingest, merge


class Portal:
    """Refuses transactions that begin with 0xff; hashes are the first byte, 32 times."""

    def __init__(self) -> None:
        self.batches: list[list[bytes]] = []
        self.open = threading.Event()
        self.open.set()

    def submit(self, batch: RawBatch, ready_only: bool = False) -> Submitted:
        self.open.wait(10)
        starts = [0, *batch.ends]
        raws = [batch.data[starts[n] : end] for n, end in enumerate(batch.ends)]
        self.batches.append(raws)
        if b"boom" in raws:
            raise ZeroDivisionError
        errors = {
            index: SubmitError(Invalid.UNDERPRICED, raw.hex())
            for index, raw in enumerate(raws)
            if raw[:1] == b"\xff"
        }
        return Submitted(b"".join(raw[:1] * 32 for raw in raws), errors)


def batch_of(*raws: bytes) -> RawBatch:
    ends, total = [], 0
    for raw in raws:
        total += len(raw)
        ends.append(total)
    return RawBatch(b"".join(raws), ends)


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as made:
        yield made


def run(
    portal: Portal,
    executor: ThreadPoolExecutor,
    parts: list[RawBatch],
    limit: int = 1_000,
    memory: int = 1 << 24,
    gone: tuple[int, ...] = (),
) -> list[Any]:
    """Submit the first part, then all others while the portal is busy with it."""

    async def work() -> list[Any]:
        budget = Budget(memory)
        ingest = Ingest(cast(Backend, portal), executor, limit, budget)
        portal.open.clear()
        tasks = [asyncio.create_task(ingest.submit(part)) for part in parts[:1]]
        await asyncio.sleep(0.01)
        tasks += [asyncio.create_task(ingest.submit(part)) for part in parts[1:]]
        await asyncio.sleep(0.01)
        for index in gone:
            tasks[index].cancel()
        portal.open.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        while ingest._waiting:
            await asyncio.sleep(0.001)
        assert budget.used == 0
        return results

    return asyncio.run(work())


def test_what_arrives_together_goes_in_together(executor: ThreadPoolExecutor) -> None:
    portal = Portal()
    parts = [batch_of(b"a"), batch_of(b"b", b"\xffx"), batch_of(b"c"), batch_of(b"\xffy", b"d")]
    results = run(portal, executor, parts)
    assert portal.batches == [[b"a"], [b"b", b"\xffx", b"c", b"\xffy", b"d"]]
    assert [result.hashes for result in results] == [
        b"a" * 32,
        b"b" * 32 + b"\xff" * 32,
        b"c" * 32,
        b"\xff" * 32 + b"d" * 32,
    ]
    assert [dict(result.errors).keys() for result in results] == [set(), {1}, set(), {0}]
    assert results[3].errors[0].message == b"\xffy".hex()


def test_a_failure_reaches_all_who_wait(executor: ThreadPoolExecutor) -> None:
    portal = Portal()
    results = run(portal, executor, [batch_of(b"a"), batch_of(b"boom"), batch_of(b"c")])
    assert isinstance(results[0], Submitted)
    assert [type(result) for result in results[1:]] == [ZeroDivisionError] * 2


def test_limit(executor: ThreadPoolExecutor) -> None:
    results = run(Portal(), executor, [batch_of(b"a"), batch_of(b"b", b"c"), batch_of(b"d", b"e")], limit=3)
    assert [type(result) for result in results] == [Submitted, Submitted, RpcError]
    assert results[2].code == -32005


def test_limit_of_bytes(executor: ThreadPoolExecutor) -> None:
    """Also of those whose client has gone, until they are taken out."""
    portal = Portal()
    parts = [batch_of(b"a"), batch_of(b"x" * 60), batch_of(b"y" * 60), batch_of(b"z" * 20)]
    results = run(portal, executor, parts, memory=100, gone=(1,))
    assert [type(result) for result in results] == [Submitted, asyncio.CancelledError, RpcError, Submitted]
    assert "too many bytes" in results[2].message
    assert portal.batches == [[b"a"], [b"z" * 20]]


def test_large_parts_are_not_piled_up(executor: ThreadPoolExecutor) -> None:
    portal = Portal()
    many = [batch_of(*[letter] * 2_500) for letter in (b"x", b"\xff")]
    results = run(portal, executor, [batch_of(b"a"), *many, batch_of(b"b"), batch_of(b"c")], limit=20_000)
    # A piece of one, then of the other; but single transactions go first.
    assert [len(raws) for raws in portal.batches[:3]] == [1, 512, 512]
    assert portal.batches[1][:3] == [b"b", b"c", b"x"]
    assert sum(map(len, portal.batches)) == 5_003
    assert [len(result.hashes) for result in results] == [32, 80_000, 80_000, 32, 32]
    assert not results[1].errors
    assert sorted(results[2].errors) == list(range(2_500))
    assert results[2].errors[2_499].message == "ff"


def test_pieces_are_larger_where_nobody_sends_few(
    executor: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "_RECENT", -1.0)
    portal = Portal()
    run(portal, executor, [batch_of(b"a"), batch_of(*[b"x"] * 5_000)], limit=20_000)
    assert [len(raws) for raws in portal.batches] == [1, 2_048, 2_048, 904]


def test_a_large_part_of_which_a_piece_failed_goes_no_further(executor: ThreadPoolExecutor) -> None:
    portal = Portal()
    results = run(portal, executor, [batch_of(b"a"), batch_of(*[b"boom"] * 5_000)], limit=20_000)
    assert isinstance(results[1], ZeroDivisionError)
    assert [len(raws) for raws in portal.batches] == [1, 512]


def test_large_transactions_go_in_pieces_too(executor: ThreadPoolExecutor) -> None:
    portal = Portal()
    large = batch_of(*[bytes(400_000)] * 5)
    results = run(portal, executor, [batch_of(b"a"), large])
    assert [len(raws) for raws in portal.batches] == [1, 2, 2, 1]
    assert len(results[1].hashes) == 160


@settings(deadline=None)
@given(st.lists(st.lists(st.binary(max_size=5), max_size=5), min_size=1, max_size=5))
def test_merge(parts: list[list[bytes]]) -> None:
    merged = merge([batch_of(*raws) for raws in parts])
    assert merged == batch_of(*[raw for raws in parts for raw in raws])
