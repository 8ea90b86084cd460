"""How much blocks take: less after slow and crowded ones, and all again later."""

from __future__ import annotations

from jovay.sequencer.production.block_limits import BlockLimits

LIMIT = 1_000_000_000


def test_a_slow_block_makes_the_next_smaller_in_proportion() -> None:
    limits = BlockLimits(100, LIMIT, seconds=0.25)
    limits.made(2.5, 100, False, LIMIT)
    assert limits.gas == LIMIT // 10
    limits.made(0.2, 100, False, LIMIT)
    assert limits.gas == LIMIT // 5
    for _ in range(3):
        limits.made(0.2, 100, False, LIMIT)
    assert (limits.gas, limits.transactions) == (LIMIT, 100)


def test_a_crowded_block_makes_the_next_as_small_as_what_fitted() -> None:
    limits = BlockLimits(100, LIMIT)
    limits.made(0.1, 3, True, LIMIT)
    assert (limits.gas, limits.transactions) == (LIMIT, 3)
    limits.made(0.1, 3, False, LIMIT)
    assert limits.transactions == 6
    limits.made(0.1, 0, True, LIMIT)
    assert limits.transactions == 1


def test_a_lower_gas_limit_holds_at_once() -> None:
    limits = BlockLimits(100, LIMIT)
    limits.made(1.0, 10, False, 4_000)
    assert limits.gas == 1_000
    for _ in range(10):
        limits.made(1e6, 1, False, 4_000)
    assert limits.gas == 1
