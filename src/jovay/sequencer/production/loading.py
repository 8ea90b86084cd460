"""Bringing into memory what a block misses there."""

from __future__ import annotations

from collections.abc import Sequence

from jovay.state.errors import ArenaFullError, WorldFullError
from jovay.state.machine import NativeMachine
from jovay.state.misses import Misses
from jovay.state.world import NativeWorld

from .block import BlockStatistics


def load(
    world: NativeWorld, misses: Misses, statistics: BlockStatistics, reserve: Sequence[int] | None = None
) -> bool:
    """Load keys; false if that would leave less than ``reserve`` of the tables.

    Raises ``WorldFullError`` where nothing is reserved and they do not fit.
    """
    statistics.misses += len(misses)
    try:
        world.load(misses, reserve)
    except WorldFullError:
        if reserve is None:
            raise
        return False
    return True


def load_missed(
    machine: NativeMachine, statistics: BlockStatistics, reserve: Sequence[int] | None = None
) -> bool:
    """The same with what ``machine`` misses. Raises ``ArenaFullError`` if that is not known."""
    misses = machine.take_misses()
    if not misses:
        raise ArenaFullError("a transaction misses keys that were not listed")
    statistics.rounds += 1
    return load(machine.world, misses, statistics, reserve)
