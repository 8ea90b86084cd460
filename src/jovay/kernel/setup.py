"""Arenas: how a world and a machine are laid out in memory that the host gives, zeroed."""

from .evm.machine import ACCOUNT_SIZE, FRAME_SIZE, LOG_SIZE, MISS_SIZE, SLOT_SIZE, Machine
from .lang import CHECKED, RED_ZONE, U64, Ptr, Record, kernel, part, reserve
from .state.history import VERSION_SIZE
from .state.journal import ENTRY
from .state.world import BASE_ACCOUNT_SIZE, BASE_SLOT_SIZE, World

MACHINE_SIZE = Machine.size
WORLD_SIZE = World.size
FRAMES = 1026


class WorldSizes(Record):
    """Capacities of a world; the two index sizes are powers of two above twice the capacity."""

    accounts: U64
    account_index: U64
    slots: U64
    slot_index: U64
    code_bytes: U64
    code_index: U64
    history: U64
    changed: U64


class MachineSizes(Record):
    """Capacities of a machine; the two index sizes are powers of two above twice the capacity."""

    accounts: U64
    account_index: U64
    slots: U64
    slot_index: U64
    misses: U64
    journal: U64
    stack_bytes: U64
    memory_bytes: U64
    code_bytes: U64
    return_bytes: U64
    logs: U64
    log_bytes: U64
    touched: U64
    scratch: U64


@kernel(inline=True)
def aligned(size: U64) -> U64:
    """What a part of ``size`` bytes takes of an arena."""
    if CHECKED:
        size += RED_ZONE
    return (size + 63) & ~U64(63)


@kernel
def init_world(at: Ptr, sizes: WorldSizes, seed: U64) -> Ptr:
    """Lay out a World at ``at`` (64-byte aligned, zeroed); answers the address behind it."""
    w = World(at)
    part(at, U64(WORLD_SIZE), "world")
    at += aligned(U64(WORLD_SIZE))
    w.accounts = at
    w.account_capacity = sizes.accounts
    at += aligned(sizes.accounts * BASE_ACCOUNT_SIZE)
    w.account_index = at
    w.account_mask = sizes.account_index - 1
    at += aligned(sizes.account_index * 4)
    w.slots = at
    w.slot_capacity = sizes.slots
    at += aligned(sizes.slots * BASE_SLOT_SIZE)
    w.slot_index = at
    w.slot_mask = sizes.slot_index - 1
    at += aligned(sizes.slot_index * 4)
    w.codes = at
    w.codes_capacity = sizes.code_bytes
    at += aligned(sizes.code_bytes)
    w.code_index = at
    w.code_mask = sizes.code_index - 1
    at += aligned(sizes.code_index * 8)
    w.history = at
    w.history_capacity = sizes.history
    at += aligned(sizes.history * VERSION_SIZE)
    w.changed = at
    w.changed_capacity = sizes.changed
    at += aligned(sizes.changed * 8)
    w.seed = seed
    if CHECKED:
        lay_out_world(w, sizes)
    return at


@kernel
def world_room(sizes: WorldSizes) -> U64:
    """Bytes that ``init_world`` takes."""
    tables = aligned(sizes.accounts * BASE_ACCOUNT_SIZE) + aligned(sizes.account_index * 4)
    tables += aligned(sizes.slots * BASE_SLOT_SIZE) + aligned(sizes.slot_index * 4)
    rest = aligned(sizes.code_bytes) + aligned(sizes.code_index * 8)
    rest += aligned(sizes.history * VERSION_SIZE) + aligned(sizes.changed * 8)
    return aligned(U64(WORLD_SIZE)) + tables + rest


@kernel
def machine_room(sizes: MachineSizes) -> U64:
    """Bytes that ``init_machine`` takes."""
    tables = aligned(sizes.accounts * ACCOUNT_SIZE) + aligned(sizes.account_index * 8)
    tables += aligned(sizes.slots * SLOT_SIZE) + aligned(sizes.slot_index * 8)
    lists = aligned((sizes.accounts + sizes.slots) * 8) + aligned(sizes.misses * MISS_SIZE)
    lists += aligned(sizes.journal * ENTRY) + aligned(U64(FRAMES * FRAME_SIZE))
    arenas = aligned(sizes.stack_bytes) + aligned(sizes.memory_bytes) + aligned(sizes.code_bytes)
    arenas += aligned(sizes.return_bytes) + aligned(sizes.logs * LOG_SIZE) + aligned(sizes.log_bytes)
    arenas += aligned(sizes.touched * 8) + aligned(sizes.scratch)
    return aligned(U64(MACHINE_SIZE)) + tables + lists + arenas


