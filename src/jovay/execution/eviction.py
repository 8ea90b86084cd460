"""Room in the native tables: what blocks have not used for long leaves memory; the flat state has it."""

from __future__ import annotations

import ctypes
import logging
import time

import numpy as np

from jovay.kernel.state import eviction as kernel
from jovay.kernel.state.eviction import CLASSES, Horizon
from jovay.records import new_record

from .errors import WorldFullError
from .space import Space
from .world import NativeWorld

log = logging.getLogger("jovay.eviction")
#: Part of a table that stays, if so much has been used lately. Blocks wait while it moves, so it must not be much.
KEPT = 1 / 16


def evict(world: NativeWorld, height: int, stamp: int, force: bool = False) -> bool:
    """Move what changed after block ``height``, or was used lately, into a fresh space.

    For the thread that makes blocks, between two of them; ``stamp`` is the newest one's. The flat state must hold all
    changes up to ``height``. False, and nothing is done, if more has changed since than should stay, unless ``force``.
    Raises ``WorldFullError`` if what stays does not fit at all.
    """
    begun, before = time.perf_counter(), world.fill()
    with world.lock.write():
        blocks = _horizon(world, height, stamp)
        if blocks is None and not force:
            return False
        space = Space(world.library, world.sizes)
        spec = new_record(Horizon, {"height": height, "stamp": stamp, "blocks": blocks or 0})
        if world.library[kernel.move_world](world.address, space.address, ctypes.addressof(spec)):
            raise WorldFullError("records", world.view.slot_capacity)
        world.settle(space)
        world.source = world.stored
        world.version = max(world.version, height)
    stay = ", ".join(
        f"{now:,} of {was:,} {table}"
        for (table, was, _), (_, now, _) in zip(before, world.fill(), strict=True)
    )
    log.info("made room: %s stay in memory (%.0f ms)", stay, 1e3 * (time.perf_counter() - begun))
    return True


def _horizon(world: NativeWorld, height: int, stamp: int) -> int | None:
    """How many blocks back a use lets a record stay; None if what is newer than ``height`` is too much already."""
    classes = np.zeros((2, CLASSES), np.uint64)
    spec = new_record(Horizon, {"height": height, "stamp": stamp})
    world.library[kernel.count_classes](world.address, ctypes.addressof(spec), classes.ctypes.data)
    younger = np.cumsum(classes, axis=1)  # than 2^(k - 1) blocks
    rooms = [capacity * KEPT for _, _, capacity in world.fill()[:2]]
    fits = [k for k in range(CLASSES - 1) if all(younger[t, k] <= rooms[t] for t in (0, 1))]
    return (1 << max(fits)) >> 1 if fits else None
