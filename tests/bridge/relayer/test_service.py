"""The loop: what fails is said once, tried again after longer and longer pauses, and holds up nothing else."""

from __future__ import annotations

import logging
import threading

import pytest

from jovay.bridge.relayer.errors import WaitingError
from jovay.bridge.relayer.service import LONGEST_PAUSE, Service, Step


class Flaky:
    """Fails as it is told."""

    def __init__(self, *errors: Exception | None) -> None:
        self.errors = list(errors)
        self.runs = 0

    def __call__(self) -> None:
        self.runs += 1
        if self.errors and (error := self.errors.pop(0)):
            raise error


def test_what_fails_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    gone, other = WaitingError("L1 is gone"), WaitingError("the node is gone")
    step = Step("commit", Flaky(gone, gone, gone, other, None, gone), every=0.5)
    pauses = [step.take() for _ in range(4)]
    assert pauses == [1.0, 2.0, 4.0, 8.0]
    assert (step.problem, step.failures) == ("the node is gone", 4)
    assert step.take() == 0.5
    assert (step.problem, step.failures, step.done) == ("", 0, 1)
    assert step.take() == 1.0
    said = [record.__dict__.get("problem") or record.getMessage() for record in caplog.records]
    assert said == ["L1 is gone", "the node is gone", "a step gets on again", "L1 is gone"]
    assert not any(record.exc_info for record in caplog.records)


def test_pauses_have_an_end_and_mistakes_a_trace(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    mistake = ZeroDivisionError("x")
    step = Step("commit", Flaky(*[mistake] * 40))
    assert [step.take() for _ in range(40)][-1] == LONGEST_PAUSE
    (record,) = caplog.records
    assert record.exc_info


def test_steps_run_beside_each_other_and_stop() -> None:
    held, end, seen = threading.Event(), threading.Event(), threading.Event()

    def waits() -> None:
        held.set()
        end.wait(10)

    service = Service([Step("waits", waits), Step("works", seen.set, every=0.01)])
    service.start()
    assert held.wait(10)
    assert seen.wait(10)
    end.set()
    service.stop()
    assert not [thread for thread in threading.enumerate() if thread.name in ("waits", "works")]
