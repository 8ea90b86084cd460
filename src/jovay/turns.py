"""Reads take turns, with the interpreter and with the processors, so that the path of transactions finds them free.

Python runs on one thread at a time. A stage of the pipeline needs the interpreter about a hundred times for a block,
each time for microseconds, and waits for it behind every thread that computes in Python: one that answers reads
costs a hundred times the interval after which threads hand over, eight of them eight times that. So threads that
answer reads compute one at a time, in order of arrival, hand over soon meanwhile, and rest while transactions come in
and after what cannot be interrupted. While they run the kernel or wait for something, others have their turn; of
those that run the kernel, half the processors bear one each.

A turn is a courtesy, no lock: nobody waits for it longer than ``PATIENCE``, so it cannot bring about a deadlock.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE = 2.0
"""Seconds after which a thread no longer waits for its turn."""
SOON, USUAL = 0.00005, 0.0005
"""Seconds after which threads hand over the interpreter: while somebody reads, and else."""
SLICE = 0.005
"""Seconds of a turn after which it is passed on, where the work has a place for that."""
RECENT, REST = 0.1, 0.005
"""So long after a transaction came in, there is a rest of REST seconds before a turn is passed on."""
LONG, FACTOR, MOST_REST = 0.001, 2.0, 0.05
"""What holds the interpreter for LONG seconds is followed by a rest of FACTOR times as long, within bounds."""


class Turns:
    """As many turns at a time as there are ``places``, in order of arrival. Thread-safe."""

    def __init__(self, places: int = 1) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._places, self._out = places, 0

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Have a turn within."""
        self.take()
        try:
            yield
        finally:
            self.give()

    def take(self) -> None:
        """Wait for a turn, but not longer than ``PATIENCE``."""
        with self._lock:
            if self._out < self._places:
                self._out += 1
                return
            gate = threading.Lock()
            gate.acquire()
            self._waiting.append(gate)
        if not gate.acquire(timeout=PATIENCE):
            with self._lock:
                if gate in self._waiting:  # else it was opened just now
                    self._waiting.remove(gate)
                    self._out += 1

    def give(self) -> None:
        """End a turn."""
        with self._lock:
            if self._waiting and self._out <= self._places:
                self._waiting.popleft().release()
            else:
                self._out -= 1

    def are_wanted(self) -> bool:
        """Whether somebody waits."""
        return bool(self._waiting)


class Reads:
    """Turns with the interpreter of threads that answer reads."""

    def __init__(self) -> None:
        self._turns = Turns()
        self._mine = threading.local()
        self._readers = 0
        self._lock = threading.Lock()
        self._transactions = 0.0

    def transactions(self) -> None:
        """Tell that transactions came in."""
        self._transactions = time.monotonic()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Have the turn within."""
        with self._lock:
            self._readers += 1
            sys.setswitchinterval(SOON)
        self._take()
        try:
            yield
        finally:
            self._give()
            with self._lock:
                self._readers -= 1
                if not self._readers:
                    sys.setswitchinterval(USUAL)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Do without it within, if this thread has it: for the kernel's work, and for waiting."""
        if not self._since():
            yield
            return
        self._give()
        try:
            yield
        finally:
            self._take()

    def pass_on(self) -> None:
        """A place between two pieces of long work: if the turn lasts long already, rest, and let others go first."""
        since = self._since()
        if not since or time.monotonic() - since < SLICE:
            return
        if time.monotonic() - self._transactions < RECENT:
            time.sleep(REST)
        if self._turns.are_wanted():
            self._give()
            self._take()
        else:
            self._mine.since = time.monotonic()

    @contextmanager
    def unbroken(self) -> Iterator[None]:
        """For work that holds the interpreter in one piece: if it was long, a rest follows."""
        begun = time.thread_time()
        try:
            yield
        finally:
            held = time.thread_time() - begun
            if held > LONG and self._since():
                time.sleep(min(MOST_REST, FACTOR * held))

    def _since(self) -> float:
        """When this thread's turn began; zero if it has none."""
        since: float = getattr(self._mine, "since", 0.0)
        return since

    def _take(self) -> None:
        self._turns.take()
        self._mine.since = time.monotonic()

    def _give(self) -> None:
        self._mine.since = 0.0
        self._turns.give()


READS = Reads()
"""The interpreter of this process, whatever nodes run in it."""
KERNEL = Turns(max(1, (os.cpu_count() or 2) // 2))
"""Processors for simulations."""
