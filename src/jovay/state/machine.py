"""A machine in native memory: what one worker or one simulated call executes with."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from jovay.kernel.evm.capacities import machine_sizes
from jovay.kernel.machine import view as kernel_view
from jovay.kernel.machine.account import Account, Slot
from jovay.kernel.machine.environment import Block
from jovay.kernel.machine.journal import ENTRY
from jovay.kernel.machine.layout import MachineSizes, init_machine, machine_footprint
from jovay.kernel.machine.log import Log
from jovay.kernel.machine.machine import Machine
from jovay.kernel.machine.misses import MISS_SIZE
from jovay.kernel.machine.result import Result
from jovay.kernel.protocol.limits import TX_MAX_GAS_LIMIT
from jovay.kernel.state.world import Code
from jovay.native.arena import Arena
from jovay.native.library import Library
from jovay.native.records import new_record

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
        library[machine_sizes](gas, shared, spec)
        size = library[machine_footprint](spec)
        try:
            self.arena = Arena(size, huge_pages)
        except (OSError, ValueError, OverflowError) as error:
            raise ArenaFullError(
                f"the system gives no {size:,} bytes for transactions of {gas:,} gas"
            ) from error
        library[init_machine](self.arena, spec, world, secrets.randbits(64))
        self.view = self.arena.record(Machine)
        self.tables: Tables | None = world.tables
        self.block = new_record(Block)
        self.view.block = self.block
        self.result = new_record(Result)

    def __index__(self) -> int:
        return self.arena.address

    def attach(self) -> None:
        """Execute over the tables that the world's records are in now, and keep it; the view must be empty."""
        tables = self.tables = self.world.tables
        self.view.world = tables

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
        self.library[kernel_view.reset_view](self)

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
            self.arena.release(size, start)

    def accounts(self) -> npt.NDArray[Any]:
        """The Account records of the view, in place."""
        return self.arena.array(Account, self.view.tables.account_count, self.view.tables.accounts)

    def slots(self) -> npt.NDArray[Any]:
        """The Slot records of the view, in place."""
        return self.arena.array(Slot, self.view.tables.slot_count, self.view.tables.slots)

    def logs(self) -> npt.NDArray[Any]:
        """The Log records of what it executed, in place."""
        return self.arena.array(Log, self.view.logs.count, self.view.logs.records)

    def code(self, at: int) -> bytes:
        """What the Code record at an address holds: the world's, or one that an execution or an override made."""
        arena = self._arena_with(at)
        code = arena.record(Code, at)
        return arena.read(code.size, code.bytes)

    def byte_of_code(self, at: int) -> int:
        """The byte of some code at an address."""
        return self._arena_with(at).read(1, at)[0]

    def code_size(self, at: int) -> int:
        """Its size."""
        return int(self._arena_with(at).record(Code, at).size)

    def _arena_with(self, at: int) -> Arena:
        return self.arena if self.tables is None or at in self.arena else self.tables.arena

    def output(self) -> bytes:
        """What the last transaction gave back."""
        return self.arena.read(self.result.output_size, self.view.returned.data)

    def take_misses(self) -> Misses:
        """The keys that look-ups missed since the last call."""
        count = self.view.misses.count
        rows = self.arena.array(np.uint8, count * MISS_SIZE, self.view.misses.entries).reshape(
            count, MISS_SIZE
        )
        self.view.misses.count = 0
        is_slot = rows[:, 0] != 0
        return Misses.of_words(rows[~is_slot, 32:64], rows[is_slot, 32:96])
