"""How much blocks take: less after slow and crowded ones, and all again later."""

from __future__ import annotations

from jovay.sequencer.production.room import Room

LIMIT = 1_000_000_000


def test_a_slow_block_makes_the_next_smaller_in_proportion() -> None:
    room = Room(100, LIMIT, seconds=0.25)
    room.made(2.5, 100, False, LIMIT)
    assert room.gas == LIMIT // 10
    room.made(0.2, 100, False, LIMIT)
    assert room.gas == LIMIT // 5
    for _ in range(3):
        room.made(0.2, 100, False, LIMIT)
    assert (room.gas, room.transactions) == (LIMIT, 100)


def test_a_crowded_block_makes_the_next_as_small_as_what_fitted() -> None:
    room = Room(100, LIMIT)
    room.made(0.1, 3, True, LIMIT)
    assert (room.gas, room.transactions) == (LIMIT, 3)
    room.made(0.1, 3, False, LIMIT)
    assert room.transactions == 6
    room.made(0.1, 0, True, LIMIT)
    assert room.transactions == 1


def test_a_lower_gas_limit_holds_at_once() -> None:
    room = Room(100, LIMIT)
    room.made(1.0, 10, False, 4_000)
    assert room.gas == 1_000
    for _ in range(10):
        room.made(1e6, 1, False, 4_000)
    assert room.gas == 1
