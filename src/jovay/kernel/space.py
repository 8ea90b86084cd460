"""Memory that a pure function hands out to itself: from one arena of a given size, and never more than that.

Sizes may come from input: a request is compared with what is left before anything is added to an address.
"""

from .evm.machine import Machine
from .lang import CHECKED, U64, Ptr, Record, kernel, part
from .setup import (
    FRAMES,
    MACHINE_SIZE,
    WORLD_SIZE,
    MachineSizes,
    WorldSizes,
    aligned,
    init_machine,
    init_world,
    machine_room,
    world_room,
)
from .state.world import World

#: No capacity is larger, so that no sum of their products with record sizes wraps.
MOST = 1 << 40
#: Stacks of all frames; they have no check of their own.
STACKS = FRAMES * 1024 * 32
#: Scratch that precompiles and decoding count on without asking.
SCRATCH = 1 << 18


class Space(Record):
    """What is left: from ``free`` to ``end``, both multiples of 64."""

    free: Ptr
    end: Ptr


SPACE_SIZE = Space.size


@kernel
def scratch(space: Space, size: U64) -> None:
    """The checked build's: ``size`` bytes that are free are in use for a while, as many of them as there are."""
    if size > left(space):
        size = left(space)
    part(space.free, size, "scratch")


@kernel
def open_space(at: Ptr, arena: Ptr, size: U64) -> Space:
    """The space of an arena of ``size`` bytes, 64-byte aligned and zeroed; its record stands at ``at``."""
    space = Space(at)
    space.free, space.end = arena, arena + (size & ~U64(63))
    return space


@kernel(inline=True)
def left(space: Space) -> U64:
    return space.end - space.free


@kernel
def take(space: Space, size: U64) -> Ptr:
    """``size`` bytes, 64-byte aligned and still zero; 0 where there is no room for them."""
    if size > left(space):
        return U64(0)
    if CHECKED:
        if aligned(size) > left(space):
            return U64(0)
    at = space.free
    part(at, size, "taken")
    space.free = at + aligned(size)  # not beyond the end, which is as aligned
    return at


@kernel
def take_many(space: Space, count: U64, size: U64) -> Ptr:
    """``count`` times ``size`` bytes (not 0), likewise."""
    if count > left(space) // size:
        return U64(0)
    return take(space, count * size)


@kernel
def is_index(size: U64, capacity: U64) -> bool:
    """Whether an index of ``size`` words suits ``capacity`` records: a power of two that leaves free words."""
    return size & (size - 1) == 0 and size >= 2 and capacity <= size >> 1 and size <= MOST


@kernel
def are_world_sizes(sizes: WorldSizes) -> bool:
    """Whether a world of these sizes can be used at all, however little room is in it."""
    if not is_index(sizes.account_index, sizes.accounts) or not is_index(sizes.slot_index, sizes.slots):
        return False
    if not is_index(sizes.code_index, U64(0)):
        return False
    return sizes.code_bytes <= MOST and sizes.history <= MOST and sizes.changed <= MOST


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
def new_world(space: Space, sizes: WorldSizes, seed: U64) -> World:
    """An empty world of these sizes; null where they are none or there is no room."""
    none = World(U64(0))
    if not are_world_sizes(sizes) or left(space) < WORLD_SIZE:
        return none
    if CHECKED:
        if world_room(sizes) > left(space):
            return none
    at = space.free
    end = init_world(at, sizes, seed)  # writes the record alone
    if end - at > left(space):
        return none
    space.free = end
    return World(at)


@kernel
def new_machine(space: Space, sizes: MachineSizes, world: World, seed: U64) -> Machine:
    """A machine of these sizes over ``world``; null where they are none or there is no room."""
    none = Machine(U64(0))
    if not are_machine_sizes(sizes) or left(space) < MACHINE_SIZE:
        return none
    if CHECKED:
        if machine_room(sizes) > left(space):
            return none
    at = space.free
    end = init_machine(at, sizes, world, seed)  # writes the record alone
    if end - at > left(space):
        return none
    space.free = end
    return Machine(at)
