"""What a block executes with: a machine for each worker thread, and one for what runs serially."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from jovay.kernel.machine import commit
from jovay.native.library import Library
from jovay.native.places import Place
from jovay.state.errors import WorldFullError
from jovay.state.machine import NativeMachine
from jovay.state.world import NativeWorld

T = TypeVar("T")
#: Shares of the work per thread.
SHARES = 4


class Machines:
    """Machines over one world, for transactions of up to ``gas``, and the threads of the workers.

    ``messages``: that of L1 messages of up to ``message_gas``, where the chain has any.
    """

    def __init__(
        self, library: Library, world: NativeWorld, workers: int, gas: int, shared: int, message_gas: int = 0
    ) -> None:
        self.library, self.world, self.workers, self._shared = library, world, workers, shared
        self.messages = NativeMachine(library, world, message_gas, shared) if message_gas else None
        self._threads = ThreadPoolExecutor(max(1, workers - 1), "execution")
        self.renew(gas)

    def renew(self, gas: int) -> None:
        """Other machines, for transactions of up to ``gas``. Raises ``ArenaFullError``."""
        machines = [
            NativeMachine(self.library, self.world, gas, self._shared) for _ in range(self.workers + 1)
        ]
        self.parallel, self.serial, self.gas = machines[:-1], machines[-1], gas

    def __iter__(self) -> Iterator[NativeMachine]:
        yield from self.parallel
        yield self.serial
        if self.messages is not None:
            yield self.messages

    def close(self) -> None:
        """Stop the threads."""
        self._threads.shutdown()

    def attach(self) -> None:
        """Forget the last block, and execute over the tables that the world's records are in now."""
        for machine in self:
            machine.reset()  # until then the last block's results stood there
            machine.attach()

    def stop_after(self, gas: int) -> None:
        """Let runs stop after every so much gas; 0: never."""
        for machine in self:
            machine.stop_after(gas)

    def spent(self) -> int:
        """Gas that all executions took so far."""
        return sum(machine.view.preemption.spent for machine in self)

    def locked(self, call: Callable[..., Any], *arguments: Place) -> Any:
        """Call the kernel while nobody else inserts records: others load keys for calls and for the pool."""
        with self.world.lock.read():
            return call(*arguments)

    def commit_serial(self) -> None:
        """Bring what the serial machine changed into the world. Raises ``WorldFullError``."""
        self.commit(self.serial)

    def commit(self, machine: NativeMachine) -> None:
        """The same of another machine that nobody executed beside."""
        with self.world.lock.write():
            if self.library[commit.commit_view](machine):
                raise WorldFullError("records", self.world.view.slot_capacity)

    def submit(self, task: Callable[[], T]) -> Future[T]:
        """Do something on one of the threads."""
        return self._threads.submit(task)

    def in_shares(self, shares: int, task: Callable[[NativeMachine, int], None]) -> None:
        """Do ``task(machine, share)`` for all shares, on this thread and the others.

        Each thread takes the next share when it is done with one, so a thread that gets no processor delays nobody.
        """
        with self.world.lock.read():
            following = itertools.count()

            def work(machine: NativeMachine) -> None:
                while (share := next(following)) < shares:
                    task(machine, share)

            others = self.parallel[1 : min(self.workers, shares)]
            helpers = [self._threads.submit(work, machine) for machine in others]
            work(self.parallel[0])
            for helper in helpers:
                if not helper.cancel():
                    helper.result()
