"""zkTrie updates and lookups against the model: any batches in any order give the same root."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jovay.kernel.trie import nodes
from jovay.native.library import build
from rigs import zktrie_model as model
from rigs.zktrie_strategies import keys, values
from rigs.zktries import ENTRIES, Plain, Store


@pytest.fixture(scope="module")
def native() -> Any:
    return build(ENTRIES)


batches = st.lists(st.lists(st.tuples(keys, values), max_size=12), max_size=6)


def check(store: Store, expected: dict[bytes, bytes]) -> None:
    live = {k: v for k, v in expected.items() if any(v)}
    assert store.root == model.root(live)
    assert store.view.leaf_count == len(live)
    for key, value in expected.items():
        assert store.get(key) == (value if any(value) else None)
    free = store.view.branch_used - store.view.free_branch_count - nodes.FIRST_BRANCH
    assert free == max(len(live) - 1, 0), "no branch is lost"
    assert store.view.leaf_used - store.view.free_leaf_count == len(live)


@settings(max_examples=150, deadline=None)
@given(batches)
def test_batches(native: Any, batches: list[list[tuple[bytes, bytes]]]) -> None:
    store, expected = Store(native), dict[bytes, bytes]()
    for batch in batches:
        assert store.update(batch) == 0
        expected |= dict(batch)
        check(store, expected)


@settings(max_examples=60, deadline=None)
@given(batches, st.data())
def test_order_and_grouping_do_not_matter(native: Any, batches: Any, data: Any) -> None:
    final = {k: v for batch in batches for k, v in batch}
    together, detour = Store(native), Store(native)
    together.update(list(final.items()))
    pairs = data.draw(st.permutations(list(final.items())))
    doomed = data.draw(st.lists(keys.filter(lambda k: k not in final), max_size=8))
    detour.update([(k, b"\7" * 32) for k in doomed])
    for pair in pairs:
        detour.update([pair])
    detour.update([(k, bytes(32)) for k in doomed])
    assert together.root == detour.root == model.root(final)
    everything = Store(native)
    everything.update(list(final.items()))
    everything.update([(k, bytes(32)) for k in final])
    assert everything.root == bytes(32)
    assert everything.view.leaf_count == 0


def random_key(i: int) -> bytes:
    return model.pack([(i * 2654435761 + j * 40503 + i * i * 7919 * (j + 3)) % model.P for j in range(8)])


def test_many_leaves(native: Any) -> None:
    """More than one chunk of hashes at a level, and far deeper batches than hypothesis draws."""
    store, n = Store(native, 4000), 2500
    expected = {random_key(i): i.to_bytes(32, "big") for i in range(1, n)}
    assert store.update(list(expected.items())) == 0
    batch = {random_key(i): (i * 3 % 7 * 1000).to_bytes(32, "big") for i in range(0, n, 3)}
    expected |= batch
    assert store.update(list(batch.items())) == 0
    check(store, expected)


def test_plain_python() -> None:
    store, expected = Store(Plain(), 20), dict[bytes, bytes]()
    for batch in ([(random_key(i), b"\1" * 32) for i in range(6)], [(random_key(2), bytes(32))]):
        assert store.update(batch) == 0
        expected |= dict(batch)
    check(store, expected)


def test_full_arena(native: Any) -> None:
    store = Store(native, 4)
    pairs = [(random_key(i), b"\1" * 32) for i in range(5)]
    assert store.update(pairs[:4]) == 0
    before = store.root
    assert store.update(pairs[4:]) == nodes.OUT_OF_MEMORY
    assert store.root == before
    assert store.update([]) == 0


def test_bad_keys(native: Any) -> None:
    store = Store(native)
    for bad in (model.P, 2**32 - 1):
        assert store.update([(model.pack([0] * 7 + [bad]), b"\1" * 32)]) == nodes.BAD_KEY
    assert store.root == bytes(32)


def test_known_root(native: Any) -> None:
    """The definition does not change unnoticed."""
    store = Store(native)
    store.update([(random_key(i), i.to_bytes(32, "big")) for i in range(1, 6)])
    expected = "9507ea472f1aae4ac79da05f901c2b0415738f1a6cd6a92ad4c19a4fce03d217"
    assert store.root.hex() == expected
