"""The kernel's state in small arenas: a world whose tables are soon full, and machines with views of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from jovay.chain.types import EMPTY_CODE_HASH
from jovay.kernel.block import changes
from jovay.kernel.lang import KernelFunction, Record
from jovay.kernel.machine import commit, journal, loading, marks, misses, view, writing
from jovay.kernel.machine.account import Account, Slot
from jovay.kernel.machine.environment import Block
from jovay.kernel.machine.layout import MachineSizes, init_machine
from jovay.kernel.machine.machine import Machine
from jovay.kernel.state import code, world
from jovay.kernel.state.layout import WorldSizes, init_world
from jovay.kernel.state.world import World
from jovay.native.arena import Arena
from jovay.native.library import Library, build
from jovay.native.records import View, assign, new_record

FUNCTIONS: tuple[KernelFunction, ...] = (
    changes.apply_changes,
    changes.collect_changes,
    changes.load_accounts,
    changes.load_slots,
    code.find_code,
    code.intern_code,
    code.is_jumpdest,
    commit.commit_view,
    loading.account_at_height,
    loading.slot_at_height,
    init_machine,
    init_world,
    journal.undo_to,
    view.account,
    misses.forget_guesses,
    view.forget_index,
    view.forget_since,
    marks.mark_created,
    writing.mark_destructed,
    view.reset_view,
    writing.set_balance,
    writing.set_code,
    writing.set_nonce,
    writing.set_slot,
    marks.set_transient,
    view.slot,
    view.slot_entry,
    marks.touch,
    marks.transient,
    marks.warm_account,
    marks.warm_slot,
    world.find_account,
    world.find_slot,
    world.insert_account,
    world.insert_slot,
)
NO_CODE = int.from_bytes(EMPTY_CODE_HASH, "big")

_WORLD_SIZES = {
    "accounts": 64, "account_index": 128, "slots": 128, "slot_index": 256, "code_bytes": 1 << 14,
    "code_index": 16, "history": 64, "changed": 1024,
}  # fmt: skip
_MACHINE_SIZES = {
    "accounts": 64, "account_index": 256, "slots": 128, "slot_index": 512, "misses": 8, "journal": 1024,
    "stack_bytes": 4096, "memory_bytes": 4096, "code_bytes": 4096, "return_bytes": 4096, "logs": 16,
    "log_bytes": 4096, "touched": 64, "scratch": 4096,
}  # fmt: skip


@cache
def library() -> Library:
    """The functions of the state, compiled on their own."""
    return build(FUNCTIONS)


def call(function: KernelFunction, *arguments: Any) -> Any:
    """Call natively; views stand for their records."""
    return library()[function](*arguments)


class Memory:
    """One arena out of which records are cut."""

    def __init__(self, size: int = 1 << 26) -> None:
        self.arena = Arena(size)
        self._next = self.arena.address

    def take(self, size: int) -> int:
        """Address of ``size`` zero bytes, 64-byte aligned."""
        at, self._next = self._next, self._next + (size + 63) // 64 * 64
        assert self._next <= self.arena.address + self.arena.size
        return at

    def record(self, record: type[Record], values: Mapping[str, int | bytes] | None = None) -> View:
        """A fresh record with these values."""
        at = self.take(record.size)
        self.arena.part(at - self.arena.address, record.size, record.__name__)
        return assign(self.arena.record(record, at), values or {})


class State:
    """A world, and the means to look into it. ``complete``: what is not in the tables does not exist."""

    def __init__(self, complete: bool = True, seed: int = 1, **sizes: int) -> None:
        self.memory = Memory()
        spec = new_record(WorldSizes, _WORLD_SIZES | sizes)
        self._end = self.memory.take(1 << 20)
        end = call(init_world, self._end, spec, seed)
        assert end <= self._end + (1 << 20)
        self.world = self.memory.arena.record(World, self._end)
        self.world.complete, self.world.height = int(complete), 1

    def machine(self, seed: int = 2, **sizes: int) -> View:
        """A machine with a view of this world."""
        spec = new_record(MachineSizes, _MACHINE_SIZES | sizes)
        at = self.memory.take(1 << 21)
        end = call(init_machine, at, spec, self.world, seed)
        assert end <= at + (1 << 21)
        machine = self.memory.arena.record(Machine, at)
        machine.block = self.memory.record(Block, {"coinbase": 0xC01})
        machine.stamp = 1
        return machine

    def put_account(self, address: int, **values: int) -> View:
        """An account in the world's table; it exists unless told otherwise."""
        found = View(world.BaseAccount, call(world.insert_account, self.world, address))
        return assign(found, {"exists": 1} | values)

    def put_slot(self, account: View, key: int, value: int, **values: int) -> View:
        """A slot in the world's table."""
        found = View(world.BaseSlot, call(world.insert_slot, self.world, account, key))
        return assign(found, values | {"value": value})


def account(machine: View, address: int) -> View | None:
    """The view's record of an account, or None where the look-up fails."""
    found = call(view.account, machine, address)
    return View(Account, found) if found else None


def slot(machine: View, owner: View, key: int) -> View | None:
    """The view's record of a slot with its value, or None."""
    found = call(view.slot, machine, owner, key)
    return View(Slot, found) if found else None


def colliding(number: int, mask: int, hashed: Callable[[int], int]) -> list[int]:
    """The first ``number`` keys that fall on the same place of an index."""
    places: dict[int, list[int]] = {}
    key = 0
    while True:
        key += 1
        place = places.setdefault(hashed(key) & mask, [])
        place.append(key)
        if len(place) == number:
            return place
