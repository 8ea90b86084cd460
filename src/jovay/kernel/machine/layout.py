"""How a machine is laid out in memory that the host gives, zeroed."""

from ..arenas.allocator import MOST, Allocator, aligned, is_index, unused
from ..lang import CHECKED, U64, Ptr, Record, kernel, part, reserve
from ..state.world import World
from .account import ACCOUNT_SIZE, SLOT_SIZE
from .frame import FRAME_SIZE, STACK_BYTES
from .journal import ENTRY
from .log import LOG_SIZE
from .machine import Machine
from .misses import MISS_SIZE

MACHINE_SIZE = Machine.size
#: One for each depth up to 1,024, and one beside the outermost.
FRAMES = 1026
#: Stacks of all frames; they have no check of their own.
STACKS = FRAMES * STACK_BYTES
#: Scratch that precompiles and decoding count on without asking.
SCRATCH = 1 << 18


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
    m.tables.seed = seed
    m.tables.accounts = at
    m.tables.account_capacity = sizes.accounts
    at += aligned(sizes.accounts * ACCOUNT_SIZE)
    m.tables.account_index = at
    m.tables.account_mask = sizes.account_index - 1
    at += aligned(sizes.account_index * 8)
    m.tables.slots = at
    m.tables.slot_capacity = sizes.slots
    at += aligned(sizes.slots * SLOT_SIZE)
    m.tables.slot_index = at
    m.tables.slot_mask = sizes.slot_index - 1
    at += aligned(sizes.slot_index * 8)
    m.dirty.records = at
    m.dirty.capacity = sizes.accounts + sizes.slots
    at += aligned(m.dirty.capacity * 8)
    m.misses.entries = at
    m.misses.capacity = sizes.misses
    at += aligned(sizes.misses * MISS_SIZE)
    m.journal.entries = at
    m.journal.capacity = sizes.journal
    at += aligned(sizes.journal * ENTRY)
    m.calls.frames = at
    at += aligned(U64(FRAMES * FRAME_SIZE))
    at = init_arenas(at, sizes, m)
    m.tables.generation = U64(1)
    m.dirty.stamp = U64(1)
    m.tables.height = ~U64(0)
    if CHECKED:
        lay_out_machine(m, sizes)
    return at


@kernel
def init_arenas(at: Ptr, sizes: MachineSizes, m: Machine) -> Ptr:
    m.calls.stacks = at
    at += aligned(sizes.stack_bytes)
    m.calls.memory = at
    m.calls.memory_capacity = sizes.memory_bytes
    at += aligned(sizes.memory_bytes)
    m.code.start = at
    m.code.capacity = sizes.code_bytes
    at += aligned(sizes.code_bytes)
    m.returned.data = at
    m.returned.capacity = sizes.return_bytes
    at += aligned(sizes.return_bytes)
    m.logs.records = at
    m.logs.capacity = sizes.logs
    at += aligned(sizes.logs * LOG_SIZE)
    m.logs.data = at
    m.logs.data_capacity = sizes.log_bytes
    at += aligned(sizes.log_bytes)
    m.touched.accounts = at
    m.touched.capacity = sizes.touched
    at += aligned(sizes.touched * 8)
    m.scratch.start = at
    m.scratch.capacity = sizes.scratch
    return at + aligned(sizes.scratch)


@kernel
def lay_out_machine(m: Machine, sizes: MachineSizes) -> None:
    """Name a machine's parts; but for indexes and scratch nothing of them is in use yet."""
    reserve(m.tables.accounts, sizes.accounts * ACCOUNT_SIZE, "machine.tables.accounts")
    part(m.tables.account_index, sizes.account_index * 8, "machine.tables.account_index")
    reserve(m.tables.slots, sizes.slots * SLOT_SIZE, "machine.tables.slots")
    part(m.tables.slot_index, sizes.slot_index * 8, "machine.tables.slot_index")
    reserve(m.dirty.records, m.dirty.capacity * 8, "machine.dirty")
    reserve(m.misses.entries, sizes.misses * MISS_SIZE, "machine.misses")
    reserve(m.journal.entries, sizes.journal * ENTRY, "machine.journal")
    reserve(m.calls.frames, U64(FRAMES * FRAME_SIZE), "machine.calls.frames")
    reserve(m.calls.stacks, sizes.stack_bytes, "machine.calls.stacks")
    reserve(m.calls.memory, sizes.memory_bytes, "machine.calls.memory")
    reserve(m.code.start, sizes.code_bytes, "machine.code")
    part(m.returned.data, sizes.return_bytes, "machine.returned")
    reserve(m.logs.records, sizes.logs * LOG_SIZE, "machine.logs")
    reserve(m.logs.data, sizes.log_bytes, "machine.logs.data")
    reserve(m.touched.accounts, sizes.touched * 8, "machine.touched")
    part(m.scratch.start, sizes.scratch, "machine.scratch")


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
