"""The runs of a block's transactions in the kernel's memory: where each stands, and what became of it."""

from __future__ import annotations

import numpy as np

from jovay.kernel.block import run
from jovay.kernel.block.run import DEFERRED, DROPPED, NEW, RUN_STRIDE, Run
from jovay.native.arena import Arena
from jovay.native.library import Library
from jovay.native.records import spaced
from jovay.state.errors import ArenaFullError

from .block import Dropped, U64Array


class Runs:
    """Room for ``capacity`` runs; ``count`` of them belong to the block that is made, in the order it was given."""

    def __init__(self, library: Library, capacity: int) -> None:
        self._library, self.capacity, self.count = library, capacity, 0
        self._arena = Arena(capacity * RUN_STRIDE, name="runs")
        self._table = self._arena.array(spaced(Run, RUN_STRIDE), capacity)  # each has its result behind it

    def __index__(self) -> int:
        return self._arena.address

    def begin(self, transactions: U64Array) -> None:
        """A block of these transactions (addresses of records) begins. Raises ``ArenaFullError``."""
        if len(transactions) > self.capacity:
            raise ArenaFullError(f"{len(transactions)} transactions in a block, at most {self.capacity} fit")
        self.count = len(transactions)
        self._library[run.init_runs](self, transactions, self.count)

    @property
    def states(self) -> U64Array:
        """The runs' states, in place."""
        return self._table["state"][: self.count]

    @property
    def statuses(self) -> U64Array:
        """Why each is where it is, in place."""
        return self._table["status"][: self.count]

    def gas(self) -> int:
        """Sum of the gas limits."""
        return int(self._library[run.gas_of_runs](self, self.count))

    def defer_new(self) -> None:
        """All that has not run yet is to run serially."""
        states = self.states
        states[states == NEW] = DEFERRED

    def drop_new(self, status: int) -> None:
        """All that has not run yet is not for this block."""
        rest = self.states == NEW
        self.statuses[rest], self.states[rest] = status, DROPPED

    def drop(self, index: int, status: int) -> None:
        """A run is not for this block."""
        self.statuses[index], self.states[index] = status, DROPPED

    def dropped(self) -> Dropped:
        """Those that are not for this block."""
        indexes = np.flatnonzero(self.states == DROPPED)
        return Dropped(indexes.astype(np.uint64), self.statuses[indexes].copy())

    def transaction(self, index: int) -> int:
        """Address of a run's transaction record."""
        return int(self._table["transaction"][index])
