"""What BLOCKHASH looks at."""

from __future__ import annotations

from jovay.kernel.protocol.limits import BLOCK_HASHES
from jovay.native.arena import Arena

from .types import Hash32


class BlockHashes:
    """Hashes of the newest blocks where the kernel looks for them: that of block n at 32·(n mod 256)."""

    def __init__(self) -> None:
        self._arena = Arena(32 * BLOCK_HASHES, name="hashes")

    def put(self, number: int, digest: Hash32) -> None:
        """Set the hash of a block, in the place of that of the block 256 before it."""
        self._arena.write(digest, self._arena.address + number % BLOCK_HASHES * 32)

    def __index__(self) -> int:
        return self._arena.address
