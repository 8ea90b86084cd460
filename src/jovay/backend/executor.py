"""Execution over the state after a block as JSON-RPC sees it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from jovay.chain.types import ExecutionWitness
from jovay.rpc.backend.errors import HistoryUnavailableError
from jovay.simulation.requests import Bundle, BundleResult, CallResult, ExecuteOptions, TraceOptions
from jovay.simulation.simulate import Simulator
from jovay.tracer.witnesses import Witnesses

from .errors import executing, stored
from .state import Heights

T = TypeVar("T")


class NodeExecutor:
    """Implements ``Executor`` of ``jovay.rpc.backend``; every method may be called from any thread."""

    def __init__(self, simulator: Simulator, witnesses: Witnesses, heights: Heights) -> None:
        self._simulator, self._witnesses, self._heights = simulator, witnesses, heights

    def execute(
        self, bundles: Sequence[Bundle], number: int, options: ExecuteOptions
    ) -> Sequence[BundleResult]:
        """Execute bundles one after another."""
        self._heights.check(number)
        with executing():
            return self._simulator.execute(bundles, number, options)

    def trace_transactions(
        self,
        number: int,
        indexes: Sequence[int] | None,
        options: TraceOptions,
        time_limit: float,
        look: Callable[[int, CallResult], T],
    ) -> list[T]:
        """What ``look`` makes of a block's transactions, re-executed in their place."""
        if number < 1:
            raise HistoryUnavailableError("genesis is not traceable")
        self._heights.check(number - 1)
        with executing():
            return self._simulator.trace_transactions(number, indexes, options, time_limit, look)

    def witness(self, number: int, time_limit: float) -> ExecutionWitness:
        """What executing a block again takes without any other state."""
        if number < 1:
            raise HistoryUnavailableError("genesis is not executed")
        with executing(), stored():
            return self._witnesses.witness(number, time_limit)

    def close(self) -> None:
        """Give back what requests have left behind."""
        self._witnesses.close()
