"""Calls over the state after a block, and a block's transactions executed again: what JSON-RPC asks of the state.

``Simulator`` may be used from any thread. It never changes the native state; it only loads into it what is missing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from jovay.chain.types import Hash32, Header
from jovay.native.library import Library
from jovay.state.errors import StateMovedError, UnknownBlockError
from jovay.state.machine import NativeMachine
from jovay.state.view_state import looked_at
from jovay.state.world import NativeWorld
from jovay.state.writes import WriteSet

from .context import BlockContext, HashWindows, context_of
from .errors import ReplayError
from .machine_pool import MachinePool
from .outcome import timed_out
from .replay import Replay
from .requests import Bundle, BundleResult, CallResult, ExecuteOptions, TraceOptions
from .session import Session, TimeLimitError
from .simulated_blocks import SimulatedBlocks
from .simulated_calls import SimulatedCalls
from .source import ChainSource

CONTEXTS_KEPT = 16
T = TypeVar("T")


class Simulator:
    """Executes over ``world``; ``machines`` at a time, of up to ``gas`` per request or block that is executed again."""

    def __init__(
        self,
        library: Library,
        world: NativeWorld,
        chain: ChainSource,
        machines: int = 4,
        gas: int = 50_000_000,
    ) -> None:
        self._chain, self._windows = chain, HashWindows(chain)
        self._contexts: dict[Hash32, BlockContext] = {}
        self._pool = MachinePool(library, world, machines, gas)

    def execute(self, bundles: Sequence[Bundle], number: int, options: ExecuteOptions) -> list[BundleResult]:
        """Execute bundles over the state after block ``number``, as ``ExecuteOptions`` says.

        A call that is invalid or runs out of time ends its bundle and all later ones. Raises ``ExecutionError``s.
        """
        header = self._header(number)
        deadline = time.monotonic() + options.time_limit

        def work(machine: NativeMachine) -> list[BundleResult]:
            if options.new_block:
                session = Session(machine, number, deadline)
                return SimulatedBlocks(session, self._chain, self._windows, header, options).run(bundles)
            if options.at_index is None:
                session = Session(machine, number, deadline)
                context = self._context(header)
            else:
                session = Session(machine, number - 1, deadline)
                try:
                    replay = Replay(session, self._chain, self._windows, header)
                    replay.run_to(options.at_index)
                except TimeLimitError:
                    return [BundleResult((timed_out(),))]
                context = replay.context
            calls = SimulatedCalls(session, options)
            results = []
            for bundle in bundles:
                if bundle.block is not None:
                    chosen = context_of(self._chain, self._windows, header, bundle.block)
                else:
                    chosen = context
                results.append(BundleResult(calls.run(bundle, chosen)))
                if calls.ended:
                    break
            return results

        return self._with_machine(deadline, work)

    def trace_transactions(
        self,
        number: int,
        indexes: Sequence[int] | None,
        options: TraceOptions,
        time_limit: float,
        look: Callable[[int, CallResult], T],
    ) -> list[T]:
        """What ``look`` makes of transactions of block ``number``, executed again with traces (all for None).

        It is given each index and result once, ascending, and the trace is gone after it; what it made comes in the
        order of ``indexes``. Raises ``ReplayError`` where they do not do what their receipts say.
        """
        header = self._header(number)
        deadline = time.monotonic() + time_limit

        def work(machine: NativeMachine) -> list[T]:
            made: dict[int, T] = {}
            wanted: Sequence[int] = indexes or ()
            try:
                replay = Replay(Session(machine, number - 1, deadline), self._chain, self._windows, header)
                wanted = range(len(replay.transactions)) if indexes is None else indexes
                for index in sorted(set(wanted)):
                    replay.run_to(index)
                    made[index] = look(index, replay.trace_next(options))
            except TimeLimitError:
                pass
            return [made[i] if i in made else look(i, timed_out()) for i in wanted]

        return self._with_machine(deadline, work)

    def keys_of(self, number: int, time_limit: float) -> tuple[BlockContext, WriteSet]:
        """The environment of block ``number``, and every key that it looks at when it is executed again.

        Raises ``ReplayError`` where its transactions do not do what their receipts say, or for lack of time.
        """
        header = self._header(number)
        deadline = time.monotonic() + time_limit

        def work(machine: NativeMachine) -> tuple[BlockContext, WriteSet]:
            try:
                replay = Replay(Session(machine, number - 1, deadline), self._chain, self._windows, header)
                replay.run_to(len(replay.transactions))
            except TimeLimitError:
                raise ReplayError(number, 0, "it takes too long") from None
            return replay.context, looked_at(machine)

        return self._with_machine(deadline, work)

    def _with_machine(self, deadline: float, work: Callable[[NativeMachine], T]) -> T:
        """Do ``work``; once more from the start, if the state moved in memory under it."""
        try:
            with self._pool.machine(deadline) as machine:
                return work(machine)
        except StateMovedError:
            with self._pool.machine(deadline) as machine:
                return work(machine)

    def _context(self, header: Header) -> BlockContext:
        """The environment of a block as it is, kept for the calls that follow."""
        context = self._contexts.get(header.hash)
        if context is None:
            context = context_of(self._chain, self._windows, header)
            if len(self._contexts) >= CONTEXTS_KEPT:
                self._contexts = {}
            self._contexts[header.hash] = context
        return context

    def _header(self, number: int) -> Header:
        header = self._chain.header(number)
        if header is None:
            raise UnknownBlockError(number)
        return header
