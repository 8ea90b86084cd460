"""Pre-execution: every transaction runs alone against the state before the block, and so tells what it touches."""

from __future__ import annotations

import itertools
import time

import numpy as np

from jovay.kernel.block import run
from jovay.kernel.block.run import DEFERRED, DOUBTFUL, MISSING, NEW
from jovay.kernel.evm.validity import LEFT_OUT
from jovay.state.machine import NativeMachine
from jovay.state.misses import Misses

from .block import Draft
from .loading import load
from .machines import SHARES, Machines
from .runs import Runs
from .wait_limits import Postponed, WaitLimits
from .watch import Watch

#: The gas (limit) of a share of the work that is worth a hand-over.
SHARE_GAS = 4_000_000


class PreExecution:
    """The stage: rounds of prediction until no key is missing, or the time for them (``waits``) is over."""

    def __init__(self, machines: Machines, runs: Runs, waits: WaitLimits, postponed: Postponed) -> None:
        self._machines, self._runs = machines, runs
        self._waits, self._postponed = waits, postponed

    def run(self, draft: Draft) -> None:
        """What is missing is read from storage together and tried again; what stays so is deferred."""
        self._pass_over_postponed(draft)
        states, waits = self._runs.states, self._waits
        watch = Watch(self._machines.library, self._runs, waits)
        are_doubtful = self._mark_doubtful()
        begun = time.perf_counter()
        for done in itertools.count(1):
            draft.statistics.rounds += 1
            self._predict(watch)
            if are_doubtful and done == 1:  # they come last, so that they cannot keep the others out
                states[states == DOUBTFUL] = NEW
                self._predict(watch)
            self._runs.drop_new(LEFT_OUT)  # what nobody had time to look at is the next block's
            watch.forget()
            if not np.any(states == MISSING):
                return
            is_long = done >= waits.rounds and time.perf_counter() - begun > waits.guessing
            misses = self._take_misses()
            if not load(self._machines.world, misses, draft.statistics, draft.needs) or is_long:
                states[states == MISSING] = DEFERRED
                return

    def _predict(self, watch: Watch) -> None:
        """Run what is new or was missing keys."""
        count, workers = self._runs.count, self._machines.workers
        size = max(1, count * SHARE_GAS // max(1, self._runs.gas()), -(-count // (workers * SHARES)))

        def predict_share(machine: NativeMachine, share: int) -> None:
            watch.predict(machine, share * size, min(count, (share + 1) * size))

        self._machines.in_shares(-(-count // size), predict_share)

    def _pass_over_postponed(self, draft: Draft) -> None:
        """Those that shall guess no more wait for their keys: guesses would bring in what nobody asked for."""
        if patient := self._postponed.begin(draft.transactions):
            self._runs.states[np.isin(draft.transactions, np.array(patient, np.uint64))] = DEFERRED

    def _mark_doubtful(self) -> bool:
        """Mark what may take long; false if that is nothing, or all there is."""
        runs, states = self._runs, self._runs.states
        call = self._machines.library[run.mark_doubtful]
        marked = call(runs, runs.count, self._waits.doubtful)
        if marked == runs.count:
            states[:], marked = NEW, 0
        return bool(marked)

    def _take_misses(self) -> Misses:
        """What all machines miss."""
        found = [machine.take_misses() for machine in self._machines.parallel]
        return Misses.of_words(
            np.concatenate([one.account_words for one in found]),
            np.concatenate([one.slot_words for one in found]),
        )
