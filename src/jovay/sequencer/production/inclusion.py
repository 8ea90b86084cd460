"""What was executed beside earlier blocks comes first in its block, as far as it stands."""

from __future__ import annotations

from jovay.kernel.block import aside
from jovay.kernel.evm.validity import SET_ASIDE
from jovay.kernel.machine import commit
from jovay.state.errors import WorldFullError

from .block import Draft
from .machines import Machines
from .runs import Runs


class Inclusion:
    """The stage."""

    def __init__(self, machines: Machines, runs: Runs) -> None:
        self._machines, self._runs = machines, runs

    def run(self, draft: Draft) -> None:
        """Commit what stands; what does not is dropped with ``SET_ASIDE``. Raises ``WorldFullError``."""
        world, block = self._machines.world, self._machines.serial.block
        call = self._machines.library[aside.include_aside]
        for index, machine in enumerate(draft.beside, draft.messages):
            with world.lock.write():
                if machine.tables is not world.tables:  # its records are not those that blocks change
                    self._runs.drop(index, SET_ASIDE)
                    continue
                arguments = machine, self._runs, index, machine.result
                if call(*arguments, block, draft.stamp) == commit.WORLD_FULL:
                    raise WorldFullError("records", world.view.slot_capacity)
