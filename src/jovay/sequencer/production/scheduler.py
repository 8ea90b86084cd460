"""The scheduler: transactions that touch a key which one of them writes form a group."""

from __future__ import annotations

import numpy as np

from jovay.kernel.block import execute, schedule
from jovay.kernel.block.schedule import Schedule
from jovay.native.records import new_record

from .block import Draft, U64Array
from .machines import Machines
from .runs import Runs


class Scheduler:
    """The stage."""

    def __init__(self, machines: Machines, runs: Runs) -> None:
        self._machines, self._runs = machines, runs
        self._schedule = new_record(Schedule)
        self._groups = np.zeros(runs.capacity, np.uint64)

    def run(self, draft: Draft) -> U64Array:
        """The groups that are still to be executed: the index of the first run of each, until the next block."""
        library, runs, found = self._machines.library, self._runs, self._schedule
        library[schedule.group_runs](runs, runs.count, draft.stamp, found)
        groups = library[execute.collect_groups](runs, runs.count, self._groups)
        statistics = draft.statistics
        statistics.groups, statistics.grouped = found.groups, found.runs_in_groups
        statistics.largest_group = found.largest
        return self._groups[:groups]
