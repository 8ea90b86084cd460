"""One transaction in a machine beside the blocks: isolated, but for the moments in which it fetches a key."""

from __future__ import annotations

import time
from collections.abc import Callable

from jovay.chain.environment import BlockEnvironment
from jovay.kernel.block import aside
from jovay.kernel.evm import resumable
from jovay.kernel.machine.environment import PARENT
from jovay.kernel.machine.status import ABORT, DETACHED, MISS, PAUSED, WAITING
from jovay.native.library import Library
from jovay.state.errors import CacheFullError, StateMovedError
from jovay.state.machine import NativeMachine
from jovay.state.misses import Misses
from jovay.state.world import NativeWorld

#: Gas of a slice at first and at most, and seconds that one should take; it is fitted to them.
FIRST_SLICE, MOST_SLICE, SLICE_SECONDS = 2_000_000, 1 << 48, 0.005
#: Part of the tables that may be full: more than for readers, who do not pay, and less than for blocks.
PAYERS = 7 / 8
#: How an attempt ends, beside an invalidity: the result stands for now; a key changed under it; only the block itself
#: can tell what it asks; the lane stops; records left memory, or have no room there.
DONE, CHANGED, NEEDS_BLOCK, STOPPED, MOVED = 0, -1, -2, -3, -4


class AsideRun:
    """Attempts to execute the transaction at an address; ``height()`` is the newest block that is made wholly.

    ``ended()`` tells now and then how an attempt ends that is in vain.
    """

    def __init__(
        self,
        library: Library,
        world: NativeWorld,
        machine: NativeMachine,
        transaction: int,
        height: Callable[[], int],
        ended: Callable[[], int | None],
    ) -> None:
        self._library, self._world, self.machine, self._transaction = library, world, machine, transaction
        self._height, self._ended, self._view = height, ended, machine.view
        self._slice = FIRST_SLICE
        self.seconds = 0.0

    @property
    def context(self) -> int:
        """What the run has asked of its block so far."""
        return int(self._view.tx.observed)

    def attempt(self, environment: BlockEnvironment) -> int:
        """Execute it as in a block with this environment; DONE, another of those, or why it is invalid."""
        begun = time.monotonic()
        self._loaded: set[bytes] = set()
        try:
            how = self._begin(environment)
            while how in (PAUSED, WAITING):
                ended = self._fetch_missed() if how == WAITING else self._look_round()
                if ended is not None:
                    return ended if ended < ABORT else NEEDS_BLOCK
                how = self._go_on()
            if ABORT <= how < 128 or (how == DONE and self.context & PARENT):
                return NEEDS_BLOCK
            return how
        except _ChangedError:
            return CHANGED
        except (StateMovedError, CacheFullError):
            return MOVED
        finally:
            self.seconds = time.monotonic() - begun

    def _begin(self, environment: BlockEnvironment) -> int:
        machine, call = self.machine, self._library[aside.begin_aside]
        while True:
            with self._world.lock.read():
                machine.attach()
                environment.write(machine.block)
                self._view.tables.height = self._height()
                how: int = call(machine, self._transaction, machine.result)
            if how == DETACHED and not self._view.misses.guesses:
                return self._go_on(DETACHED)
            if how != MISS and how != DETACHED:
                return how
            self._load(machine.take_misses())

    def _go_on(self, pending: int | None = None) -> int:
        """Another slice; a larger one where one precompile takes more."""
        view, begun, spent = self._view, time.thread_time(), self._view.preemption.spent
        if pending is not None:
            view.preemption.pending = pending
        call = self._library[resumable.resume_within]
        how: int = call(self.machine, self._transaction, self.machine.result, self._slice)
        took = time.thread_time() - begun
        if took < SLICE_SECONDS / 2:
            self._slice = min(2 * self._slice, MOST_SLICE)
        elif took > 2 * SLICE_SECONDS and view.preemption.spent != spent:
            self._slice = max(FIRST_SLICE // 4, self._slice // 2)
        return how

    def _look_round(self) -> int | None:
        """Between two slices: how the attempt ends if it is in vain to go on."""
        if (ended := self._ended()) is not None:
            return ended
        if self.context & PARENT:
            return NEEDS_BLOCK
        self._catch_up()
        return None

    def _catch_up(self) -> None:
        """What is in the view is as it was: then it is the state after the newest block too."""
        machine = self.machine
        with self._world.lock.read():
            height = self._height()
            if height == self._view.tables.height:
                return
            if machine.tables is not self._world.tables:
                raise StateMovedError
            if not self._library[aside.is_unchanged](machine, self._view.tables.height):
                raise _ChangedError
            self._view.tables.height = height

    def _fetch_missed(self) -> int | None:
        """Bring the key for which the run waits into its view; why it must not be used, or None.

        One that is read from storage first is in memory when the run misses it again.
        """
        self._catch_up()
        machine = self.machine
        with self._world.lock.read():
            if machine.tables is not self._world.tables:
                raise StateMovedError
            how: int = self._library[aside.fetch_missed](machine)
        if how == MISS:
            self._load(machine.take_misses())
            return None
        return how or None

    def _load(self, misses: Misses) -> None:
        """Read keys from storage. One that is missed again after that has no value of the run's height any more."""
        keys = {*map(bytes, misses.account_words), *map(bytes, misses.slot_words)}
        if keys <= self._loaded:
            raise _ChangedError
        self._loaded |= keys
        self._world.load_for_reading(misses, self.machine.tables, PAYERS)


class _ChangedError(Exception):
    """A key that the run has used is another now."""
