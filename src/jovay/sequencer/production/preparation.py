"""Before a block's first transaction: its environment, the system calls, and the account that fees go to."""

from __future__ import annotations

from jovay.chain.reasons import ending
from jovay.kernel.block import system
from jovay.kernel.machine import view
from jovay.kernel.machine.status import MISS
from jovay.state.errors import ArenaFullError

from .block import Draft
from .loading import load_missed
from .machines import Machines
from .touched import TouchedRecorder


class Preparation:
    """The stage. ``touched`` records what the system calls touch."""

    def __init__(self, machines: Machines, touched: TouchedRecorder | None) -> None:
        self._machines, self._touched = machines, touched

    def run(self, draft: Draft) -> None:
        """Take the world to the block. Raises ``ArenaFullError`` if a system call does not end."""
        machines, environment = self._machines, draft.environment
        machines.attach()
        for machine in machines:
            environment.write(machine.block)
        machines.world.go_to(environment.number)
        self._call_system_contracts(draft)
        if self._touched:
            self._touched.begin(machines.serial)
        self._have_coinbase(draft)
        machines.commit_serial()
        machines.serial.reset()

    def _call_system_contracts(self, draft: Draft) -> None:
        machines, environment = self._machines, draft.environment
        begin, parent = machines.library[system.begin_block], int.from_bytes(environment.parent_hash, "big")
        beacon_root = int.from_bytes(environment.parent_beacon_block_root, "big")
        while (how := machines.locked(begin, machines.serial, parent, beacon_root)) == MISS:
            load_missed(machines.serial, draft.statistics)
        if how:
            raise ArenaFullError(f"the block's system calls: {ending(how)}")

    def _have_coinbase(self, draft: Draft) -> None:
        """The coinbase must be in memory before fees are added to it."""
        machines, account = self._machines, self._machines.library[view.account]
        while not machines.locked(account, machines.serial, draft.environment.coinbase):
            load_missed(machines.serial, draft.statistics)
