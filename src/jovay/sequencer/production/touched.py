"""Recording what blocks touch, for witnesses: no transaction is executed again."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jovay.chain.settled import Place, SettledConfig
from jovay.kernel.block import prestate
from jovay.kernel.block.changes import AccountChange, SlotChange
from jovay.kernel.block.prestate import Touched
from jovay.kernel.machine.account import Account, Slot
from jovay.native import places
from jovay.native.arena import Arena
from jovay.native.library import Library
from jovay.native.records import new_record
from jovay.state.errors import WorldFullError
from jovay.state.machine import NativeMachine
from jovay.state.misses import Misses
from jovay.state.world import NativeWorld
from jovay.state.writes import Records, WriteSet

log = logging.getLogger("jovay.recording")


@dataclass(frozen=True, slots=True)
class TouchedKeys:
    """What a block read or wrote: accounts and slots with their values before it, each once.

    ``founded`` are the slots that it put under accounts which it founded, where nothing had to be read. Execution asked
    for the hashes of the ``ancestors`` blocks before it.
    """

    keys: WriteSet
    founded: Records
    ancestors: int
    now: WriteSet
    """All that the trie must show, with the values after the block."""

    @property
    def proven(self) -> WriteSet:
        """The same with the values before it."""
        if not len(self.founded):
            return self.keys
        return WriteSet(self.keys.accounts, np.concatenate([self.keys.slots, self.founded]))


class TouchedRecorder:
    """Collects the keys of one block after another over ``world``.

    On a ``settled`` chain these are also what its provers read beside transactions: the slots that the configuration
    names, and those in which EIP-2935 keeps the hashes of older blocks that execution asked for.
    """

    def __init__(self, library: Library, world: NativeWorld, settled: SettledConfig | None = None) -> None:
        self._library, self._world, self._settled = library, world, settled
        accounts, slots = world.view.account_capacity, world.view.slot_capacity
        self._accounts = Arena(accounts * AccountChange.size, name="touched.accounts")
        self._slots = Arena(slots * SlotChange.size, name="touched.slots")
        self._founded = Arena(slots * SlotChange.size, name="touched.founded")
        self._accounts_after = Arena(self._accounts.size, name="touched.accounts_after")
        self._slots_after = Arena(self._slots.size, name="touched.slots_after")
        self._founded_after = Arena(self._founded.size, name="touched.founded_after")
        # A record is listed again where a view was emptied and met it anew, but not more often than it has room.
        self._listed = Arena(2 * (accounts + slots) * 8, name="touched.listed")
        self._scratch = Arena(Account.size + Slot.size, name="touched.scratch")
        self._out = new_record(
            Touched,
            {
                "accounts": self._accounts,
                "slots": self._slots,
                "founded": self._founded,
                "accounts_after": self._accounts_after,
                "slots_after": self._slots_after,
                "founded_after": self._founded_after,
                "account": self._scratch,
                "slot": self._scratch.address + Account.size,
            },
        )
        self._count = self._ancestors = 0

    def begin(self, machine: NativeMachine) -> None:
        """Start a block with what its system calls, in a serial view that will be emptied, touched."""
        self._count, self._ancestors = 0, int(machine.view.tx.ancestors)
        self.list(machine)

    def list(self, machine: NativeMachine) -> None:
        """Remember the keys in a serial view. Raises ``WorldFullError``."""
        room = self._listed.size - 8 * self._count
        if room < 8 * (machine.view.tables.account_count + machine.view.tables.slot_count):
            raise WorldFullError("touched records", self._listed.size // 8)
        at = self._listed.address + 8 * self._count
        self._count += self._library[prestate.list_touched](machine, at)

    def collect(
        self, runs: places.Place, count: int, stamp: int, height: int, coinbase: int
    ) -> TouchedKeys | None:
        """All keys of a block that was executed in ``count`` runs, with their values as of block ``height``.

        To be called when the block is in the world, and before its changes are collected. None where a key is missing.
        """
        library, out = self._library, self._out
        library[prestate.begin_touched](out, self._world, stamp, height, self._ancestors)
        library[prestate.collect_listed](out, self._listed, self._count)
        library[prestate.collect_runs](out, runs, count, coinbase)
        if self._settled is not None:
            self._collect_slots(self._settled.slots_of(height + 1, int(out.ancestors)))
        library[prestate.collect_missed](out)
        if out.missed:
            log.warning("%d keys of block %d are not recorded", out.missed, height + 1)
            return None
        accounts, slots, founded = self._found(self._accounts, self._slots, self._founded)
        after, slots_after, founded_after = self._found(
            self._accounts_after, self._slots_after, self._founded_after
        )
        now = WriteSet(after, np.concatenate([slots_after, founded_after]) if len(founded) else slots_after)
        return TouchedKeys(WriteSet(accounts, slots), founded, int(out.ancestors), now)

    def _collect_slots(self, places: Sequence[Place]) -> None:
        collect = self._library[prestate.collect_slot]
        for place in places:
            with self._world.lock.read():
                is_there = collect(self._out, *place)
            if not is_there:
                self._world.load(Misses([place[0]], [place]))
                self._out.missed += not collect(self._out, *place)

    def _found(self, accounts: Arena, slots: Arena, founded: Arena) -> tuple[Records, Records, Records]:
        out = self._out
        return (
            accounts.array(AccountChange, out.account_count).copy(),
            slots.array(SlotChange, out.slot_count).copy(),
            founded.array(SlotChange, out.founded_count).copy(),
        )
