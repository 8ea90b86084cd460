"""What is full, or damaged, is told with what to do about it."""

from __future__ import annotations

import numpy as np
import pytest

from jovay.native.library import Library
from jovay.state.errors import StateDamagedError, TrieFullError, WorldFullError
from jovay.state.trie import StateTrie
from jovay.state.world import NativeWorld
from jovay.state.writes import WriteSet
from rigs.write_sets import account_changes, slot_changes


def test_a_full_state_trie_names_its_option_and_changes_nothing(library: Library) -> None:
    trie = StateTrie(library, 64)
    few = account_changes([(number, 1, 1, True, 0) for number in range(1, 9)])
    root = trie.update(WriteSet(few, slot_changes([])))
    many = account_changes([(number, 1, 1, True, 0) for number in range(100, 200)])
    with pytest.raises(
        TrieFullError, match=r"full: \d+ of 64 leaves .*100 accounts.*\(--trie-leaves"
    ) as full:
        trie.update(WriteSet(many, slot_changes([(1, 1, 1)])))
    assert full.value.capacity == 64
    assert trie.root() == root


def test_full_tables_name_their_options(library: Library) -> None:
    world = NativeWorld(library, 64, 64)
    with pytest.raises(WorldFullError, match=r"table of accounts is full .*--accounts"):
        world.insert(account_changes([(n, 1, 1, True, 0) for n in range(1, 400)]), slot_changes([]), ())
    world = NativeWorld(library, 64, 64)
    slots = slot_changes([(1, number, 1) for number in range(1, 400)])
    with pytest.raises(WorldFullError, match=r"table of slots is full .*--slots"):
        world.insert(account_changes([(1, 1, 1, True, 0)]), slots, ())


def test_a_slot_without_its_account_is_no_full_table(library: Library) -> None:
    world = NativeWorld(library, 64, 64)
    with pytest.raises(StateDamagedError, match=r"damaged: it has a slot of 0x0{38}ab, but no such account"):
        world.insert(np.zeros(0, account_changes([]).dtype), slot_changes([(0xAB, 1, 1)]), ())
