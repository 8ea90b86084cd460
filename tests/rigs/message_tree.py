"""The Keccak tree of L2 messages with all its nodes, computed anew: what the one that is kept is compared with."""

from __future__ import annotations

from collections.abc import Sequence

from eth_utils.crypto import keccak

from jovay.bridge.wire.message_tree import ZEROS


class MessageTree:
    """All leaves of the tree. Its height is the least that holds them; places without a leaf are zero."""

    def __init__(self, leaves: Sequence[bytes] = ()) -> None:
        self.leaves = list(leaves)

    @property
    def height(self) -> int:
        return max(0, (len(self.leaves) - 1).bit_length()) if self.leaves else 0

    def root(self) -> bytes:
        """Zero without leaves; the leaf itself when there is one."""
        return self._levels()[-1][0] if self.leaves else bytes(32)

    def proof(self, index: int) -> list[bytes]:
        """Siblings of leaf ``index`` from the bottom up."""
        if not 0 <= index < len(self.leaves):
            raise IndexError(f"leaf {index} of {len(self.leaves)}")
        siblings = []
        for level, (zero, nodes) in enumerate(zip(ZEROS, self._levels()[:-1], strict=False)):
            at = (index >> level) ^ 1
            siblings.append(nodes[at] if at < len(nodes) else zero)
        return siblings

    def _levels(self) -> list[list[bytes]]:
        levels = [self.leaves]
        for level in range(self.height):
            below, zero = levels[-1], ZEROS[level]
            right = [*below[1::2], zero]
            levels.append([keccak(a + b) for a, b in zip(below[::2], right, strict=False)])
        return levels
