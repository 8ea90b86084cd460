"""The index against a dictionary: few slots and fewer tags, so that everything collides and wraps around."""

from __future__ import annotations

import ctypes
import random

import pytest

from jovay.kernel.arenas.index import erase, next_match, put
from jovay.kernel.lang import U64

SLOTS = 16


def find(words: int, tag: int) -> set[int]:
    """All positions under a tag."""
    found, at = set(), U64(tag & SLOTS - 1)
    while True:
        at = next_match(U64(words), U64(SLOTS - 1), at, U64(tag))
        word = ctypes.c_uint64.from_address(int(words + at * 8)).value
        if word == 0:
            return found
        found.add((word & 0xFFFFFFFF) - 1)
        at = (at + 1) & (SLOTS - 1)


@pytest.mark.parametrize("seed", range(5))
def test_positions_come_and_go(seed: int) -> None:
    choose = random.Random(seed)
    memory = (ctypes.c_uint64 * SLOTS)()
    words, mask = U64(ctypes.addressof(memory)), U64(SLOTS - 1)
    tags = [choose.choice((0, 1, 14, 15)) | choose.randint(0, 1) << 31 for _ in range(6)]
    model: dict[int, int] = {}
    for _ in range(300):
        if model and (len(model) == SLOTS - 2 or choose.random() < 0.5):
            position = choose.choice(sorted(model))
            erase(words, mask, U64(model.pop(position)), U64(position))
        else:
            position = choose.choice([p for p in range(40) if p not in model])
            model[position] = choose.choice(tags)
            put(words, mask, U64(model[position]), U64(position))
        erase(words, mask, U64(tags[0]), U64(99))  # not there
        for tag in tags:
            assert find(int(words), tag) == {p for p, own in model.items() if own == tag}
        assert sum(word != 0 for word in memory) == len(model)
