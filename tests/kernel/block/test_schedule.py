"""Conflict groups against the definition, found by brute force; what becomes of them; the order of the block."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import cache
from operator import index

from hypothesis import given, settings
from hypothesis import strategies as st

from jovay.kernel.block import execute, run, schedule
from jovay.kernel.block.run import (
    DEFERRED,
    DEPENDENT,
    DROPPED,
    EXECUTED,
    PREDICTED,
    RUN_SIZE,
    RUN_STRIDE,
    Run,
)
from jovay.kernel.block.schedule import Schedule
from jovay.kernel.machine.account import ACCOUNT_SIZE, SLOT_SIZE, Account, Slot
from jovay.kernel.machine.loading import READ_ONLY_GROUP
from jovay.native.library import Library, build
from jovay.native.records import View
from rigs.state import State

STAMP = 9
KEYS = 6


@cache
def library() -> Library:
    return build([run.init_runs, schedule.group_runs, execute.collect_groups, execute.order_block])


@dataclass(frozen=True)
class Draft:
    """A predicted run: its state, and key → whether it writes the key; keys below ``KEYS`` are accounts."""

    state: int
    keys: dict[int, bool]


states = st.sampled_from([PREDICTED, PREDICTED, PREDICTED, DEPENDENT, DEFERRED, DROPPED])
drafts = st.builds(Draft, states, st.dictionaries(st.integers(0, 2 * KEYS - 1), st.booleans(), max_size=4))


class Block:
    """Runs whose machines hold the records of these drafts, grouped."""

    def __init__(self, drafts: list[Draft], machines: int) -> None:
        self.drafts, self.state = drafts, State()
        owner = self.state.put_account(1000)
        accounts = [self.state.put_account(k) for k in range(KEYS)]
        self.keys = [*accounts, *(self.state.put_slot(owner, k, 1) for k in range(KEYS))]
        self.machines = [self.state.machine() for _ in range(machines)]
        count = len(drafts)
        self.at = self.state.memory.take(count * RUN_STRIDE + 64)
        transactions = (ctypes.c_uint64 * (count + 1))(*range(1, count + 2))
        library()[run.init_runs](self.at, ctypes.addressof(transactions), count)
        self.runs = [View(Run, self.at + k * RUN_STRIDE) for k in range(count)]
        for k, draft in enumerate(drafts):
            self._predicted(self.runs[k], draft, self.machines[k % machines])
        self.schedule = self.state.memory.record(Schedule)
        library()[schedule.group_runs](self.at, count, STAMP, self.schedule)

    def _predicted(self, r: View, draft: Draft, machine: View) -> None:
        r.state, r.machine = draft.state, machine
        r.first_account, r.first_slot = machine.tables.account_count, machine.tables.slot_count
        for key, written in draft.keys.items():
            if key < KEYS:
                record = View(Account, machine.tables.accounts + machine.tables.account_count * ACCOUNT_SIZE)
                machine.tables.account_count += 1
            else:
                record = View(Slot, machine.tables.slots + machine.tables.slot_count * SLOT_SIZE)
                machine.tables.slot_count += 1
            record.base = self.keys[key]
            record.listed = machine.dirty.stamp if written else 0
        r.account_end, r.slot_end = machine.tables.account_count, machine.tables.slot_count

    def taking_part(self) -> list[int]:
        return [k for k, draft in enumerate(self.drafts) if draft.state in (PREDICTED, DEPENDENT)]

    def groups(self) -> dict[int, list[int]]:
        """First run → runs, by the definition: who shares a key that one of them all writes is together."""
        group = {k: {k} for k in self.taking_part()}
        for key in range(2 * KEYS):
            users = [k for k in group if key in self.drafts[k].keys]
            if any(self.drafts[k].keys[key] for k in users):
                together = set().union(*(group[k] for k in users))
                for k in together:
                    group[k] = together
        return {min(members): sorted(members) for members in group.values()}

    def members(self, first: int) -> list[int]:
        """A group as its chain of runs says."""
        found, index = [], first + 1
        while index:
            found.append(index - 1)
            index = self.runs[index - 1].next
        return found


@given(drafts=st.lists(drafts, max_size=14), machines=st.integers(1, 3))
@settings(max_examples=150, deadline=None)
def test_groups_are_what_the_definition_says(drafts, machines):
    block = Block(drafts, machines)
    groups = block.groups()
    for first, members in groups.items():
        assert block.members(first) == members
        assert [block.runs[k].parent for k in members] == [first] * len(members)
        assert block.runs[first].group_size == len(members)
    executed = [m for first, m in groups.items() if len(m) > 1 or drafts[first].state == DEPENDENT]
    found = block.schedule
    assert (found.groups, found.runs_in_groups) == (len(executed), sum(map(len, executed)))
    assert found.singles == len(groups) - len(executed)
    assert found.largest == max(map(len, executed), default=0)


@given(drafts=st.lists(drafts, max_size=14))
@settings(max_examples=100, deadline=None)
def test_every_record_belongs_to_the_group_that_writes_it(drafts):
    block = Block(drafts, 2)
    first_of = {k: first for first, members in block.groups().items() for k in members}
    for key, record in enumerate(block.keys):
        users = [k for k in block.taking_part() if key in drafts[k].keys]
        if not users:
            assert record.owner == 0
        elif any(drafts[k].keys[key] for k in users):
            assert record.owner == (STAMP << 32) + first_of[users[0]] + 1
        else:
            assert record.owner == (STAMP << 32) | READ_ONLY_GROUP


@given(drafts=st.lists(drafts, max_size=14))
@settings(max_examples=60, deadline=None)
def test_larger_groups_come_first_and_the_undisturbed_are_done(drafts):
    block = Block(drafts, 2)
    out = (ctypes.c_uint64 * (len(drafts) + 1))()
    count = library()[execute.collect_groups](block.at, len(drafts), ctypes.addressof(out))
    groups = block.groups()
    undisturbed = {k for k, m in groups.items() if len(m) == 1 and drafts[k].state == PREDICTED}
    assert sorted(out[:count]) == sorted(groups.keys() - undisturbed)
    sizes = [len(groups[first]) for first in out[:count]]
    assert sizes == sorted(sizes, reverse=True)
    for k, draft in enumerate(drafts):
        assert block.runs[k].state == (EXECUTED if k in undisturbed else draft.state)


def test_a_new_block_forgets_the_owners_of_the_last():
    block = Block([Draft(PREDICTED, {0: True}), Draft(PREDICTED, {0: True})], 1)
    assert block.keys[0].owner == (STAMP << 32) + 1
    block.runs[0].state = DROPPED
    for r in block.runs:
        r.parent, r.group_size, r.next, r.tail = (index(r) - block.at) // RUN_STRIDE, 1, 0, 0
    library()[schedule.group_runs](block.at, 2, STAMP + 1, block.schedule)
    assert block.keys[0].owner == ((STAMP + 1) << 32) + 2
    assert (block.schedule.groups, block.schedule.singles) == (0, 1)


@given(late=st.lists(st.sampled_from(["group", "late", "dropped"]), max_size=12))
@settings(max_examples=40, deadline=None)
def test_deferred_runs_end_the_block(late):
    block = Block([Draft(PREDICTED, {}) for _ in late], 1)
    for r, what in zip(block.runs, late, strict=True):
        r.state = DROPPED if what == "dropped" else EXECUTED
        if what == "late":
            r.parent = len(late)
    out = (ctypes.c_uint64 * (len(late) + 1))()
    count = library()[execute.order_block](block.at, len(late), ctypes.addressof(out))
    expected = [k for k, w in enumerate(late) if w == "group"] + [
        k for k, w in enumerate(late) if w == "late"
    ]
    assert out[:count] == expected
    assert [block.runs[k].position for k in expected] == list(range(len(expected)))
    assert RUN_SIZE % 8 == 0
