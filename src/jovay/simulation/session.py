"""Executions in one machine on behalf of one request: missing keys are loaded, the clock is watched.

The native state is held still only for a slice of an execution at a time, so that blocks go on being made. A view
stays consistent meanwhile, since it reads every record as of its height.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from jovay.kernel.evm import frames, process
from jovay.kernel.machine import status
from jovay.kernel.machine import view as kernel_view
from jovay.kernel.machine.account import Account
from jovay.native.places import Place
from jovay.native.records import View
from jovay.state.errors import ArenaFullError, HistoryUnavailableError
from jovay.state.machine import NativeMachine
from jovay.state.misses import Misses
from jovay.turns import KERNEL, READS

from .recorder import Recorder

U64_MAX = (1 << 64) - 1
#: Gas of a slice at first, and bytes of a trace; it is then fitted to ``SLICE_SECONDS``.
FIRST_SLICE, LEAST_SLICE, MOST_SLICE = 500_000, 200_000, 16_000_000
SLICE_SECONDS = 0.002
#: Attempts that guess at missing keys, before an execution waits for one key after the other where it stands; and
#: seconds after which an attempt is too dear to be repeated.
GUESSES, DEAR_SECONDS = 4, 0.05


class TimeLimitError(Exception):
    """The request's time is over."""


class Session:
    """A machine that reads the state after block ``height`` until ``deadline`` (monotonic seconds)."""

    def __init__(self, machine: NativeMachine, height: int, deadline: float) -> None:
        self.machine, self.view, self.result = machine, machine.view, machine.result
        self.height, self.deadline = height, deadline
        self.world = machine.world
        machine.attach()
        self.view.tables.height = height
        self.view.preemption.on = 1
        self._slice = FIRST_SLICE
        self._loaded: set[bytes] = set()

    def check_time(self) -> None:
        """Raise ``TimeLimitError`` after the deadline."""
        if time.monotonic() > self.deadline:
            raise TimeLimitError

    def run(self, transaction: View, flags: int = 0, recorder: Recorder | None = None) -> int:
        """Execute a ``Transaction`` record: 0 with ``result`` filled, or why it is invalid."""
        self.view.tx.skipped = flags
        self.view.tracing.trace = recorder.record if recorder is not None else 0
        attempts, took = 0, 0.0
        while True:
            self.check_time()
            # A trace would show an instruction twice that waited for its key.
            is_dear = attempts >= GUESSES or took > DEAR_SECONDS
            self.view.misses.suspending = int(recorder is None and is_dear)
            attempts, begun = attempts + 1, time.monotonic()
            if recorder is not None:
                recorder.reset()
            how = self._attempt(transaction)
            if how == status.MISS:
                took = time.monotonic() - begun
                self.load_misses()
                continue
            if how == status.ARENA_FULL:
                raise ArenaFullError("the execution needs more memory than a simulation has")
            return how

    def _attempt(self, transaction: View) -> int:
        library, machine, result = self.machine.library, self.machine, self.result
        how = self._go_on(library[process.process_transaction], machine, transaction, U64_MAX, result)
        while how in (status.PAUSED, status.DETACHED, status.WAITING):
            self.check_time()
            if how == status.DETACHED:
                with READS.away(), KERNEL.turn():
                    library[frames.run_detached](machine)
            elif how == status.WAITING:
                self.load_misses()
            how = self._go_on(library[process.resume_transaction], machine, transaction, result)
        return how

    def _go_on(self, call: Callable[..., int], *arguments: Place) -> int:
        """One slice, with the state held still; the next one is longer if this one was short."""
        self.view.preemption.gas_left = self._slice
        with READS.away(), KERNEL.turn(), self.world.lock.read():
            begun = time.monotonic()
            how = call(*arguments)
            took = time.monotonic() - begun
        if how == status.PAUSED and took < SLICE_SECONDS / 2:
            self._slice = min(MOST_SLICE, 2 * self._slice)
        elif took > 2 * SLICE_SECONDS:
            self._slice = max(LEAST_SLICE, self._slice // 2)
        return how

    def load_misses(self) -> None:
        """Load what look-ups missed; a key that is missed again after that is no longer kept for this height.

        Raises ``StateMovedError`` if the records are no longer in the machine's tables.
        """
        taken = self.machine.take_misses()
        misses = Misses.of_words(taken.account_words, taken.slot_words)
        keys = {*map(bytes, misses.account_words), *map(bytes, misses.slot_words)}
        if not keys or not keys.isdisjoint(self._loaded):
            raise HistoryUnavailableError(self.height)
        self._loaded |= keys
        with READS.away():
            self.world.load_for_reading(misses, self.machine.tables)

    def call(self, attempt: Callable[..., int], *arguments: Place) -> None:
        """Call a kernel function that answers 0 or an abort status, until it misses nothing."""
        while True:
            self.check_time()
            with READS.away(), KERNEL.turn(), self.world.lock.read():
                how = attempt(self.machine, *arguments)
            if how == 0:
                return
            if how != status.MISS:
                raise ArenaFullError("the execution needs more memory than a simulation has")
            self.load_misses()

    def account(self, address: int) -> View:
        """The view's record of an account."""
        while True:
            with self.world.lock.read():
                found = self.machine.library[kernel_view.account](self.machine, address)
            if found:
                return self.machine.arena.record(Account, found)
            self.load_misses()

    def forget_logs(self) -> None:
        """Empty the log arenas between transactions."""
        self.view.logs.count = self.view.logs.data_used = 0
