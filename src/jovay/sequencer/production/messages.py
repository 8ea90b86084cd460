"""L1 messages come first in a block: one after the other, in a machine of their own, before anything else."""

from __future__ import annotations

from jovay.kernel.block import aside, execute, messages
from jovay.kernel.block.run import EXECUTED
from jovay.kernel.evm.validity import LEFT_OUT
from jovay.kernel.machine import view
from jovay.kernel.machine.status import ARENA_FULL
from jovay.state.errors import ArenaFullError
from jovay.state.machine import NativeMachine

from .block import Draft
from .loading import load_missed
from .machines import Machines
from .runs import Runs
from .touched import TouchedRecorder

#: How often a message guesses that missing keys are absent, and begins anew, before it waits for each of them.
GUESSES = 4


class L1Messages:
    """The stage. ``touched`` records what the messages touch.

    Nothing that is in the queue can be passed over: a message that fails is executed all the same. One that finds no
    room for its logs beside those of the messages before it is the first of the next block.
    """

    def __init__(self, machines: Machines, runs: Runs, touched: TouchedRecorder | None) -> None:
        self._library, self._machines, self._runs, self._touched = machines.library, machines, runs, touched

    def run(self, draft: Draft) -> None:
        """Execute the draft's first transactions, and bring what they change into the world.

        Raises ``ArenaFullError`` if there is no room for a single one, ``WorldFullError`` where the tables are full.
        """
        runs, call, machine = self._runs, self._library, self._machines.messages
        if not draft.messages:
            return
        if machine is None:
            raise ArenaFullError("L1 messages in a block of a chain that has none")
        call[messages.defer_messages](runs, draft.messages)
        for index in range(draft.messages):
            self._execute(machine, draft, index)
            if runs.states[index] != EXECUTED:
                if index == 0:
                    raise ArenaFullError("an L1 message finds no room in an empty block")
                call[messages.leave_messages](runs, index, draft.messages, LEFT_OUT)
                break
            call[messages.place_message](machine, runs, index)
        self._commit(machine, draft)

    def _execute(self, machine: NativeMachine, draft: Draft, index: int) -> None:
        runs, tries = self._runs, 0
        call = self._library[execute.execute_deferred]
        while self._machines.locked(call, machine, runs, index + 1, index) == index:
            if runs.statuses[index] == ARENA_FULL:  # the records of those before are in its way
                draft.statistics.renewals += 1
                self._commit(machine, draft)
                self._library[view.forget_records](machine)
                continue
            load_missed(machine, draft.statistics)
            tries += 1
            machine.wait_for_keys(tries >= GUESSES)
        machine.wait_for_keys(False)

    def _commit(self, machine: NativeMachine, draft: Draft) -> None:
        self._machines.commit(machine)
        if self._touched is not None:
            self._touched.list(machine)
        self._library[aside.mark_used](machine, draft.stamp)
