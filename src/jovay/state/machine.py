"""A machine in native memory: what one worker or one simulated call executes with."""

from __future__ import annotations

import ctypes
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from jovay.kernel.evm.capacities import machine_sizes
from jovay.kernel.machine import view as kernel_view
from jovay.kernel.machine.account import Account, Slot
from jovay.kernel.machine.environment import Block
from jovay.kernel.machine.journal import ENTRY
from jovay.kernel.machine.layout import MachineSizes, init_machine, machine_footprint
from jovay.kernel.machine.machine import Machine
from jovay.kernel.machine.misses import MISS_SIZE
from jovay.kernel.machine.result import Result
from jovay.kernel.protocol.limits import TX_MAX_GAS_LIMIT
from jovay.native.arena import Arena
from jovay.native.library import Library
from jovay.native.records import View, new_record

from .errors import ArenaFullError
from .misses import Misses
from .tables import Tables
from .world import NativeWorld

#: Accounts of the transactions that a machine executes beside a heavy one, in a block's share.
SHARED = 65_536


class NativeMachine:
    """Transactions of up to ``gas`` find room in its arenas; ``shared`` more accounts are for others in the same view.

    The arenas are address space, of which only what is touched takes memory. Raises ``ArenaFullError`` where the system
    does not give so much.
    """

    def __init__(
        self,
        library: Library,
        world: NativeWorld,
        gas: int = TX_MAX_GAS_LIMIT,
        shared: int = SHARED,
        huge_pages: bool = True,
    ) -> None:
        self.library, self.world, self.gas = library, world, gas
        spec = new_record(MachineSizes, {})
        library[machine_sizes](gas, shared, ctypes.addressof(spec))
        size = library[machine_footprint](ctypes.addressof(spec))
        try:
            self._arena = Arena(size, huge_pages)
        except (OSError, ValueError, OverflowError) as error:
            raise ArenaFullError(
                f"the system gives no {size:,} bytes for transactions of {gas:,} gas"
            ) from error
        self.address = self._arena.address
        library[init_machine](self.address, ctypes.addressof(spec), world.address, secrets.randbits(64))
        self.view = View(Machine, self.address)
        self.tables: Tables | None = world.tables
        self._block = ctypes.create_string_buffer(Block.size)
        self.block = View(Block, ctypes.addressof(self._block))
        self.view.block = self.block.pointer
        self._result = ctypes.create_string_buffer(Result.size)
        self.result = View(Result, ctypes.addressof(self._result))

    def attach(self) -> None:
        """Execute over the tables that the world's records are in now, and keep it; the view must be empty."""
        tables = self.tables = self.world.tables
        self.view.world = tables.address

    def detach(self) -> None:
        """Let go of the tables, so that their memory can be freed; ``attach`` before the next execution."""
        self.reset()
        self.tables, self.view.world = None, 0

    def stop_after(self, gas: int) -> None:
        """Let runs stop after every so much gas; 0: never."""
        self.view.preemption.quantum = gas

    @property
    def waits_for_keys(self) -> bool:
        """Whether a run stops at the first key that is not in memory, instead of taking it for absent."""
        return bool(self.view.misses.suspending)

    def wait_for_keys(self, waits: bool) -> None:
        """Stop at such keys, or not."""
        self.view.misses.suspending = int(waits)

    @contextmanager
    def trusting(self) -> Iterator[None]:
        """Within, keys that are not in memory are taken for absent, and may be confirmed afterwards."""
        self.view.misses.trusting = 1
        try:
            yield
        finally:
            self.view.misses.trusting = 0

    def reset(self) -> None:
        """Forget the view: records, changes, logs."""
        self.library[kernel_view.reset_view](self.address)

    def release_memory(self) -> None:
        """Give back what memory the last executions filled; the view must be empty. A zeroed index is one, too."""
        view = self.view
        for start, size in (
            (view.tables.account_index, 8 * (view.tables.account_mask + 1)),
            (view.tables.slot_index, 8 * (view.tables.slot_mask + 1)),
            (view.tables.accounts, view.tables.account_capacity * Account.size),
            (view.tables.slots, view.tables.slot_capacity * Slot.size),
            (view.journal.entries, view.journal.capacity * ENTRY),
            (view.calls.memory, view.calls.memory_capacity),
            (view.returned.data, view.returned.capacity),
            (view.code.start, view.code.capacity),
            (view.logs.data, view.logs.data_capacity),
        ):
            self._arena.release(start, size)

    def take_misses(self) -> Misses:
        """The keys that look-ups missed since the last call."""
        count = self.view.misses.count
        raw = np.frombuffer(ctypes.string_at(self.view.misses.entries, count * MISS_SIZE), np.uint8)
        rows = raw.reshape(count, MISS_SIZE)
        self.view.misses.count = 0
        is_slot = rows[:, 0] != 0
        return Misses.of_words(rows[~is_slot, 32:64], rows[is_slot, 32:96])
