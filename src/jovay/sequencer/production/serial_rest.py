"""The serial rest: what is deferred runs at the block's end, one after the other over what has run before it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial

from jovay.kernel.block import execute
from jovay.kernel.block.run import SUSPENDED
from jovay.kernel.machine import view
from jovay.kernel.machine.misses import confirm_guesses
from jovay.kernel.machine.status import ARENA_FULL, PAUSED

from .block import Draft
from .loading import load, load_missed
from .machines import Machines
from .runs import Runs
from .touched import TouchedRecorder
from .wait_limits import Postponed, WaitLimits
from .watch import Watch

#: How often it runs on trust, at most.
TRUSTING = 2


@dataclass(slots=True)
class _Progress:
    """Where the rest stands: at which run, how often that has stopped there, and how long all have waited for keys."""

    has_room: bool  # for what guesses lead to
    at: int = 0
    tries: int = 0
    waited: float = 0.0

    def stopped_at(self, index: int) -> None:
        """A run misses keys."""
        self.at, self.tries = index, self.tries + 1 if index == self.at else 0


class SerialRest:
    """The stage. ``touched`` records what it touches."""

    def __init__(
        self,
        machines: Machines,
        runs: Runs,
        waits: WaitLimits,
        postponed: Postponed,
        touched: TouchedRecorder | None,
    ) -> None:
        self._machines, self._runs, self._touched = machines, runs, touched
        self._library, self._waits, self._postponed = machines.library, waits, postponed

    def run(self, draft: Draft) -> None:
        """Execute what is deferred, and bring it into the world."""
        if not draft.bounded or not self._has_executed_on_trust(draft):
            self._execute(draft)
        self._machines.commit_serial()

    def _has_executed_on_trust(self, draft: Draft) -> bool:
        """Execute as if all keys that are missing were absent, and see then whether they are.

        Where each transaction writes the slot that a counter tells, that is one look-up for all of them. If some are
        there after all, it runs once more with them in memory. Answers whether it is done; if not, nothing is.
        """
        machine, runs, locked = self._machines.serial, self._runs, self._machines.locked
        call, confirm = self._library[execute.execute_deferred], self._library[confirm_guesses]
        for _ in range(0 if self._postponed.some_are_patient() else TRUSTING):
            with machine.trusting():
                end = locked(call, machine, runs, runs.count, 0)
            misses = machine.take_misses()
            if end == runs.count and not misses:
                return True
            is_loaded = load(machine.world, misses, draft.statistics, draft.needs)
            if is_loaded and end == runs.count and locked(confirm, machine):
                return True
            is_full = end < runs.count and runs.statuses[end] == ARENA_FULL
            machine.reset()
            self._library[execute.defer_again](runs, runs.count)
            if is_full or not is_loaded:
                break
        return False

    def _execute(self, draft: Draft) -> None:
        """A run that still misses keys after a few guesses waits for them one by one.

        Where nothing bounds the block, it does so from the start.
        """
        machine, runs, locked = self._machines.serial, self._runs, self._machines.locked
        call, leave = self._library[execute.execute_deferred], self._library[execute.leave_suspended]
        watch = Watch(self._library, runs, self._waits)
        go_on = partial(locked, call, machine, runs, runs.count)
        progress = _Progress(has_room=draft.bounded)
        machine.wait_for_keys(not draft.bounded)
        while (index := watch.timed(go_on, progress.at)) < runs.count:
            status = runs.statuses[index]
            if status == PAUSED:
                if watch.is_long(machine, index):
                    locked(leave, machine, runs, index)
            elif status == ARENA_FULL:
                self._make_room(draft)
            else:
                progress.stopped_at(index)
                self._bring_keys(draft, progress)
        machine.wait_for_keys(False)

    def _bring_keys(self, draft: Draft, progress: _Progress) -> None:
        """Load what the run misses, or postpone it."""
        machine, at, postponed = self._machines.serial, progress.at, self._postponed
        transaction, statistics = self._runs.transaction(at), draft.statistics
        begun, guessed = time.perf_counter(), not machine.waits_for_keys
        if draft.in_order:  # nothing can be left out
            load_missed(machine, statistics)
        elif progress.waited > self._waits.waiting:
            self._postpone(at, draft.stamp)
            return
        elif guessed and postponed.is_patient(transaction):
            machine.take_misses()
            machine.wait_for_keys(True)
            return
        elif not load_missed(machine, statistics, draft.needs if guessed else (0, 0, *draft.needs[2:])):
            if not guessed or not postponed.has_been(transaction):
                self._postpone(at, draft.stamp)
                return
            progress.has_room = False
        progress.waited += time.perf_counter() - begun
        # A run that waits in its midst goes on waiting: guesses would begin it anew.
        is_suspended, is_late = self._runs.states[at] == SUSPENDED, progress.tries >= self._waits.rounds
        machine.wait_for_keys(bool(is_suspended or is_late or not progress.has_room))

    def _postpone(self, index: int, stamp: int) -> None:
        """Take a run that misses keys out of the block."""
        machine = self._machines.serial
        machine.take_misses()
        self._machines.locked(self._library[execute.postpone], machine, self._runs, index, stamp)
        self._postponed.add(self._runs.transaction(index), found_room=not machine.world.is_short)

    def _make_room(self, draft: Draft) -> None:
        """Bring what has changed so far into the world, so that its records make room for others'."""
        draft.statistics.renewals += 1
        if self._touched:
            self._touched.list(self._machines.serial)
        self._machines.commit_serial()
        self._library[view.forget_records](self._machines.serial)
