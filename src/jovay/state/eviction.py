"""Room in the native tables: what blocks have not used for long leaves memory; the flat state has it."""

from __future__ import annotations

import logging
import time

import numpy as np

from jovay.kernel.state import retention as kernel
from jovay.kernel.state.retention import CLASSES, Horizon
from jovay.native.records import new_record

from .errors import WorldFullError
from .tables import Tables
from .world import NativeWorld

log = logging.getLogger("jovay.eviction")
#: Part of a table that stays, if so much has been used lately. Blocks wait while it moves, so it must not be much.
KEPT = 1 / 16
#: The same for code, which costs little to move.
CODE_KEPT = 1 / 4
#: What these used stays in any case: a transaction that was postponed waits for the rest of its keys.
LAST_BLOCKS = 2


def evict(world: NativeWorld, height: int, stamp: int, force: bool = False) -> bool:
    """Move what changed after block ``height``, or was used lately, into fresh tables.

    For the thread that makes blocks, between two of them; ``stamp`` is the newest one's. The flat state must hold all
    changes up to ``height``. False, and nothing is done, if more has changed since than should stay, unless ``force``.
    Raises ``WorldFullError`` if what stays does not fit at all.
    """
    begun, before = time.perf_counter(), world.fill()
    with world.lock.write():
        blocks = _horizon(world, height, stamp)
        if blocks is None and not force:
            return False
        tables = _moved(world, height, stamp, max(blocks or 0, LAST_BLOCKS))
        if _is_full_of_code(tables) and not force:
            return False
        world.move_to(tables, height)
    stay = ", ".join(
        f"{now:,} of {was:,} {table}"
        for (table, was, _), (_, now, _) in zip(before, world.fill(), strict=True)
    )
    log.info("made room: %s stay in memory (%.0f ms)", stay, 1e3 * (time.perf_counter() - begun))
    return True


def _moved(world: NativeWorld, height: int, stamp: int, blocks: int) -> Tables:
    """Tables with what stays: what one of the last ``blocks`` used, or fewer, if that is too much code."""
    while True:
        tables = Tables(world.library, world.sizes)
        spec = new_record(Horizon, {"height": height, "stamp": stamp, "blocks": blocks})
        if world.library[kernel.move_world](world, tables, spec):
            raise WorldFullError("records", world.view.slot_capacity)
        if blocks <= LAST_BLOCKS or not _is_full_of_code(tables):
            return tables
        blocks = max((1 << blocks.bit_length() // 2) >> 1, LAST_BLOCKS)


def _is_full_of_code(tables: Tables) -> bool:
    view = tables.view
    return bool(
        view.codes_used > view.codes_capacity * CODE_KEPT or view.code_count > view.code_mask * CODE_KEPT / 2
    )


def _horizon(world: NativeWorld, height: int, stamp: int) -> int | None:
    """How many blocks back a use lets a record stay; None if what is newer than ``height`` is too much already."""
    classes = np.zeros((2, CLASSES), np.uint64)
    spec = new_record(Horizon, {"height": height, "stamp": stamp})
    world.library[kernel.count_classes](world, spec, classes)
    younger = np.cumsum(classes, axis=1)  # than 2^(k - 1) blocks
    rooms = [capacity * KEPT for _, _, capacity in world.fill()[:2]]
    fits = [k for k in range(CLASSES - 1) if all(younger[t, k] <= rooms[t] for t in (0, 1))]
    return (1 << max(fits)) >> 1 if fits else None
