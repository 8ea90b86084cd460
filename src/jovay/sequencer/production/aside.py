"""The side lane: transactions that take long are executed beside the blocks, one after the other, and nobody waits.

A thread of low priority executes them over the state after the newest block. When a result is there, the next block
begins with it, if no key that it used has changed since; otherwise it is executed again. What asks for its block's
number or time stamp gets a block reserved for it, whose number and time stamp are fixed in advance.

After ``TRIES`` attempts, or where only the block can tell what it asks (randomness, recent hashes, the balance of the
fee recipient), a transaction has a block of its own in which everything waits for it. Such blocks take no more than
a hundredth of the time.

Whose turn it is: the one that came first and the one that pays most for its gas, by turns.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jovay.chain.environment import BlockEnvironment
from jovay.kernel.machine.environment import POSITION
from jovay.kernel.protocol.limits import TX_MAX_GAS_LIMIT
from jovay.native.library import Library
from jovay.sequencer.pool.pooled import Pooled
from jovay.state.machine import NativeMachine
from jovay.state.world import NativeWorld

from .aside_run import CHANGED, DONE, MOVED, NEEDS_BLOCK, STOPPED, AsideRun
from .reservation import Reservation

log = logging.getLogger("jovay.aside")
#: Machines beside the blocks: one executes, the others hold results that wait for their blocks.
MACHINES = 3
#: Accounts for which a machine has room beside those of its transaction.
MORE_ACCOUNTS = 64
#: Attempts before a transaction gets a block of its own.
TRIES = 4
#: Attempts that may fail since records leave memory while it is made room, beside those.
MOVES = 32
#: Such blocks take one part in so many of the time.
OWN_BLOCK_SHARE = 100
#: The thread's niceness: with all processors busy it has about a tenth of one.
NICENESS = 10


@dataclass(eq=False)
class Heavy:
    """A transaction that takes long. ``machine`` holds its result, once it is there; ``own`` it needs its own block."""

    entry: Pooled
    tip: int
    gas: int
    came: int
    tries: int = 0
    moves: int = 0
    own: bool = False
    seconds: float = 0.0
    machine: NativeMachine | None = None
    reserved: Reservation | None = None


class Aside:
    """The lane. ``environment`` gives the next block's; ``height`` is the newest one's that is made wholly."""

    def __init__(
        self,
        library: Library,
        world: NativeWorld,
        environment: Callable[[], BlockEnvironment],
        height: Callable[[], int],
        give_back: Callable[[Pooled], None],
        wake: Callable[[], None],
        tick: float,
    ) -> None:
        self._library, self._world, self._environment = library, world, environment
        self._height, self._give_back, self._wake, self._tick = height, give_back, wake, tick
        self._changed = threading.Condition()
        self._waiting: list[Heavy] = []
        self._running: Heavy | None = None
        self._done: list[Heavy] = []
        self._own: list[Heavy] = []
        self._machines: list[NativeMachine] = []
        self._made = self._picked = self._came = 0
        self._stopping = self._withdrawn = False
        self._own_again = 0.0
        self._thread: threading.Thread | None = None

    def __len__(self) -> int:
        """Transactions beside the blocks."""
        running = int(self._running is not None)
        return len(self._waiting) + len(self._done) + len(self._own) + running

    # ---- for the thread that makes blocks --------------------------------------------------------------------

    def add(self, entries: Sequence[Pooled]) -> None:
        """Transactions that the pool has put aside."""
        with self._changed:
            for entry in entries:
                self._came += 1
                self._waiting.append(Heavy(entry, entry.tip, int(entry.record["gas_limit"]), self._came))
            self._start()
            self._changed.notify_all()

    def due(self, environment: BlockEnvironment, take: Callable[[Pooled], bool]) -> list[Heavy]:
        """Results that the block ``environment`` begins with; ``take`` says whether the pool still has one.

        Those that waited for a block which has passed are executed again.
        """
        with self._changed:
            ready: list[Heavy] = []
            gas = environment.gas_limit
            for heavy in self._done:
                if (heavy.reserved is None or heavy.reserved.is_now(environment)) and heavy.gas <= gas:
                    ready.append(heavy)
                    gas -= heavy.gas
            late = [
                heavy for heavy in self._done if heavy.reserved and heavy.reserved.has_passed(environment)
            ]
            self._done = [heavy for heavy in self._done if heavy not in ready and heavy not in late]
            taken = [heavy for heavy in ready if take(heavy.entry)]
            self.release([heavy for heavy in ready if heavy not in taken])
            self.again(late)
            return taken

    def own_block(self, take: Callable[[Pooled], bool]) -> Heavy | None:
        """A transaction that gets the next block for itself, if it is time for one."""
        with self._changed:
            while self._own and time.monotonic() >= self._own_again:
                heavy = self._own.pop(self._choose(self._own))
                if take(heavy.entry):
                    return heavy
            return None

    def own_block_took(self, seconds: float) -> None:
        """So long everything waited for one transaction."""
        self._own_again = time.monotonic() + OWN_BLOCK_SHARE * seconds

    def release(self, heavies: Sequence[Heavy]) -> None:
        """These need their results no more."""
        with self._changed:
            for heavy in heavies:
                if heavy.machine is not None:
                    self._free(heavy.machine)
                    heavy.machine = None
            self._changed.notify_all()

    def again(self, heavies: Sequence[Heavy]) -> None:
        """The results of these do not stand; they come first now, or get a block of their own."""
        with self._changed:
            self.release(heavies)
            for heavy in reversed(heavies):
                self._retry(heavy)
            self._changed.notify_all()

    def reserved(self, number: int) -> Reservation | None:
        """The reservation of a block."""
        with self._changed:
            candidates = [*self._done]
            if self._running is not None:
                candidates.append(self._running)
            for heavy in candidates:
                if heavy.reserved is not None and heavy.reserved.number == number:
                    return heavy.reserved
            return None

    def wants_block(self) -> bool:
        """Whether a block should be made for the lane, be it an empty one on the way to a reserved one."""
        with self._changed:
            return bool(self._done) or (bool(self._own) and time.monotonic() >= self._own_again)

    def next_block_in(self) -> float:
        """Seconds until the lane may want a block without saying so."""
        with self._changed:
            return max(0.0, self._own_again - time.monotonic()) if self._own else float("inf")

    def withdraw(self) -> list[Pooled]:
        """Stop, and answer what was there, in the order in which it came."""
        with self._changed:
            self._withdrawn = True
            self._changed.notify_all()
            while self._running is not None:
                self._changed.wait()
            self._withdrawn = False
            heavies = sorted((*self._waiting, *self._done, *self._own), key=lambda heavy: heavy.came)
            self.release(heavies)
            self._waiting, self._done, self._own = [], [], []
            return [heavy.entry for heavy in heavies]

    def close(self) -> None:
        """Stop for good; what runs is given up."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    # ---- the thread ------------------------------------------------------------------------------------------

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="aside", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        with contextlib.suppress(OSError, AttributeError):  # other systems share the processors as they like
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        try:
            while (heavy := self._next()) is not None:
                self._execute(heavy)
        except BaseException:
            log.critical("transactions are executed beside the blocks no more", exc_info=True)
            raise

    def _next(self) -> Heavy | None:
        """The next to be executed, with a machine; None at the end.

        A result that is not bound to a block is in the next one. Until then nobody else is executed, since it might use
        the same keys.
        """
        with self._changed:
            while not self._stopping:
                unbound = any(heavy.reserved is None for heavy in self._done)
                has_machine = self._machines or self._made < MACHINES
                if self._waiting and has_machine and not unbound and not self._withdrawn:
                    heavy = self._waiting.pop(self._choose(self._waiting))
                    self._running = heavy
                    heavy.machine = self._machine(heavy.gas)
                    return heavy
                self._changed.wait()
            return None

    def _machine(self, gas: int) -> NativeMachine:
        """One with room for a transaction of so much gas."""
        machine = self._machines.pop() if self._machines else None
        if machine is None:
            self._made += 1
        if machine is None or machine.gas < gas:
            machine = NativeMachine(self._library, self._world, max(gas, TX_MAX_GAS_LIMIT), MORE_ACCOUNTS)
        return machine

    def _choose(self, heavies: Sequence[Heavy]) -> int:
        """Index of the one whose turn it is: what was tried before, else the eldest and the best paying by turns."""
        self._picked += 1
        by_tip = self._picked % 2

        def rank(index: int) -> tuple[bool, int, int]:
            heavy = heavies[index]
            return heavy.tries == 0 and heavy.reserved is None, -heavy.tip if by_tip else 0, heavy.came

        return min(range(len(heavies)), key=rank)

    def _execute(self, heavy: Heavy) -> None:
        assert heavy.machine is not None
        run = AsideRun(
            self._library,
            self._world,
            heavy.machine,
            heavy.entry.address,
            self._height,
            lambda: self._ended(heavy),
        )
        environment = self._environment()
        if heavy.reserved is not None:
            environment = heavy.reserved.environment(environment)
        how = run.attempt(environment)
        with self._changed:
            self._running = None
            heavy.seconds = max(heavy.seconds, run.seconds)
            self._judge(heavy, how, run.context)
            self._changed.notify_all()
        self._wake()

    def _ended(self, heavy: Heavy) -> int | None:
        """How an attempt ends that nobody needs any more."""
        if self._stopping or self._withdrawn or heavy.entry.gone:
            return STOPPED
        is_late = heavy.reserved is not None and self._height() >= heavy.reserved.number
        return CHANGED if is_late else None

    def _judge(self, heavy: Heavy, how: int, context: int) -> None:
        """What becomes of a transaction after an attempt."""
        if how == DONE and context & POSITION and heavy.reserved is None:
            self.release([heavy])
            self._reserve(heavy)
            self._waiting.insert(0, heavy)
        elif how == DONE:
            if not context & POSITION:
                heavy.reserved = None
            self._done.append(heavy)
        elif how == STOPPED:
            self.release([heavy])
            if not heavy.entry.gone:
                self._waiting.insert(0, heavy)
        elif how == MOVED and heavy.moves < MOVES:
            self.release([heavy])
            heavy.moves += 1
            self._waiting.insert(0, heavy)
        elif how in (CHANGED, MOVED, NEEDS_BLOCK):
            self.release([heavy])
            heavy.own = how == NEEDS_BLOCK
            self._retry(heavy)
        else:  # invalid now: the next block says why
            self.release([heavy])
            self._give_back(heavy.entry)

    def _retry(self, heavy: Heavy) -> None:
        heavy.tries += 1
        if heavy.own or heavy.tries >= TRIES:
            self._own.append(heavy)
            return
        if heavy.reserved is not None:
            self._reserve(heavy)
        self._waiting.insert(0, heavy)

    def _reserve(self, heavy: Heavy) -> None:
        heavy.reserved = Reservation.after(self._environment(), heavy.seconds, heavy.tries, self._tick)

    def _free(self, machine: NativeMachine) -> None:
        machine.detach()
        machine.release_memory()
        self._machines.append(machine)
