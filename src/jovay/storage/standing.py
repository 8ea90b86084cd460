"""Where a settled chain stands after a block: what no header tells, and the next block goes on from.

Encoded, big-endian: milliseconds, number of the next L1 message, published bytes (8 each), rolling hash (32).
"""

from __future__ import annotations

from typing import NamedTuple

from .blocks import BlockStore
from .errors import CorruptStoreError
from .frame import Part
from .headers import read_header

SIZE = 56


class Standing(NamedTuple):
    """``milliseconds``: the block's time. L1 messages below number ``next_message`` are executed; ``rolling_hash`` is
    that of all of them. ``published``: bytes of all blocks so far as they go to L1.
    """

    milliseconds: int
    next_message: int = 0
    rolling_hash: bytes = bytes(32)
    published: int = 0

    def encode(self) -> bytes:
        """As it is stored."""
        numbers = self.milliseconds, self.next_message, self.published
        return b"".join(number.to_bytes(8, "big") for number in numbers) + self.rolling_hash


def read_standing(blocks: BlockStore, number: int) -> Standing:
    """After a stored block. Block 0, and blocks of chains that are not settled, have the seconds of their headers.

    Raises what reading a block raises.
    """
    stored = blocks.read(number, Part.STANDING)
    if not stored:
        return Standing(read_header(blocks, number).timestamp * 1000)
    if len(stored) != SIZE:
        raise CorruptStoreError(blocks.path, f"standing of block {number}", SIZE, len(stored))
    milliseconds, following, published = (int.from_bytes(stored[at : at + 8], "big") for at in (0, 8, 16))
    return Standing(milliseconds, following, stored[24:], published)
