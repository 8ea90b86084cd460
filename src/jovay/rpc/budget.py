"""A common bound on the memory that connections hold for clients: bodies half received, answers half sent."""

from __future__ import annotations


class Budget:
    """Bytes held over all connections.  Lives on the event loop."""

    __slots__ = ("limit", "used")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0

    def move(self, held: int, now: int) -> bool:
        """Change what one holder holds from ``held`` to ``now`` bytes.

        Returns false if that takes more than there is; the change is made all the same, so that the holder
        can give it back when it lets go.
        """
        self.used += now - held
        return now <= held or self.used <= self.limit
