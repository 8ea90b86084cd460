"""Blocks that are stored on L2 and in no batch yet, kept while they wait; the node's word is last."""

from __future__ import annotations

from jovay.bridge.relayer.blocks import Block, BlockSource, follow
from jovay.bridge.relayer.errors import BlocksError, WaitingError

#: Bytes and blocks that are held at most, about: more than one batch takes.
HELD_BYTES, HELD_BLOCKS = 1 << 24, 1 << 16


class Backlog:
    """The blocks behind the last one that is in a batch."""

    def __init__(self, source: BlockSource) -> None:
        self._source = source
        self._blocks: list[Block] = []
        self.head = -1
        """Number of the newest block that the node has stored; -1 before it was asked."""

    def behind(self, number: int, block_hash: bytes) -> list[Block]:
        """Blocks from ``number`` + 1 on, as many as are held. ``BlocksError`` if the node has another block there."""
        if self._blocks and not self._goes_on_from(number):
            self._blocks = []
        if self._blocks and not self.has(self._blocks[-1].number, self._blocks[-1].hash):
            self._blocks = []
        while len(self._blocks) < HELD_BLOCKS and sum(block.size for block in self._blocks) < HELD_BYTES:
            first = self._blocks[-1].number + 1 if self._blocks else number + 1
            if first > self.head and self._blocks:
                break
            found, self.head = self._source.since(first)
            if not found:
                break
            if self._blocks:
                follow(self._blocks[-1], found[0])
            self._blocks += found
        if self.head < number:
            raise WaitingError(f"the node has {self.head} blocks, and {number} are in batches")
        if self._blocks and self._blocks[0].parent_hash != block_hash:
            self._blocks = []
            raise BlocksError(number, "is another one in the node than in its batch")
        return self._blocks

    def _goes_on_from(self, number: int) -> bool:
        """Let go of what is in batches; False if then the next block is not here."""
        self._blocks = [block for block in self._blocks if block.number > number]
        return bool(self._blocks) and self._blocks[0].number == number + 1

    def has(self, number: int, block_hash: bytes) -> bool:
        """Whether the node has this block."""
        found, self.head = self._source.since(number, most=1)
        return bool(found) and found[0].hash == block_hash
