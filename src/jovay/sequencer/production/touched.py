"""Recording what blocks touch, for witnesses: no transaction is executed again."""

from __future__ import annotations

import ctypes

import numpy as np

from jovay.kernel.block.changes import AccountChange, Changes, SlotChange
from jovay.kernel.block.prestate import collect_touched
from jovay.kernel.machine.account import Account, Slot
from jovay.native.arena import Arena
from jovay.native.library import Library
from jovay.native.records import View, array_at, new_record
from jovay.state.machine import NativeMachine
from jovay.state.writes import WriteSet, last_of


class TouchedRecorder:
    """Collects the keys in machines' views with the values that they had before the block.

    ``accounts`` and ``slots`` are the capacities of the world, each record of which a block appends once.
    """

    def __init__(self, library: Library, accounts: int, slots: int) -> None:
        self._collect = library[collect_touched]
        self._accounts, self._slots = (
            Arena(accounts * AccountChange.size, name="touched.accounts"),
            Arena(slots * SlotChange.size, name="touched.slots"),
        )
        self._scratch = Arena(Account.size + Slot.size, name="touched.scratch")
        self._out = new_record(Changes, {})

    def begin(self) -> None:
        """Start a block."""
        self._out = new_record(Changes, {"accounts": self._accounts.address, "slots": self._slots.address})

    def collect(self, machine: NativeMachine, stamp: int, height: int) -> None:
        """Add what ``machine`` has in its view, as of block ``height``."""
        self._collect(machine.address, stamp, height, ctypes.addressof(self._out), self._scratch.address)

    def take(self) -> WriteSet:
        """What the block touched, each key once."""
        view = View(Changes, ctypes.addressof(self._out))
        accounts = array_at(self._accounts.address, view.account_count, AccountChange).copy()
        slots = array_at(self._slots.address, view.slot_count, SlotChange).copy()
        return WriteSet(last_of(accounts, ("address",)), last_of(slots, ("address", "key")))


assert np.dtype("<u8").itemsize == 8
