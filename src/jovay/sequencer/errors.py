"""Errors of the sequencer."""

from __future__ import annotations


class SequencerError(Exception):
    """Base of what the sequencer raises."""


class RecoveryError(SequencerError):
    """The recovered state has another root than the newest header says."""

    def __init__(self, number: int, expected: bytes, found: bytes) -> None:
        super().__init__(f"state of block {number} has root {found.hex()}, its header says {expected.hex()}")
        self.number, self.expected, self.found = number, expected, found


class GenesisMismatchError(SequencerError):
    """The data directory was begun with another genesis; ``what`` is compared."""

    def __init__(self, stored: bytes, given: bytes, what: str = "block") -> None:
        super().__init__(
            f"the data directory begins with {what} {stored.hex()}, the genesis gives {given.hex()}"
        )
        self.stored, self.given, self.what = stored, given, what


class ChainIdMismatchError(SequencerError):
    """The data directory was begun with another chain id."""

    def __init__(self, stored: int, given: int) -> None:
        super().__init__(f"the data directory is of chain {stored}, the settings say {given}")
        self.stored, self.given = stored, given


class SequencerStoppedError(SequencerError):
    """The sequencer has stopped because of the error it carries."""


class FollowsL1Error(SequencerError):
    """Transactions were sent to a node that makes no blocks."""

    def __init__(self) -> None:
        super().__init__("this node follows L1 and takes no transactions; the chain's sequencer does")


class FinalityError(SequencerError):
    """A report from L1 that does not follow what is known: ``step`` can only reach blocks up to ``most``."""

    def __init__(self, step: str, block: int, reached: int, most: int) -> None:
        super().__init__(f"block {block} cannot be {step}: {reached} is already, at most {most} can be")
        self.step, self.block, self.reached, self.most = step, block, reached, most


class RewindError(SequencerError):
    """The chain cannot go back to ``target``, but only to blocks from ``least`` on."""

    def __init__(self, target: int, least: int, head: int) -> None:
        super().__init__(f"the chain cannot go back to block {target}, only to blocks {least} to {head}")
        self.target, self.least, self.head = target, least, head


class InboxError(SequencerError):
    """A message from L1 that does not follow those before it; ``number`` is its place in the queue."""

    def __init__(self, number: int, problem: str) -> None:
        super().__init__(f"L1 message {number}: {problem}")
        self.number, self.problem = number, problem


class ReexecutionError(SequencerError):
    """A stored block does not come out of its execution."""

    def __init__(self, number: int, what: str, stored: bytes | int, found: bytes | int) -> None:
        shown = [value.hex() if isinstance(value, bytes) else str(value) for value in (stored, found)]
        super().__init__(f"block {number}: {what} is {shown[0]}, execution gives {shown[1]}")
        self.number, self.what, self.stored, self.found = number, what, stored, found
