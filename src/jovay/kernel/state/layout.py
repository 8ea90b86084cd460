"""How a world is laid out in memory that the host gives, zeroed."""

from ..arenas.allocator import MOST, Allocator, aligned, is_index, unused
from ..lang import CHECKED, U64, Ptr, Record, kernel, part, reserve
from .history import VERSION_SIZE
from .world import BASE_ACCOUNT_SIZE, BASE_SLOT_SIZE, World


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
def world_footprint(sizes: WorldSizes) -> U64:
    """Bytes that ``init_world`` takes."""
    tables = aligned(sizes.accounts * BASE_ACCOUNT_SIZE) + aligned(sizes.account_index * 4)
    tables += aligned(sizes.slots * BASE_SLOT_SIZE) + aligned(sizes.slot_index * 4)
    rest = aligned(sizes.code_bytes) + aligned(sizes.code_index * 8)
    rest += aligned(sizes.history * VERSION_SIZE) + aligned(sizes.changed * 8)
    return aligned(U64(WORLD_SIZE)) + tables + rest


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
def are_world_sizes(sizes: WorldSizes) -> bool:
    """Whether a world of these sizes can be used at all, however little room is in it."""
    if not is_index(sizes.account_index, sizes.accounts) or not is_index(sizes.slot_index, sizes.slots):
        return False
    if not is_index(sizes.code_index, U64(0)):
        return False
    return sizes.code_bytes <= MOST and sizes.history <= MOST and sizes.changed <= MOST


@kernel
def new_world(allocator: Allocator, sizes: WorldSizes, seed: U64) -> World:
    """An empty world of these sizes; null where they are none or there is no room."""
    none = World(U64(0))
    if not are_world_sizes(sizes) or unused(allocator) < WORLD_SIZE:
        return none
    if CHECKED:
        if world_footprint(sizes) > unused(allocator):
            return none
    at = allocator.free
    end = init_world(at, sizes, seed)  # writes the record alone
    if end - at > unused(allocator):
        return none
    allocator.free = end
    return World(at)


WORLD_SIZE = World.size
