"""The machines that simulations share: few, because each may come to hold hundreds of megabytes."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from jovay.native.library import Library
from jovay.state.machine import NativeMachine
from jovay.state.world import NativeWorld
from jovay.turns import READS

from .errors import SimulationBusyError

#: After so long an execution may have filled much memory.
LONG_SECONDS = 0.05


class MachinePool:
    """Up to ``size`` machines for executions of up to ``gas`` each, made when they are first needed."""

    def __init__(self, library: Library, world: NativeWorld, size: int = 4, gas: int = 50_000_000) -> None:
        self._library, self._world, self._gas = library, world, gas
        self._idle: queue.LifoQueue[NativeMachine] = queue.LifoQueue()
        self._left = threading.Semaphore(size)

    @contextmanager
    def machine(self, deadline: float) -> Iterator[NativeMachine]:
        """A machine with an empty view; waits for one until ``deadline`` (monotonic seconds)."""
        begun = time.monotonic()
        with READS.away():
            has_place = self._left.acquire(timeout=max(0.001, deadline - begun))
        if not has_place:
            raise SimulationBusyError(time.monotonic() - begun)
        try:
            try:
                machine = self._idle.get_nowait()
            except queue.Empty:
                machine = NativeMachine(self._library, self._world, self._gas, huge_pages=False)
            taken = time.monotonic()
            try:
                yield machine
            finally:
                machine.detach()
                if time.monotonic() - taken > LONG_SECONDS:
                    machine.release_memory()
                view = machine.view
                view.preemption.on = view.misses.guessing = view.misses.suspending = 0
                view.tracing.trace = view.relocations.count = view.tx.skipped = 0
                self._idle.put(machine)
        finally:
            self._left.release()
