"""The share of the sequencer's time that clients' looks at the state trie may take."""

from __future__ import annotations

import pytest

from jovay.state import allowance
from jovay.state.allowance import BURST, SHARE, Allowance
from jovay.state.errors import TrieBusyError


class Clock:
    """A clock that only moves when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


def test_what_is_taken_comes_back_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(allowance, "time", clock)
    kept = Allowance()

    def take(seconds: float) -> None:
        with kept.taken():
            clock.now += seconds

    take(BURST / 2)
    take(BURST / 2 + 1)  # more than is left, but it was begun in time
    with pytest.raises(TrieBusyError, match="try again later"):
        take(0.1)
    clock.now += 1 / SHARE
    take(0.1)
    clock.now += 1e6
    take(2 * BURST)
    with pytest.raises(TrieBusyError), kept.taken():
        raise AssertionError("it is not let in")


def test_a_failure_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(allowance, "time", clock)
    kept = Allowance()

    def fail() -> None:
        with kept.taken():
            clock.now += BURST * 2
            raise ValueError("within")

    with pytest.raises(ValueError, match="within"):
        fail()
    with pytest.raises(TrieBusyError), kept.taken():
        pass
