"""Errors of calls, simulated blocks and blocks executed again."""

from __future__ import annotations

from jovay.state.errors import ExecutionError


class OverrideError(ExecutionError):
    """A state or block override that cannot be applied."""


class ReplayError(ExecutionError):
    """A block's transactions executed again did not do what its receipts say."""

    def __init__(self, number: int, index: int, reason: str) -> None:
        super().__init__(f"transaction {index} of block {number} cannot be executed again: {reason}")
        self.number, self.index = number, index


class SimulationBusyError(ExecutionError):
    """All machines for simulations were in use for too long."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no machine was free for a simulation within {seconds:g} s")
