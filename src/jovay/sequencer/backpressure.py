"""Back-pressure: production does not run away from L1, where every block must be published and attested.

Near the limit blocks come more slowly; at the limit none come, and the pool takes nothing, until batches are attested.
Production also rests while somebody has halted it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from jovay.storage.blocks import BlockStore
from jovay.storage.standing import Standing, read_standing

from .finality import L1Finality
from .production.progress import Stall

#: From this share of the limit on blocks come more slowly, at the limit one in ``SLOWEST`` seconds.
SLOW_FROM, SLOWEST = 0.8, 1.0
#: Seconds between two looks at the provers' records.
PERIOD = 1.0


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is executed and not attested on L1: blocks, and their bytes as they are published."""

    blocks: int
    bytes: int


class Backpressure:
    """Over one chain: ``most`` may wait for L1, None for as much as there is. Thread-safe.

    ``are_full`` are the records that provers are given of what waits.
    """

    def __init__(
        self, finality: L1Finality, blocks: BlockStore, most: Backlog | None, are_full: Callable[[], bool]
    ) -> None:
        self._finality, self._blocks, self.most, self._are_full = finality, blocks, most, are_full
        self._asked, self._full = 0.0, False
        self._attested = (-1, 0)  # a block, and the bytes published up to it
        self._head, self._standing = 0, Standing(0)
        self._halted: Stall | None = None
        self._full_since: float | None = None

    def made(self, head: int, standing: Standing) -> None:
        """The newest block."""
        self._head, self._standing = head, standing

    def backlog(self) -> Backlog:
        """Now."""
        safe = min(self._finality.safe, self._head)
        if self._attested[0] != safe:
            oldest = max(safe, self._blocks.oldest)
            self._attested = safe, read_standing(self._blocks, oldest).published
        return Backlog(self._head - safe, self._standing.published - self._attested[1])

    def _share(self) -> float:
        """Of the limit."""
        if self.most is None:
            return 0.0
        backlog = self.backlog()
        return max(backlog.blocks / self.most.blocks, backlog.bytes / self.most.bytes)

    def tick(self, usual: float) -> float:
        """Seconds between two blocks, where there is no reason for more than ``usual``."""
        share = self._share()
        if share < SLOW_FROM or usual >= SLOWEST:
            return usual
        return float(usual * (SLOWEST / usual) ** min(1.0, (share - SLOW_FROM) / (1 - SLOW_FROM)))

    def stall(self) -> Stall | None:
        """Why no blocks are made; None where they are."""
        if self._halted is not None:
            return self._halted
        limit = self._limit()
        if not limit:
            self._full_since = None
            return None
        if self._full_since is None:
            self._full_since = time.time()
        backlog = self.backlog()
        waiting = f"{backlog.blocks} blocks with {backlog.bytes} bytes wait to be attested on L1"
        return Stall(
            f"{waiting}, which {limit} allows no more of; do relayer and prover run?", self._full_since
        )

    def _limit(self) -> str:
        """The setting whose limit is reached."""
        if self.most is None:
            return ""
        if self._share() >= 1:
            return "--backlog-blocks" if self.backlog().blocks >= self.most.blocks else "--backlog-mib"
        if time.monotonic() - self._asked > PERIOD:
            self._asked, self._full = time.monotonic(), self._are_full()
        return "--tracer-mib" if self._full else ""

    def halt(self, reason: str) -> None:
        """Stop for good, until a person has looked at it and the node is started again."""
        self._halted = Stall(reason, time.time())
