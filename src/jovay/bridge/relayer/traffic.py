"""Whether a chain is in use: whether anybody but one account sends transactions."""

from __future__ import annotations

from jovay.bridge.l1.client import L1Client
from jovay.chain.hexadecimal import hexed

#: Blocks that are looked at in one go. A chain that nobody uses makes one a minute.
_AT_ONCE = 64


class Traffic:
    """Of all but ``own`` since ``forget`` was called last; until then it is taken for granted."""

    def __init__(self, chain: L1Client, own: bytes) -> None:
        self._chain, self._own = chain, hexed(own)
        self._seen, self._looked_at = True, 0

    def forget(self, block: int) -> None:
        """What the blocks up to this one hold does not count any more."""
        self._seen, self._looked_at = False, block

    def seen(self) -> bool:
        """Whether there was any. Raises what the client raises."""
        if self._seen:
            return True
        head = self._chain.block_number()
        self._looked_at = min(self._looked_at, head)  # the chain was led back
        last = min(head, self._looked_at + _AT_ONCE)
        while not self._seen and self._looked_at < last and self._looks(self._looked_at + 1):
            self._looked_at += 1
        return self._seen

    def _looks(self, number: int) -> bool:
        """Whether the block is there to look at."""
        block = self._chain.call("eth_getBlockByNumber", hex(number), True)
        if block is None:
            return False
        self._seen = any(each["from"].lower() != self._own for each in block["transactions"])
        return True
