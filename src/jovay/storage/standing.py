"""Where a settled chain stands after a block: what no header tells, and the next block goes on from.

Encoded: milliseconds and number of the next L1 message (8 bytes each, big-endian), then the rolling hash (32).
"""

from __future__ import annotations

from typing import NamedTuple

from .blocks import BlockStore
from .errors import CorruptStoreError
from .frame import Part
from .headers import read_header

SIZE = 48


class Standing(NamedTuple):
    """``milliseconds``: the block's time. L1 messages below number ``next_message`` are executed; ``rolling_hash`` is
    that of all of them.
    """

    milliseconds: int
    next_message: int = 0
    rolling_hash: bytes = bytes(32)

    def encode(self) -> bytes:
        """As it is stored."""
        numbers = self.milliseconds.to_bytes(8, "big") + self.next_message.to_bytes(8, "big")
        return numbers + self.rolling_hash


def read_standing(blocks: BlockStore, number: int) -> Standing:
    """After a stored block. Block 0, and blocks of chains that are not settled, have the seconds of their headers.

    Raises what reading a block raises.
    """
    stored = blocks.read(number, Part.STANDING)
    if not stored:
        return Standing(read_header(blocks, number).timestamp * 1000)
    if len(stored) != SIZE:
        raise CorruptStoreError(blocks.path, f"standing of block {number}", SIZE, len(stored))
    return Standing(int.from_bytes(stored[:8], "big"), int.from_bytes(stored[8:16], "big"), stored[16:])
