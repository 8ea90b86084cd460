"""Errors of the provers."""

from __future__ import annotations

from jovay.chain.hexadecimal import shown


class ProverError(Exception):
    """Base of what this room raises on purpose."""


class TaskFormatError(ProverError):
    """Bytes that are not a batch task."""


class BatchRefusedError(ProverError):
    """What the batch program cannot work with: data that are compressed, or no chunks; counts that are none."""


class ChunkRefusedError(ProverError):
    """A chunk does not execute; ``index`` is its place in the batch."""

    def __init__(self, index: int, reason: str) -> None:
        self.index, self.reason = index, reason
        super().__init__(f"chunk {index}: {reason}")


class BatchMismatchError(ProverError):
    """The batch says something else than what its data and its execution make true."""

    def __init__(self, what: str, claimed: object, found: object) -> None:
        self.what, self.claimed, self.found = what, claimed, found
        super().__init__(f"{what}: {shown(claimed)} is claimed, {shown(found)} found")


class UnknownBatchError(ProverError):
    """L1 has no batch with this index."""

    def __init__(self, index: int, newest: int) -> None:
        self.index, self.newest = index, newest
        super().__init__(f"L1 has no batch {index}: the newest is {newest}")
