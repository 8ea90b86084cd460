"""A machine in native memory: what one worker or one simulated call executes with."""

from __future__ import annotations

import ctypes
import secrets

import numpy as np

from jovay.compiler.arena import Arena
from jovay.compiler.native import Library
from jovay.kernel.evm.machine import (
    ACCOUNT_SIZE,
    FRAME_SIZE,
    LOG_SIZE,
    MISS_SIZE,
    SLOT_SIZE,
    Block,
    Machine,
    Result,
)
from jovay.kernel.setup import FRAMES, MachineSizes, init_machine
from jovay.kernel.state import view as kernel_view
from jovay.kernel.state.journal import ENTRY
from jovay.records import View, new_record

from .misses import Misses
from .space import Space, power_of_two
from .world import MEGABYTE, NativeWorld


class NativeMachine:
    """``scale`` is about how many accounts its view can hold; slots four times as many."""

    def __init__(
        self, library: Library, world: NativeWorld, scale: int = 65_536, memory: int = 128 * MEGABYTE
    ) -> None:
        self.library, self.world = library, world
        sizes = {
            "accounts": scale,
            "account_index": power_of_two(2 * scale + 2),
            "slots": 4 * scale,
            "slot_index": power_of_two(8 * scale + 2),
            "misses": scale,
            "journal": 16 * scale,
            "stack_bytes": 34 * MEGABYTE,
            "memory_bytes": memory,
            "code_bytes": memory,
            "return_bytes": memory,
            "logs": 2 * scale,
            "log_bytes": memory,
            "touched": 4 * scale,
            "scratch": 64 * MEGABYTE,
        }
        total = scale * (ACCOUNT_SIZE + 4 * SLOT_SIZE + 40 + MISS_SIZE + 16 * ENTRY + 2 * LOG_SIZE + 32)
        total += sizes["account_index"] * 8 + sizes["slot_index"] * 8 + FRAMES * FRAME_SIZE
        total += 98 * MEGABYTE + 4 * memory + 8192
        self._arena = Arena(total)
        self.address = self._arena.address
        spec = new_record(MachineSizes, sizes)
        library[init_machine](self.address, ctypes.addressof(spec), world.address, secrets.randbits(64))
        self.view = View(Machine, self.address)
        self.space: Space | None = world.space
        self._block = ctypes.create_string_buffer(Block.size)
        self.block = View(Block, ctypes.addressof(self._block))
        self.view.block = self.block.pointer
        self._result = ctypes.create_string_buffer(Result.size)
        self.result = View(Result, ctypes.addressof(self._result))

    def attach(self) -> None:
        """Execute over the space that the world's records are in now, and keep it; the view must be empty."""
        space = self.space = self.world.space
        self.view.world = space.address

    def detach(self) -> None:
        """Let go of the space, so that its memory can be freed; ``attach`` before the next execution."""
        self.reset()
        self.space, self.view.world = None, 0

    def reset(self) -> None:
        """Forget the view: records, changes, logs."""
        self.library[kernel_view.reset_view](self.address)

    def release_memory(self) -> None:
        """Give back what memory the last executions filled with bytes: EVM memory, output, new code, log data."""
        view = self.view
        for start, size in (
            (view.memory_arena, view.memory_capacity),
            (view.return_arena, view.return_capacity),
            (view.code_arena, view.code_capacity),
            (view.log_data, view.log_data_capacity),
        ):
            self._arena.release(start, size)

    def take_misses(self) -> Misses:
        """The keys that look-ups missed since the last call."""
        count = self.view.miss_count
        raw = np.frombuffer(ctypes.string_at(self.view.misses, count * MISS_SIZE), np.uint8)
        rows = raw.reshape(count, MISS_SIZE)
        self.view.miss_count = 0
        is_slot = rows[:, 0] != 0
        return Misses.of_words(rows[~is_slot, 32:64], rows[is_slot, 32:96])
