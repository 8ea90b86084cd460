"""Pre-execution with an eye on the clock: what takes long is set aside, so that nobody waits for it."""

from __future__ import annotations

import time
from collections.abc import Callable

from jovay.kernel.block import predict
from jovay.kernel.block.run import STOPPED
from jovay.native.library import Library
from jovay.state.machine import NativeMachine

from .runs import Runs
from .wait_limits import WaitLimits


class Watch:
    """Over one block's ``runs``. Times are those that a thread ran, so that a busy machine makes nothing long."""

    def __init__(self, library: Library, runs: Runs, waits: WaitLimits) -> None:
        self._predict, self._resume = library[predict.predict_runs], library[predict.resume_run]
        self._set_aside, self._runs, self._waits = library[predict.set_aside], runs, waits
        self._spent = 0.0
        self._run, self._took, self._last, self._work = -1, 0.0, 0.0, 0

    def timed(self, call: Callable[[int], int], first: int) -> int:
        """Call the serial rest from the run ``first`` on; its time counts for the one where it stops."""
        begun = time.thread_time()
        stopped = call(first)
        self._last = time.thread_time() - begun
        return stopped

    def is_long(self, machine: NativeMachine, index: int) -> bool:
        """Whether a run of the serial rest that has stopped after a slice again shall stop for good."""
        if index != self._run:
            self._run, self._took, self._work = index, 0.0, -1
        else:
            self._took += self._last
        stands, self._work = machine.view.preemption.spent == self._work, machine.view.preemption.spent
        return stands or self._took > self._waits.running

    def forget(self) -> None:
        """What has been looked at once may be looked at again."""
        self._spent = 0.0

    def predict(self, machine: NativeMachine, first: int, end: int) -> None:
        """Predict the runs ``first … end`` that are new or were missing keys, as long as there is time to look."""
        while first < end and self._spent <= self._waits.looking:
            first = self._predict(machine, self._runs, first, end)
            if first < end:
                self._finish(machine, first)
                first += 1

    def _finish(self, machine: NativeMachine, index: int) -> None:
        """Let a run that stopped go on, for a while; in longer slices, where they take no time."""
        begun, view, slice_ = time.thread_time(), machine.view, machine.view.preemption.quantum
        states = self._runs.states
        while states[index] == STOPPED:
            spent, took = view.preemption.spent, time.thread_time() - begun
            is_long = took > self._waits.running
            if not is_long:
                self._resume(machine, self._runs, index)
                last = time.thread_time() - begun - took
                is_short = last < self._waits.running / 16
                machine.stop_after(min(2 * view.preemption.quantum, 8 * slice_) if is_short else slice_)
            if states[index] == STOPPED and (is_long or view.preemption.spent == spent):
                self._set_aside(machine, self._runs, index)
        machine.stop_after(slice_)
        self._spent += time.thread_time() - begun
