"""A block that is reserved for a transaction which asks for its number or time stamp: both are fixed in advance."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace

from jovay.chain.environment import BlockEnvironment

#: The execution may take so many times as long as before; a reservation reaches so many seconds ahead at most.
MARGIN, SLACK_SECONDS, MOST_SECONDS = 1.5, 0.03, 4.0


@dataclass(frozen=True)
class Reservation:
    """Number and time stamp of the block."""

    number: int
    timestamp: int

    @classmethod
    def after(cls, coming: BlockEnvironment, seconds: float, tries: int, tick: float) -> Reservation:
        """For an execution of about ``seconds``, when ``coming`` is the next block and one comes every ``tick``.

        Blocks come no faster, but slower while nobody sends; then the lane asks for them, once its result is there. So
        the block is made when the time is over once to twice, and its time stamp is not before that.
        """
        ahead = min(MOST_SECONDS, MARGIN * seconds * 2**tries + SLACK_SECONDS)
        now = coming.timestamp + time.time() % 1
        return cls(coming.number + math.ceil(ahead / tick), int(now + 2 * ahead))

    def environment(self, coming: BlockEnvironment) -> BlockEnvironment:
        """The block's as far as it is known: nobody can know randomness and hashes."""
        return replace(coming, number=self.number, timestamp=self.timestamp)

    def is_now(self, block: BlockEnvironment) -> bool:
        """Whether it is this block."""
        return block.number == self.number and block.timestamp == self.timestamp

    def has_passed(self, block: BlockEnvironment) -> bool:
        """Whether it is none of this block and those after it."""
        return block.number >= self.number and not self.is_now(block)