@kernel
def lay_out_world(w: World, sizes: WorldSizes) -> None:
    """Name a world's parts: the tables' records come into use one by one."""
    reserve(w.accounts, sizes.accounts * BASE_ACCOUNT_SIZE, "world.accounts")
    part(w.account_index, sizes.account_index * 4, "world.account_index")
    reserve(w.slots, sizes.slots * BASE_SLOT_SIZE, "world.slots")
    part(w.slot_index, sizes.slot_index * 4, "world.slot_index")
    reserve(w.codes, sizes.code_bytes, "world.codes")
    part(w.code_index, sizes.code_index * 8, "world.code_index")
    reserve(w.history, sizes.history * VERSION_SIZE, "world.history")
    reserve(w.changed, sizes.changed * 8, "world.changed")


@kernel
def init_machine(at: Ptr, sizes: MachineSizes, world: World, seed: U64) -> Ptr:
    """Lay out a Machine at ``at`` (64-byte aligned, zeroed); answers the address behind it."""
    m = Machine(at)
    part(at, U64(MACHINE_SIZE), "machine")
    at += aligned(U64(MACHINE_SIZE))
    m.world = world
    m.seed = seed
    m.accounts = at
    m.account_capacity = sizes.accounts
    at += aligned(sizes.accounts * ACCOUNT_SIZE)
    m.account_index = at
    m.account_mask = sizes.account_index - 1
    at += aligned(sizes.account_index * 8)
    m.slots = at
    m.slot_capacity = sizes.slots
    at += aligned(sizes.slots * SLOT_SIZE)
    m.slot_index = at
    m.slot_mask = sizes.slot_index - 1
    at += aligned(sizes.slot_index * 8)
    m.dirty = at
    m.dirty_capacity = sizes.accounts + sizes.slots
    at += aligned(m.dirty_capacity * 8)
    m.misses = at
    m.miss_capacity = sizes.misses
    at += aligned(sizes.misses * MISS_SIZE)
    m.journal = at
    m.journal_capacity = sizes.journal
    at += aligned(sizes.journal * ENTRY)
    m.frames = at
    at += aligned(U64(FRAMES * FRAME_SIZE))
    at = init_arenas(at, sizes, m)
    m.generation = U64(1)
    m.dirty_stamp = U64(1)
    m.height = ~U64(0)
    if CHECKED:
        lay_out_machine(m, sizes)
    return at


@kernel
def init_arenas(at: Ptr, sizes: MachineSizes, m: Machine) -> Ptr:
    m.stack_arena = at
    at += aligned(sizes.stack_bytes)
    m.memory_arena = at
    m.memory_capacity = sizes.memory_bytes
    at += aligned(sizes.memory_bytes)
    m.code_arena = at
    m.code_capacity = sizes.code_bytes
    at += aligned(sizes.code_bytes)
    m.return_arena = at
    m.return_capacity = sizes.return_bytes
    at += aligned(sizes.return_bytes)
    m.logs = at
    m.log_capacity = sizes.logs
    at += aligned(sizes.logs * LOG_SIZE)
    m.log_data = at
    m.log_data_capacity = sizes.log_bytes
    at += aligned(sizes.log_bytes)
    m.touched = at
    m.touched_capacity = sizes.touched
    at += aligned(sizes.touched * 8)
    m.scratch = at
    m.scratch_capacity = sizes.scratch
    return at + aligned(sizes.scratch)


@kernel
def lay_out_machine(m: Machine, sizes: MachineSizes) -> None:
    """Name a machine's parts; but for indexes and scratch nothing of them is in use yet."""
    reserve(m.accounts, sizes.accounts * ACCOUNT_SIZE, "machine.accounts")
    part(m.account_index, sizes.account_index * 8, "machine.account_index")
    reserve(m.slots, sizes.slots * SLOT_SIZE, "machine.slots")
    part(m.slot_index, sizes.slot_index * 8, "machine.slot_index")
    reserve(m.dirty, m.dirty_capacity * 8, "machine.dirty")
    reserve(m.misses, sizes.misses * MISS_SIZE, "machine.misses")
    reserve(m.journal, sizes.journal * ENTRY, "machine.journal")
    reserve(m.frames, U64(FRAMES * FRAME_SIZE), "machine.frames")
    reserve(m.stack_arena, sizes.stack_bytes, "machine.stack_arena")
    reserve(m.memory_arena, sizes.memory_bytes, "machine.memory_arena")
    reserve(m.code_arena, sizes.code_bytes, "machine.code_arena")
    part(m.return_arena, sizes.return_bytes, "machine.return_arena")
    reserve(m.logs, sizes.logs * LOG_SIZE, "machine.logs")
    reserve(m.log_data, sizes.log_bytes, "machine.log_data")
    reserve(m.touched, sizes.touched * 8, "machine.touched")
    part(m.scratch, sizes.scratch, "machine.scratch")
