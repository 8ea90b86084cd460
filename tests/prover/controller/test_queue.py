"""The queue: what is handed out to whom, when again, and which results are taken."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from jovay.bridge.controller_client import TEE, ZK
from jovay.bridge.wire.statement import Statement
from jovay.prover.controller.errors import SupersededError, UnknownBatchError
from jovay.prover.controller.queue import DONE, FAILED, KEPT, LEASED, MOST_ATTEMPTS, QUEUED, ProofQueue
from jovay.prover.controller.requests import TYPES, BatchRequest
from rigs.proof_requests import request, statement_of


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(tmp_path: Path, clock: Clock) -> Iterator[ProofQueue]:
    queue = ProofQueue(tmp_path / "queue", clock)
    yield queue
    queue.close()


def ready(queue: ProofQueue, index: int = 1, data: bytes = b"") -> BatchRequest:
    """A batch whose task is complete."""
    asked = request(index, data)
    queue.put(asked, TYPES)
    queue.set_task(index, asked.header.hash, b"task %d" % index)
    return asked


def complete(
    queue: ProofQueue, asked: BatchRequest, kind: str = TEE, statement: Statement | None = None
) -> None:
    queue.complete(asked.index, kind, "worker", statement or statement_of(asked), b"proof")


def status(queue: ProofQueue, index: int = 1, kind: str = TEE) -> str:
    return queue.proof(index, kind).status


def test_a_batch_is_leased_once_for_each_type_and_in_order(queue: ProofQueue) -> None:
    ready(queue, 2), ready(queue, 3)
    first, second = queue.lease(TEE, "a", 10), queue.lease(TEE, "b", 10)
    assert first is not None
    assert second is not None
    assert (first.index, second.index) == (2, 3)
    assert queue.lease(TEE, "c", 10) is None
    other = queue.lease(ZK, "c", 10)
    assert other is not None
    assert other.index == 2
    assert queue.task(first.id) == b"task 2"


def test_nothing_is_leased_before_its_task_is_complete(queue: ProofQueue) -> None:
    asked = request(1)
    queue.put(asked, TYPES)
    assert queue.lease(TEE, "a", 10) is None
    assert queue.without_task() == [(asked, False)]
    queue.set_task(1, asked.header.hash, b"task")
    assert queue.without_task() == []
    assert queue.lease(TEE, "a", 10) is not None


def test_a_lease_that_ran_out_is_handed_out_again(queue: ProofQueue, clock: Clock) -> None:
    asked = ready(queue)
    lost = queue.lease(TEE, "a", 10)
    assert lost is not None
    clock.now += 9
    queue.renew(lost.id, 10)
    clock.now += 9
    assert queue.lease(TEE, "b", 10) is None
    clock.now += 2
    taken = queue.lease(TEE, "b", 10)
    assert taken is not None
    for late in (
        lambda: queue.renew(lost.id, 10),
        lambda: queue.task(lost.id),
        lambda: queue.fail(lost.id, "", False),
    ):
        with pytest.raises(SupersededError):
            late()
    complete(queue, asked)  # the first worker comes back after all, with the same statement
    assert status(queue) == DONE
    with pytest.raises(SupersededError):
        complete(queue, asked)


def test_a_clock_that_has_gone_back_holds_no_batch(queue: ProofQueue, clock: Clock) -> None:
    ready(queue)
    clock.now += 100_000
    assert queue.lease(TEE, "one", 60) is not None
    clock.now -= 100_000
    assert queue.lease(TEE, "two", 60) is not None
    assert queue.lease(TEE, "three", 60) is None


def test_a_batch_that_nobody_comes_back_from_fails(queue: ProofQueue, clock: Clock) -> None:
    ready(queue)
    for _ in range(MOST_ATTEMPTS):
        assert queue.lease(TEE, "a", 10) is not None
        clock.now += 11
    assert queue.lease(TEE, "a", 10) is None
    assert status(queue) == FAILED
    assert "did not come back" in queue.proof(1, TEE).error


def test_a_refusal_counts_when_new_witnesses_do_not_mend_it(queue: ProofQueue) -> None:
    asked = ready(queue)
    lease = queue.lease(TEE, "a", 10)
    assert lease is not None
    assert queue.fail(lease.id, "wrong root", True) == QUEUED
    assert queue.lease(TEE, "a", 10) is None
    assert queue.without_task() == [(asked, True)]
    queue.set_task(1, asked.header.hash, b"anew")
    lease = queue.lease(TEE, "a", 10)
    assert lease is not None
    assert queue.fail(lease.id, "wrong root", True) == FAILED
    assert queue.proof(1, TEE).error == "wrong root"


def test_trouble_of_a_worker_is_tried_again_with_the_same_task(queue: ProofQueue) -> None:
    ready(queue)
    for attempt in range(1, MOST_ATTEMPTS + 1):
        lease = queue.lease(TEE, "a", 10)
        assert lease is not None
        assert queue.fail(lease.id, "out of memory", False) == (
            FAILED if attempt == MOST_ATTEMPTS else QUEUED
        )


def test_a_known_batch_changes_nothing(queue: ProofQueue) -> None:
    asked = ready(queue)
    complete(queue, asked)
    assert queue.put(asked, TYPES) is False
    assert status(queue) == DONE


def test_another_batch_takes_the_place_of_it_and_of_all_after_it(queue: ProofQueue) -> None:
    old = ready(queue, 2)
    ready(queue, 1), ready(queue, 3)
    lease = queue.lease(TEE, "a", 10)
    assert lease is not None
    assert lease.index == 1
    complete(queue, old)
    assert queue.put(request(2, b"other"), TYPES) is True
    assert (status(queue, 1), status(queue, 2)) == (LEASED, QUEUED)
    with pytest.raises(UnknownBatchError):
        queue.proof(3, TEE)


def test_a_late_result_of_a_replaced_batch_is_refused(queue: ProofQueue) -> None:
    old = ready(queue)
    lease = queue.lease(TEE, "a", 10)
    assert lease is not None
    ready(queue, data=b"other")
    for late in (
        lambda: complete(queue, old),
        lambda: queue.fail(lease.id, "no", True),
        lambda: queue.renew(lease.id, 10),
        lambda: queue.task(lease.id),
    ):
        with pytest.raises(SupersededError):
            late()
    queue.set_task(1, old.header.hash, b"late")
    again = queue.lease(TEE, "b", 10)
    assert again is not None
    assert queue.task(again.id) == b"task 1"


@pytest.mark.parametrize("field", ["l1_chain_id", "rollup", "chain_config_hash", "batch_hash"])
def test_a_statement_of_something_else_is_refused(queue: ProofQueue, field: str) -> None:
    asked = ready(queue)
    stated = statement_of(asked)
    other = {"l1_chain_id": 1, "rollup": bytes(20)}.get(field, bytes(32))
    with pytest.raises(SupersededError):
        complete(queue, asked, statement=replace(stated, **{field: other}))


def test_proving_again(queue: ProofQueue) -> None:
    asked = ready(queue)
    complete(queue, asked)
    complete(queue, asked, ZK)
    assert queue.without_task() == []
    queue.reset(1, [TEE])
    assert (status(queue), status(queue, kind=ZK)) == (QUEUED, DONE)
    assert queue.proof(1, TEE).statement is None
    assert queue.without_task() == [(asked, False)]
    with pytest.raises(UnknownBatchError):
        queue.reset(9, [TEE])


def test_dropping(queue: ProofQueue) -> None:
    for index in (1, 2, 3):
        ready(queue, index)
    assert queue.drop(1, 2) == 2
    assert queue.counts()[TEE][QUEUED] == 1
    with pytest.raises(UnknownBatchError):
        queue.proof(2, TEE)


def test_old_batches_go_once_nothing_of_them_is_waited_for(queue: ProofQueue) -> None:
    done, waiting = request(1), request(2)
    for asked in (done, waiting):
        queue.put(asked, [TEE])
    complete(queue, done)
    queue.put(request(1 + KEPT), [TEE])
    assert status(queue, 1) == DONE
    queue.put(request(3 + KEPT), [TEE])
    assert status(queue, 2) == QUEUED
    with pytest.raises(UnknownBatchError):
        queue.proof(1, TEE)


def test_all_of_it_is_there_after_a_restart(tmp_path: Path, clock: Clock) -> None:
    first = ProofQueue(tmp_path / "queue", clock)
    done, waiting = ready(first, 1), ready(first, 2)
    complete(first, done)
    lease = first.lease(TEE, "a", 10)
    assert lease is not None
    # not closed: as if it were killed
    second = ProofQueue(tmp_path / "queue", clock)
    assert second.proof(1, TEE).statement == statement_of(done).to_json()
    assert second.proof(1, TEE).proof == b"proof"
    assert second.task(lease.id) == b"task 2"
    complete(second, waiting)
    assert second.counts()[TEE] == {QUEUED: 0, LEASED: 0, DONE: 2, FAILED: 0}
    first.close(), second.close()
