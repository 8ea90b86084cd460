"""Conditions of the node that a client should see. Whatever is asked of it raises these and nothing else."""

from __future__ import annotations


class BackendError(Exception):
    """A condition that the client sees as JSON-RPC error -32000 with this text."""


class OutOfRangeError(BackendError):
    """A number that a client gave is out of its bounds."""

    def __init__(self, what: str, value: float, least: float, most: float) -> None:
        super().__init__(f"{what} {value} is out of range: {least} to {most}")


class HistoryUnavailableError(BackendError):
    """The state (or the data) of that block was pruned or never kept."""


class NotProvableError(BackendError):
    """A development operation whose outcome no prover can derive, on a chain that settles on L1."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what}: the blocks of a chain that settles on L1 are proven, and this cannot be; a development chain"
            " of its own has it (jovay node --dev, without this genesis)"
        )


class TooManyResultsError(BackendError):
    """A log query exceeded its ``limit``; ``last_block`` is the last block that was covered completely."""

    def __init__(self, limit: int, last_block: int) -> None:
        super().__init__(f"query returned more than {limit} results")
        self.limit = limit
        self.last_block = last_block
