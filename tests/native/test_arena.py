"""Arenas: what lies in them stays as long as somebody has it, and nothing is looked at that does not."""

import gc
import weakref

import numpy as np
import pytest

from jovay.kernel.lang import U64, Record
from jovay.native.arena import Arena, zeros
from jovay.native.errors import PointerError


class Pair(Record):
    first: U64
    second: U64


def is_mapped(address: int) -> bool:
    """Whether this process has memory at an address."""
    with open("/proc/self/maps") as maps:
        ranges = [line.split()[0].split("-") for line in maps]
    return any(int(start, 16) <= address < int(end, 16) for start, end in ranges)


@pytest.mark.parametrize(
    "look",
    [
        lambda arena: arena,
        lambda arena: arena.record(Pair),
        lambda arena: arena.array(Pair, 3),
        lambda arena: arena.array(np.uint64, 3)[1:],
        lambda arena: arena.array(Pair, 3)["second"],
        lambda arena: arena.memory(8),
    ],
)
def test_an_arena_is_released_once_nobody_looks_at_it(look):
    arena = Arena(1 << 20)
    address, ended = arena.address, weakref.ref(arena._map)
    held = look(arena)
    del arena
    gc.collect()
    assert ended() is not None
    assert is_mapped(address)
    del held
    gc.collect()
    assert ended() is None


def test_what_is_copied_out_keeps_nothing():
    arena = Arena(1 << 20)
    arena.write(b"kept")
    ended = weakref.ref(arena._map)
    copies = arena.read(4), arena.array(Pair, 2).copy(), bytes(arena.record(Pair))
    del arena
    gc.collect()
    assert ended() is None
    assert copies[0] == b"kept"
    assert copies[1]["first"][0] == int.from_bytes(b"kept", "little")


def test_records_and_arrays_are_the_same_memory():
    arena = Arena(4096)
    at = arena.address + 64
    arena.record(Pair, at + Pair.size).second = 7
    assert arena.array(Pair, 2, at)["second"].tolist() == [0, 7]
    arena.array(np.uint64, 1, at)[0] = 5
    assert arena.record(Pair, at).first == 5
    assert arena.read(8, at) == bytes(arena.memory(72)[64:]) == (5).to_bytes(8, "little")
    assert at in arena
    assert arena.address + 4096 not in arena
    assert arena.address - 1 not in arena


@pytest.mark.parametrize("offset", [-1, -(1 << 40), 4096 - 15, 4096, 1 << 40])
def test_pointers_that_lead_out_are_refused(offset):
    arena = Arena(4096)
    at = arena.address + offset
    for look in (
        lambda: arena.record(Pair, at),
        lambda: arena.array(Pair, 1, at),
        lambda: arena.array(np.uint64, 2, at),
        lambda: arena.read(16, at),
        lambda: arena.write(bytes(16), at),
    ):
        with pytest.raises(PointerError):
            look()
    with pytest.raises(PointerError):
        arena.array(Pair, 257)
    with pytest.raises(PointerError):
        arena.read(0, 0)


def test_a_reset_arena_is_zero_again_for_those_who_look_at_it():
    arena = Arena(4096)
    pair = arena.record(Pair)
    pair.first = 5
    arena.reset()
    assert pair.first == 0


def test_arrays_of_zeros():
    assert zeros(3, np.uint32).tolist() == [0, 0, 0]
    assert len(zeros(0, np.uint8)) == 0
