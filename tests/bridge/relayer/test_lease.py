"""One relayer works, the other waits; both at once waste gas at most."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from jovay.bridge.relayer.lease import Lease


class Time:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Lease, Lease, Time]]:
    clock = Time()
    first, second = (Lease(tmp_path / "lease", name, 30.0, clock, clock) for name in ("first", "second"))
    yield first, second, clock
    first.close()
    second.close()


def test_the_first_keeps_it_as_long_as_it_renews(pair: tuple[Lease, Lease, Time]) -> None:
    first, second, clock = pair
    assert not first.held
    for _ in range(10):
        assert (first.renew(), second.renew()) == (True, False)
        assert (first.held, second.held) == (True, False)
        clock.now += 10
    assert first.token == 1


def test_the_second_takes_over_when_it_runs_out(pair: tuple[Lease, Lease, Time]) -> None:
    first, second, clock = pair
    first.renew()
    clock.now += 29.9
    assert first.held
    assert not second.renew()
    clock.now += 0.2
    assert not first.held  # it was held up, and finds out without asking
    assert second.renew()
    assert not first.renew()
    assert second.token == 2


def test_a_clock_that_has_gone_back_holds_nobody_up(tmp_path: Path) -> None:
    clock, stopwatch = Time(), Time()
    first, second = (Lease(tmp_path / "lease", name, 30.0, clock, stopwatch) for name in ("first", "second"))
    clock.now += 100_000
    assert first.renew()
    clock.now -= 100_000
    assert second.renew()
    first.close()
    second.close()


def test_one_that_ends_hands_over_at_once(pair: tuple[Lease, Lease, Time]) -> None:
    first, second, _ = pair
    first.renew()
    first.release()
    assert not first.held
    assert second.renew()
    first.release()  # in vain: it is no longer its own
    assert not first.renew()


def test_a_restart_has_it_back(pair: tuple[Lease, Lease, Time], tmp_path: Path) -> None:
    first, second, clock = pair
    first.renew()
    again = Lease(tmp_path / "lease", "first", 30.0, clock, clock)
    assert again.renew()
    assert not second.renew()
    again.close()


def test_only_the_holder_acts(pair: tuple[Lease, Lease, Time]) -> None:
    first, second, clock = pair
    acted: list[str] = []
    steps = [
        lease.guard(lambda name=name: acted.append(name), lambda: None)
        for lease, name in ((first, "first"), (second, "second"))
    ]
    first.renew()
    second.renew()
    for step in steps:
        step()
    clock.now += 31
    second.renew()
    for step in steps:
        step()
    assert acted == ["first", "second"]


def test_of_many_at_once_one_gets_it(tmp_path: Path) -> None:
    leases = [Lease(tmp_path / "lease", f"number {number}") for number in range(8)]
    got: list[bool] = []
    threads = [threading.Thread(target=lambda each=each: got.append(each.renew())) for each in leases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == [False] * 7 + [True]
    for lease in leases:
        lease.close()
