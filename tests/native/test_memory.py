"""Memory for vectors: blocks are their owner's alone, come back, and become one again."""

from __future__ import annotations

import numpy as np
import pytest

from jovay.native.memory import Memory

SPACE = 20


def test_blocks_do_not_overlap_and_come_back() -> None:
    memory = Memory(SPACE)
    first = {number: memory.words(count) for number, count in enumerate((512, 700, 4096, 1, 512))}
    for number, block in first.items():
        block[:] = number
    assert all((block == number).all() for number, block in first.items())
    assert all(block.ctypes.data % 4096 == 0 for block in first.values())
    place = first[0].ctypes.data
    view = first.pop(0)[:8]  # who sees a part keeps all
    assert memory.words(512).ctypes.data != place
    del view
    assert memory.words(512).ctypes.data == place


def test_what_is_free_becomes_one_again() -> None:
    memory = Memory(SPACE)
    blocks = [memory.words(512) for _ in range(1 << (SPACE - 12))]
    with pytest.raises(MemoryError):
        memory.words(1)
    del blocks
    assert len(memory.words(1 << (SPACE - 3))) == 1 << (SPACE - 3)


def test_what_is_released_is_only_what_is_free() -> None:
    memory = Memory(SPACE)
    kept, other = memory.words(512), memory.words(512)
    kept[:], other[:] = 7, 9
    place = other.ctypes.data
    del other
    memory.release()
    again = memory.words(512)
    assert again.ctypes.data == place
    assert not again.any()
    assert np.array_equal(kept, np.full(512, 7, np.uint64))
