"""What stays in memory when records leave it, and what is freed."""

from __future__ import annotations

import gc
import time
import weakref

import numpy as np

from jovay.kernel.block.changes import AccountChange, SlotChange
from jovay.kernel.state.world import BaseAccount, find_account
from jovay.native.hashing import keccak256
from jovay.native.library import Library
from jovay.native.records import View, dtype_of
from jovay.simulation.machine_pool import MachinePool
from jovay.state.eviction import evict
from jovay.state.tables import Tables
from jovay.state.world import NativeWorld
from jovay.state.writes import empty

CONTRACTS, CODE_SIZE, STAMP = 64, 4096, 1000


def world_of_contracts(library: Library) -> NativeWorld:
    """Contracts with code of their own, which blocks used one after the other, up to the newest one."""
    world = NativeWorld(library, 10_000, 10_000, CONTRACTS * (CODE_SIZE + 1024), 1 << 8)
    codes = [i.to_bytes(CODE_SIZE, "big") for i in range(CONTRACTS)]
    accounts = np.zeros(CONTRACTS, dtype_of(AccountChange))
    for i, (row, code) in enumerate(zip(accounts, codes, strict=True)):
        row["address"], row["exists"] = (i + 1).to_bytes(32, "little"), 1
        row["code_hash"] = keccak256(library, code)[::-1]
    world.insert(accounts, empty(SlotChange), codes)
    for i in range(CONTRACTS):
        record(world, i).owner = (STAMP - (CONTRACTS - 1 - i)) << 32
    return world


def record(world: NativeWorld, index: int) -> View:
    found = world.library[find_account](world, index + 1)
    return View(BaseAccount, found) if found else None


def test_code_leaves_too(library: Library) -> None:
    """The accounts are few enough to stay, all of them; their code is not."""
    world = world_of_contracts(library)
    assert world.is_crowded()
    assert evict(world, 0, STAMP)
    assert not world.is_crowded()
    stay = [i for i in range(CONTRACTS) if record(world, i) is not None]
    assert stay == list(range(stay[0], CONTRACTS))
    assert 4 <= len(stay) <= CONTRACTS // 4


def test_what_changed_stays_with_its_code(library: Library) -> None:
    """More than should stay: that needs force."""
    world = world_of_contracts(library)
    for i in range(CONTRACTS):
        record(world, i).version = 7
    assert not evict(world, 6, STAMP)
    assert evict(world, 6, STAMP, force=True)
    assert all(record(world, i).code for i in range(CONTRACTS))


def test_tables_left_behind_are_freed_though_machines_were_in_it(library: Library) -> None:
    world = world_of_contracts(library)
    pool = MachinePool(library, world)
    with pool.machine(time.monotonic() + 1) as machine:
        machine.attach()
        tables = weakref.ref(world.tables)
        evict(world, 0, STAMP)
        assert tables() is not None
    gc.collect()
    assert tables() is None
    with pool.machine(time.monotonic() + 1) as machine:
        machine.attach()
        assert machine.view.world == world.tables.arena.address


def test_the_source_is_there_before_the_new_tables(library: Library) -> None:
    """Readers look at the tables first, without the lock: what left it must be found in what they ask next."""
    seen = []

    class Watched(NativeWorld):
        def settle(self, tables: Tables) -> None:
            seen.append((self.source is self.stored, self.version))
            super().settle(tables)

    world = Watched(library, 1_000, 1_000, 1 << 16, 0)
    world.holds_everything()
    evict(world, 5, 1)
    assert seen[-1] == (True, 5)
