"""Time stamps where the system's clock does not do as it should."""

from __future__ import annotations

import logging

import pytest

from jovay.sequencer.clock import MAX_TIMESTAMP, Clock

YEAR = 365 * 86_400


class Machine:
    """A clock that people set, and one that nobody sets."""

    def __init__(self) -> None:
        self.system, self.elapsed = 1_700_000_000.0, 50.0
        self.clock = Clock(lambda: self.system, lambda: self.elapsed)
        self.parent = 1_699_999_000

    def after(self, seconds: float) -> int:
        """Time stamp of a block so much later."""
        self.system += seconds
        self.elapsed += seconds
        self.parent = self.clock.timestamp(self.parent)
        return self.parent - 1_700_000_000


def test_time_stamps_are_the_systems() -> None:
    machine = Machine()
    assert [machine.after(seconds) for seconds in (0.0, 1.0, 0.5, 0.5, 1_000.0)] == [0, 1, 1, 2, 1_002]


def test_a_jump_ahead_is_followed_slowly_and_waited_out(caplog: pytest.LogCaptureFixture) -> None:
    machine = Machine()
    machine.system += YEAR
    with caplog.at_level(logging.WARNING):
        assert machine.after(0.0) == 0
        assert [machine.after(1.0) for _ in range(60)] == [2 * k for k in range(1, 61)]
    assert len(caplog.records) == 1
    assert "jumped 31536000 s ahead" in caplog.records[0].getMessage()
    machine.system -= YEAR  # set right after a minute
    assert [machine.after(1.0) for _ in range(62)] == [120] * 60 + [121, 122]


def test_a_jump_that_was_right_is_caught_up_with() -> None:
    machine = Machine()
    machine.system += 100
    assert [machine.after(50.0), machine.after(50.0), machine.after(50.0)] == [100, 200, 250]


def test_a_clock_set_back_makes_no_block_earlier() -> None:
    machine = Machine()
    assert machine.after(10.0) == 10
    machine.system -= 5
    assert [machine.after(1.0) for _ in range(6)] == [10, 10, 10, 10, 10, 11]


def test_an_interval_ends_at_the_greatest_time() -> None:
    machine = Machine()
    machine.clock.space(1 << 32)
    assert machine.clock.timestamp(MAX_TIMESTAMP - 5) == MAX_TIMESTAMP
    machine.clock.plan(7)
    assert machine.clock.timestamp(5) == 7
    assert machine.clock.timestamp(9) == 9
