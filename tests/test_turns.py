"""Turns of threads that answer reads."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable

import pytest

from jovay import turns
from jovay.turns import Reads, Turns

PATIENCE = 20.0


def start(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.001)


def test_turns_go_round_in_order_of_arrival() -> None:
    turns_, order = Turns(), list[int]()
    turns_.take()
    threads = []
    for number in range(5):
        threads.append(start(lambda number=number: (turns_.take(), order.append(number), turns_.give())))  # type: ignore[misc]
        wait_for(lambda number=number: len(turns_._waiting) == number + 1)  # type: ignore[misc]
    assert order == []
    turns_.give()
    for thread in threads:
        thread.join(PATIENCE)
    assert order == [0, 1, 2, 3, 4]
    assert turns_._out == 0


def test_as_many_turns_as_places() -> None:
    turns_ = Turns(2)
    turns_.take()
    turns_.take()
    third = start(turns_.take)
    wait_for(turns_.are_wanted)
    assert third.is_alive()
    turns_.give()
    third.join(PATIENCE)
    assert not third.is_alive()


def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "PATIENCE", 0.01)
    turns_ = Turns()
    turns_.take()
    turns_.take()
    assert turns_._out == 2
    waiting = start(turns_.take)
    waiting.join(PATIENCE)
    for left in (2, 1, 0):
        turns_.give()
        assert turns_._out == left
    assert not turns_.are_wanted()


def test_readers_compute_one_at_a_time_but_wait_together() -> None:
    reads, running, most, inside = Reads(), list[int](), list[int](), threading.Barrier(4, timeout=PATIENCE)

    def read() -> None:
        with reads.turn():
            running.append(1)
            most.append(len(running))
            running.pop()
            with reads.away():
                inside.wait()  # all four are here at once, or this breaks
            running.append(1)
            most.append(len(running))
            running.pop()

    threads = [start(read) for _ in range(4)]
    for thread in threads:
        thread.join(PATIENCE)
    assert most == [1] * 8


def test_away_without_a_turn_is_nothing() -> None:
    reads = Reads()
    with reads.away():
        assert reads._turns._out == 0
    reads.pass_on()
    assert reads._turns._out == 0


def test_a_long_turn_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "SLICE", 0.0)
    reads, order = Reads(), list[str]()

    def other() -> None:
        with reads.turn():
            order.append("other")

    with reads.turn():
        thread = start(other)
        wait_for(reads._turns.are_wanted)
        reads.pass_on()
        order.append("first")
    thread.join(PATIENCE)
    assert order == ["other", "first"]


def test_reads_rest_while_transactions_come_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "SLICE", 0.0)
    rests: list[float] = []
    monkeypatch.setattr(time, "sleep", rests.append)
    reads = Reads()
    with reads.turn():
        reads.pass_on()
        assert rests == []
        reads.transactions()
        reads.pass_on()
    assert rests == [turns.REST]


def test_threads_hand_over_sooner_while_somebody_reads() -> None:
    usual, reads = sys.getswitchinterval(), Reads()
    try:
        with reads.turn():
            assert sys.getswitchinterval() == pytest.approx(turns.SOON)
            with reads.turn():
                pass
            assert sys.getswitchinterval() == pytest.approx(turns.SOON)
        assert sys.getswitchinterval() == pytest.approx(turns.USUAL)
    finally:
        sys.setswitchinterval(usual)
