"""How a machine is laid out in memory that the host gives, zeroed."""

from ..arenas.allocator import MOST, Allocator, aligned, is_index, unused
from ..lang import CHECKED, U64, Ptr, Record, kernel, part, reserve
from ..state.world import World
from .account import ACCOUNT_SIZE, SLOT_SIZE
from .frame import FRAME_SIZE
from .journal import ENTRY
from .log import LOG_SIZE
from .machine import Machine
from .misses import MISS_SIZE

MACHINE_SIZE = Machine.size
FRAMES = 1026


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


@kernel
def machine_footprint(sizes: MachineSizes) -> U64:
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


#: Stacks of all frames; they have no check of their own.
STACKS = FRAMES * 1024 * 32
#: Scratch that precompiles and decoding count on without asking.
SCRATCH = 1 << 18


@kernel
def are_machine_sizes(sizes: MachineSizes) -> bool:
    """The same for a machine."""
    if not is_index(sizes.account_index, sizes.accounts) or not is_index(sizes.slot_index, sizes.slots):
        return False
    if sizes.stack_bytes < STACKS or sizes.scratch < SCRATCH:
        return False
    tables = sizes.misses <= MOST and sizes.journal <= MOST and sizes.touched <= MOST and sizes.logs <= MOST
    bytes_ = sizes.stack_bytes | sizes.memory_bytes | sizes.code_bytes | sizes.return_bytes
    return tables and (bytes_ | sizes.log_bytes | sizes.scratch) < 2 * MOST


@kernel
def new_machine(allocator: Allocator, sizes: MachineSizes, world: World, seed: U64) -> Machine:
    """A machine of these sizes over ``world``; null where they are none or there is no room."""
    none = Machine(U64(0))
    if not are_machine_sizes(sizes) or unused(allocator) < MACHINE_SIZE:
        return none
    if CHECKED:
        if machine_footprint(sizes) > unused(allocator):
            return none
    at = allocator.free
    end = init_machine(at, sizes, world, seed)  # writes the record alone
    if end - at > unused(allocator):
        return none
    allocator.free = end
    return Machine(at)
