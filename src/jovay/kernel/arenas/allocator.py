"""Memory that a pure function hands out to itself: from one arena of a given size, and never more than that.

Sizes may come from input: a request is compared with what is left before anything is added to an address.
"""

from ..lang import CHECKED, RED_ZONE, U64, Ptr, Record, kernel, part, poison

#: No capacity is larger, so that no sum of their products with record sizes wraps.
MOST = 1 << 40


class Allocator(Record):
    """What is left: from ``free`` to ``end``, both multiples of 64."""

    free: Ptr
    end: Ptr


ALLOCATOR_SIZE = Allocator.size


@kernel
def scratch(allocator: Allocator, size: U64) -> None:
    """The checked build's: ``size`` bytes that are free are in use for a while, as many of them as there are."""
    if size > unused(allocator):
        size = unused(allocator)
    part(allocator.free, size, "scratch")


@kernel
def open_allocator(at: Ptr, arena: Ptr, size: U64) -> Allocator:
    """The allocator of an arena of ``size`` bytes, 64-byte aligned and zeroed; its record stands at ``at``."""
    allocator = Allocator(at)
    allocator.free, allocator.end = arena, arena + (size & ~U64(63))
    return allocator


@kernel(inline=True)
def unused(allocator: Allocator) -> U64:
    return allocator.end - allocator.free


@kernel
def allocate(allocator: Allocator, size: U64) -> Ptr:
    """``size`` bytes, 64-byte aligned; zero if nothing was ever there; 0 where there is no room for them."""
    if size > unused(allocator):
        return U64(0)
    if CHECKED:
        if aligned(size) > unused(allocator):
            return U64(0)
    at = allocator.free
    part(at, size, "taken")
    allocator.free = at + aligned(size)  # not beyond the end, which is as aligned
    return at


@kernel
def allocate_many(allocator: Allocator, count: U64, size: U64) -> Ptr:
    """``count`` times ``size`` bytes (not 0), likewise."""
    if count > unused(allocator) // size:
        return U64(0)
    return allocate(allocator, count * size)


@kernel
def release(allocator: Allocator, at: Ptr) -> None:
    """Give back all that was taken since ``free`` was ``at``. What is taken of it again is not zero."""
    poison(at, allocator.free - at)
    allocator.free = at


@kernel
def is_index(size: U64, capacity: U64) -> bool:
    """Whether an index of ``size`` words suits ``capacity`` records: a power of two that leaves free words."""
    return size & (size - 1) == 0 and size >= 2 and capacity <= size >> 1 and size <= MOST


@kernel(inline=True)
def aligned(size: U64) -> U64:
    """What a part of ``size`` bytes takes of an arena."""
    if CHECKED:
        size += RED_ZONE
    return (size + 63) & ~U64(63)
