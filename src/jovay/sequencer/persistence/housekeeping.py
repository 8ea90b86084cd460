"""Between two blocks: room in the native tables, where they are crowded."""

from __future__ import annotations

from jovay.state.eviction import evict
from jovay.state.world import NativeWorld
from jovay.storage.state import StateStore

from .persistence import Persistence


class Housekeeping:
    """Evicts records that the flat state has, for the thread that makes blocks.

    The state of the last ``history`` blocks stays known if there is room for it, else that of fewer.
    """

    def __init__(self, world: NativeWorld, state: StateStore, persistence: Persistence, history: int) -> None:
        self._world, self._state, self._persistence = world, state, persistence
        self._depths = (history, history // 16, 0)
        self.evictions = 0

    def run(self, stamp: int) -> bool:
        """Make room if it is needed; whether it was. ``stamp`` is the newest block's."""
        if not self._world.is_crowded():
            return False
        self.evictions += 1
        head = self._world.view.height
        if not any(evict(self._world, self._horizon(head - depth), stamp) for depth in self._depths):
            self._persistence.call(self._persistence.checkpoint)
            evict(self._world, self._horizon(head), stamp, force=True)
        return True

    def _horizon(self, height: int) -> int:
        return max(0, min(height, self._state.height))
