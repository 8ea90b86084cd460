"""Execution: groups share no key that one of them writes, so they run side by side without locks."""

from __future__ import annotations

from jovay.kernel.block import execute
from jovay.state.errors import WorldFullError
from jovay.state.machine import NativeMachine

from .block import Draft, U64Array
from .machines import SHARES, Machines
from .runs import Runs


class Execution:
    """The stage. What leaves its predicted keys is undone and deferred, with the rest of its group."""

    def __init__(self, machines: Machines, runs: Runs) -> None:
        self._machines, self._runs = machines, runs

    def run(self, draft: Draft, groups: U64Array) -> None:
        """Execute the groups, and bring all that has run into the world. Raises ``WorldFullError``."""
        if len(groups):
            self._execute(groups, draft.stamp)
        self._commit(draft.environment.coinbase)

    def _execute(self, groups: U64Array, stamp: int) -> None:
        call, runs = self._machines.library[execute.execute_groups], self._runs
        at, count = groups, len(groups)
        shares = min(count, self._machines.workers * SHARES)

        def execute_share(machine: NativeMachine, share: int) -> None:
            call(machine, runs, at, share, shares, count, stamp)

        self._machines.in_shares(shares, execute_share)

    def _commit(self, coinbase: int) -> None:
        library, world, runs = self._machines.library, self._machines.world, self._runs
        with world.lock.write():
            if library[execute.commit_runs](world, runs, runs.count):
                raise WorldFullError("records", world.view.slot_capacity)
            if library[execute.credit_fees](world, runs, runs.count, coinbase):
                raise WorldFullError("accounts", world.view.account_capacity)
