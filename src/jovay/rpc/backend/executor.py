"""Execution over the state after a block: calls, simulated blocks, traces, witnesses. It never changes the chain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from jovay.chain.types import ExecutionWitness
from jovay.simulation.requests import Bundle, BundleResult, CallResult, ExecuteOptions, TraceOptions

T = TypeVar("T")


class Executor(Protocol):
    """Executes what is asked for. ``HistoryUnavailableError`` where the state is not kept."""

    def execute(
        self, bundles: Sequence[Bundle], number: int, options: ExecuteOptions
    ) -> Sequence[BundleResult]:
        """Execute bundles one after another; never changes the chain.

        A call with ``invalid`` set ends its bundle and all later ones (they have no results).
        """

    def trace_transactions(
        self,
        number: int,
        indexes: Sequence[int] | None,
        options: TraceOptions,
        time_limit: float,
        look: Callable[[int, CallResult], T],
    ) -> list[T]:
        """What ``look`` makes of a block's transactions (all of them for None), re-executed in their place.

        It is given each index and result with its trace once, so that no two traces need to be in memory.
        """

    def witness(self, number: int, time_limit: float) -> ExecutionWitness:
        """What executing a block again takes without any other state."""
